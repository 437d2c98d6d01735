import { describe, expect, it } from 'vitest';
import { areaOf, areRuns, forEachSpan } from '../labels/runs.ts';
import { pixelsOf, TooMuchWork } from './rasterise.ts';
import { polygon, RunCounter, rectangle, type Shape, scaledShape, turnedRectangle, union } from './shape.ts';

const SIZE = { width: 40, height: 30 };

/** The pixels of a shape as a text of rows. */
function drawn(shape: Shape, size = SIZE): string[] {
  const rows = Array.from({ length: size.height }, () => Array.from({ length: size.width }, () => '.'));
  const runs = pixelsOf(shape, size);
  expect(areRuns(runs, size.width * size.height)).toBe(true);
  forEachSpan(runs, size.width, (y, x0, x1) => rows[y]?.fill('#', x0, x1));
  return rows.map((row) => row.join(''));
}

const area = (shape: Shape) => areaOf(pixelsOf(shape, SIZE));

/** Even–odd at every pixel's centre, by casting a ray to the left. */
function byDefinition(ring: readonly number[]): string[] {
  return Array.from({ length: SIZE.height }, (_, y) =>
    Array.from({ length: SIZE.width }, (_, x) => {
      let crossings = 0;
      for (let i = 0; i < ring.length; i += 2) {
        const [x0 = 0, y0 = 0] = ring.slice(i, i + 2);
        const [x1 = 0, y1 = 0] = i + 2 < ring.length ? ring.slice(i + 2, i + 4) : ring.slice(0, 2);
        if (y0 <= y + 0.5 === y1 <= y + 0.5) continue;
        if (x0 + ((y + 0.5 - y0) * (x1 - x0)) / (y1 - y0) <= x + 0.5) crossings++;
      }
      return crossings % 2 === 1 ? '#' : '.';
    }).join(''),
  );
}

describe('pixelsOf', () => {
  it('fills whole pixels exactly, and those of part whose centre lies inside', () => {
    expect(area(rectangle(3, 4, 13, 24))).toBe(200);
    expect(area(rectangle(13, 24, 3, 4))).toBe(200);
    expect(area(rectangle(3.4, 4.4, 13.4, 24.4))).toBe(200);
    expect(area(rectangle(3.5, 4.5, 13.5, 24.5))).toBe(200);
    expect(area(rectangle(3.6, 4.6, 4.4, 5.4))).toBe(0);
  });

  it('cuts off what lies beyond the image', () => {
    expect(area(rectangle(-100, -100, 1000, 1000))).toBe(SIZE.width * SIZE.height);
    expect(area(rectangle(-5, -5, 5, 5))).toBe(25);
    expect(area(rectangle(40, 0, 50, 10))).toBe(0);
    expect(area({ kind: 'ellipse', x: 0, y: 0, radiusX: 4, radiusY: 4, angle: 0 })).toBe(
      area({ kind: 'ellipse', x: 20, y: 15, radiusX: 4, radiusY: 4, angle: 0 }) / 4,
    );
    expect(
      area({
        kind: 'runs',
        counts: Int32Array.of(0, 100),
        order: 'rows',
        x: 35,
        y: 25,
        width: 10,
        height: 10,
      }),
    ).toBe(25);
    expect(
      area({
        kind: 'runs',
        counts: Int32Array.of(0, 100),
        order: 'columns',
        x: -5,
        y: -5,
        width: 10,
        height: 10,
      }),
    ).toBe(25);
  });

  it('is the even–odd rule at pixel centres for any polygon', () => {
    let state = 7;
    const random = () => {
      state = (state * 16807) % 2147483647;
      return state / 2147483647;
    };
    for (let round = 0; round < 60; round++) {
      const ring = Array.from({ length: 2 * (3 + (round % 9)) }, (_, i) => {
        const value = random() * (i % 2 === 0 ? 50 : 40) - 5;
        return round % 2 === 0 ? Math.round(2 * value) / 2 : value;
      });
      expect(drawn(polygon(Float64Array.from(ring)))).toEqual(byDefinition(ring));
    }
  });

  it('leaves holes empty and counts shared pixels of parts once', () => {
    const square = (x: number, side: number) =>
      Float64Array.of(x, x, x + side, x, x + side, x + side, x, x + side);
    const united = (...rings: readonly Float64Array[]) => union(rings.map(polygon));
    expect(area({ kind: 'polygon', rings: [square(2, 20), square(7, 10)] })).toBe(300);
    expect(area(united(square(2, 20), square(7, 10)))).toBe(400);
    expect(area(united(square(0, 10), square(5, 10)))).toBe(175);
    drawn(united(square(0, 10), square(5, 10), square(9, 3)));
  });

  it('draws ellipses and strokes of the area that geometry gives', () => {
    const ellipse = { kind: 'ellipse', x: 20.3, y: 15.2, radiusX: 14, radiusY: 7, angle: 0 } as const;
    const expected = Math.PI * 14 * 7;
    for (const angle of [0, 0.3, Math.PI / 4]) {
      expect(Math.abs(area({ ...ellipse, angle }) / expected - 1)).toBeLessThan(0.02);
    }
    expect(drawn({ ...ellipse, radiusX: 7, radiusY: 14, angle: Math.PI / 2 })).toEqual(drawn(ellipse));
    const stroke: Shape = { kind: 'stroke', points: Float64Array.of(10, 15, 30, 15), width: 6 };
    expect(Math.abs(area(stroke) / (20 * 6 + Math.PI * 9) - 1)).toBeLessThan(0.05);
    const bent: Shape = { kind: 'stroke', points: Float64Array.of(10, 5, 30, 5, 30, 25), width: 6 };
    drawn(bent);
    expect(Math.abs(area(bent) / (2 * 20 * 6 + Math.PI * 9 - 9 + (Math.PI * 9) / 4) - 1)).toBeLessThan(0.05);
    expect(area({ kind: 'stroke', points: Float64Array.of(10.5, 10.5), width: 1.2 })).toBe(1);
  });

  it('turns a rectangle around a point, clockwise on the screen', () => {
    const turned = turnedRectangle({ x: 10, y: 10, width: 10, height: 4 }, Math.PI / 2, { x: 10, y: 10 });
    expect(drawn(turned)).toEqual(drawn(rectangle(6, 10, 10, 20)));
  });

  it('reads runs by rows and by columns', () => {
    const runs = (order: 'rows' | 'columns', counts: readonly number[]): Shape => ({
      kind: 'runs',
      counts: Int32Array.from(counts),
      order,
      x: 3,
      y: 2,
      width: 5,
      height: 4,
    });
    const size = { width: 9, height: 7 };
    expect(drawn(runs('rows', [1, 2, 2, 7, 3, 1]), size)).toEqual([
      '.........',
      '.........',
      '....##...',
      '...#####.',
      '...##....',
      '...#.....',
      '.........',
    ]);
    expect(drawn(runs('columns', [1, 2, 1, 4, 5, 1]), size)).toEqual([
      '.........',
      '.........',
      '....#....',
      '...##.#..',
      '...##....',
      '....#....',
      '.........',
    ]);
  });

  it('scales every kind of shape', () => {
    const counter = new RunCounter();
    for (let i = 0; i < 100; i++) counter.add(i % 10 < 5 ? 1 : 0);
    const runs: Shape = {
      kind: 'runs',
      counts: counter.finish(),
      order: 'rows',
      x: 0,
      y: 0,
      width: 10,
      height: 10,
    };
    expect(area(runs)).toBe(50);
    expect(drawn(scaledShape(runs, 2, 2))).toEqual(drawn(rectangle(0, 0, 10, 20)));
    expect(drawn(scaledShape(rectangle(1, 2, 5, 6), 3, 2))).toEqual(drawn(rectangle(3, 4, 15, 12)));
    const disc = { kind: 'ellipse', x: 5, y: 5, radiusX: 3, radiusY: 3, angle: 0 } as const;
    expect(drawn(scaledShape(disc, 2, 2))).toEqual(drawn({ ...disc, x: 10, y: 10, radiusX: 6, radiusY: 6 }));
    const line: Shape = { kind: 'stroke', points: Float64Array.of(2, 2, 12, 12), width: 2 };
    expect(drawn(scaledShape(line, 2, 2))).toEqual(
      drawn({ ...line, points: Float64Array.of(4, 4, 24, 24), width: 4 }),
    );
  });

  it('gives up on outlines that no person drew', () => {
    const zigzag = Float64Array.from({ length: 4000 }, (_, i) =>
      i % 4 === 3 ? 20_000 : i % 2 === 0 ? i : 0,
    );
    expect(() => pixelsOf(polygon(zigzag), { width: 10, height: 20_000 })).toThrow(TooMuchWork);
    expect(area(polygon(Float64Array.of(0, 0, 1e7, 0, 1e7, 1e7, 0, 1e7)))).toBe(SIZE.width * SIZE.height);
  });
});
