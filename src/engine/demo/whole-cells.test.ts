import { expect, test } from 'vitest';
import { drawCells } from './whole-cells.ts';

test('the cells of an image are objects of a useful size, numbered without gaps, and the same each time', () => {
  const { image, objects } = drawCells(3);
  const area = new Map<number, number>();
  for (const id of objects.data) if (id > 0) area.set(id, (area.get(id) ?? 0) + 1);
  expect([...area.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: area.size }, (_, i) => i + 1));
  expect(area.size).toBeGreaterThan(10);
  expect(Math.min(...area.values())).toBeGreaterThanOrEqual(350);
  expect(image.data.length).toBe(3 * objects.data.length);
  expect(drawCells(3).image.data).toEqual(image.data);
  expect(drawCells(4).image.data).not.toEqual(image.data);
});
