import { describe, expect, it } from 'vitest';
import { oddImages } from '../../testing/odd-labels.ts';
import { pixelsOf } from '../annotations/rasterise.ts';
import { runsOfBitmap } from '../labels/runs.ts';
import { joinedRing, outlinedParts, outlinesOf, type Ring } from './outlines.ts';

const drawing = (...rows: readonly string[]) => ({
  width: rows[0]?.length ?? 0,
  runs: runsOfBitmap(rows.flatMap((row) => [...row].map((char) => (char === '#' ? 1 : 0)))),
});

const parts = (...rows: readonly string[]) => {
  const { runs, width } = drawing(...rows);
  return outlinedParts(runs, width);
};

describe('outlinedParts', () => {
  it('goes clockwise around pixels, with corners only', () => {
    expect(parts('...', '.##', '.##')).toEqual([{ outer: [1, 1, 3, 1, 3, 3, 1, 3], holes: [] }]);
  });

  it('goes the other way round holes', () => {
    expect(parts('###', '#.#', '###')).toEqual([
      { outer: [0, 0, 3, 0, 3, 3, 0, 3], holes: [[1, 2, 2, 2, 2, 1, 1, 1]] },
    ]);
  });

  it('takes pixels that touch at a corner alone as parts', () => {
    expect(parts('#.', '.#').map(({ outer }) => outer)).toEqual([
      [0, 0, 1, 0, 1, 1, 0, 1],
      [1, 1, 2, 1, 2, 2, 1, 2],
    ]);
  });

  it('has no ring that touches itself, and a hole for what is enclosed at a corner', () => {
    // The empty pixel in the middle is open to the outside at a corner alone.
    expect(parts('##.', '#.#', '###')).toEqual([
      { outer: [0, 0, 2, 0, 2, 1, 3, 1, 3, 3, 0, 3], holes: [[2, 1, 1, 1, 1, 2, 2, 2]] },
    ]);
    for (const { objects, width } of oddImages()) {
      for (const { runs } of objects) {
        for (const { outer, holes } of outlinedParts(runs, width)) {
          for (const ring of [outer, ...holes]) {
            const corners = ring.flatMap((x, i) => (i % 2 === 0 ? [`${x} ${ring[i + 1]}`] : []));
            expect(new Set(corners).size).toBe(corners.length);
          }
        }
      }
    }
  });

  it('fills to the pixels that it was made of, also as one ring', () => {
    const filled = (rings: readonly Ring[], size: { width: number; height: number }) =>
      pixelsOf({ kind: 'polygon', rings: rings.map((ring) => Float64Array.from(ring)) }, size);
    for (const { objects, ...size } of oddImages()) {
      for (const { runs } of objects) {
        const rings = outlinedParts(runs, size.width).flatMap(({ outer, holes }) => [outer, ...holes]);
        expect(filled(rings, size)).toEqual(runs);
        expect(filled([joinedRing(rings)], size)).toEqual(runs);
        expect(filled(outlinesOf(runs, size.width), size)).toEqual(runs);
      }
    }
  });

  it('joins more rings than it looks at one by one', () => {
    const width = 80;
    const bits = Array.from({ length: width * width }, (_, i) =>
      i % 2 === 0 && Math.floor(i / width) % 2 === 0 ? 1 : 0,
    );
    const rings = outlinedParts(runsOfBitmap(bits), width).map(({ outer }) => outer);
    expect(rings).toHaveLength(1600);
    const joined = Float64Array.from(joinedRing(rings));
    const pixels = pixelsOf({ kind: 'polygon', rings: [joined] }, { width, height: width });
    expect(pixels.length / 2).toBe(1600);
  });
});

it('holds pixels together that touch at a corner, in outlinesOf', () => {
  const { runs, width } = drawing('#.', '.#');
  expect(outlinesOf(runs, width)).toEqual([[0, 0, 1, 0, 1, 1, 2, 1, 2, 2, 1, 2, 1, 1, 0, 1]]);
});
