import { beforeEach, expect, test } from 'vitest';
import { MovedLayer } from './moved-layer.ts';
import type { Rect } from './rect.ts';

let painted: Rect[] = [];
let moved: number[][] = [];
let layer: MovedLayer;
const view = { scale: 1, left: 0, top: 0 };

beforeEach(() => {
  painted = [];
  moved = [];
  const context = {
    clearRect: () => undefined,
    drawImage: (_: unknown, dx: number, dy: number) => void moved.push([dx, dy]),
  };
  const canvas = { width: 100, height: 80, getContext: () => context } as unknown as HTMLCanvasElement;
  layer = new MovedLayer(canvas, (_, __, rect) => void painted.push(rect));
  layer.draw(view);
  painted = [];
});

test('panning moves what is painted, and paints only the strip that comes into view', () => {
  layer.draw({ ...view, left: -6 });
  expect(moved).toEqual([[-6, 0]]);
  expect(painted).toEqual([{ x: 94, y: 0, width: 6, height: 80 }]);
});

test('what changed is painted alone, as far as it is on the screen', () => {
  layer.change({ x: 90, y: 70, width: 20, height: 5 });
  layer.change({ x: 200, y: 0, width: 5, height: 5 });
  layer.draw(view);
  expect([moved, painted]).toEqual([[], [{ x: 90, y: 70, width: 10, height: 5 }]]);
  painted = [];
  layer.draw(view);
  expect(painted).toEqual([]);
});

test('another zoom, another content, or many changes paint everything once', () => {
  const whole = [{ x: 0, y: 0, width: 100, height: 80 }];
  layer.draw({ ...view, scale: 2 });
  expect(painted).toEqual(whole);
  painted = [];
  layer.reset();
  layer.draw({ ...view, scale: 2 });
  expect(painted).toEqual(whole);
  painted = [];
  for (let i = 0; i < 3; i++) layer.change({ x: 0, y: 0, width: 90, height: 40 });
  layer.draw({ ...view, scale: 2 });
  expect(painted).toEqual(whole);
});
