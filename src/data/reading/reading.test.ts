import { describe, expect, it } from 'vitest';
import { Random } from '../../config/random.ts';
import type { Raster } from '../decode/raster.ts';
import { findObjects, IGNORED } from '../objects.ts';
import { applyReading } from './apply.ts';
import { inferReading } from './infer.ts';
import { type MaskRole, type ReadingChanges, TRANSPARENT } from './reading.ts';
import { MaskStatistics, maskFacts } from './statistics.ts';

const SIZE = 48;
const base = { format: 'png', bits: 8, lossy: false, orientation: 1, width: SIZE, height: SIZE } as const;

/** Two discs on a ground, a little elsewhere in every mask: 0 outside, 1 and 2 in the discs, 3 in a rim around them. */
function discs(seed: number, rim = 0): number[] {
  const random = Random.fromSeed(seed, 'discs');
  const places = [12, 34].map((x) => [x + random.integer(3), 14 + random.integer(18), 6 + random.integer(2)]);
  return Array.from({ length: SIZE * SIZE }, (_, i) => {
    for (const [k, [x = 0, y = 0, r = 0]] of places.entries()) {
      const distance = Math.hypot((i % SIZE) - x, Math.floor(i / SIZE) - y);
      if (distance <= r) return k + 1;
      if (distance <= r + rim) return 3;
    }
    return 0;
  });
}

const SEEDS = [1, 2, 3];
/** Areas of the two discs in each mask, largest first. */
const AREAS = SEEDS.map((seed) => {
  const values = discs(seed);
  return [1, 2].map((k) => values.filter((v) => v === k).length).sort((a, b) => b - a);
});

type Pixel = number | readonly number[];

/** A raster with the pixel that stands for each of 0, 1, 2, 3. */
function raster(values: readonly number[], pixels: readonly Pixel[], more: Partial<Raster> = {}): Raster {
  const first = pixels[0];
  const channels = typeof first === 'number' || first === undefined ? 1 : first.length;
  const flat = values.flatMap((v) => pixels[v] ?? 0);
  const data = more.bits === 16 ? Uint16Array.from(flat) : Uint8Array.from(flat);
  return { ...base, channels, data, ...more };
}

const floats = (values: readonly number[], of: readonly number[]): Raster => ({
  ...raster(values, [0]),
  bits: 32,
  data: Float32Array.from(values, (v) => of[v] ?? 0),
});

/** Every value as the mean of its neighbourhood, as scaling with smoothing leaves it. */
function smoothed(mask: Raster, radius = 1): Raster {
  const { data, channels } = mask;
  const out = Uint16Array.from(data as Uint8Array);
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        let count = 0;
        for (let ny = Math.max(0, y - radius); ny <= Math.min(SIZE - 1, y + radius); ny++) {
          for (let nx = Math.max(0, x - radius); nx <= Math.min(SIZE - 1, x + radius); nx++) {
            sum += data[(ny * SIZE + nx) * channels + c] as number;
            count++;
          }
        }
        out[(y * SIZE + x) * channels + c] = Math.round(sum / count);
      }
    }
  }
  return { ...mask, data: mask.bits === 16 ? out : Uint8Array.from(out) };
}

/** As a codec leaves it: smoothed a little, with noise near the edges. */
function lossy(mask: Raster, seed: number): Raster {
  const random = Random.fromSeed(seed, 'noise');
  const soft = smoothed(mask);
  const data = Uint8Array.from(soft.data, (v, i) => {
    const isEdge = Math.abs(v - (mask.data[i] as number)) > 0 || random.chance(0.1);
    return isEdge ? Math.min(255, Math.max(0, v + random.integer(9) - 4)) : v;
  });
  return { ...soft, format: 'jpeg', lossy: true, data };
}

interface Understood {
  readonly areas: readonly (readonly number[])[];
  readonly said: string;
  readonly remarks: readonly string[];
  readonly labels: readonly number[];
  readonly ignored: number;
}

/** What masks are read as: areas of the objects of each, and what is said. */
function understand(
  masks: readonly Raster[],
  { role = 'masks' as MaskRole, changes = {} as ReadingChanges, name = (i: number) => `masks/${i}.png` } = {},
): Understood & { readonly inferred: ReturnType<typeof inferReading> } {
  const stats = new MaskStatistics();
  for (const [i, mask] of masks.entries()) stats.add(maskFacts(mask, name(i)));
  const inferred = inferReading(stats, role, changes);
  const { reading } = inferred;
  const bad = new Set(
    inferred.remarks.filter(({ severity }) => severity === 'refused').map(({ file }) => file),
  );
  const maps = masks.flatMap((mask, i) =>
    reading && !bad.has(`masks/${i}.png`) ? [applyReading(mask, reading, `masks/${i}.png`)] : [],
  );
  const rule = reading?.meaning === 'objects' ? 'ids' : 'components';
  const regions = maps.map((map) => findObjects(map, rule).regions);
  return {
    inferred,
    areas: regions.map((each) => each.map(({ area }) => area)),
    labels: [...new Set(regions.flat().map(({ label }) => label))].sort((a, b) => a - b),
    said: inferred.remarks.map(({ reason, cure }) => `${reason} ${cure}`).join('\n'),
    remarks: inferred.remarks.map(({ code }) => code),
    ignored: maps.reduce((sum, { data }) => sum + data.filter((v) => v === IGNORED).length, 0),
  };
}

const plain = (pixels: readonly Pixel[], more: Partial<Raster> = {}, rim = 0) =>
  SEEDS.map((seed) => raster(discs(seed, rim), pixels, more));

describe('masks in which nothing is to be guessed', () => {
  it.each([
    ['0 and 1', plain([0, 1, 1])],
    ['0 and 255', plain([0, 255, 255])],
    ['one bit', plain([0, 1, 1], { bits: 1 })],
    ['16 bits', plain([0, 65_535, 65_535], { bits: 16 })],
    [
      'grey as RGB',
      plain([
        [0, 0, 0],
        [255, 255, 255],
        [255, 255, 255],
      ]),
    ],
    [
      'red on black',
      plain([
        [0, 0, 0],
        [255, 0, 0],
        [255, 0, 0],
      ]),
    ],
    [
      'red on white',
      plain([
        [255, 255, 255],
        [255, 0, 0],
        [255, 0, 0],
      ]),
    ],
    [
      'white on transparent',
      plain(
        [
          [0, 0, 0, 0],
          [255, 255, 255, 255],
          [255, 255, 255, 255],
        ],
        { hasAlpha: true },
      ),
    ],
    [
      'opaque alpha',
      plain(
        [
          [0, 0, 0, 255],
          [9, 9, 9, 255],
          [9, 9, 9, 255],
        ],
        { hasAlpha: true },
      ),
    ],
    ['floats', SEEDS.map((seed) => floats(discs(seed), [0, 1, 1]))],
    ['1 in some and 255 in others', [...plain([0, 1, 1]).slice(0, 1), ...plain([0, 255, 255]).slice(1)]],
  ])('%s are foreground and background, without a remark', (_, masks) => {
    const { areas, remarks, labels, inferred } = understand(masks);
    expect([areas, remarks, labels]).toEqual([AREAS, [], [1]]);
    expect(inferred.reading).toMatchObject({
      meaning: 'foreground',
      ignored: [],
      levels: null,
      threshold: null,
    });
    expect(inferred.evidence.join(' ')).toMatch(/background.*foreground/);
  });

  it.each([
    ['1 and 2', plain([0, 1, 2]), [1, 2]],
    ['3 and 17', plain([0, 3, 17]), [3, 17]],
    ['50 and 100', plain([0, 50, 100]), [50, 100]],
    ['128 and 255', plain([0, 128, 255]), [128, 255]],
    ['300 and 556', plain([0, 300, 556], { bits: 16 }), [300, 556]],
    ['floats', SEEDS.map((seed) => floats(discs(seed), [0, 4, 1000])), [4, 1000]],
    [
      'colours',
      plain([
        [0, 0, 0],
        [255, 0, 0],
        [0, 255, 0],
      ]),
      [0x00ff00, 0xff0000],
    ],
    [
      'colours on white',
      plain([
        [255, 255, 255],
        [220, 40, 40],
        [40, 40, 220],
      ]),
      [0x2828dc, 0xdc2828],
    ],
    [
      'colours on what is transparent',
      plain(
        [
          [255, 255, 255, 0],
          [255, 0, 0, 128],
          [0, 255, 0, 128],
        ],
        { hasAlpha: true },
      ),
      [0x00ff00, 0xff0000],
    ],
    ['palette indices', plain([0, 1, 2], { palette: Uint8Array.of(0, 0, 0, 128, 0, 0, 0, 128, 0) }), [1, 2]],
    [
      'a palette with black last',
      plain([2, 0, 1], { palette: Uint8Array.of(9, 0, 0, 0, 9, 0, 0, 0, 0) }),
      [1, 2],
    ],
    [
      'one-hot channels',
      plain([
        [1, 0, 0, 0, 0],
        [0, 1, 0, 0, 0],
        [0, 0, 0, 0, 1],
      ]),
      [2, 5],
    ],
  ])('%s are classes', (_, masks, labels) => {
    const found = understand(masks);
    expect([found.areas, found.labels]).toEqual([AREAS, labels]);
    expect(found.remarks.filter((code) => code !== 'data/reading-background')).toEqual([]);
    expect(found.inferred.reading?.meaning).toBe('classes');
  });

  it('are read as they stand, whatever labels they hold', () => {
    for (let seed = 0; seed < 25; seed++) {
      const random = Random.fromSeed(seed, 'labels');
      const classes = 1 + random.integer(6);
      // Blocks at least two wide, none at the image's edge.
      const data = new Uint8Array(SIZE * SIZE);
      for (let n = 0; n < 8; n++) {
        const [x0, y0] = [1 + random.integer(SIZE - 10), 1 + random.integer(SIZE - 10)];
        const value = 1 + random.integer(classes);
        for (let y = y0; y < y0 + 2 + random.integer(6); y++)
          data.fill(value, y * SIZE + x0, y * SIZE + x0 + 7);
      }
      const mask = { ...raster([], [0]), data };
      const { inferred } = understand([mask], { role: 'labels' });
      expect(inferred.remarks, String(seed)).toEqual([]);
      if (!inferred.reading) throw new Error('not read');
      expect(applyReading(mask, inferred.reading, 'm.png').data).toEqual(Int32Array.from(data));
    }
  });

  it('lines and dots are labels and no transitions', () => {
    const random = Random.fromSeed(4, 'dots');
    const dots = Array.from({ length: SIZE * SIZE }, () => (random.chance(0.02) ? 1 + random.integer(3) : 0));
    const lines = Array.from({ length: SIZE * SIZE }, (_, i) =>
      (i % SIZE) % 9 === 4 ? 1 : Math.floor(i / SIZE) % 11 === 5 ? 2 : 0,
    );
    for (const values of [dots, lines]) {
      const { inferred } = understand([raster(values, [0, 80, 160, 240])]);
      expect(inferred.reading).toMatchObject({ levels: null, background: 0 });
      expect(inferred.remarks.filter(({ severity }) => severity === 'refused')).toEqual([]);
    }
  });
});

describe('a background that is not 0', () => {
  it.each([
    ['1', plain([1, 2, 2]), 1, /\b1\b.*background/],
    ['10 of label maps', plain([10, 20, 30]), 10, /\b10\b.*background/],
    ['near-black', plain([1, 255, 255]), 1, /\b1\b.*background/],
    [
      'brown',
      plain([
        [140, 90, 30],
        [250, 50, 83],
        [250, 50, 83],
      ]),
      0x8c5a1e,
      /\(140, 90, 30\).*background/,
    ],
    ['black objects on white', plain([255, 0, 0]), 255, /255.*background.*inverted/],
    [
      'holes in what is opaque',
      plain(
        [
          [9, 9, 9, 255],
          [9, 9, 9, 0],
          [9, 9, 9, 0],
        ],
        { hasAlpha: true },
      ),
      255,
      /255.*background/,
    ],
    [
      '-1',
      SEEDS.map((seed) => ({
        ...raster(discs(seed), [0]),
        data: Int16Array.from(discs(seed), (v) => v || -1),
        bits: 16,
      })),
      -1,
      /-1.*background/,
    ],
    [
      '-1 around classes from 0 on',
      SEEDS.map((seed) => ({
        ...raster(discs(seed), [0]),
        data: Int16Array.from(discs(seed), (v) => v - 1),
        bits: 16,
      })),
      -1,
      /-1.*background/,
    ],
    ['255 around classes from 0 on', plain([255, 0, 1]), 255, /255.*background/],
  ])('%s is found, and said', (_, masks, background, text) => {
    const found = understand(masks);
    expect(found.areas).toEqual(AREAS);
    expect(found.inferred.reading?.background).toBe(background);
    expect(found.said).toMatch(text);
    expect(found.said).toMatch(/--background/);
  });

  it('NaN is background where there is no 0, and ignored where there is', () => {
    const without = understand(SEEDS.map((seed) => floats(discs(seed), [Number.NaN, 1, 2])));
    expect([without.areas, without.remarks]).toEqual([AREAS, []]);
    const beside = understand(SEEDS.map((seed) => floats(discs(seed, 2), [0, 1, 2, Number.NaN])));
    expect([beside.areas, beside.remarks]).toEqual([AREAS, ['data/reading-ignored']]);
    expect(beside.ignored).toBeGreaterThan(0);
  });

  it('value 0 has the label of the background where it is a class', () => {
    const { inferred, labels, areas } = understand(
      plain([2, 0, 1], { palette: Uint8Array.of(9, 0, 0, 0, 9, 0, 0, 0, 0) }),
    );
    expect([areas, labels, inferred.reading?.zeroLabel]).toEqual([AREAS, [1, 2], 2]);
  });

  it('no value is, where all are classes: that is said', () => {
    const quarters = Array.from(
      { length: SIZE * SIZE },
      (_, i) => (i % SIZE < SIZE / 2 ? 0 : 1) + (i < (SIZE * SIZE) / 2 ? 0 : 2),
    );
    const found = understand([raster(quarters, [1, 2, 3, 4])]);
    expect(found.inferred.reading?.background).toBeNull();
    expect(found.areas[0]).toHaveLength(4);
    expect(found.said).toMatch(/No value is background/);
  });

  it('WhiteIsZero is said, with the values as they are stored', () => {
    const found = understand(plain([0, 255, 255], { format: 'tiff', isWhiteZero: true }));
    expect([found.areas, found.remarks]).toEqual([AREAS, ['data/mask-white-is-zero']]);
    expect(found.said).toMatch(/WhiteIsZero/);
  });

  it('a dataset without any foreground has background alone', () => {
    const empty = raster(new Array(SIZE * SIZE).fill(0), [0]);
    expect(understand([empty, empty])).toMatchObject({ areas: [[], []], remarks: [] });
  });
});

describe('what is ignored', () => {
  it.each([
    ['a rim of 255', plain([0, 15, 15, 255], {}, 2), 255],
    ['a rim of 254 around classes', plain([0, 3, 5, 254], {}, 2), 254],
    ['a rim of 9', plain([0, 1, 2, 9], {}, 2), 9],
    ['the border of a trimap', plain([2, 1, 1, 3], {}, 2), 3],
    ['the unknown of a matting trimap', plain([0, 255, 255, 128], {}, 2), 128],
    ['a rim of 0 on 1', plain([1, 2, 2, 0], {}, 2), 0],
    [
      'a pale rim of a palette',
      plain([0, 1, 1, 2], { palette: Uint8Array.of(0, 0, 0, 99, 0, 0, 224, 224, 192) }, 2),
      2,
    ],
  ])('%s', (_, masks, value) => {
    const found = understand(masks);
    expect(found.areas).toEqual(AREAS);
    expect(found.inferred.reading?.ignored).toEqual([value]);
    expect(found.ignored).toBeGreaterThan(0);
    expect(found.said).toMatch(
      new RegExp(`\\b${value} is ignored: it lies only along borders.*--ignore`, 's'),
    );
  });

  it.each([
    ['0 beside a background of 1', 0, [1, 2, 2]],
    ['255 beside small ids', 255, [0, 1, 2]],
  ])('stripes of %s', (_, stripe, pixels) => {
    const masks = plain(pixels).map((mask) => {
      const data = mask.data.slice();
      for (let y = 0; y < SIZE; y++) data.fill(stripe, y * SIZE, y * SIZE + 3);
      return { ...mask, data };
    });
    const found = understand(masks);
    expect(found.areas).toEqual(AREAS);
    expect(found.inferred.reading?.ignored).toEqual([stripe]);
    expect(found.remarks).toContain('data/reading-ignored');
  });

  it('255 along the borders of objects that have ids, and no other id of such a shape', () => {
    const found = understand(plain([0, 1, 2, 255], {}, 2), { role: 'instances' });
    expect(found.areas).toEqual(AREAS);
    expect(found.inferred.reading?.ignored).toEqual([255]);
    expect(found.said).toMatch(/255 is ignored: it lies only along borders.*--ignore/s);
    expect(found.ignored).toBeGreaterThan(0);
    const ring = understand(plain([0, 1, 2, 3], {}, 2), { role: 'instances' });
    expect([ring.inferred.reading?.ignored, ring.remarks]).toEqual([[], []]);
    expect(ring.areas.map(({ length }) => length)).toEqual([3, 3, 3]);
  });

  it('is no ring that is as wide as what it surrounds, nor a class beside others', () => {
    const cells = understand(plain([0, 1, 1, 2], {}, 8).map((mask) => mask));
    expect(cells.inferred.reading?.ignored).toEqual([]);
    expect(understand(plain([0, 128, 255])).inferred.reading?.ignored).toEqual([]);
  });
});

describe('values that were mixed', () => {
  const share = (areas: readonly (readonly number[])[]) =>
    areas.map((each, i) => each.map((area, k) => area / (AREAS[i]?.[k] ?? 0)));
  const near = (areas: readonly (readonly number[])[], tolerance: number) => {
    expect(areas.map(({ length }) => length)).toEqual([2, 2, 2]);
    for (const ratio of share(areas).flat()) expect(Math.abs(ratio - 1)).toBeLessThan(tolerance);
  };

  it.each([
    ['0 and 255', plain([0, 255, 255]), 128],
    ['black on white', plain([255, 0, 0]), 128],
    ['0 and 128', plain([0, 128, 128]), 64],
    ['16 bits', plain([0, 65_535, 65_535], { bits: 16 }), 32_768],
    [
      'alpha',
      plain(
        [
          [9, 9, 9, 0],
          [9, 9, 9, 255],
          [9, 9, 9, 255],
        ],
        { hasAlpha: true },
      ),
      128,
    ],
  ])('smoothed %s is read with a threshold in any folder', (_, masks, threshold) => {
    for (const role of ['masks', 'labels'] as const) {
      const found = understand(
        masks.map((mask) => smoothed(mask)),
        { role },
      );
      near(found.areas, 0.06);
      expect(found.inferred.reading?.threshold).toBe(threshold);
      expect(found.remarks).toContain('data/mask-smoothed');
      expect(found.said).toMatch(/smoothed.*--threshold/s);
    }
  });

  it.each([
    [
      'one colour',
      plain([
        [0, 0, 0],
        [255, 0, 0],
        [255, 0, 0],
      ]),
      [1],
      1,
    ],
    [
      'two colours',
      plain([
        [0, 0, 0],
        [230, 60, 60],
        [60, 90, 240],
      ]),
      [0x3c5af0, 0xe63c3c],
      2,
    ],
    ['two greys', plain([0, 60, 180]), [60, 180], 2],
  ])('smoothed %s snaps to what is meant, without a rim of another class', (_, masks, labels, levels) => {
    const found = understand(masks.map((mask) => smoothed(mask)));
    near(found.areas, 0.08);
    expect(found.labels).toEqual(labels);
    expect(found.inferred.reading?.levels).toHaveLength(levels + 1);
    expect(found.remarks).toEqual(['data/mask-snapped']);
  });

  it.each([
    ['0 and 255', plain([0, 255, 255]), 'data/mask-smoothed'],
    [
      'class colours',
      plain([
        [0, 0, 0],
        [128, 0, 0],
        [0, 128, 0],
      ]),
      'data/mask-snapped',
    ],
    ['the greys 60 and 180', plain([0, 60, 180]), 'data/mask-snapped'],
  ])('a lossy file of %s is read, and said', (_, masks, code) => {
    const found = understand(masks.map(lossy));
    near(found.areas, 0.1);
    expect(found.remarks).toEqual([code]);
    expect(found.said).toMatch(/lossy JPEG/);
  });

  it.each([1, 2])('class ids in a lossy file are refused with a cure: 0 to %i', (top) => {
    const masks = plain([0, 1, top]).map((mask, i) => ({ ...lossy(mask, i), data: mask.data }));
    for (const role of ['masks', 'labels'] as const) {
      const found = understand(masks, { role });
      expect(found.inferred.reading).toBeNull();
      expect(found.said).toMatch(/lossy JPEG.*original as PNG/);
    }
  });

  it('object ids in a lossy file are refused', () => {
    const found = understand(plain([0, 90, 200]).map(lossy), { role: 'instances' });
    expect(found.inferred.reading).toBeNull();
    expect(found.said).toMatch(/lossy JPEG, so its object ids cannot be recovered/);
  });

  it.each([
    ['1 in the background', 0, 1],
    ['254 in the objects', 255, 254],
    ['253 in the objects', 255, 253],
  ])('stray pixels of %s count as what is around them', (_, where, stray) => {
    const random = Random.fromSeed(7, 'stray');
    const masks = plain([0, 255, 255]).map((mask) => ({
      ...mask,
      data: mask.data.map((v) => (v === where && random.chance(0.15) ? stray : v)),
    }));
    const found = understand(masks);
    expect(found.areas).toEqual(AREAS);
    expect(found.remarks).toEqual(['data/mask-smoothed']);
  });

  it('a photograph is no mask, and is left out alone', () => {
    const random = Random.fromSeed(2, 'photo');
    const photo: Raster = {
      ...base,
      channels: 3,
      data: Uint8Array.from({ length: 3 * SIZE * SIZE }, () => random.integer(256)),
    };
    const found = understand([
      ...plain([
        [0, 0, 0],
        [255, 0, 0],
        [255, 0, 0],
      ]),
      photo,
    ]);
    expect(found.areas).toEqual(AREAS);
    expect(found.inferred.remarks).toMatchObject([
      { code: 'data/mask-looks-like-photo', file: 'masks/3.png', severity: 'refused' },
    ]);
    expect(understand([photo]).inferred.reading).toBeNull();
  });

  /** A ground with noise, and objects with other noise on it, or on one plain value. */
  const scene = (seed: number, ground: number | null): Raster => {
    const random = Random.fromSeed(seed, 'scene');
    const at = (value: number) => value + random.integer(40);
    const data = discs(seed).flatMap((v) =>
      v ? [at(120), at(100), at(40)] : ground === null ? [at(60), at(80), at(50)] : [ground, ground, ground],
    );
    return { ...base, channels: 3, data: Uint8Array.from(data) };
  };

  it.each([
    ['cut-outs on black', SEEDS.map((seed) => scene(seed, 0))],
    ['cut-outs on white', SEEDS.map((seed) => scene(seed, 255))],
    [
      'copies of the photos',
      SEEDS.map((seed) => ({ ...scene(seed, null), lossy: true, format: 'jpeg' as const })),
    ],
  ])('%s are refused and no empty or full masks', (_, masks) => {
    const found = understand(masks);
    expect(found.areas).toEqual([]);
    expect(found.remarks).toEqual(SEEDS.map(() => 'data/mask-looks-like-photo'));
    expect(found.said).toMatch(/cut-out.*transparent/);
  });

  it('lines too thin for an even area are the other end of the scale', () => {
    const lines = SEEDS.map((seed) =>
      lossy(
        raster(
          Array.from({ length: SIZE * SIZE }, (_, i) => ((i % SIZE) % 16 === 8 + (seed % 2) ? 1 : 0)),
          [0, 255],
        ),
        seed,
      ),
    ).map((mask) => ({ ...mask, data: mask.data.map((v) => Math.min(255, 3 * v)) }));
    const found = understand(lines);
    expect(found.areas.map(({ length }) => length)).toEqual([3, 3, 3]);
    expect(found.remarks).toEqual(['data/mask-smoothed']);
  });

  it('a cut-out keeps the colours of the image, and alpha is the mask', () => {
    const random = Random.fromSeed(5, 'cut-out');
    const masks = SEEDS.map(
      (seed): Raster => ({
        ...base,
        channels: 4,
        hasAlpha: true,
        data: Uint8Array.from(
          discs(seed).flatMap((v) => [
            random.integer(256),
            random.integer(256),
            random.integer(256),
            v ? 255 : 0,
          ]),
        ),
      }),
    );
    const found = understand(masks);
    expect(found.areas).toEqual(AREAS);
    expect(found.inferred.reading?.samples).toBe('alpha');
    expect(found.inferred.evidence.join(' ')).toMatch(/Alpha is the mask: .*shows an image/);
  });

  it('fractions are no labels, and a threshold is the cure that works', () => {
    const masks = SEEDS.map((seed) => floats(discs(seed), [0, 0.5, 1]));
    const found = understand(masks);
    expect(found.inferred.reading).toBeNull();
    expect(found.said).toMatch(/fractions such as 0\.5.*--threshold/);
    expect(understand(masks, { changes: { threshold: 0.5 } }).areas).toEqual(AREAS);
    expect(understand(SEEDS.map((seed) => floats(discs(seed), [0, 0.5, 0.5])))).toMatchObject({
      areas: AREAS,
      remarks: [],
    });
  });

  it('channels of which several are set have no one class', () => {
    const found = understand(
      plain([
        [0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [0, 0, 0, 0, 1],
      ]),
    );
    expect(found.areas).toEqual([]);
    expect(found.said).toMatch(/5 channels of which several are set/);
  });
});

describe('masks of one dataset that are not alike', () => {
  it('0 and 255 among label maps is said', () => {
    const masks = [...plain([0, 1, 2]), ...plain([0, 255, 255]).slice(0, 1)];
    const found = understand(masks);
    expect(found.areas).toEqual([...AREAS, AREAS[0]]);
    expect(found.labels).toEqual([1, 2, 255]);
    expect(found.inferred.remarks).toMatchObject([
      {
        code: 'data/mask-unlike-others',
        file: 'masks/3.png',
        reason: expect.stringMatching(/^255 occurs only in/),
      },
    ]);
  });

  it.each([
    ['plain', (mask: Raster) => mask],
    ['smoothed', (mask: Raster) => smoothed(mask)],
  ])('%s masks of two values that are inverted are said, and not turned', (_, form) => {
    const inverted = form(raster(discs(4), [255, 0, 0]));
    const full = raster(new Array(SIZE * SIZE).fill(1), [0, 255]);
    const found = understand([...plain([0, 255, 255]).map(form), inverted, full]);
    expect(found.inferred.reading?.background).toBe(0);
    expect(found.inferred.remarks.filter(({ code }) => code === 'data/mask-inverted')).toMatchObject([
      {
        severity: 'notice',
        file: 'masks/3.png',
        reason: expect.stringMatching(/^1 of 5 masks look inverted: in masks\/3\.png 255/),
      },
    ]);
    expect(found.areas[3]?.[0]).toBeGreaterThan(1500);
  });

  it('an object that fills most of its image and reaches the edge is not inverted', () => {
    const large = Array.from({ length: SIZE * SIZE }, (_, i) => (i % SIZE < 9 && i < 600 ? 0 : 1));
    expect(understand([...plain([0, 255, 255]), raster(large, [0, 255])]).remarks).toEqual([]);
  });

  it('where objects mostly reach the edges, one that fills its image but for a hole is not inverted', () => {
    // Half of each image, as clouds are, and a whole one with a gap in its middle.
    const half = Array.from({ length: SIZE * SIZE }, (_, i) => Number(i % SIZE < SIZE / 2));
    const [halves, gap] = [raster(half, [0, 255]), raster(discs(4), [255, 0, 0])];
    const { remarks } = understand([halves, halves, halves, ...plain([0, 255, 255]).slice(0, 1), gap]);
    expect(remarks).toEqual([]);
  });

  it('a class that is alone in its mask keeps its value', () => {
    const one = (value: number) => raster(discs(value), [0, value, value]);
    const found = understand([one(1), one(4), ...plain([0, 1, 2]).slice(0, 1)]);
    expect(found.labels).toEqual([1, 2, 4]);
    expect(understand([one(1), one(4)]).labels).toEqual([1, 4]);
  });

  it('palettes that put colours at other places are read by their colours', () => {
    const [a, b] = [
      Uint8Array.of(0, 0, 0, 255, 0, 0, 0, 0, 255),
      Uint8Array.of(0, 0, 0, 0, 0, 255, 255, 0, 0),
    ];
    const masks = [raster(discs(1), [0, 1, 2], { palette: a }), raster(discs(2), [0, 2, 1], { palette: b })];
    const found = understand(masks);
    expect([found.areas, found.labels]).toEqual([AREAS.slice(0, 2), [0x0000ff, 0xff0000]]);
  });
});

describe('ids of objects', () => {
  /** A square for each id from 1, row by row. */
  const grid = (
    side: number,
    across: number,
    changes: (data: Uint16Array, width: number) => void = () => {},
  ): Raster => {
    const width = across * (side + 1);
    const data = new Uint16Array(width * width);
    for (let y = 0; y < width; y++) {
      for (let x = 0; x < width; x++) {
        if (x % (side + 1) === side || y % (side + 1) === side) continue;
        data[y * width + x] = Math.floor(y / (side + 1)) * across + Math.floor(x / (side + 1)) + 1;
      }
    }
    changes(data, width);
    return { format: 'png', width, height: width, channels: 1, bits: 16, data, lossy: false, orientation: 1 };
  };

  it('are as many as there are, however many values that makes', () => {
    const { areas, said } = understand([grid(3, 70)], { role: 'instances' });
    expect(said).toBe('');
    expect(areas[0]).toEqual(new Array(70 * 70).fill(9));
  });

  it('may be specks beside larger objects of ids near theirs', () => {
    const speck = grid(8, 18, (data, width) => {
      for (let i = 0; i < data.length; i++) data[i] = 2 * (data[i] ?? 0);
      data[8 * width + 8] = 201;
    });
    for (const role of ['instances', 'masks'] as const) {
      const { areas, said } = understand([speck], { role });
      expect(said).toBe('');
      expect(areas[0]).toEqual([...new Array(18 * 18).fill(64), 1]);
    }
  });

  /** Discs on a grid, numbered from 1 in each mask, two of them touching. */
  const numbered = (count: number): Raster => {
    const data = new Uint8Array(SIZE * SIZE);
    for (let k = 0; k < count; k++) {
      const [x, y] = [2 + (k % 6) * 7, 2 + Math.floor(k / 6) * 7];
      for (let dy = 0; dy < 5; dy++)
        data.fill(k + 1, (y + dy) * SIZE + x, (y + dy) * SIZE + x + (k === 0 ? 7 : 5));
    }
    return { ...raster([], [0]), data };
  };

  it('are told from classes by their numbers, and said', () => {
    const found = understand([numbered(7), numbered(12), numbered(5)]);
    expect(found.areas.map(({ length }) => length)).toEqual([7, 12, 5]);
    expect(found.inferred.reading?.meaning).toBe('objects');
    expect(found.inferred.evidence.join(' ')).toMatch(/5 to 12 of them, each in one part/);
    expect(found.remarks).toEqual([]);
  });

  it.each([
    ['a few, as many as there are', [3, 2, 4], 'masks'],
    ['as many in every mask', [9, 9], 'masks'],
    ['in one image', [12], 'masks'],
    ['in the folder of label maps', [7, 12, 5], 'labels'],
  ] as const)('that could as well be classes are said: %s', (_, counts, role) => {
    const masks = counts.map(numbered);
    const found = understand(masks, { role });
    expect(found.inferred.reading?.meaning).toBe('classes');
    expect(found.remarks).toEqual(['data/reading-ids']);
    expect(found.said).toMatch(/taken as classes.*each in about one part.*--instances/s);
    const chosen = understand(masks, { role, changes: { instances: true } });
    expect(chosen.areas.map(({ length }) => length)).toEqual(counts);
    expect(chosen.remarks).toEqual([]);
    expect(understand(masks, { role, changes: { instances: false } }).remarks).toEqual([]);
  });

  it('with gaps are said where no mask has most of them', () => {
    const spaced = (first: number, step: number) => {
      const mask = numbered(6);
      return { ...mask, data: mask.data.map((v) => (v ? first + step * v : 0)) };
    };
    expect(understand([spaced(1, 3), spaced(4, 3), spaced(7, 4)]).remarks).toEqual(['data/reading-ids']);
    // The same numbers in every mask are classes.
    expect(understand([spaced(1, 3), spaced(1, 3)]).remarks).toEqual([]);
  });

  /** Numbers in the channels of RGB: each byte of a number in the channel that is given for it, the lowest first. */
  const inChannels = (mask: Raster, channels: readonly number[], step = 1): Raster => {
    const data = new Uint8Array(3 * mask.data.length);
    mask.data.forEach((id, i) => {
      for (const [k, channel] of channels.entries())
        data[3 * i + channel] = Math.floor((step * id) / 256 ** k) & 255;
    });
    return { ...mask, channels: 3, bits: 8, data };
  };

  it.each([
    ['red', [0]],
    ['green', [1]],
    ['blue', [2]],
  ])('are told from classes in %s alone too', (_, channels) => {
    const found = understand([7, 12, 5].map((count) => inChannels(numbered(count), channels)));
    expect(found.inferred.reading?.meaning).toBe('objects');
    expect(found.areas.map(({ length }) => length)).toEqual([7, 12, 5]);
    expect(found.remarks).toEqual([]);
    const alike = understand([9, 9].map((count) => inChannels(numbered(count), channels)));
    expect(alike.remarks).toEqual(['data/reading-ids']);
  });

  it.each([
    ['red', [0, 1, 2]],
    ['blue', [2, 1, 0]],
  ])('are told from classes in 24 bits, the lowest in %s', (_, channels) => {
    const found = understand([inChannels(grid(4, 18), channels), inChannels(grid(4, 17), channels)]);
    expect(found.inferred.reading?.meaning).toBe('objects');
    expect(found.areas.map(({ length }) => length)).toEqual([18 * 18, 17 * 17]);
    expect(found.remarks).toEqual([]);
  });

  it('are no shades of one colour, which are classes', () => {
    const found = understand([inChannels(numbered(6), [0], 40), inChannels(numbered(4), [0], 40)]);
    expect([found.inferred.reading?.meaning, found.remarks]).toEqual(['classes', []]);
  });

  /** Squares whose ids are numbers of 24 bits without an order, the same in every mask. */
  const scattered = (across: number) =>
    inChannels(
      grid(4, across, (data) => {
        for (let i = 0; i < data.length; i++)
          data[i] = data[i] ? 1 + (((data[i] as number) * 7919) % 65_521) : 0;
      }),
      [0, 2],
    );

  it('may have any colours, in one mask or the same in all, where a mask has very many', () => {
    for (const masks of [[scattered(12)], [scattered(12), scattered(12)]]) {
      const { areas, remarks, inferred } = understand(masks);
      expect(inferred.reading?.meaning).toBe('objects');
      expect(inferred.evidence.join(' ')).toMatch(
        /a mask has 144 of them, each in one part \(1\.00 on average\)/,
      );
      expect(areas).toEqual(masks.map(() => new Array(144).fill(16)));
      expect(remarks).toEqual([]);
      // Nobody reads a list of 144.
      expect(inferred.values).toHaveLength(12);
    }
    expect(understand([scattered(7)]).inferred.reading?.meaning).toBe('classes');
    const asLabels = understand([scattered(12)], { role: 'labels' });
    expect([asLabels.inferred.reading?.meaning, asLabels.remarks]).toEqual(['classes', ['data/reading-ids']]);
  });

  it('may be many in a few parts each, as what others lie across', () => {
    const cut = (share: number) =>
      grid(5, 9, (data, width) => {
        for (let i = 0; i < data.length; i++) {
          const id = data[i] as number;
          data[i] = id % 10 < 10 * share && Math.floor(i / width) % 6 === 2 ? 0 : 3 * id;
        }
      });
    const found = understand([cut(0.5)]);
    expect(found.inferred.reading?.meaning).toBe('objects');
    expect(found.inferred.evidence.join(' ')).toMatch(/81 of them, each in few parts \(1\.5\d on average\)/);
    expect(found.areas[0]).toHaveLength(81);
  });

  it.each([
    ['Cellpose', (i: number) => `cells/a${i}_cp_masks.png`],
    ['Cell Tracking Challenge', (i: number) => `F/01_GT/SEG/man_seg00${i}.tif`],
  ])('are ids where the %s named the files, however few', (who, name) => {
    const found = understand([numbered(2), numbered(1), numbered(4)], { name });
    expect(found.inferred.reading?.meaning).toBe('objects');
    expect(found.areas.map(({ length }) => length)).toEqual([2, 1, 4]);
    expect([found.remarks, found.inferred.evidence.join(' ')]).toEqual([[], expect.stringContaining(who)]);
  });

  it('are classes where each has several parts, unless a person says otherwise', () => {
    const masks = SEEDS.map((seed) =>
      raster(
        discs(seed).map((v, i) => (v ? 1 : i % SIZE === 45 ? 2 : 0)),
        [0, 1, 2],
      ),
    );
    expect(understand(masks).inferred.reading?.meaning).toBe('classes');
    const forced = understand(masks, { changes: { instances: true } });
    expect(forced.areas.map(({ length }) => length)).toEqual([2, 2, 2]);
    const kept = understand([numbered(7), numbered(12)], { changes: { instances: false } });
    expect(kept.inferred.reading?.meaning).toBe('classes');
  });
});

describe('ids that say their class', () => {
  const coded = [0, 1001, 2004, 10_000];
  const masks = (pixels: readonly number[]) => plain(pixels, { bits: 16 }, 2);

  it.each(['masks', 'labels', 'instances'] as const)('are objects, in %s', (role) => {
    const { inferred, areas, labels, ignored, remarks } = understand(masks(coded), { role });
    expect(inferred.reading).toMatchObject({ meaning: 'objects', classStep: 1000, ignored: [10_000] });
    expect(areas).toEqual(AREAS);
    expect(labels).toEqual([1001, 2004]);
    expect(ignored).toBeGreaterThan(100);
    expect(remarks).toEqual(['data/reading-ignored']);
  });

  it('may lie beside small numbers that are classes', () => {
    const { inferred } = understand(masks([7, 26_000, 26_001, 8]), { role: 'instances' });
    expect(inferred.reading).toMatchObject({ meaning: 'objects', classStep: 1000 });
  });

  it('are no classes in thousands, large ids, small ones, or what a person calls classes', () => {
    const isCoded = (pixels: readonly number[], role: MaskRole, changes: ReadingChanges = {}) =>
      understand(masks(pixels), { role, changes }).inferred.reading?.classStep !== undefined;
    expect(isCoded([0, 1000, 2000, 3000], 'masks')).toBe(false);
    expect(isCoded([0, 1500, 2730, 65_535], 'instances')).toBe(false);
    expect(isCoded([0, 70, 1004, 2001], 'instances')).toBe(false);
    expect(isCoded([0, 1, 2, 3], 'instances')).toBe(false);
    expect(isCoded(coded, 'masks', { instances: false })).toBe(false);
    expect(isCoded(coded, 'masks')).toBe(true);
  });
});

describe('what a person chooses', () => {
  const masks = plain([0, 1, 2, 255], {}, 2);

  it('counts, and is no remark', () => {
    const found = understand(masks, { changes: { background: 255, ignored: [0] } });
    expect(found.inferred.reading).toMatchObject({ background: 255, ignored: [0] });
    expect([found.areas, found.remarks]).toEqual([AREAS, []]);
    expect(found.inferred.evidence.join(' ')).toMatch(
      /255 is the background, as you chose.*0 is ignored, as you chose/,
    );
    expect(understand(masks, { changes: { ignored: [] } }).areas.flat()).toHaveLength(12);
  });

  it('may be that no value is background', () => {
    const found = understand(plain([0, 1, 2]), { changes: { background: null } });
    expect(found.areas.every(({ length }) => length === 3)).toBe(true);
    expect(found.labels).toEqual([1, 2, 3]);
  });

  it('must occur', () => {
    const found = understand(masks, { changes: { background: 7 } });
    expect(found.inferred.reading).toBeNull();
    expect(found.said).toMatch(/^7 is no value of these masks: they hold 0, 1, 2 and 255\. Choose among 0, /);
    const colours = understand(
      plain([
        [0, 0, 0],
        [255, 0, 0],
        [0, 0, 255],
      ]),
      { changes: { threshold: 9 } },
    );
    expect(colours.said).toMatch(/needs grey masks/);
  });

  it('a threshold splits, on the side that the background is not on', () => {
    const grey = plain([10, 90, 200]);
    const only = understand(grey, { changes: { threshold: 100 } });
    expect(only.areas.map(({ length }) => length)).toEqual([1, 1, 1]);
    const inverted = understand(grey, { changes: { threshold: 100, background: 200 } });
    expect(inverted.inferred.reading?.background).toBe(200);
    expect(inverted.areas.every(([area = 0]) => area > 1000)).toBe(true);
  });

  it('transparent is a value of colours', () => {
    const half = plain(
      [
        [9, 9, 9, 0],
        [255, 0, 0, 255],
        [0, 255, 0, 255],
      ],
      { hasAlpha: true },
    );
    const found = understand(half, { changes: { background: 0xff0000, ignored: [TRANSPARENT] } });
    expect(found.areas.map(({ length }) => length)).toEqual([1, 1, 1]);
    expect(found.ignored).toBeGreaterThan(1000);
  });
});
