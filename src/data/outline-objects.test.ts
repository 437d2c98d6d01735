import { describe, expect, it } from 'vitest';
import { findObjects } from './objects.ts';
import { OutlineCounts } from './outline-objects.ts';

/** Label maps drawn by characters: digits are values, dots background. */
function said(...drawings: readonly string[]): readonly string[] {
  const counts = new OutlineCounts();
  for (const [i, drawing] of drawings.entries()) {
    const rows = drawing.trim().split(/\s+/);
    const width = rows[0]?.length ?? 0;
    const data = Int32Array.from(rows.join(''), (value) => (value === '.' ? 0 : Number(value)));
    counts.add(findObjects({ width, height: rows.length, data }, 'ids'), `${i}.png`);
  }
  return counts.remarks().map(({ code, file, reason }) => `${code} ${file}: ${reason}`);
}

const RING = '....... ..111.. .1...1. .1...1. .1...1. ..111.. .......';
const DISC = '....... ..111.. .11111. .11111. .11111. ..111.. .......';
/** Open by one pixel. */
const ARC = '....... ..111.. .1...1. .1..... .1...1. ..111.. .......';
const NET = '1111111 1..1..1 1..1..1 1111111 1..1..1 1..1..1 1111111';
const AROUND_ANOTHER = '....... .11111. .12221. .12221. .12221. .11111. .......';
const AT_THE_EDGE = '11111 1...1 1...1 1...1 11111';
/** A square of a line `t` wide around `inside` pixels. */
const frame = (t: number, inside: number) => {
  const side = 2 * t + inside;
  const isIn = (n: number) => n >= t && n < t + inside;
  return Array.from({ length: side }, (_, y) =>
    Array.from({ length: side }, (_, x) => (isIn(x) && isIn(y) ? '.' : '1')).join(''),
  ).join(' ');
};

describe('objects that are outlines alone', () => {
  it.each([
    ['closed lines', RING],
    ['along the edge of the image', AT_THE_EDGE],
    ['of three pixels', frame(3, 14)],
  ])('are said: %s', (_, drawing) => {
    expect(said(drawing)).toEqual([
      expect.stringMatching(/^data\/mask-outlines 0.png: The object is a thin closed line/),
    ]);
    expect(said(DISC, ...Array.from({ length: 4 }, () => drawing))).toEqual([
      expect.stringMatching(/^data\/mask-outlines 1.png: 4 of 5 objects/),
    ]);
  });

  it.each([
    ['discs', DISC],
    ['open lines', ARC],
    ['nets', NET],
    ['what lies around another object', AROUND_ANOTHER],
    ['broad rings', frame(5, 30)],
    ['lines around nearly nothing', frame(3, 3)],
    ['nothing', '...'],
  ])('are none of %s', (_, drawing) => expect(said(drawing)).toEqual([]));

  it('are not said where they are few', () => expect(said(RING, RING, DISC)).toEqual([]));
});
