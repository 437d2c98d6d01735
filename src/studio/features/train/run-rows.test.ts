import { expect, test } from 'vitest';
import { fakeRun } from '../../testing/fake-runs.ts';
import { runRows, scoreSeries } from './run-rows.ts';

const measure = (gain: number) => ({
  ...{ base: 0.5, tuned: 0.5 + gain, gainLow: gain - 0.02, gainHigh: gain + 0.02, n: 9, images: 4 },
});
const run = (serial: number, gain: number | null, trainableCount?: number) => {
  const made = fakeRun('finished', serial);
  const verdict =
    made.verdict && gain !== null ? { ...made.verdict, box: measure(gain), click: measure(gain) } : null;
  return { ...made, verdict, ...(trainableCount !== undefined && { trainableCount }) };
};

test('runs are sorted by what is asked, the unknown last', () => {
  const runs = [run(1, 0.1, 30), run(2, null), run(3, 0.2, 40)];
  const ids = (by: Parameters<typeof runRows>[1]) => runRows(runs, by).map((row) => row.run.id);
  expect(ids('gain')).toEqual(['run-3', 'run-1', 'run-2']);
  expect(ids('parameters')).toEqual(['run-1', 'run-3', 'run-2']);
  expect(ids('created')).toEqual(['run-3', 'run-2', 'run-1']);
  expect(ids('name')[0]).toBe('run-2');
  const [best] = runRows(runs, 'gain');
  expect(best?.gain?.mean).toBeCloseTo(0.2);
  expect(best?.gain?.error).toBeCloseTo(0.02);
  expect(best?.seconds).toBeCloseTo(480);
});

test('gains are over the base model, from the paired interval where there is one, or over another run', () => {
  const made = run(1, 0.1);
  if (!made.verdict) throw new Error('no verdict');
  const both = { ...measure(0.1), gainLow: 0.09, gainHigh: 0.11 };
  const paired = { ...made, verdict: { ...made.verdict, both } };
  expect(runRows([paired], 'gain')[0]?.gain?.error).toBeCloseTo(0.01);
  const runs = [paired, run(2, 0.2), run(3, 0.3)];
  const over = new Map([
    ['run-1', measure(0.05)],
    ['run-2', null],
  ]);
  const rows = runRows(runs, 'gain', over);
  expect(rows.map(({ run: { id }, gain }) => [id, gain && Math.round(gain.mean * 100)])).toEqual([
    ['run-1', 5],
    ['run-3', null],
    ['run-2', null],
  ]);
});

test('a gain on images that are too few for an interval has no error', () => {
  const made = run(1, 0.1);
  if (!made.verdict) throw new Error('no verdict');
  const both = { ...measure(0.1), gainLow: -1, gainHigh: 1, n: 3, images: 1 };
  const [row] = runRows([{ ...made, verdict: { ...made.verdict, both } }], 'gain');
  expect(row?.gain?.mean).toBeCloseTo(0.1);
  expect(row?.gain?.error).toBeNull();
});

test('validation scores of runs stand side by side by step', () => {
  const at = (step: number, iou: number, split: 'validation' | 'test' = 'validation') => ({
    ...{ step, datasetId: 'a', split, boxIou: iou, clickIou: iou - 0.2, n: 1 },
  });
  const series = scoreSeries(
    new Map([
      ['one', { evals: [at(0, 0.5), at(20, 0.75), at(20, 0.9, 'test')] }],
      ['two', { evals: [at(0, 0.5), at(10, 0.6)] }],
    ]),
  );
  expect(series.map(({ step }) => step)).toEqual([0, 10, 20]);
  expect(series[0]).toEqual({ step: 0, one: 0.4, two: 0.4 });
  expect(series[2]?.one).toBeCloseTo(0.65);
});
