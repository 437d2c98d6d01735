import { expect, test } from 'vitest';
import {
  cancelled,
  closePolygon,
  IDLE,
  type PointerDown,
  pointerDown,
  pointerMove,
  pointerUp,
  type ToolState,
  withoutCorner,
} from './tools.ts';

const at = (x: number, y: number, more: Partial<PointerDown> = {}): PointerDown => ({
  tool: 'click',
  button: 0,
  shift: false,
  alt: false,
  positive: true,
  image: { x, y },
  canvas: { x: 2 * x, y: 2 * y },
  scale: 2,
  ...more,
});
const click = (gesture: PointerDown, state: ToolState = IDLE) => pointerUp(pointerDown(state, gesture).state);

test('a click is positive, with shift or the right button negative', () => {
  const signs = [at(1, 1), at(1, 1, { shift: true }), at(1, 1, { button: 2 })].map((gesture) => {
    const { request } = click(gesture);
    return request?.kind === 'point' && request.positive;
  });
  expect(signs).toEqual([true, false, false]);
});

test('in the other mode a plain click is negative and shift turns it back', () => {
  const { request } = click(at(1, 1, { positive: false, shift: true }));
  expect(request).toMatchObject({ kind: 'point', positive: true });
});

test('a second finger takes a click back before it counts', () => {
  expect(cancelled(pointerDown(IDLE, at(1, 1)).state)).toEqual({ state: IDLE, request: null });
});

test('a box is drawn in any direction, with shift for a further object', () => {
  for (const shift of [false, true]) {
    const down = pointerDown(IDLE, at(30, 40, { tool: 'box', shift }));
    const dragged = pointerMove(down.state, { x: 10, y: 20 }, { x: 0, y: 0 });
    expect(pointerUp(dragged.state)).toEqual({
      state: IDLE,
      request: { kind: 'box', box: { x0: 10, y0: 20, x1: 30, y1: 40 }, further: shift },
    });
  }
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

test('the brush paints from point to point; the right button and the end of a pen erase', () => {
  const down = pointerDown(IDLE, at(1, 2, { tool: 'brush' }));
  expect(down.request).toEqual({ kind: 'paint-start', at: { x: 1, y: 2 }, erases: false });
  const moved = pointerMove(down.state, { x: 4, y: 2 }, { x: 0, y: 0 });
  expect(moved.request).toEqual({ kind: 'paint', from: { x: 1, y: 2 }, to: { x: 4, y: 2 } });
  expect(pointerUp(moved.state)).toEqual({ state: IDLE, request: { kind: 'paint-end' } });
  expect(cancelled(moved.state).request).toEqual({ kind: 'paint-cancel' });
  for (const erasing of [{ button: 2 }, { button: 5 }, { shift: true }, { tool: 'eraser' as const }]) {
    const { request } = pointerDown(IDLE, at(1, 2, { tool: 'brush', ...erasing }));
    expect(request).toMatchObject({ kind: 'paint-start', erases: true });
  }
});

test('an object is chosen with its tool, or with Alt under any other', () => {
  const chosen = { kind: 'select', point: { x: 3, y: 3 }, adds: false };
  expect(pointerDown(IDLE, at(3, 3, { tool: 'select' })).request).toEqual(chosen);
  expect(pointerDown(IDLE, at(3, 3, { tool: 'brush', alt: true })).request).toEqual(chosen);
});

test('a cut goes where the pointer went, and a click is none', () => {
  const down = pointerDown(IDLE, at(1, 1, { tool: 'cut' }));
  expect(pointerUp(down.state)).toEqual({ state: IDLE, request: null });
  const moved = pointerMove(down.state, { x: 9, y: 3 }, { x: 0, y: 0 });
  const line = [
    { x: 1, y: 1 },
    { x: 9, y: 3 },
  ];
  expect(pointerUp(moved.state)).toEqual({ state: IDLE, request: { kind: 'cut', line } });
});

/** A polygon with these corners, drawn by clicks. */
function outline(...corners: readonly (readonly [number, number])[]): ToolState {
  let state: ToolState = IDLE;
  for (const [x, y] of corners) state = click(at(x, y, { tool: 'polygon' }), state).state;
  return state;
}
const polygon = { tool: 'polygon' as const };

test('a polygon grows by clicks and is closed at its first corner, or by Enter', () => {
  const drawn = outline([0, 0], [40, 0], [40, 40]);
  const corners = [
    { x: 0, y: 0 },
    { x: 40, y: 0 },
    { x: 40, y: 40 },
  ];
  expect(pointerDown(drawn, at(1, 1, polygon))).toEqual({
    state: IDLE,
    request: { kind: 'polygon', corners },
  });
  expect(drawn.mode === 'outlining' && closePolygon(drawn).request).toEqual({ kind: 'polygon', corners });
  const line = outline([0, 0], [40, 0]);
  expect(line.mode === 'outlining' && closePolygon(line).request).toBeNull();
});

test('corners of a polygon are moved, put in between, and taken out', () => {
  const drawn = outline([0, 0], [40, 0], [40, 40]);
  const moved = pointerMove(pointerDown(drawn, at(41, 1, polygon)).state, { x: 50, y: 5 }, { x: 0, y: 0 });
  expect(moved.state).toMatchObject({ corners: [{ x: 0 }, { x: 50, y: 5 }, { x: 40, y: 40 }] });
  const between = click(at(20, 1, polygon), drawn);
  expect(between.state).toMatchObject({ corners: [{ x: 0 }, { x: 20, y: 1 }, { x: 40, y: 0 }, { y: 40 }] });
  const without = pointerDown(drawn, at(40, 1, { ...polygon, alt: true }));
  expect(without.state).toMatchObject({
    corners: [
      { x: 0, y: 0 },
      { x: 40, y: 40 },
    ],
    moving: null,
  });
  expect(withoutCorner([{ x: 1, y: 1 }])).toEqual(IDLE);
});
