import { expect, test } from 'vitest';
import { IDLE, move, type Press, press, release } from './tools.ts';

const at = (x: number, y: number, more: Partial<Press> = {}): Press => ({
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
    const { request } = press(IDLE, gesture);
    return request?.ask === 'point' && request.positive;
  });
  expect(signs).toEqual([true, false, false]);
});

test('in the other mode a plain click is negative and shift turns it back', () => {
  const { request } = press(IDLE, at(1, 1, { positive: false, shift: true }));
  expect(request).toMatchObject({ ask: 'point', positive: true });
});

test('a box is drawn in any direction', () => {
  const down = press(IDLE, at(30, 40, { tool: 'box' }));
  const dragged = move(down.state, { x: 10, y: 20 }, { x: 0, y: 0 });
  expect(release(dragged.state)).toEqual({
    state: IDLE,
    request: { ask: 'box', box: { x0: 10, y0: 20, x1: 30, y1: 40 } },
  });
});

test('a slip of the hand is no box', () => {
  const down = press(IDLE, at(30, 40, { tool: 'box' }));
  expect(release(down.state).request).toBeNull();
});

test('panning moves by canvas pixels, with the middle button under any tool', () => {
  const down = press(IDLE, at(10, 10, { tool: 'box', button: 1 }));
  const moved = move(down.state, { x: 0, y: 0 }, { x: 25, y: 18 });
  expect(moved.request).toEqual({ ask: 'pan', dx: 5, dy: -2 });
  expect(release(moved.state)).toEqual({ state: IDLE, request: null });
});
