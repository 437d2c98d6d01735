import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Stage } from './stage.ts';

const SIZE = { width: 100, height: 60 };
const bitmap: ImageBitmap = { width: 10, height: 6, close: () => undefined };
/** How long painting a layer takes, by the clock. */
let cost = 0;
let clock = 0;
let frames: (() => void)[] = [];

function canvas(): HTMLCanvasElement {
  const context = {
    ...Object.fromEntries(
      ['save', 'restore', 'beginPath', 'rect', 'clip', 'drawImage', 'setTransform'].map((name) => [
        name,
        () => undefined,
      ]),
    ),
    clearRect: () => {
      clock += cost;
    },
  };
  return { width: 0, height: 0, getContext: () => context } as unknown as HTMLCanvasElement;
}

function open() {
  const canvases = { image: canvas(), masks: canvas(), drawing: canvas(), cursor: canvas() };
  const stage = new Stage(canvases, bitmap, { width: 10, height: 6 });
  stage.resize(SIZE, 2, { scale: 0.5, left: 0, top: 0 });
  const widths = () => Object.values(canvases).map(({ width }) => width);
  /** Draws at a scale and gives the widths of all canvases afterwards. */
  const zoom = (scale: number) => {
    stage.show({ scale, left: 0, top: 0 });
    for (const frame of frames.splice(0)) frame();
    return widths();
  };
  return { stage, widths, zoom };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => frames.push(run));
  vi.stubGlobal('cancelAnimationFrame', () => undefined);
  vi.spyOn(performance, 'now').mockImplementation(() => clock);
  vi.spyOn(performance, 'measure').mockReturnValue(undefined as never);
  frames = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test('where painting all takes too long, image and masks are coarse while the view moves, and sharp once it rests', () => {
  cost = 20;
  const { stage, widths, zoom } = open();
  expect(widths()).toEqual([200, 200, 200, 200]);
  expect(zoom(1.1)).toEqual([100, 100, 200, 200]);
  vi.advanceTimersByTime(100);
  expect(zoom(1.2)).toEqual([100, 100, 200, 200]);
  vi.advanceTimersByTime(100);
  expect(widths()).toEqual([100, 100, 200, 200]);
  vi.advanceTimersByTime(100);
  for (const frame of frames.splice(0)) frame();
  expect(widths()).toEqual([200, 200, 200, 200]);
  // What changes at the same view is sharp, and a move is coarse as a zoom is.
  stage.setMasks([]);
  for (const frame of frames.splice(0)) frame();
  expect(widths()).toEqual([200, 200, 200, 200]);
  stage.show({ scale: 1.2, left: 5, top: 5 });
  for (const frame of frames.splice(0)) frame();
  expect(widths()).toEqual([100, 100, 200, 200]);
  stage.close();
  expect(vi.getTimerCount()).toBe(0);
});

test('another size is drawn at once, since a canvas is blank until then', () => {
  const { stage } = open();
  for (const frame of frames.splice(0)) frame();
  const before = clock;
  cost = 1;
  stage.resize({ width: 80, height: 50 }, 2, { scale: 0.4, left: 0, top: 0 });
  // Image, masks and drawing, which are all cleared when they are painted.
  expect(clock - before).toBe(3);
  expect(frames).toEqual([]);
});

test('where it is quick, a zoom is sharp', () => {
  cost = 1;
  const { zoom } = open();
  zoom(1);
  expect(zoom(1.1)).toEqual([200, 200, 200, 200]);
  expect(zoom(1.2)).toEqual([200, 200, 200, 200]);
});
