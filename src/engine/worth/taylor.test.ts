import { expect, test } from 'vitest';
import { taylorScores } from './taylor.ts';

const step = { type: 'step', loss: 1, focal: 1, dice: 1, iou: 1, lr: 1, norm: 1, ms: 1 } as const;

test('a module’s estimate is the mean over the steps in which it was there', () => {
  const lines = [
    { ...step, step: 1, scores: [{ lora: 1, adapter: 4 }, {}] },
    { ...step, step: 2, scores: [{ lora: 3 }, {}] },
    { ...step, step: 3 },
  ];
  expect(taylorScores(lines)).toEqual([{ lora: 2, adapter: 4 }, {}]);
});

test('a run whose gates record none has none', () => {
  expect(taylorScores([{ ...step, step: 1 }])).toBeNull();
  expect(taylorScores([])).toBeNull();
});
