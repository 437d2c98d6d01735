/** Every operation on runs against the same on a bitmap, at odd sizes. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../config/random.ts';
import { findObjects } from '../objects.ts';
import {
  areaOf,
  areRuns,
  boxOf,
  equalRuns,
  fillRuns,
  forEachSpan,
  hasPixel,
  intersect,
  isSameObject,
  runsOfBitmap,
  runsOfValues,
  sharedPixels,
  subtract,
  unite,
  uniteAll,
} from './runs.ts';
import { boxRuns, movedRuns, type Point, polygonRuns, strokeRuns } from './shapes.ts';
import { cutAlong, filled, partsOf, smoothed } from './shaping.ts';
import { NO_RUNS, type Runs } from './types.ts';

const SIZES = [
  [1, 1],
  [1, 9],
  [7, 1],
  [5, 3],
  [13, 11],
  [31, 17],
] as const;

type Bitmap = Uint8Array;

/** Patches, specks and nothing at all. */
function drawn(random: Random, pixels: number): Bitmap {
  const share = [0, 0.1, 0.5, 0.9, 1][random.integer(5)] as number;
  const stays = random.uniform();
  const data = new Uint8Array(pixels);
  let value = 0;
  for (let i = 0; i < pixels; i++) {
    if (random.uniform() > stays) value = random.uniform() < share ? 1 : 0;
    data[i] = value;
  }
  return data;
}

const bitmapOf = (runs: Runs, pixels: number): Bitmap => {
  const out = new Uint8Array(pixels);
  fillRuns(runs, out, 1);
  return out;
};

/** Runs that are whole, and the pixels that they must have. */
function expectPixels(runs: Runs, wanted: Bitmap): void {
  expect(areRuns(runs, wanted.length)).toBe(true);
  expect(bitmapOf(runs, wanted.length)).toEqual(wanted);
}

function eachSize(check: (random: Random, width: number, height: number) => void): void {
  for (const [width, height] of SIZES)
    for (let n = 0; n < 12; n++) check(Random.fromSeed(n, `${width} ${height}`), width, height);
}

describe('runs', () => {
  it('are the pixels of a bitmap, and equal masks have equal runs', () => {
    eachSize((random, width, height) => {
      const data = drawn(random, width * height);
      const runs = runsOfBitmap(data);
      expectPixels(runs, data);
      expect(equalRuns(runs, runsOfBitmap(bitmapOf(runs, data.length)))).toBe(true);
      expect(areaOf(runs)).toBe(data.reduce((sum, v) => sum + v, 0));
      for (let i = 0; i < data.length; i++) expect(hasPixel(runs, i)).toBe(data[i] === 1);
    });
  });

  it('are united, intersected and subtracted', () => {
    eachSize((random, width, height) => {
      const [a, b] = [drawn(random, width * height), drawn(random, width * height)];
      const [x, y] = [runsOfBitmap(a), runsOfBitmap(b)];
      expectPixels(
        unite(x, y),
        a.map((v, i) => v | (b[i] as number)),
      );
      expectPixels(
        intersect(x, y),
        a.map((v, i) => v & (b[i] as number)),
      );
      expectPixels(
        subtract(x, y),
        a.map((v, i) => v & ~(b[i] as number) & 1),
      );
      expect(sharedPixels(x, y) > 0).toBe(a.some((v, i) => v === 1 && b[i] === 1));
      const c = drawn(random, width * height);
      expectPixels(
        uniteAll([x, y, runsOfBitmap(c)]),
        a.map((v, i) => v | (b[i] as number) | (c[i] as number)),
      );
    });
    expect(uniteAll([])).toEqual(NO_RUNS);
  });

  it('have a box, and spans by row', () => {
    eachSize((random, width, height) => {
      const data = drawn(random, width * height);
      const on = [...data.keys()].filter((i) => data[i]);
      const [xs, ys] = [on.map((i) => i % width), on.map((i) => Math.floor(i / width))];
      const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
      expect(boxOf(runsOfBitmap(data), width)).toEqual(on.length > 0 ? box : null);
      const seen = new Uint8Array(data.length);
      forEachSpan(runsOfBitmap(data), width, (y, x0, x1) => {
        expect(x1).toBeGreaterThan(x0);
        expect(x1).toBeLessThanOrEqual(width);
        seen.fill(1, y * width + x0, y * width + x1);
      });
      expect(seen).toEqual(data);
    });
  });

  it('of each value of a map', () => {
    const map = Int32Array.from([1, 1, 0, 2, -1, 2, 2, 1]);
    expect(runsOfValues(map, 3)).toEqual([Uint32Array.of(0, 2, 7, 1), Uint32Array.of(3, 1, 5, 2), NO_RUNS]);
  });

  it.each([
    ['an odd number of numbers', [1]],
    ['an empty run', [1, 0]],
    ['runs that touch', [0, 2, 2, 1]],
    ['runs that go back', [5, 1, 2, 1]],
    ['a pixel outside', [9, 2]],
  ])('are refused with %s', (_, numbers) => {
    expect(areRuns(Uint32Array.from(numbers), 10)).toBe(false);
  });
});

describe('shapes', () => {
  const point = (random: Random, width: number, height: number): Point => ({
    x: random.uniform() * (width + 8) - 4,
    y: random.uniform() * (height + 8) - 4,
  });

  it('of a stroke are all pixels whose centre is near its line', () => {
    eachSize((random, width, height) => {
      const line = Array.from({ length: 1 + random.integer(4) }, () => point(random, width, height));
      // Upright and level lines, and a point that comes twice.
      if (random.integer(3) === 0)
        line.push({ x: line[0]?.x ?? 0, y: 2.5 }, { x: 3, y: 2.5 }, { x: 3, y: 2.5 });
      const radius = [0.2, 0.5, 1, 2.75, 6][random.integer(5)] as number;
      const wanted = new Uint8Array(width * height);
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++)
          if (line.some((a, i) => isNear(a, line[i + 1] ?? a, x, y, radius))) wanted[y * width + x] = 1;
      expectPixels(strokeRuns(line, radius, { width, height }), wanted);
    });
  });

  it('of a click are a disc, and one pixel of the smallest brush', () => {
    const size = { width: 7, height: 7 };
    expect(areaOf(strokeRuns([{ x: 3.5, y: 3.5 }], 2, size))).toBe(13);
    expect(strokeRuns([{ x: 3.99, y: 3.99 }], 0.1, size)).toEqual(Uint32Array.of(24, 1));
    expect(strokeRuns([], 2, size)).toEqual(NO_RUNS);
  });

  it('of rings are the pixels whose centre an odd number of edges lies left of', () => {
    eachSize((random, width, height) => {
      const rings = Array.from({ length: 1 + random.integer(2) }, () =>
        Array.from({ length: 3 + random.integer(5) }, () => point(random, width, height)),
      );
      const wanted = new Uint8Array(width * height);
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          let left = 0;
          for (const ring of rings) {
            ring.forEach((a, i) => {
              const b = ring[(i + 1) % ring.length] as Point;
              const [low, high] = a.y < b.y ? [a, b] : [b, a];
              if (!(low.y <= y + 0.5 && y + 0.5 < high.y)) return;
              if (low.x + ((y + 0.5 - low.y) * (high.x - low.x)) / (high.y - low.y) <= x + 0.5) left++;
            });
          }
          wanted[y * width + x] = left % 2;
        }
      }
      expectPixels(polygonRuns(rings, { width, height }), wanted);
    });
  });

  it('move, and lose what leaves the image', () => {
    eachSize((random, width, height) => {
      const data = drawn(random, width * height);
      const [dx, dy] = [random.integer(7) - 3, random.integer(7) - 3];
      const wanted = new Uint8Array(data.length);
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++)
          if (data[y * width + x] && x + dx >= 0 && x + dx < width && y + dy >= 0 && y + dy < height)
            wanted[(y + dy) * width + x + dx] = 1;
      expectPixels(movedRuns(runsOfBitmap(data), dx, dy, { width, height }), wanted);
    });
    expect(boxRuns([-1, 1, 3, 9], { width: 4, height: 3 })).toEqual(Uint32Array.of(4, 3, 8, 3));
  });
});

describe('shaping', () => {
  it('finds connected parts, largest first', () => {
    eachSize((random, width, height) => {
      const data = drawn(random, width * height);
      const { map, regions } = findObjects({ width, height, data: Int32Array.from(data) }, 'components');
      expect(partsOf(runsOfBitmap(data), width)).toEqual(runsOfValues(map, regions.length));
    });
  });

  it('fills the holes', () => {
    eachSize((random, width, height) => {
      const data = drawn(random, width * height);
      expectPixels(filled(runsOfBitmap(data), width), withoutHoles(data, width, height));
    });
  });

  it('smooths by the median', () => {
    eachSize((random, width, height) => {
      const data = drawn(random, width * height);
      const radius = random.integer(4);
      const wanted = data.slice();
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          let [on, all] = [0, 0];
          for (let v = Math.max(0, y - radius); v <= Math.min(height - 1, y + radius); v++) {
            for (let u = Math.max(0, x - radius); u <= Math.min(width - 1, x + radius); u++) {
              on += data[v * width + u] as number;
              all++;
            }
          }
          if (2 * on !== all) wanted[y * width + x] = 2 * on > all ? 1 : 0;
        }
      }
      expectPixels(smoothed(runsOfBitmap(data), radius, { width, height }), wanted);
    });
  });

  it('cuts along a line without losing a pixel', () => {
    const size = { width: 31, height: 17 };
    const across = [
      { x: -3, y: 2 },
      { x: 40, y: 13 },
    ];
    for (let n = 0; n < 20; n++) {
      const random = Random.fromSeed(n, 'cut');
      const runs = runsOfBitmap(drawn(random, 31 * 17));
      const pieces = cutAlong(runs, across, size);
      expect(equalRuns(uniteAll(pieces), runs)).toBe(true);
      expect(areaOf(runs)).toBe(pieces.reduce((sum, piece) => sum + areaOf(piece), 0));
    }
    const pieces = cutAlong(boxRuns([2, 2, 29, 15], size), across, size);
    expect(pieces).toHaveLength(2);
    // Neighbours of a piece of its own side only.
    for (const piece of pieces) expect(partsOf(piece, 31)).toHaveLength(1);
  });

  it('leaves a mask alone that the line does not cut, and its other parts with the largest piece', () => {
    const size = { width: 20, height: 10 };
    const [left, right] = [boxRuns([1, 1, 8, 9], size), boxRuns([12, 2, 15, 5], size)];
    const both = unite(left, right);
    expect(
      cutAlong(
        both,
        [
          { x: 10, y: 0 },
          { x: 10, y: 10 },
        ],
        size,
      ),
    ).toEqual([both]);
    expect(
      cutAlong(
        both,
        [
          { x: 3, y: -1 },
          { x: 3, y: 6 },
        ],
        size,
      ),
    ).toEqual([both]);
    const cut = cutAlong(
      both,
      [
        { x: 3, y: -1 },
        { x: 3, y: 11 },
      ],
      size,
    );
    expect(cut).toHaveLength(2);
    expect(sharedPixels(cut[0] as Runs, right) > 0).toBe(true);
  });
});

it('an operation on an object of a 40-megapixel image takes little longer than in a small one', () => {
  /** Milliseconds of processor time for brushing, filling, smoothing and splitting a ring with its middle at (x, y). */
  const timeOf = (x: number, y: number, size: { readonly width: number; readonly height: number }) => {
    const disc = strokeRuns([{ x, y }], 60, size);
    const ring = subtract(disc, strokeRuns([{ x, y }], 20, size));
    const started = process.cpuUsage();
    for (let n = 0; n < 10; n++) {
      const line = [
        { x, y },
        { x: x + 50, y: y + 20 + n },
      ];
      const painted = unite(ring, strokeRuns(line, 15, size));
      expect(areaOf(filled(painted, size.width))).toBeGreaterThan(areaOf(disc));
      expect(partsOf(smoothed(painted, 3, size), size.width)).toHaveLength(1);
    }
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1000;
  };
  const small = { width: 200, height: 200 };
  timeOf(100, 100, small);
  const least = timeOf(100, 100, small);
  // A single pass over 40 million pixels takes longer than all of it.
  expect(timeOf(7000, 4500, { width: 8000, height: 5000 })).toBeLessThan(4 * least + 40);
});

function isNear(a: Point, b: Point, x: number, y: number, radius: number): boolean {
  if (Math.floor(a.x) === x && Math.floor(a.y) === y) return true;
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const [px, py] = [x + 0.5 - a.x, y + 0.5 - a.y];
  const squared = dx * dx + dy * dy;
  const t = squared === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / squared));
  return (px - t * dx) ** 2 + (py - t * dy) ** 2 <= radius * radius;
}

/** By a flood from outside of the image. */
function withoutHoles(data: Bitmap, width: number, height: number): Bitmap {
  const isOutside = new Set<string>();
  const open: (readonly [number, number])[] = [[-1, -1]];
  while (open.length > 0) {
    const [x, y] = open.pop() as readonly [number, number];
    const key = `${x} ${y}`;
    const isFar = x < -1 || y < -1 || x > width || y > height;
    const isOn = x >= 0 && y >= 0 && x < width && y < height && data[y * width + x] === 1;
    if (isFar || isOn || isOutside.has(key)) continue;
    isOutside.add(key);
    open.push([x + 1, y], [x - 1, y], [x, y + 1], [x, y - 1]);
  }
  return data.map((_, i) => (isOutside.has(`${i % width} ${Math.floor(i / width)}`) ? 0 : 1));
}

it('two masks are of one object from an IoU of .5 on', () => {
  const of = (start: number, length: number) => Uint32Array.of(start, length);
  // Two of four pixels in common, two of five, none.
  expect(isSameObject(of(0, 3), of(1, 3))).toBe(true);
  expect(isSameObject(of(0, 3), of(1, 4))).toBe(false);
  expect(isSameObject(of(0, 3), of(5, 3))).toBe(false);
});
