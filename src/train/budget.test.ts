import { describe, expect, it } from 'vitest';
import type { ModuleId } from '../peft/modules.ts';
import {
  isRemovalDue,
  isSettled,
  leastOf,
  type ModuleScore,
  sensitivity,
  shareAt,
  withScores,
} from './budget.ts';

describe('the share that is kept', () => {
  it('is everything at first, falls along a cubic, and is the budget from 70 % of the steps on', () => {
    expect([0, 0.3, 0.7, 1].map((progress) => shareAt(progress, 0.25))).toEqual([1, 1, 0.25, 0.25]);
    expect(shareAt(0.5, 0.25)).toBeCloseTo(0.25 + 0.75 / 8, 12);
    expect([69, 70, 100].map((step) => isSettled(step, 100))).toEqual([false, true, true]);
  });

  // As the twin takes them out: `python -c` over mopeft.train.budget.Budget.
  it.each([
    [5, [2, 3, 4]],
    [10, [4, 5, 6, 7]],
    [15, [5, 6, 7, 8, 9, 10, 11]],
    [60, [21, 24, 27, 30, 33, 36, 39, 42]],
    [300, [105, 120, 135, 150, 165, 180, 195, 210]],
  ])('changes in a run of %i steps after %j', (steps, expected) => {
    const due = Array.from({ length: steps }, (_, i) => i + 1).filter((step) => isRemovalDue(step, steps));
    expect(due).toEqual(expected);
  });
});

describe('what goes first', () => {
  const modules = [
    { method: 'lora', block: 0, parameters: 100 },
    { method: 'prefix', block: 0, parameters: 10 },
    { method: 'lora', block: 1, parameters: 100 },
  ];
  const score = (method: string, block: number, mean: number) => ({ method, block, mean, spread: 1 });
  const valueIn =
    (scores: readonly ModuleScore[]) =>
    ({ method, block }: ModuleId): number => {
      const found = scores.find((each) => each.method === method && each.block === block);
      return found ? sensitivity(found) : 0;
    };

  it('has the least score for its size, and no more goes than must', () => {
    const scores = [score('lora', 0, 3), score('prefix', 0, 0.2), score('lora', 1, 1)];
    expect(leastOf(modules, valueIn(scores), 210)).toEqual([]);
    expect(leastOf(modules, valueIn(scores), 209.6)).toEqual([]);
    expect(leastOf(modules, valueIn(scores), 120).map(({ method, block }) => `${method} ${block}`)).toEqual([
      'lora 1',
    ]);
    expect(leastOf(modules, valueIn(scores), 105).map(({ method, block }) => `${method} ${block}`)).toEqual([
      'lora 1',
      'prefix 0',
    ]);
  });

  it('is never the last one', () => {
    expect(leastOf(modules, () => 0, 0)).toHaveLength(2);
  });

  it('is told by moving averages of the score and of its deviation, of modules that are there alone', () => {
    const first = withScores([score('prefix', 0, 7)], [{ method: 'lora', block: 0, score: 2 }]);
    expect(first).toEqual([{ method: 'lora', block: 0, mean: 2, spread: 0 }]);
    const [second] = withScores(first, [{ method: 'lora', block: 0, score: 4 }]);
    expect(second?.mean).toBeCloseTo(0.85 * 2 + 0.15 * 4, 12);
    expect(second?.spread).toBeCloseTo(0.15 * (4 - 2.3), 12);
  });
});
