import { describe, expect, it } from 'vitest';
import { Random } from '../config/random.ts';
import { imageTransform } from '../data/preprocess.ts';
import { wholeView } from '../data/view.ts';
import { findViewObjects } from '../data/view-objects.ts';
import { clickDraw, correctiveClickOp } from '../ops/corrective-click/corrective-click.ts';
import { drawSample, drawSource } from '../testing/training-sets.ts';
import { boxPrompt, clickPrompt, firstPrompts, jitteredBox, validCells } from './prompts.ts';

const { labels, rule } = drawSource('a', 1);
const { map } = drawSample('a', 1).objects;
const objects = findViewObjects(labels, rule, wholeView(labels), 0);
const region = objects.regions[0];
if (!region) throw new Error('the drawn image has objects');
const transform = imageTransform(objects.width, objects.height, { size: 80, aspect: 'keep' });
const side = 20;

/** The click after a point, as the op's reference makes it: the kernel is held to that. */
function correctiveClick(
  logits: Float32Array,
  target: Float32Array,
  shown: typeof transform,
  cells: number,
  random: Random,
) {
  if (typeof correctiveClickOp.reference !== 'function') throw new Error('the op has a reference');
  const draw = clickDraw(validCells(shown, cells), random.uint32());
  const inputs = [logits, [1], [0], target, draw, [1, 1, 0, 0], [1, -1]].map((values) =>
    Float64Array.from(values),
  );
  const shapes = [[1, 1, cells, cells], [1, 1], [1], [1, cells * cells], [1, 4], [1, 2, 2], [1, 2]];
  const [, coords, labels] = correctiveClickOp.reference(inputs, shapes, { cell: shown.modelSize / cells });
  expect([coords?.[0], coords?.[4], labels?.[0], labels?.[2]]).toEqual([1, 0, 1, -1]);
  return { x: coords?.[2] ?? Number.NaN, y: coords?.[3] ?? Number.NaN, positive: labels?.[1] === 1 };
}

describe('first prompts', () => {
  it('click a pixel of the object, in the model’s pixels', () => {
    const random = Random.fromSeed(1);
    const seen = new Set<number>();
    for (let i = 0; i < 200; i++) {
      const [point] = clickPrompt(objects, region, transform, random).points;
      if (!point) throw new Error('a click has a point');
      const [x, y] = [point.x / 2 - 0.5, point.y / 2 - 0.5];
      expect(point.positive).toBe(true);
      expect(map[y * objects.width + x]).toBe(region.id);
      seen.add(y * objects.width + x);
    }
    expect(seen.size).toBeGreaterThan(60);
  });

  it('move the sides of a box by a tenth at most and never out of the image', () => {
    const random = Random.fromSeed(2);
    const [x0, y0, x1, y1] = region.box;
    for (let i = 0; i < 100; i++) {
      const box = jitteredBox(objects, region, 0.1, random);
      const limits = [0.1 * (x1 - x0), 0.1 * (y1 - y0)];
      [x0, y0, x1, y1].forEach((side, k) => {
        expect(Math.abs((box[k] ?? Number.NaN) - side)).toBeLessThanOrEqual((limits[k % 2] ?? 0) + 1e-9);
      });
      expect(box[0]).toBeGreaterThanOrEqual(0);
      expect(box[3]).toBeLessThanOrEqual(objects.height);
    }
    expect(jitteredBox(objects, region, 0, random)).toEqual(region.box);
    expect(boxPrompt(transform, region.box).box).toEqual(region.box.map((side) => 2 * side));
  });

  it('alternate between the kinds that are switched on', () => {
    const on = { clickPrompts: true, boxPrompts: true, wholePrompts: false };
    expect(firstPrompts(on)).toEqual(['click', 'box']);
    expect(firstPrompts({ ...on, wholePrompts: true, clickPrompts: false })).toEqual(['box', 'whole']);
    expect(firstPrompts({ clickPrompts: false, boxPrompts: false, wholePrompts: false })).toEqual(['click']);
  });
});

describe('a corrective click', () => {
  const plane = (isSet: (x: number, y: number) => boolean, on = 1, off = 0) =>
    Float32Array.from({ length: side * side }, (_, i) => (isSet(i % side, Math.floor(i / side)) ? on : off));
  const target = plane((x, y) => x < 6 && y < 6);
  const at = (logits: Float32Array, seed = 1) =>
    correctiveClick(logits, target, transform, side, Random.fromSeed(seed));

  it('is positive where the object was missed and negative where too much was marked', () => {
    for (let seed = 0; seed < 20; seed++) {
      const missed = at(
        plane(() => false, 1, -1),
        seed,
      );
      expect(missed.positive).toBe(true);
      expect(missed.x < 24 && missed.y < 24).toBe(true);
      const extra = at(
        plane((x) => x < 16, 1, -1),
        seed,
      );
      expect(extra.positive).toBe(false);
      expect(extra.x < 24 && extra.y < 24).toBe(false);
    }
  });

  it('never lands on padding, whatever is marked there', () => {
    expect(validCells(transform, side)).toEqual({ width: 20, height: 14 });
    for (let seed = 0; seed < 50; seed++) {
      const click = at(
        plane(() => true),
        seed,
      );
      expect(click.positive).toBe(false);
      expect(click.y).toBeLessThan(56);
    }
  });

  it('goes into the object when there is no error', () => {
    const click = at(plane((x, y) => x < 6 && y < 6, 1, -1));
    expect(click.positive).toBe(true);
    expect(click.x < 24 && click.y < 24).toBe(true);
  });

  it('never lands on ignored cells, and they count for neither error', () => {
    // All is marked: 36 cells are the object, of the others only a strip of 14 takes part.
    const partly = target.map((v, i) => (v === 1 || i % side === 10 ? v : -1));
    for (let seed = 0; seed < 20; seed++) {
      const random = Random.fromSeed(seed);
      const extra = correctiveClick(
        plane(() => true),
        partly,
        transform,
        side,
        random,
      );
      expect(extra).toMatchObject({ x: 10.5 * 4, positive: false });
      const none = correctiveClick(
        plane((x) => x !== 10, 1, -1),
        partly,
        transform,
        side,
        random,
      );
      expect(none.positive).toBe(true);
      expect(none.x < 24 && none.y < 24).toBe(true);
    }
  });
});
