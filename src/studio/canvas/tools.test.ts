import { expect, test } from 'vitest';
import { IDLE, type PointerDown, pointerDown, pointerMove, pointerUp } from './tools.ts';

const at = (x: number, y: number, more: Partial<PointerDown> = {}): PointerDown => ({
  tool: 'click',
  button: 0,
  shift: false,
  positive: true,
  image: { x, y },
  canvas: { x: 2 * x, y: 2 * y },
  ...more,
});

test('a click is positive, with shift or the right button negative', () => {
  const signs = [at(1, 1), at(1, 1, { shift: true }), at(1, 1, { button: 2 })].map((gesture) => {
    const { request } = pointerDown(IDLE, gesture);
    return request?.kind === 'point' && request.positive;
  });
  expect(signs).toEqual([true, false, false]);
});

test('in the other mode a plain click is negative and shift turns it back', () => {
  const { request } = pointerDown(IDLE, at(1, 1, { positive: false, shift: true }));
  expect(request).toMatchObject({ kind: 'point', positive: true });
});

test('a box is drawn in any direction', () => {
  const down = pointerDown(IDLE, at(30, 40, { tool: 'box' }));
  const dragged = pointerMove(down.state, { x: 10, y: 20 }, { x: 0, y: 0 });
  expect(pointerUp(dragged.state)).toEqual({
    state: IDLE,
    request: { kind: 'box', box: { x0: 10, y0: 20, x1: 30, y1: 40 } },
  });
});

test('a slip of the hand is no box', () => {
  const down = pointerDown(IDLE, at(30, 40, { tool: 'box' }));
  expect(pointerUp(down.state).request).toBeNull();
});

test('panning moves by canvas pixels, with the middle button under any tool', () => {
  const down = pointerDown(IDLE, at(10, 10, { tool: 'box', button: 1 }));
  const moved = pointerMove(down.state, { x: 0, y: 0 }, { x: 25, y: 18 });
  expect(moved.request).toEqual({ kind: 'pan', dx: 5, dy: -2 });
  expect(pointerUp(moved.state)).toEqual({ state: IDLE, request: null });
});
