import { expect, test } from 'vitest';
import { checksAfter, isCheckDue } from './checks.ts';

test('checks that are to come are those that will be due', () => {
  for (const schedule of [
    { steps: 300, evalEvery: 50 },
    { steps: 7, evalEvery: 3 },
    { steps: 5, evalEvery: 100 },
    { steps: 1, evalEvery: 1 },
  ]) {
    for (let step = -1; step <= schedule.steps; step++) {
      let due = 0;
      for (let later = step + 1; later <= schedule.steps; later++) due += Number(isCheckDue(later, schedule));
      expect(checksAfter(step, schedule)).toBe(due);
    }
  }
});
