import { describe, expect, it } from 'vitest';
import { Random } from '../config/random.ts';
import { findObjects, IGNORED } from '../data/objects.ts';
import type { LabelMap, ObjectSet } from '../data/types.ts';
import { measuredAt } from './measured-size.ts';

/** The shares of every cell that a value covers, each of its pixels cut into to × to parts. */
function shares(
  { width, height, data }: LabelMap,
  value: number,
  toWidth: number,
  toHeight: number,
): number[] {
  return Array.from({ length: toWidth * toHeight }, (_, i) => {
    let covered = 0;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const fine = { x: Math.floor(i % toWidth) * width + x, y: Math.floor(i / toWidth) * height + y };
        const at = Math.floor(fine.y / toHeight) * width + Math.floor(fine.x / toWidth);
        if (data[at] === value) covered++;
      }
    }
    return covered / (width * height);
  });
}

const regionOf = ({ regions }: ObjectSet) => {
  const [region] = regions;
  if (!region) throw new Error('there is no object');
  return region;
};

describe('objects at the size at which a validation measures', () => {
  it.each([
    [12, 8, 6],
    [13, 9, 5],
    [7, 16, 9],
    [9, 9, 8],
    [11, 2, 3],
  ])('are averaged by area: %i × %i to %i', (width, height, most) => {
    const random = Random.fromSeed(2, `${width}`);
    const data = Int32Array.from({ length: width * height }, () => random.integer(3) - 1);
    const labels = { width, height, data };
    const objects = findObjects(labels, 'ids');
    const { objects: reduced, region } = measuredAt(objects, most)(regionOf(objects));
    expect(Math.max(reduced.width, reduced.height)).toBe(most);
    const object = shares(labels, 1, reduced.width, reduced.height);
    const ignored = shares(labels, IGNORED, reduced.width, reduced.height);
    expect([...reduced.map]).toEqual(
      object.map((share, i) => ((ignored[i] ?? 0) >= 0.5 ? IGNORED : share >= 0.5 ? region.id : 0)),
    );
    expect(region.area).toBe(reduced.map.filter((id) => id === region.id).length);
  });

  it('stay the very same in an image that is no larger', () => {
    const objects = findObjects({ width: 4, height: 2, data: Int32Array.of(0, 1, 1, 0, 0, 0, 1, 0) }, 'ids');
    const measured = measuredAt(objects, 4)(regionOf(objects));
    expect(measured.objects).toBe(objects);
    expect(measured.region).toBe(objects.regions[0]);
  });

  it('keep a pixel where they cover most when they cover no half of any, ignored or not', () => {
    const data = new Int32Array(64).fill(IGNORED, 32);
    data[0] = 1;
    data[1] = 1;
    data[4] = 1;
    data[63] = 2;
    const objects = findObjects({ width: 8, height: 8, data }, 'ids');
    const reduce = measuredAt(objects, 2);
    const found = objects.regions.map((region) => [...reduce(region).objects.map]);
    expect(found).toEqual([
      [1, 0, -1, -1],
      [0, 0, -1, 2],
    ]);
    expect(objects.regions.map((region) => reduce(region).region.area)).toEqual([1, 1]);
  });
});
