import { expect, test } from 'vitest';
import { type PaintedMask, paintMasks } from './masks.ts';

const image = { width: 6, height: 4 };
const natural = { scale: 1, left: 0, top: 0 };

/** A mask from rows of text, `#` inside. */
function mask(id: string, rows: readonly string[], strong = false): PaintedMask {
  const runs: number[] = [];
  const marked = rows.join('');
  for (let i = 0; i < marked.length; ) {
    if (marked[i] !== '#') {
      i++;
      continue;
    }
    const start = i;
    while (marked[i] === '#') i++;
    runs.push(start, i - start);
  }
  return {
    id,
    runs: Uint32Array.from(runs),
    extent: [0, 0, image.width, image.height],
    colour: [id.charCodeAt(0), 0, 0],
    strong,
  };
}

/** A letter where a mask is, in upper case on its outline. */
function draw(masks: readonly PaintedMask[], view = natural, x = 0, y = 0, width = 6, height = 4): string[] {
  const pixels = paintMasks(masks, image, view, { x, y, width, height });
  return Array.from({ length: height }, (_, row) =>
    Array.from(pixels.subarray(row * width, (row + 1) * width), (pixel) => {
      if (pixel === 0) return '.';
      const letter = String.fromCharCode(pixel & 255);
      return pixel >>> 24 === 255 ? letter.toUpperCase() : letter;
    }).join(''),
  );
}

const block = ['......', '.####.', '.####.', '.####.'];

test('a mask has its colour inside and an outline, and runs may go on in the next row', () => {
  expect(draw([mask('a', block)])).toEqual(['......', '.AAAA.', '.AaaA.', '.AAAA.']);
  expect(draw([mask('a', ['....##', '##....', '......', '......'])])).toEqual([
    '....AA',
    'AA....',
    '......',
    '......',
  ]);
});

test('the later mask lies above, and a chosen one has a wide outline', () => {
  const above = mask('b', ['......', '...#..', '......', '......']);
  expect(draw([mask('a', block), above])).toEqual(['......', '.AABA.', '.AaAA.', '.AAAA.']);
  const [, ...rows] = draw([mask('a', block, true)], { scale: 2, left: 0, top: 0 }, 0, 0, 12, 8).slice(1);
  expect(rows).toEqual([
    '..AAAAAAAA..',
    '..AAAAAAAA..',
    '..AAaaaaAA..',
    '..AAaaaaAA..',
    '..AAAAAAAA..',
    '..AAAAAAAA..',
  ]);
});

test('what is not an object yet is striped inside, between a whole outline, and its stripes move with the image', () => {
  const striped = { ...mask('a', block), striped: true };
  const view = { scale: 6, left: 0, top: 0 };
  const [, row] = draw([striped], view, 6, 7, 24, 2);
  expect(row).toBe('A.aaaa....aaaa....aaaa.A');
  expect(draw([striped], { ...view, left: 3 }, 9, 8, 24, 1)).toEqual([row]);
  expect(draw([striped], { ...view, left: 3, top: 5 }, 9, 13, 24, 1)).toEqual([row]);
  expect(draw([mask('a', block)], view, 6, 8, 24, 1)).toEqual(['AaaaaaaaaaaaaaaaaaaaaaaA']);
});

test('a part is painted as it is in the whole', () => {
  const masks = [mask('a', block), mask('b', ['####..', '#.....', '......', '..####'])];
  const view = { scale: 2.5, left: -1, top: 0.4 };
  const whole = draw(masks, view, 0, 0, 15, 10);
  const part = draw(masks, view, 4, 3, 7, 5);
  expect(part).toEqual(whole.slice(3, 8).map((row) => row.slice(4, 11)));
});

test('zoomed out, the middle of each pixel counts', () => {
  expect(draw([mask('a', block)], { scale: 0.5, left: 0, top: 0 }, 0, 0, 3, 2)).toEqual(['AA.', 'AA.']);
});
