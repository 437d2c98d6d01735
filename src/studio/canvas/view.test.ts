import { expect, test } from 'vitest';
import { fitView, isInside, toCanvas, toImage, zoomView } from './view.ts';

test('a fitted image is centred and inside', () => {
  const view = fitView({ width: 400, height: 100 }, { width: 824, height: 624 });
  expect(view.scale).toBe(2);
  expect(toCanvas(view, { x: 200, y: 50 })).toEqual({ x: 412, y: 312 });
});

test('zooming keeps the pixel under the pointer', () => {
  const view = fitView({ width: 640, height: 480 }, { width: 800, height: 600 });
  const at = { x: 123, y: 456 };
  const before = toImage(view, at);
  const after = toImage(zoomView(view, 3.7, at), at);
  expect(after.x).toBeCloseTo(before.x);
  expect(after.y).toBeCloseTo(before.y);
});

test('zoom stops at its limits without moving the image', () => {
  const view = { scale: 64, left: 10, top: 20 };
  expect(zoomView(view, 2, { x: 5, y: 5 })).toEqual(view);
});

test('there and back', () => {
  const view = { scale: 1.5, left: -40, top: 17 };
  const point = toImage(view, toCanvas(view, { x: 12.5, y: 7.5 }));
  expect(point.x).toBeCloseTo(12.5);
  expect(point.y).toBeCloseTo(7.5);
});

test('the far edge is outside, the near edge inside', () => {
  expect(isInside({ x: 0, y: 0 }, { width: 4, height: 4 })).toBe(true);
  expect(isInside({ x: 4, y: 0 }, { width: 4, height: 4 })).toBe(false);
});
