import { expect, test } from 'vitest';
import { Pinch } from './pinch.ts';
import { toImage } from './view.ts';

const view = { scale: 1, left: 0, top: 0 };

test('one finger moves nothing, and two zoom about what lies between them', () => {
  const pinch = new Pinch();
  pinch.down(1, { x: 100, y: 100 });
  expect(pinch.isActive).toBe(false);
  expect(pinch.move(1, { x: 110, y: 100 }, view)).toBe(view);
  pinch.down(2, { x: 210, y: 100 });
  expect(pinch.isActive).toBe(true);
  const zoomed = pinch.move(2, { x: 310, y: 100 }, view);
  expect(zoomed.scale).toBe(2);
  expect(toImage(zoomed, { x: 210, y: 100 })).toEqual(toImage(view, { x: 160, y: 100 }));
  pinch.up(1);
  expect(pinch.isActive).toBe(false);
  expect(pinch.move(2, { x: 0, y: 0 }, zoomed)).toBe(zoomed);
});

test('two fingers that go the same way move the image with them', () => {
  const pinch = new Pinch();
  pinch.down(1, { x: 0, y: 0 });
  pinch.down(2, { x: 100, y: 0 });
  const half = pinch.move(1, { x: 0, y: 50 }, view);
  const moved = pinch.move(2, { x: 100, y: 50 }, half);
  expect(moved.scale).toBeCloseTo(1);
  expect(moved.left).toBeCloseTo(0);
  expect(moved.top).toBeCloseTo(50);
});

test('two fingers at one place and fingers that were never put down do no harm', () => {
  const pinch = new Pinch();
  pinch.down(1, { x: 5, y: 5 });
  pinch.down(2, { x: 5, y: 5 });
  expect(pinch.move(2, { x: 9, y: 5 }, view).scale).toBe(1);
  expect(pinch.move(3, { x: 9, y: 5 }, view)).toBe(view);
});
