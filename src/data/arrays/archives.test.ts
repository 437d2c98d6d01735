import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { DatasetSample } from '../dataset.ts';
import { readRaster } from '../decode/read-raster.ts';
import { inspectDataset } from '../inspect.ts';
import type { LazyFile } from '../lazy-file.ts';
import { limits } from '../limits.ts';
import { type InputFile, readDatasets } from '../read-datasets.ts';
import { writeZip } from '../zip.ts';
import type { ElementType } from './element-type.ts';
import { countOf, writeNpy } from './npy-header.ts';

interface Case {
  readonly name: string;
  readonly path: string;
  readonly file: string;
  /** Sums of the values by path. */
  readonly images: Readonly<Record<string, number>>;
  readonly masks: Readonly<Record<string, number>>;
}

const cases = JSON.parse(
  readFileSync(new URL('../../../tests/vectors/arrays/archives.json', import.meta.url), 'utf8'),
) as Case[];
const unpacked = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));
const caseOf = (name: string): Uint8Array => {
  const found = cases.find((each) => each.name === name);
  if (!found) throw new Error(`there is no case ${name}`);
  return unpacked(found.file);
};

/** Of which parts can be read, as of a file that was dropped. */
const ranged = (path: string, bytes: Uint8Array): InputFile => ({
  path,
  size: bytes.length,
  bytes: () => Promise.reject(new Error('it was read as a whole')),
  read: async (offset, length) => bytes.slice(offset, offset + length),
});
const whole = (path: string, bytes: Uint8Array): InputFile => ({
  path,
  size: bytes.length,
  bytes: async () => bytes,
});

const masksOf = ({ mask, labels, instances, objectMasks = [] }: DatasetSample) =>
  [mask, labels, instances, ...objectMasks].flatMap((file) => (file ? [file] : []));

/** The sums of the values of files, by path. */
async function sumsOf(files: readonly LazyFile[]): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const file of files) {
    const { data } = await readRaster(await file.bytes(), file.path);
    let sum = 0;
    for (const value of data) sum += value;
    sums[file.path] = sum;
  }
  return sums;
}

const BYTES: ElementType = { bits: 8, kind: 'unsigned', littleEndian: true };
/** An array of this shape, of bytes of 0 … 1, or of `fill` alone. */
const array = (shape: readonly number[], fill?: number) =>
  writeNpy(
    BYTES,
    shape,
    Uint8Array.from({ length: countOf(shape) }, (_, i) => fill ?? (i % 7 === 3 ? 1 : 0)),
  );
const text = (line: string) => new TextEncoder().encode(line);
/** An array whose head says a type that is not read. */
const typed = (descr: string, shape: string, bytes = 64) => {
  const head = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }\n`;
  return Uint8Array.from([
    ...[0x93, ...text('NUMPY'), 1, 0, head.length, 0],
    ...text(head),
    ...new Uint8Array(bytes),
  ]);
};
const npz = (arrays: Readonly<Record<string, Uint8Array>>) =>
  writeZip(Object.fromEntries(Object.entries(arrays).map(([name, bytes]) => [`${name}.npy`, bytes])));

describe('archives become images and masks by the names of their arrays', () => {
  it.each(cases)('$name', async ({ path, file, images, masks }) => {
    const bytes = unpacked(file);
    const inZip: InputFile = whole('z.zip', await writeZip({ [path]: bytes }, 0));
    for (const [drop, folder] of [
      [ranged(path, bytes), ''],
      [whole(path, bytes), ''],
      [inZip, 'z.zip/'],
    ] as const) {
      const below = (values: Readonly<Record<string, number>>) =>
        Object.fromEntries(Object.entries(values).map(([name, value]) => [`${folder}${name}`, value]));
      const { datasets, refusals } = await readDatasets([drop]);
      const samples = datasets.flatMap((each) => each.samples);
      expect(await sumsOf(samples.map(({ image }) => image))).toEqual(below(images));
      if (Object.keys(images).length === 0) {
        const refused = Object.keys(masks).map((name) => ({
          code: 'data/mask-without-image',
          file: `${folder}${name}`,
        }));
        expect(refusals).toMatchObject(refused);
        continue;
      }
      expect(await sumsOf(samples.flatMap(masksOf))).toEqual(below(masks));
      expect(samples.every((sample) => masksOf(sample).length > 0)).toBe(Object.keys(masks).length > 0);
      expect(refusals.filter(({ code }) => code !== 'data/stack')).toEqual([]);
      for (const dataset of datasets)
        expect(
          (await inspectDataset(dataset)).refusals.filter(({ severity }) => severity === 'refused'),
        ).toEqual([]);
    }
  });

  it('and what they say of splits is the split', async () => {
    const { datasets } = await readDatasets([whole('a.npz', caseOf('Keras, stored'))]);
    const splits = datasets.flatMap(({ samples }) => samples.map(({ split }) => split));
    expect(splits.sort()).toEqual(['test', 'test', 'train', 'train', 'train']);
  });

  it.each(['masks', 'cells_labels', 'images_and_masks', 'results', 'edges', 'data'])(
    'whatever %s.npz is called',
    async (name) => {
      for (const [image, mask] of [
        [
          [9, 13, 3],
          [9, 13],
        ],
        [
          [4, 9, 13],
          [4, 9, 13],
        ],
      ] as const) {
        const bytes = await npz({ image: array(image), mask: array(mask) });
        const { datasets, refusals } = await readDatasets([ranged(`${name}.npz`, bytes)]);
        const samples = datasets.flatMap((each) => each.samples);
        expect(samples.map((sample) => masksOf(sample).length)).toEqual(samples.map(() => 1));
        expect(samples).toHaveLength(mask.length === 2 ? 1 : 4);
        expect(refusals.filter(({ code }) => code !== 'data/stack')).toEqual([]);
      }
    },
  );

  it('and masks in folders of archives of their own pair with those of images', async () => {
    const { datasets, refusals } = await readDatasets([
      ranged('images/a.npz', await npz({ img: array([9, 13]) })),
      ranged('images/b.npz', await npz({ arr_0: array([9, 13]) })),
      ranged('masks/a.npz', await npz({ mask: array([9, 13]) })),
      ranged('masks/b.npz', await npz({ arr_0: array([9, 13]) })),
    ]);
    expect(
      datasets.flatMap(({ samples }) => samples.map(({ image, mask }) => [image.path, mask?.path])),
    ).toEqual([
      ['images/a.npy', 'masks/a_mask.npy'],
      ['images/b.npy', 'masks/b.npy'],
    ]);
    expect(refusals).toEqual([]);
  });
});

const pair = { image: array([9, 13]), label: array([9, 13]) };
const CLAIM = 600 * 2 ** 20;

/** A zip whose directory claims that its first entry unpacks to so many bytes. */
function claiming(zip: Uint8Array, size: number): Uint8Array {
  const out = zip.slice();
  const view = new DataView(out.buffer);
  for (let at = 0; at < out.length - 4; at++) {
    if (view.getUint32(at, true) !== 0x02014b50) continue;
    view.setUint32(at + 24, size, true);
    return out;
  }
  throw new Error('the zip has no directory');
}

describe('what is not understood is refused as a whole, with what it holds and what to do', () => {
  it.each<[string, () => Uint8Array | Promise<Uint8Array>, string, RegExp, RegExp]>([
    [
      'arrays without a name',
      () => npz({ arr_0: array([4, 9, 13]), arr_1: array([4, 9, 13]) }),
      'data/array-names',
      /arr_0 \(4 × 9 × 13\), arr_1 \(4 × 9 × 13\), and which/,
      /np\.load\("a\.npz"\); np\.savez_compressed\("new_a\.npz", images=a\["arr_0"\], masks=a\["arr_1"\]\)/,
    ],
    [
      'two masks',
      () => npz({ masks: array([9, 13]), label: array([9, 13]), frame: array([9, 13]) }),
      'data/array-names',
      /masks .* label .* frame/,
      /images=a\["frame"\], masks=a\["masks"\]\)/,
    ],
    [
      'two masks and no image',
      () => npz({ masks: array([9, 13]), label: array([9, 13]) }),
      'data/array-names',
      /masks .* label/,
      /"new_a\.npz", masks=a\["masks"\]\)/,
    ],
    [
      'more arrays than are named',
      () => npz(Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`w${i}`, array([9, 13])]))),
      'data/array-names',
      /w7 \(9 × 13\) and 3 more,/,
      /images=a\["w0"\], masks=a\["w1"\]/,
    ],
    [
      'no pixels',
      () => npz({ words: typed('<U4', '(4,)'), n: typed('<f8', '()', 8), per_image: array([5, 1]) }),
      'data/array-no-image',
      /words \(texts\), n \(one value\), per_image \(5 × 1\): no rows/,
      /Nothing is missing/,
    ],
    [
      'masks of other images',
      () => npz({ imgs: array([2, 9, 13]), gts: array([9, 13]) }),
      'data/array-shape',
      /imgs \(2 × 9 × 13\) is taken for 2 images and gts \(9 × 13\) for one mask/,
      /images=np\.moveaxis\(a\["imgs"\], 0, -1\), masks=a\["gts"\]\)/,
    ],
    [
      'two maps in one',
      () => npz({ X: array([2, 9, 13, 2]), y: array([2, 9, 13, 2], 5) }),
      'data/array-shape',
      /y \(2 × 9 × 13 × 2\) has two numbers of objects/,
      /images=a\["X"\], masks=a\["y"\]\[\.\.\., :1\]\)/,
    ],
    [
      'images of several sizes',
      () => npz({ imgs: typed('|O', '(3,)'), gts: typed('|O', '(3,)') }),
      'data/array-type',
      /imgs \(Python objects\), gts \(Python objects\)/,
      /\[np\.savez_compressed\(f"\{i\}\.npz", image=x, mask=m\) for i, \(x, m\) in enumerate\(zip\(a\["imgs"\], a\["gts"\]\)\)\]/,
    ],
    ['nothing', () => new Uint8Array(), 'data/zip-damaged', /not a complete zip/, /again/],
    ['no zip', () => text('hello, this is no archive'), 'data/zip-damaged', /not a complete zip/, /again/],
    [
      'a zip of other files',
      () => writeZip({ 'a.png': text('no') }),
      'data/not-an-image',
      /holds none/,
      /again/,
    ],
    [
      'arrays that are none',
      () => writeZip({ 'image.npy': text('hello, hello, hello') }),
      'data/not-an-image',
      /holds none/,
      /again/,
    ],
    [
      'a head that ends',
      async () => npz({ image: array([9, 13]).subarray(0, 20), label: array([9, 13]) }),
      'data/truncated',
      /ends before/,
      /again/,
    ],
    [
      'an array that ends',
      () => npz({ image: array([9, 13]).subarray(0, 160) }),
      'data/truncated',
      /ends before/,
      /again/,
    ],
    [
      'half an archive',
      async () => (await npz(pair)).subarray(0, 100),
      'data/zip-damaged',
      /not a complete zip/,
      /again/,
    ],
    [
      'a path that leads out',
      () => writeZip({ '../image.npy': array([9, 13]), 'label.npy': array([9, 13]) }),
      'data/zip-path',
      /leads out/,
      /again/,
    ],
    [
      'an array that is too large',
      async () => claiming(await npz(pair), CLAIM),
      'data/zip-size',
      /600 MiB, by what it says; 512 MiB/,
      /Unpack the zip \(a \.npz is one too\) and drop the folder/,
    ],
    [
      'an array that unpacks to less than it claims',
      async () => claiming(await npz(pair), 1000),
      'data/zip-damaged',
      /its checksum is wrong/,
      /again/,
    ],
    [
      'an array that unpacks to more than it claims',
      async () => claiming(await npz({ image: array([999, 999]) }), 1000),
      'data/zip-damaged',
      /less or more than it says/,
      /again/,
    ],
    [
      'more arrays than are opened',
      () =>
        writeZip(
          Object.fromEntries(
            Array.from({ length: limits.archiveArrays + 1 }, (_, i) => [`${i}.npy`, new Uint8Array()]),
          ),
        ),
      'data/zip-too-many',
      /more than 1000 files/,
      /Unpack it/,
    ],
  ])('%s', async (_, make, code, reason, cure) => {
    const bytes = await make();
    for (const file of [ranged('set/a.npz', bytes), whole('set/a.npz', bytes)]) {
      const { datasets, refusals } = await readDatasets([file]);
      expect(datasets).toEqual([]);
      expect(refusals).toMatchObject([
        {
          code,
          file: expect.stringMatching(/^set\/a\.np/),
          reason: expect.stringMatching(reason),
          cure: expect.stringMatching(cure),
        },
      ]);
    }
  });

  it('and one-hot masks of two classes are no two maps', async () => {
    const bytes = await npz({ X: array([2, 9, 13]), y: array([2, 9, 13, 2], 1) });
    const { datasets } = await readDatasets([ranged('a.npz', bytes)]);
    expect(datasets[0]?.samples.map((sample) => masksOf(sample).length)).toEqual([1, 1]);
  });

  it('and files of the names of their arrays stay as they are, in whatever order they come', async () => {
    const files = [ranged('a.npz', await npz(pair)), ranged('a.npy', array([9, 13]))];
    for (const drop of [files, files.toReversed()]) {
      const { datasets, refusals } = await readDatasets(drop);
      expect(datasets[0]?.samples.map((sample) => [sample.image.path, masksOf(sample).length])).toEqual([
        ['a.npy', 0],
      ]);
      expect(refusals).toMatchObject([{ code: 'data/same-name', file: 'a.npz' }]);
    }
  });

  it('and many that say the same are said once', async () => {
    const bytes = await npz({ arr_0: array([4, 9, 13]), arr_1: array([4, 9, 13]) });
    const { refusals } = await readDatasets([1, 2, 3, 4, 5].map((n) => ranged(`set/${n}.npz`, bytes)));
    expect(refusals).toMatchObject([{ reason: expect.stringMatching(/4 other files/) }]);
  });
});

it('how many archives are opened is said, as it takes a while', async () => {
  const bytes = await npz(pair);
  const said: string[] = [];
  await readDatasets([ranged('a.npz', bytes), ranged('b.npz', bytes)], {
    onProgress: ({ done, total, file }) => said.push(`${file} ${done} of ${total}`),
  });
  expect(said).toEqual(expect.arrayContaining(['a.npz 1 of 2', 'b.npz 2 of 2']));
});

it('a damaged archive is read or refused, wherever it is damaged', async () => {
  const bytes = caseOf('MedSAM of slices, deflated');
  for (let at = 0; at < bytes.length; at += 7) {
    const changed = bytes.slice();
    changed[at] = (bytes[at] ?? 0) ^ 0xff;
    for (const each of [changed, bytes.slice(0, at)]) {
      const { datasets, refusals } = await readDatasets([ranged('a.npz', each)]);
      expect(datasets.length + refusals.length).toBeGreaterThan(0);
      for (const { code } of refusals) expect(code).toMatch(/^data\//);
    }
  }
});
