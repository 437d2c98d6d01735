import { describe, expect, test } from 'vitest';
import { FIND_FIELDS, parseFindSettings } from '../../config/find.ts';
import { maskInBox, maskObject, runsInBox } from '../../data/mask-runs.ts';
import { imageTransform } from '../../data/preprocess.ts';
import type { Box } from '../../data/types.ts';
import { resizePlaneOnHost } from '../../sam/resize-host.ts';
import { normals } from '../../testing/random.ts';
import { cropsOf, gridPoints, isCutOff } from './crops.ts';
import { withoutSmallRegions } from './regions.ts';
import { type Proposal, selectObjects, withoutDuplicates } from './select.ts';
import { MaskUpscaler } from './upscale.ts';

describe('crops', () => {
  test('a layer has four crops that overlap as in SAM', () => {
    const crops = cropsOf({ width: 1500, height: 1000 }, 'whole', { cropLayers: 1 });
    // `generate_crop_boxes((1000, 1500), 1, 512 / 1500)`.
    expect(crops.map(({ box }) => box)).toEqual([
      [0, 0, 1500, 1000],
      [0, 0, 921, 671],
      [0, 330, 921, 1000],
      [580, 0, 1500, 671],
      [580, 330, 1500, 1000],
    ]);
  });

  test('a scale covers the image with crops of one size, which overlap', () => {
    const image = { width: 1000, height: 300 };
    const crops = cropsOf(image, 256, { cropLayers: 0 }).map(({ box }) => box);
    for (const [x0, y0, x1, y1] of crops) expect([x1 - x0, y1 - y0]).toEqual([256, 256]);
    expect(crops.at(0)?.slice(0, 2)).toEqual([0, 0]);
    expect(crops.at(-1)?.slice(2)).toEqual([1000, 300]);
    const starts = [...new Set(crops.map(([x0]) => x0))];
    for (const [i, start] of starts.slice(1).entries())
      expect(256 - (start - (starts[i] ?? 0))).toBeGreaterThanOrEqual(87);
    expect(cropsOf({ width: 40, height: 30 }, 256, { cropLayers: 0 }).map(({ box }) => box)).toEqual([
      [0, 0, 40, 30],
    ]);
  });

  test('points stand in the middle of the cells', () => {
    expect(gridPoints([10, 20, 14, 28], 2)).toEqual([
      [11, 22],
      [13, 22],
      [11, 26],
      [13, 26],
    ]);
  });

  test('a mask at an edge of its crop is cut off, unless the image ends there', () => {
    const image = { width: 200, height: 200 };
    const crop = { box: [0, 0, 120, 120] as const, edge: 20 };
    expect(isCutOff([0, 0, 50, 50], crop, image)).toBe(false);
    expect(isCutOff([30, 30, 101, 60], crop, image)).toBe(true);
    expect(isCutOff([30, 30, 100, 60], crop, image)).toBe(false);
  });
});

test.each([
  ['as large as the square', 32, 24],
  ['smaller', 21, 17],
  ['larger', 100, 61],
])('a mask is that of the whole plane, resized: %s', (_, width, height) => {
  const [side, size] = [16, 32];
  const transform = imageTransform(width, height, { size, aspect: 'keep' });
  const corner = [5, 3] as const;
  const image = { width: width + 11, height: height + 7 };
  const upscaler = new MaskUpscaler(side, transform, corner, image.width, 0.25);
  for (let seed = 1; seed < 12; seed++) {
    // Noise on a slope, so that some masks fill a part and others reach the edges.
    const lowRes = normals(side * side, seed).map(
      (v, i) => v + 2 - (seed * Math.hypot((i % side) - 6, i / side - 5)) / 6,
    );
    const square = resizePlaneOnHost(Float32Array.from(lowRes), [side, side], [size, size]);
    const [inputHeight, inputWidth] = transform.inputSize;
    const input = Float32Array.from({ length: inputHeight * inputWidth }, (_, i) => {
      return square[Math.floor(i / inputWidth) * size + (i % inputWidth)] ?? 0;
    });
    const logits = resizePlaneOnHost(input, transform.inputSize, transform.originalSize);
    const over = (t: number) => Uint8Array.from(logits, (v) => (v > t ? 1 : 0));
    const count = (mask: Uint8Array) => mask.reduce((sum, v) => sum + v, 0);
    const placed: Box = [corner[0], corner[1], corner[0] + width, corner[1] + height];
    const mask = upscaler.mask(Float32Array.from(lowRes));
    expect(mask?.area).toBe(count(over(0.25)));
    expect(mask && maskInBox(mask.runs, placed, image)).toEqual(over(0.25));
    expect(mask?.box).toEqual(mask && maskObject(mask.runs, image.width).box);
    expect(mask?.stability).toBe(count(over(1.25)) / count(over(-0.75)));
  }
  expect(upscaler.mask(new Float32Array(side * side).fill(-3))).toBeNull();
});

describe('small regions', () => {
  const draw = (...rows: string[]) => {
    const size = { width: rows[0]?.length ?? 0, height: rows.length };
    const all = [0, 0, size.width, size.height] as const;
    const mask = Uint8Array.from(rows.join(''), (c) => (c === '#' ? 1 : 0));
    return { size, all, runs: runsInBox(mask, all, size) };
  };
  const clean = (rows: string[], least: number): string[] => {
    const { size, all, runs } = draw(...rows);
    const cleaned = withoutSmallRegions(runs, maskObject(runs, size.width).box, size, least);
    const mask = maskInBox(cleaned, all, size);
    return rows.map((row, y) => [...row].map((_, x) => (mask[y * row.length + x] ? '#' : '.')).join(''));
  };

  test('holes are filled and islands removed', () => {
    const rows = ['......', '####..', '#.##..', '####.#', '......'];
    expect(clean(rows, 2)).toEqual(['......', '####..', '####..', '####..', '......']);
    const { runs, size } = draw(...rows);
    expect(withoutSmallRegions(runs, maskObject(runs, 6).box, size, 1)).toBe(runs);
  });

  test('the largest part stays where all are small; background at the edge of the image may be a hole', () => {
    expect(clean(['........', '##..#...', '........', '........'], 5)).toEqual([
      '........',
      '##......',
      '........',
      '........',
    ]);
    // 2 pixels to the left, 4 to the right; the object spans the whole height.
    expect(clean(['.#..', '.#..'], 3)).toEqual(['##..', '##..']);
  });
});

describe('selection', () => {
  const image = { width: 100, height: 100 };
  const proposal = (box: Box, predictedIou: number, more: Partial<Proposal> = {}): Proposal => {
    const area = (box[2] - box[0]) * (box[3] - box[1]);
    const runs = runsInBox(new Uint8Array(area).fill(1), box, image);
    return { runs, area, box, predictedIou, stability: 1, point: [0, 0], crop: 0, cropArea: 10_000, ...more };
  };
  const settings = parseFindSettings({});
  const boxes = (found: readonly { readonly box: Box }[]) => found.map(({ box }) => box);

  test('of duplicates the better one stays, and of equal ones the first', () => {
    const [a, b, c] = [
      proposal([10, 10, 40, 40], 0.9),
      proposal([11, 10, 41, 40], 0.95),
      proposal([10, 11, 40, 41], 0.95),
    ];
    expect(boxes(selectObjects([a, b, c], image, settings))).toEqual([[11, 10, 41, 40]]);
    expect(boxes(selectObjects([a, c, b], image, settings))).toEqual([[10, 11, 40, 41]]);
  });

  test('of what two crops show, the smaller one counts, whatever the model thinks', () => {
    const whole = proposal([10, 10, 40, 40], 0.99);
    const part = proposal([11, 10, 41, 40], 0.9, { crop: 1, cropArea: 2_500 });
    expect(boxes(selectObjects([whole, part], image, settings))).toEqual([part.box]);
  });

  test('thresholds and areas leave out', () => {
    const [small, large] = [
      proposal([0, 0, 5, 5], 0.9),
      proposal([50, 50, 90, 90], 0.95, { stability: 0.96 }),
    ];
    const select = (more: object) => boxes(selectObjects([small, large], image, parseFindSettings(more)));
    expect(select({})).toEqual([large.box, small.box]);
    expect(select({ iou: 0.92 })).toEqual([large.box]);
    expect(select({ stability: 0.97 })).toEqual([small.box]);
    expect(select({ minArea: 26 })).toEqual([large.box]);
    expect(select({ maxArea: 0.1599 })).toEqual([small.box]);
  });

  test('masks that overlap in boxes of little overlap are duplicates only by their pixels', () => {
    const body = proposal([0, 0, 40, 40], 0.9);
    // The same and a thread to the other side, which makes its box large.
    const mask = maskInBox(body.runs, [0, 0, 100, 100], image).fill(1, 0, 100);
    const runs = runsInBox(mask, [0, 0, 100, 100], image);
    const threaded = { ...proposal([0, 0, 100, 40], 0.95), ...maskObject(runs, 100) };
    const select = (more: object) => selectObjects([body, threaded], image, parseFindSettings(more));
    expect(select({})).toHaveLength(2);
    expect(boxes(select({ maskOverlap: 0.7 }))).toEqual([threaded.box]);
  });

  test('of masks within each other the better one stays, where that is asked for', () => {
    const [whole, part] = [proposal([0, 0, 40, 40], 0.95), proposal([2, 2, 12, 12], 0.9)];
    // Six tenths of it lie within the whole.
    const edge = proposal([34, 20, 44, 30], 0.92);
    const select = (nesting: number, of = [whole, part, edge]) =>
      boxes(selectObjects(of, image, parseFindSettings({ nesting })));
    expect(select(1)).toEqual([whole.box, edge.box, part.box]);
    expect(select(0.7)).toEqual([whole.box, edge.box]);
    expect(select(0.5)).toEqual([whole.box]);
    expect(select(0.7, [{ ...whole, predictedIou: 0.89 }, part])).toEqual([part.box]);
  });

  test('what is told to be like labelled objects goes before what the model thinks', () => {
    const likely = proposal([10, 10, 40, 40], 0.9, { likeness: 0.8 });
    const sure = proposal([11, 10, 41, 40], 0.99, { likeness: 0.3 });
    const select = (more: object) => selectObjects([sure, likely], image, parseFindSettings(more));
    expect(select({})).toMatchObject([{ box: likely.box, likeness: 0.8 }]);
    expect(boxes(select({ likeness: 0.8 }))).toEqual([likely.box]);
    expect(select({ likeness: 0.81 })).toEqual([]);
    // What was told nothing is not left out by it.
    const untold = proposal([60, 60, 80, 80], 0.9);
    expect(selectObjects([untold], image, parseFindSettings({ likeness: 1 }))).toHaveLength(1);
  });

  test('cleaned masks that become duplicates give way to clean ones', () => {
    const clean = proposal([10, 10, 40, 40], 0.9);
    const mask = maskInBox(clean.runs, [0, 0, 100, 100], image);
    mask[99 * 100 + 99] = 1;
    const runs = runsInBox(mask, [0, 0, 100, 100], image);
    const speckled = { ...proposal([10, 10, 100, 100], 0.99), ...maskObject(runs, 100) };
    const select = (more: object) => selectObjects([clean, speckled], image, parseFindSettings(more));
    expect(select({})).toHaveLength(2);
    const [left, ...others] = select({ minRegion: 4 });
    expect(others).toEqual([]);
    expect(left?.predictedIou).toBe(0.9);
  });

  test('nothing overlaps nothing', () => {
    expect(
      withoutDuplicates(
        [],
        () => 0,
        () => 1,
        0.5,
      ),
    ).toEqual([]);
    // A box of one column has no area, and is a duplicate of none.
    const thin = [proposal([5, 0, 6, 40], 0.9), proposal([5, 0, 6, 40], 0.95)];
    expect(selectObjects(thin, image, settings)).toHaveLength(2);
  });

  test('the settings name what is allowed', () => {
    expect(() => parseFindSettings({ iou: 1.5 })).toThrow(/1.5/);
    expect(Object.values(FIND_FIELDS).every(({ help }) => help.endsWith('.'))).toBe(true);
  });
});
