import { describe, expect, it } from 'vitest';
import { Random } from '../config/random.ts';
import { objectClasses } from './classes.ts';
import { findObjects, foregroundMask, IGNORED, labelsOf } from './objects.ts';
import type { LabelMap } from './types.ts';

/** A map from rows of digits, and of `i` where pixels are ignored. */
function map(...rows: readonly string[]): LabelMap {
  const data = Int32Array.from(rows.join(''), (digit) => (digit === 'i' ? IGNORED : Number(digit)));
  return { width: rows[0]?.length ?? 0, height: rows.length, data };
}

/** Components by flood fill, as a set of sorted pixel lists. */
function floodFill({ width, height, data }: LabelMap): string[] {
  const seen = new Set<number>();
  const found: string[] = [];
  for (let start = 0; start < data.length; start++) {
    if (!data[start] || seen.has(start)) continue;
    const pixels: number[] = [];
    const queue = [start];
    seen.add(start);
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      pixels.push(at);
      const x = at % width;
      const y = Math.floor(at / width);
      for (const [nx, ny] of [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => [x + dx, y + dy] as const))) {
        const next = ny * width + nx;
        if (nx < 0 || ny < 0 || nx >= width || ny >= height || seen.has(next) || data[next] !== data[at])
          continue;
        seen.add(next);
        queue.push(next);
      }
    }
    found.push(pixels.sort((a, b) => a - b).join());
  }
  return found.sort();
}

describe('findObjects', () => {
  it('connects equal values over corners and keeps different ones apart', () => {
    const objects = findObjects(map('1002', '0122', '0000', '1110'), 'components');
    expect(objects.regions).toEqual([
      { id: 1, label: 2, area: 3, box: [2, 0, 4, 2] },
      { id: 2, label: 1, area: 3, box: [0, 3, 3, 4] },
      { id: 3, label: 1, area: 2, box: [0, 0, 2, 2] },
    ]);
    expect([...objects.map]).toEqual([3, 0, 0, 1, 0, 3, 1, 1, 0, 0, 0, 0, 2, 2, 2, 0]);
  });

  it('takes an id for one object, connected or not', () => {
    const objects = findObjects(map('50070', '50005'), 'ids');
    expect(objects.regions).toEqual([
      { id: 1, label: 5, area: 3, box: [0, 0, 5, 2] },
      { id: 2, label: 7, area: 1, box: [3, 0, 4, 1] },
    ]);
  });

  it('leaves out what is under the least area, and keeps what equals it', () => {
    const labels = map('1100', '0000', '0003', '0000');
    expect(findObjects(labels, 'components', 2).regions.map(({ area }) => area)).toEqual([2]);
    expect([...findObjects(labels, 'components', 2).map].filter((v) => v !== 0)).toEqual([1, 1]);
    expect(findObjects(labels, 'components', 3).regions).toEqual([]);
  });

  it('agrees with flood fill on random maps', () => {
    const random = Random.fromSeed(8, 'components');
    for (const [width, height] of [
      [1, 1],
      [1, 17],
      [17, 1],
      [9, 9],
      [31, 23],
      [40, 40],
    ] as const) {
      for (const density of [0.2, 0.5, 0.8]) {
        const data = Int32Array.from({ length: width * height }, () =>
          random.chance(density) ? 1 + random.integer(3) : 0,
        );
        const labels = { width, height, data };
        const objects = findObjects(labels, 'components');
        const lists = objects.regions.map(({ id, area, box, label }) => {
          const pixels = [...objects.map.keys()].filter((i) => objects.map[i] === id);
          expect(pixels.length).toBe(area);
          const xs = pixels.map((i) => i % width);
          const ys = pixels.map((i) => Math.floor(i / width));
          expect(box).toEqual([Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1]);
          expect(pixels.every((i) => data[i] === label)).toBe(true);
          return pixels.join();
        });
        expect(lists.sort()).toEqual(floodFill(labels));
        const areas = objects.regions.map(({ area }) => area);
        expect(areas).toEqual([...areas].sort((a, b) => b - a));
      }
    }
  });

  it('makes masks of all, and of a label', () => {
    const labels = map('102', '002');
    expect([...foregroundMask(labels).data]).toEqual([1, 0, 1, 0, 0, 1]);
    expect([...foregroundMask(labels, 1).data]).toEqual([1, 0, 0, 0, 0, 0]);
    expect(labelsOf(labels)).toEqual([1, 2]);
  });

  it.each(['ids', 'components'] as const)(
    'takes ignored pixels for neither an object nor a label: %s',
    (rule) => {
      // i ignored: it borders object 1, and parts 2 from 2.
      const labels = map('11i0', 'iii2', '00i2');
      expect(labels.data).toContain(IGNORED);
      const objects = findObjects(labels, rule, 2);
      expect(objects.regions).toEqual([
        { id: 1, label: 1, area: 2, box: [0, 0, 2, 1] },
        { id: 2, label: 2, area: 2, box: [3, 1, 4, 3] },
      ]);
      expect([...objects.map]).toEqual([1, 1, -1, 0, -1, -1, -1, 2, 0, 0, -1, 2]);
      expect(findObjects(labels, rule, 6).map.filter((v) => v !== 0)).toEqual(new Int32Array(5).fill(-1));
      expect(labelsOf(labels)).toEqual([1, 2]);
      expect([...foregroundMask(labels).data]).toEqual([1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
    },
  );

  it('finds no object where all is ignored', () => {
    const all = map('iii');
    expect(findObjects(all, 'ids')).toMatchObject({ regions: [], map: all.data });
    expect(labelsOf(all)).toEqual([]);
  });

  it('takes the class of an object from pixels that are not ignored', () => {
    const objects = findObjects(map('1122', '1103', '0003'), 'ids');
    expect(objectClasses(objects, map('i7ii', 'i70i', '000i'))).toEqual([7, 0, 0]);
  });
});
