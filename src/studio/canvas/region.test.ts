import { describe, expect, test } from 'vitest';
import type { ImageRegion } from '../../worker/protocol.ts';
import { regionFor, visibleRegion } from './region.ts';
import { fitView, panView, zoomView } from './view.ts';

const image = { width: 4000, height: 3000 };
const canvas = { width: 800, height: 600 };
const middle = { x: 400, y: 300 };
const fit = fitView(image, canvas);

describe('what is visible', () => {
  test('is the whole image until it is zoomed in', () => {
    expect(visibleRegion(fit, canvas, image)).toBeNull();
    expect(visibleRegion(zoomView(fit, 1.2, middle), canvas, image)).toBeNull();
    expect(visibleRegion({ scale: 1, left: 0, top: 0 }, canvas, { width: 500, height: 400 })).toBeNull();
  });

  test('is in whole pixels inside of the image', () => {
    expect(visibleRegion({ scale: 1, left: -1000, top: -700 }, canvas, image)).toEqual([
      1000, 700, 1800, 1300,
    ]);
    expect(visibleRegion({ scale: 1.5, left: -100, top: 90 }, canvas, image)).toEqual([66, 0, 600, 340]);
    expect(visibleRegion({ scale: 1, left: -3500, top: -2800 }, canvas, image)).toEqual([
      3500, 2800, 4000, 3000,
    ]);
  });

  test('is no smaller than what shows an object’s surroundings', () => {
    expect(visibleRegion({ scale: 64, left: -64 * 1000, top: -64 * 700 }, canvas, image)).toEqual([
      975, 673, 1039, 737,
    ]);
    expect(visibleRegion({ scale: 64, left: 0, top: 0 }, canvas, image)).toEqual([0, 0, 64, 64]);
    expect(visibleRegion({ scale: 64, left: 0, top: 0 }, canvas, { width: 400, height: 20 })).toEqual([
      0, 0, 64, 20,
    ]);
  });

  test('is the whole image where none of it is in view', () => {
    expect(visibleRegion(panView(fit, 900, 0), canvas, image)).toBeNull();
    expect(visibleRegion(panView(fit, 0, -900), canvas, image)).toBeNull();
  });
});

describe('prompts are answered', () => {
  const visible: ImageRegion = [1000, 1000, 1800, 1600];
  const click = (x: number, y: number) => ({ points: [{ x, y, positive: true }], box: null });
  const box = (x0: number, y0: number, x1: number, y1: number) => ({ points: [], box: { x0, y0, x1, y1 } });

  test('in what is visible, widened to hold them', () => {
    expect(regionFor(click(1200, 1200), undefined, visible, image)).toEqual(visible);
    expect(regionFor(click(1000, 1600), undefined, visible, image)).toEqual(visible);
    expect(regionFor(click(900.5, 1200), undefined, visible, image)).toEqual([900, 1000, 1800, 1600]);
    expect(regionFor(box(10, 10, 3990, 2990), undefined, visible, image)).toBeNull();
    expect(regionFor(click(1200, 1200), undefined, null, image)).toBeNull();
    expect(regionFor({ points: [], box: null }, undefined, visible, image)).toEqual(visible);
  });

  test('in the region of those before, while the zoom is about the same and it holds them', () => {
    const before: ImageRegion = [1100, 1000, 1900, 1600];
    expect(regionFor(click(1200, 1200), before, visible, image)).toEqual(before);
    expect(regionFor(click(1050, 1200), before, visible, image)).toEqual(visible);
    const closer: ImageRegion = [1100, 1100, 1500, 1400];
    expect(regionFor(click(1200, 1200), before, closer, image)).toEqual(closer);
    // The first click was made on the whole image, before zooming in, and the other way round.
    expect(regionFor(click(1200, 1200), null, visible, image)).toEqual(visible);
    expect(regionFor(click(1200, 1200), before, null, image)).toBeNull();
    expect(regionFor(click(1200, 1200), null, null, image)).toBeNull();
  });
});
