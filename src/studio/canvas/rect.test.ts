import { expect, test } from 'vitest';
import { intersect, stripsAfterMove } from './rect.ts';

const screen = { width: 100, height: 80 };

test('after a move only the strips that came into view are painted', () => {
  expect(stripsAfterMove(screen, 0, 0)).toEqual([]);
  expect(stripsAfterMove(screen, 7, 0)).toEqual([{ x: 0, y: 0, width: 7, height: 80 }]);
  expect(stripsAfterMove(screen, -7, 5)).toEqual([
    { x: 93, y: 0, width: 7, height: 80 },
    { x: 0, y: 0, width: 100, height: 5 },
  ]);
  expect(stripsAfterMove(screen, 0, -80)).toEqual([{ x: 0, y: 0, width: 100, height: 80 }]);
});

test('rectangles that only touch share nothing', () => {
  const left = { x: 0, y: 0, width: 10, height: 10 };
  const right = { x: 10, y: 5, width: 10, height: 10 };
  expect(intersect(left, right)).toBeNull();
  expect(intersect(left, { ...right, x: 8 })).toEqual({ x: 8, y: 5, width: 2, height: 5 });
});
