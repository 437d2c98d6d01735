import { expect, it } from 'vitest';
import type { StepEvent } from '../../train/events.ts';
import { describeProfile, describeSummary, passesCsv, summarise } from './steps.ts';

it('sums passes by kind and gives the rates of each', () => {
  const pass = { phase: 'forward', workgroups: [2, 3, 1], flops: 4e9, bytes: 1e6 } as const;
  const profile = {
    type: 'profile',
    step: 5,
    clock: 'fences',
    passes: [
      { ...pass, label: 'add:add', microseconds: 1000, flops: 0 },
      { ...pass, label: 'matmul:quad', microseconds: 1000 },
      { ...pass, label: 'matmul:quad', microseconds: 2000 },
    ],
  } as const;
  const [head, , first, second, all] = describeProfile(profile).split('\n');
  expect(head).toMatch(/^3 passes.* host/);
  expect(first).toMatch(/^matmul:quad +2 +3\.00 +75\.0 % +2667 +0\.667$/);
  expect(second).toMatch(/^add:add +1 +1\.00 +25\.0 % +0 +1$/);
  expect(all).toMatch(/^all +3 +4\.00 +100\.0 %/);
  expect(passesCsv(profile.passes)).toContain(
    '\r\n1,forward,matmul:quad,1000,2,3,1,6,4000000000,1000000\r\n',
  );
});

it('says what of a step no span explains', () => {
  const losses = { loss: 1, focal: 1, dice: 1, iou: 1, lr: 1, norm: 1 };
  const step = (ms: number): StepEvent => ({
    type: 'step',
    step: 2,
    ...losses,
    ms,
    spans: { data: 1, encoding: 20, waiting: ms - 30, busy: ms - 5 },
  });
  const summary = summarise([step(100), step(400), step(130)]);
  expect(summary).toEqual({ step: 130, data: 1, encoding: 20, waiting: 100, other: 9, busy: 125 });
  expect(describeSummary(summary)).toMatch(/step 130 ms.* data 1\.0 ms.* other 9\.0 ms/);
});
