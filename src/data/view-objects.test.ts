import { describe, expect, it } from 'vitest';
import { Random } from '../config/random.ts';
import { copyLabels, someViews } from '../testing/copy-view.ts';
import { hasForeground, labelsOfRuns, runsInView, runsOf } from './label-runs.ts';
import { findObjects, labelsOf } from './objects.ts';
import type { LabelMap } from './types.ts';
import { findViewObjects, pixelOfObject } from './view-objects.ts';

/** Patches of a few labels with background and ignored pixels, as ragged as can be. */
function ragged(width: number, height: number, seed: number): LabelMap {
  const random = Random.fromSeed(seed, 'runs');
  const values = [0, 0, 0, 1, 1, 2, -1];
  const data = new Int32Array(width * height);
  for (let i = 0; i < data.length; i++) {
    const isSame = i % width > 0 && random.chance(0.6);
    data[i] = isSame ? (data[i - 1] ?? 0) : (values[random.integer(values.length)] ?? 0);
  }
  return { width, height, data };
}

const SIZES = [
  [1, 1],
  [1, 13],
  [13, 1],
  [9, 7],
  [23, 31],
] as const;

describe.each(SIZES)('the objects that a view of %i × %i shows', (width, height) => {
  const maps = [1, 2, 3].map((seed) => ragged(width, height, seed));

  it('are those of a copy: labels, areas, boxes, order and pixels', () => {
    for (const map of maps) {
      const runs = runsOf(map);
      for (const view of someViews(width, height)) {
        const copy = copyLabels(map, view);
        expect(hasForeground(runs, view)).toBe(copy.data.some((v) => v > 0));
        expect(labelsOfRuns(runsInView(runs, view))).toEqual(labelsOf(copy));
        for (const rule of ['ids', 'components'] as const) {
          for (const leastArea of [0, 3]) {
            const expected = findObjects(copy, rule, leastArea);
            const found = findViewObjects(runs, rule, view, leastArea);
            expect([found.width, found.height]).toEqual([copy.width, copy.height]);
            expect(found.regions).toEqual(expected.regions);
            for (const region of found.regions) {
              const pixels = Array.from({ length: region.area }, (_, n) => pixelOfObject(found, region, n));
              const at = pixels.map(([x, y]) => y * copy.width + x);
              const own = [...expected.map.keys()].filter((i) => expected.map[i] === region.id);
              expect(at).toEqual(own);
            }
          }
        }
      }
    }
  });
});

it('has no pixel beyond its area', () => {
  const runs = runsOf({ width: 3, height: 1, data: Int32Array.of(0, 1, 1) });
  for (const view of someViews(3, 1).slice(0, 8)) {
    const objects = findViewObjects(runs, 'ids', view, 0);
    const [region] = objects.regions;
    if (!region) throw new Error('there is an object');
    expect(() => pixelOfObject(objects, region, 2)).toThrow(/no pixel 2/);
  }
});
