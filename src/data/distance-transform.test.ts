import { describe, expect, it } from 'vitest';
import { Random } from '../config/random.ts';
import { clickPoint, clickPointOf } from './distance-transform.ts';
import { findObjects, foregroundMask } from './objects.ts';
import type { BinaryMask } from './types.ts';

/** Every pixel against every background pixel, the ring outside the image included. */
function bruteForce({ width, height, data }: BinaryMask): number[] {
  const background: [number, number][] = [];
  for (let y = -1; y <= height; y++) {
    for (let x = -1; x <= width; x++) {
      const outside = x < 0 || y < 0 || x >= width || y >= height;
      if (outside || !data[y * width + x]) background.push([x, y]);
    }
  }
  return Array.from(data, (_, i) => {
    const x = i % width;
    const y = Math.floor(i / width);
    return Math.min(...background.map(([bx, by]) => (bx - x) ** 2 + (by - y) ** 2));
  });
}

const random = Random.fromSeed(4, 'distance');
const sizes = [
  [1, 1],
  [1, 9],
  [9, 1],
  [2, 2],
  [7, 5],
  [16, 16],
  [3, 31],
  [23, 11],
] as const;
const masks = sizes.flatMap(([width, height]) =>
  [0, 0.5, 0.9, 0.98, 1].map(
    (density): BinaryMask => ({
      width,
      height,
      data: Uint8Array.from({ length: width * height }, () => (random.chance(density) ? 1 : 0)),
    }),
  ),
);

describe('the deepest pixel', () => {
  it.each(masks.map((mask, i) => ({ i, mask, name: `${mask.width} × ${mask.height}` })))(
    'mask $i, $name',
    ({ mask }) => {
      const expected = bruteForce(mask);
      const best = Math.max(...expected);
      const at = expected.indexOf(best);
      expect(clickPoint(mask)).toEqual(
        best === 0 ? undefined : { x: at % mask.width, y: Math.floor(at / mask.width) },
      );
    },
  );

  it('takes the first of equals in row order, and the edge for an edge', () => {
    const full: BinaryMask = { width: 4, height: 2, data: new Uint8Array(8).fill(1) };
    expect(clickPoint(full)).toEqual({ x: 0, y: 0 });
    const plus: BinaryMask = { width: 3, height: 3, data: Uint8Array.of(0, 1, 0, 1, 1, 1, 0, 1, 0) };
    expect(clickPoint(plus)).toEqual({ x: 1, y: 1 });
  });

  it('gives an object the point that its whole mask has', () => {
    const width = 40;
    const height = 30;
    const data = Int32Array.from({ length: width * height }, () =>
      random.chance(0.6) ? 1 + random.integer(2) : 0,
    );
    const objects = findObjects({ width, height, data }, 'components');
    expect(objects.regions.length).toBeGreaterThan(5);
    for (const region of objects.regions) {
      expect(clickPointOf(objects, region)).toEqual(
        clickPoint(foregroundMask({ width, height, data: objects.map }, region.id)),
      );
    }
  });
});
