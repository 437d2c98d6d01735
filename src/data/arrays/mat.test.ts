import { readFileSync } from 'node:fs';
import { constants, deflateRawSync, deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Failure } from '../../config/failure.ts';
import type { DatasetSample } from '../dataset.ts';
import { readRaster } from '../decode/read-raster.ts';
import { inspectDataset } from '../inspect.ts';
import { readDatasets } from '../read-datasets.ts';
import type { Refusal } from '../types.ts';
import { readMat } from './mat-file.ts';
import { countOf, writeNpy } from './npy-header.ts';
import { pageSamples } from './stored-array.ts';

interface Case {
  readonly name: string;
  readonly path: string;
  readonly file: string;
  readonly arrays: Readonly<Record<string, { readonly shape: readonly number[]; readonly values: string }>>;
}

const cases = JSON.parse(
  readFileSync(new URL('../../../tests/vectors/arrays/matlab.json', import.meta.url), 'utf8'),
) as Case[];
const unpacked = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));
const caseOf = (name: string): Case => {
  const found = cases.find((each) => each.name === name);
  if (!found) throw new Error(`there is no case ${name}`);
  return found;
};
const floats = (base64: string) => [...new Float64Array(unpacked(base64).buffer)];

describe('the numbers of a file are those that SciPy reads', () => {
  it.each(cases)('$name', async ({ file, arrays }) => {
    const found: Record<string, { shape: readonly number[]; values: number[] }> = {};
    for (const { name, shape, type, data } of readMat(unpacked(file), 'a.mat')) {
      if (typeof type === 'string') continue;
      const count = countOf(shape);
      // The last axis fastest, by reading its elements as the channels of an image.
      const [height = 0, width = 0, channels = 1] = shape;
      const layout = { pages: 1, height, width, channels, yAxis: 0, xAxis: 1, channelAxis: 2 };
      const stored = { type, shape, isFortran: true, read: async () => data };
      const isRead = count > 0 && shape.length <= 3;
      found[name] = { shape, values: isRead ? [...(await pageSamples(stored, layout, 0, name))] : [] };
    }
    expect(found).toEqual(
      Object.fromEntries(
        Object.entries(arrays).map(([name, { shape, values }]) => [
          name,
          { shape, values: shape.length <= 3 ? floats(values) : [] },
        ]),
      ),
    );
  });
});

const BYTES = { bits: 8, kind: 'unsigned', littleEndian: true } as const;
const masksOf = ({ mask, labels, instances }: DatasetSample) => ({ mask, labels, instances });

/** What becomes of a file beside images of its name: the values of each map by field. */
async function beside(path: string, bytes: Uint8Array) {
  const image = writeNpy(
    BYTES,
    [9, 13],
    Uint8Array.from({ length: 117 }, (_, i) => (i * 89) % 251),
  );
  const { datasets, refusals } = await readDatasets([
    { path: 'images/a.npy', bytes: async () => image },
    { path, bytes: async () => bytes },
  ]);
  const maps: Record<string, number[]> = {};
  for (const sample of datasets.flatMap(({ samples }) => samples))
    for (const [field, file] of Object.entries(masksOf(sample)))
      if (file) maps[field] = [...(await readRaster(await file.bytes(), file.path)).data];
  const inspected = await Promise.all(datasets.map((dataset) => inspectDataset(dataset)));
  const said: Refusal[] = [...refusals, ...inspected.flatMap((each) => each.refusals)];
  return { maps, refused: said.filter(({ severity }) => severity === 'refused'), said };
}

describe('maps in files of MATLAB are the masks of the image of their name', () => {
  const kinds = ['packed', 'plain', 'big-endian'];
  it.each(
    [
      ['CoNSeP', { instances: 'inst_map', labels: 'type_map' }],
      ['HoVer-Net', { instances: 'inst_map' }],
      ['SBD, classes', { mask: 'GTcls.Segmentation' }],
      ['BSDS500', { mask: 'groundTruth{1}.Segmentation' }],
      ['Clothing Co-Parsing', { mask: 'groundtruth' }],
      ['true and false', { mask: 'mask' }],
      ['numbers of other sorts', { mask: 'mask' }],
    ].flatMap(([name, fields]) =>
      kinds.map((kind) => [`${name}, ${kind}`, fields as Record<string, string>] as const),
    ),
  )('%s', async (name, fields) => {
    const { path, file, arrays } = caseOf(name);
    const { maps, refused } = await beside(path, unpacked(file));
    expect(maps).toEqual(
      Object.fromEntries(
        Object.entries(fields).map(([field, array]) => [field, floats(arrays[array]?.values ?? '')]),
      ),
    );
    expect(refused).toEqual([]);
  });

  it.each([
    ['SBD, objects', 'GTinst.Segmentation', [0, 1, 2, 1]],
    ['Lizard', 'inst_map', [0, 0, 1, 0, 2, 0, 3]],
  ] as const)('%s, with the class of each object in a list', async (name, map, classes) => {
    const { path, file, arrays } = caseOf(`${name}, packed`);
    const { maps, refused } = await beside(path, unpacked(file));
    const instances = floats(arrays[map]?.values ?? '');
    expect(maps).toEqual({ instances, labels: instances.map((id) => classes[id] ?? -1) });
    expect(refused).toEqual([]);
  });

  it('a list of classes of other objects is refused, and the objects are read', async () => {
    const { path, file } = caseOf('classes of other objects, packed');
    const image = writeNpy(
      BYTES,
      [9, 13],
      new Uint8Array(117).map((_, i) => (i * 89) % 251),
    );
    const { datasets } = await readDatasets([
      { path: 'images/a.npy', bytes: async () => image },
      { path, bytes: async () => unpacked(file) },
    ]);
    const [dataset] = datasets;
    if (!dataset) throw new Error('there is no dataset');
    const { refusals, samples } = await inspectDataset(dataset);
    expect(samples).toMatchObject([{ maskKind: 'instances', objects: 3, labels: [1] }]);
    expect(refusals).toMatchObject([
      {
        code: 'data/array-shape',
        reason: 'inst_map has 3 objects and inst_type (2 × 1) classes for another number of them.',
        cure: expect.stringMatching(/type_map/),
      },
    ]);
  });

  it('of several annotators the first, which is said', async () => {
    const { said } = await beside('masks/a.mat', unpacked(caseOf('BSDS500, packed').file));
    expect(said.find(({ code }) => code === 'data/array-first')).toMatchObject({
      file: 'masks/a.mat',
      reason: expect.stringMatching(/3 maps called groundTruth\.Segmentation, .* the first is used/),
      cure: expect.stringContaining(
        'a = scipy.io.loadmat("a.mat"); np.savez_compressed("a.npz", masks=a["groundTruth"][0, 1][0, 0]["Segmentation"])',
      ),
    });
  });

  it('an image and its mask in one file pair, and slices of a volume are pages', async () => {
    const { file } = caseOf('an image and its mask, packed');
    const { datasets } = await readDatasets([{ path: 'a.mat', bytes: async () => unpacked(file) }]);
    expect(datasets[0]?.samples.map(({ image, mask }) => [image.path, mask?.path])).toEqual([
      ['a.npy', 'a_mask.npy'],
    ]);
  });

  it('slices lie along the third axis and channels too, and two images are refused by their names', async () => {
    const { file } = caseOf('slices and channels, packed');
    const { refusals } = await readDatasets([{ path: 'v.mat', bytes: async () => unpacked(file) }]);
    expect(refusals).toMatchObject([
      {
        code: 'data/array-names',
        reason: expect.stringMatching(/scan \(7 × 9 × 13\), image \(9 × 13 × 3\)/),
      },
    ]);
  });

  it('pages of a volume are its slices', async () => {
    const { file, arrays } = caseOf('a volume and its masks, packed');
    const { datasets } = await readDatasets([{ path: 'v.mat', bytes: async () => unpacked(file) }]);
    const samples = datasets.flatMap((each) => each.samples);
    expect(samples.map(({ image, mask }) => [image.path, mask?.path])).toEqual(
      Array.from({ length: 7 }, (_, i) => [`v page ${i + 1}.npy`, `v_mask page ${i + 1}.npy`]),
    );
    const own = floats(arrays.masks?.values ?? '');
    for (const [i, { mask }] of samples.entries()) {
      const { data } = await readRaster((await mask?.bytes()) ?? new Uint8Array(), 'm');
      expect([...data]).toEqual(own.filter((_, at) => at % 7 === i));
    }
  });

  it.each<[string, string, RegExp, RegExp]>([
    [
      'PASCAL-Part, packed',
      'data/array-names',
      /3 masks of one value called anno\.objects\.mask/,
      /np\.max\(\[i \* m for i, m in enumerate\(\[a\["anno"\]\[0, 0\]\["objects"\]\[0, 0\]\["mask"\], a\["anno"\]\[0, 0\]\["objects"\]\[0, 1\]/,
    ],
    [
      'COCO-Stuff, packed',
      'data/array-names',
      /S \(9 × 13\), regionMapStuff/,
      /np\.savez_compressed\("a\.npz"/,
    ],
    ['a list, plain', 'data/array-no-image', /labels \(1 × 40\)/, /Nothing is missing/],
    ['four axes, plain', 'data/array-no-image', /X \(numbers along four axes/, /Nothing is missing/],
    ['a few numbers, plain', 'data/array-no-image', /text \(texts\)/, /Nothing is missing/],
  ])('%s is refused', async (name, code, reason, cure) => {
    const { maps, refused } = await beside('masks/a.mat', unpacked(caseOf(name).file));
    expect(maps).toEqual({});
    expect(refused).toMatchObject([
      { code, file: 'masks/a.mat', reason: expect.stringMatching(reason), cure: expect.stringMatching(cure) },
    ]);
  });
});

const head = (version = 0x100, order = 'IM') => {
  const bytes = new Uint8Array(128).fill(0x20);
  bytes.set([version & 255, version >> 8, order.charCodeAt(0), order.charCodeAt(1)], 124);
  return bytes;
};
const element = (type: number, data: Uint8Array, length = data.length) => {
  const bytes = new Uint8Array(8 + 8 * Math.ceil(data.length / 8));
  new DataView(bytes.buffer).setUint32(0, type, true);
  new DataView(bytes.buffer).setUint32(4, length, true);
  bytes.set(data, 8);
  return bytes;
};
const joined = (...parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const ints = (...values: readonly number[]) => new Uint8Array(Int32Array.from(values).buffer);
const text = (line: string) => new TextEncoder().encode(line);
const matrix = (kind: number, shape: readonly number[], name: string, ...content: readonly Uint8Array[]) =>
  element(
    14,
    joined(element(6, ints(kind, 0)), element(5, ints(...shape)), element(1, text(name)), ...content),
  );
const bytesOf = (length: number) => element(2, new Uint8Array(length));
/** So many MiB of zeros, packed. */
function bomb(size: number): Uint8Array {
  const options = { finishFlush: constants.Z_FULL_FLUSH };
  const block = deflateRawSync(new Uint8Array(2 ** 20), options);
  return joined(Uint8Array.of(0x78, 0x9c), ...new Array<Uint8Array>(size).fill(block));
}
/** Cells that lie in one another. */
const nested = (depth: number): Uint8Array =>
  depth === 0 ? matrix(9, [9, 13], '', bytesOf(117)) : matrix(1, [1, 1], '', nested(depth - 1));

describe('files that are damaged or lie are refused with what to do', () => {
  it.each<[string, Uint8Array, string, RegExp, RegExp]>([
    ['nothing', new Uint8Array(), 'data/not-an-image', /none of level 5/, /save\(/],
    ['another file', text('hello, '.repeat(40)), 'data/not-an-image', /none of level 5/, /"-v7"/],
    [
      'v7.3',
      joined(head(0x200), new Uint8Array(600)),
      'data/array-hdf5',
      /v7\.3, which is HDF5/,
      /s = load\("a\.mat"\); save\("a\.mat", "-struct", "s", "-v7"\)\. Or .*np\.savez_compressed\("a\.npz", masks=h5py\.File\("a\.mat"\)\["NAME"\]\[\(\)\]\.T\)/,
    ],
    ['a head alone', head(), 'data/not-an-image', /it holds none/, /save -v7/],
    ['a tag that ends', joined(head(), ints(14)), 'data/truncated', /ends before/, /again/],
    [
      'a variable longer than the file',
      joined(head(), element(14, new Uint8Array(16), 2 ** 31)),
      'data/truncated',
      /ends before/,
      /again/,
    ],
    [
      'an element longer than its variable',
      joined(head(), element(14, joined(element(6, ints(9, 0)), element(5, ints(9, 13), 800)))),
      'data/damaged',
      /longer than what it lies in/,
      /again/,
    ],
    [
      'an array without content',
      joined(head(), matrix(9, [9, 13], 'm')),
      'data/damaged',
      /ends before its content/,
      /again/,
    ],
    [
      'fewer elements than it says',
      joined(head(), matrix(9, [9, 13], 'm', bytesOf(116))),
      'data/damaged',
      /m has bytes for another shape than 9 × 13/,
      /again/,
    ],
    [
      'a shape of 2^62 elements',
      joined(head(), matrix(9, [2 ** 31 - 1, 2 ** 31 - 1], 'm', bytesOf(117))),
      'data/damaged',
      /another shape/,
      /again/,
    ],
    [
      'a negative size',
      joined(head(), matrix(9, [-9, 13], 'm', bytesOf(117))),
      'data/damaged',
      /no dim/,
      /again/,
    ],
    [
      'a cell of 2^62 elements',
      joined(head(), matrix(1, [2 ** 31 - 1, 2 ** 31 - 1], 'm')),
      'data/damaged',
      /ends before/,
      /again/,
    ],
    [
      'a struct of 2^62 elements without fields',
      joined(
        head(),
        matrix(2, [2 ** 31 - 1, 2 ** 31 - 1], 'm', element(5, ints(32)), element(1, new Uint8Array())),
      ),
      'data/not-an-image',
      /it holds none/,
      /save -v7/,
    ],
    [
      'fields without names',
      joined(head(), matrix(2, [1, 1], 'm', element(5, ints(0)), element(1, text('map')))),
      'data/damaged',
      /fields of m have no names/,
      /again/,
    ],
    [
      'many empty elements',
      joined(
        head(),
        matrix(
          1,
          [100_001, 1],
          'm',
          new Uint8Array(8 * 100_001).fill(0).map((_, i) => (i % 8 ? 0 : 14)),
        ),
      ),
      'data/too-large',
      /more than 100000 arrays/,
      /Save each image/,
    ],
    [
      'a bomb',
      joined(head(), element(15, bomb(513))),
      'data/too-large',
      /unpack to more than 512 MiB/,
      /Save each image/,
    ],
    [
      'compressed data cut short',
      joined(
        head(),
        element(15, new Uint8Array(deflateSync(matrix(9, [9, 13], 'm', bytesOf(117)))).slice(0, 20)),
      ),
      'data/truncated',
      /ends before/,
      /again/,
    ],
    [
      'compressed data that are none',
      joined(head(), element(15, new Uint8Array(64).fill(7))),
      'data/damaged',
      /cannot be unpacked/,
      /again/,
    ],
    [
      'cells nested 5000 deep',
      joined(head(), matrix(1, [1, 1], 'm', nested(5000))),
      'data/array-no-image',
      /m \(an object\)/,
      /Nothing is missing/,
    ],
  ])('%s', async (_, bytes, code, reason, cure) => {
    const { maps, refused } = await beside('masks/a.mat', bytes);
    expect(maps).toEqual({});
    expect(refused).toMatchObject([
      { code, file: 'masks/a.mat', reason: expect.stringMatching(reason), cure: expect.stringMatching(cure) },
    ]);
  });

  it.each(['SBD, objects, packed', 'BSDS500, plain'])(
    '%s is read or refused, wherever it is damaged',
    (name) => {
      const bytes = unpacked(caseOf(name).file);
      for (let at = 0; at < bytes.length; at += 3) {
        const changed = bytes.slice();
        changed[at] = (bytes[at] ?? 0) ^ 0xff;
        for (const each of [changed, bytes.slice(0, at)]) {
          try {
            readMat(each, 'a.mat');
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(Failure);
          }
        }
      }
    },
  );
});
