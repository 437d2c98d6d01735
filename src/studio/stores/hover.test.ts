import { beforeEach, expect, test, vi } from 'vitest';
import type { PredictRequest } from '../../worker/protocol.ts';
import { type FakeEngine, fakeEngine } from '../testing/fake-engine.ts';
import { resetEdit } from './edit-history.ts';
import { linkEngine } from './engine-link.ts';
import { hoverAt, useHover } from './hover.ts';
import { openImage } from './open-image.ts';
import { addPoint } from './prompts.ts';
import { useSegment } from './segment.ts';
import { choosePreviews, chooseTool, useTools } from './tools.ts';

let engine: FakeEngine;
let asked: PredictRequest[] = [];
const bitmap: ImageBitmap = { width: 8, height: 8, close: () => undefined };

beforeEach(async () => {
  vi.useFakeTimers();
  hoverAt(null);
  await vi.runAllTimersAsync();
  useSegment.setState(useSegment.getInitialState());
  useTools.setState(useTools.getInitialState());
  useHover.setState({ runs: null });
  resetEdit();
  asked = [];
  engine = fakeEngine({
    handlers: {
      'segment.open': () => ({ imageId: 'a', name: 'a', width: 8, height: 8, bitmap }),
      'segment.predict': (request) => {
        asked.push(request);
        const mask = new Uint8Array(64);
        mask.fill(1, Math.floor(request.points[0]?.x ?? 0), 60);
        return {
          predictionId: 'p',
          candidates: [{ mask, predictedIou: 0.9, token: 1, area: 1 }],
          milliseconds: 1,
        };
      },
    },
  });
  linkEngine(engine);
  await openImage({ kind: 'file', file: new File([], 'a.png') });
  return () => vi.useRealTimers();
});

const shownFrom = () => useHover.getState().runs?.[0];

test('of many places of the pointer one is asked at a time, and the newest next', async () => {
  const answer = engine.holdNext('segment.predict');
  for (const x of [1, 2, 3, 4]) hoverAt({ x, y: 1 });
  await vi.advanceTimersByTimeAsync(50);
  answer();
  await vi.runAllTimersAsync();
  expect(asked.map(({ points }) => points[0]?.x)).toEqual([1, 4]);
  expect(asked.every(({ isPreview }) => isPreview)).toBe(true);
  expect(shownFrom()).toBe(4);
});

test('a click ends the preview, and an answer that comes after it is not shown', async () => {
  hoverAt({ x: 1, y: 1 });
  await vi.runAllTimersAsync();
  expect(shownFrom()).toBe(1);
  const answer = engine.holdNext('segment.predict');
  hoverAt({ x: 2, y: 1 });
  void addPoint({ x: 2, y: 1, positive: true });
  answer();
  await vi.runAllTimersAsync();
  expect(shownFrom()).toBeUndefined();
});

test.each([
  ['an embedding', () => useSegment.setState({ embeddings: {} })],
  ['the tool for clicks', () => chooseTool('brush')],
  ['being wanted', () => choosePreviews(false)],
])('there is none without %s', async (_, hinder) => {
  hinder();
  hoverAt({ x: 5, y: 5 });
  await vi.runAllTimersAsync();
  expect([asked, shownFrom()]).toEqual([[], undefined]);
});

test('it goes when the pointer leaves the image or another tool is chosen', async () => {
  hoverAt({ x: 1, y: 1 });
  await vi.runAllTimersAsync();
  hoverAt(null);
  expect(shownFrom()).toBeUndefined();
  hoverAt({ x: 2, y: 1 });
  await vi.runAllTimersAsync();
  expect(shownFrom()).toBe(2);
  chooseTool('brush');
  expect(shownFrom()).toBeUndefined();
});
