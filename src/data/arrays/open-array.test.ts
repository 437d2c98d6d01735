import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Failure } from '../../config/failure.ts';
import { PyCall, PyName, PyObject, PyRaw, type PyValue, pickle } from '../../testing/pickle-writer.ts';
import { readRaster } from '../decode/read-raster.ts';
import type { LazyFile } from '../lazy-file.ts';
import { openArray } from './open-array.ts';

interface Case {
  readonly name: string;
  readonly path: string;
  readonly file: string;
  readonly pages: number;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly dtype: '<f4' | '<f8';
  readonly values: string;
}

const unpacked = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));
const casesOf = (file: string) =>
  JSON.parse(
    readFileSync(new URL(`../../../tests/vectors/arrays/${file}.json`, import.meta.url), 'utf8'),
  ) as Case[];
const cases = ['numpy1', 'numpy2'].flatMap((file) =>
  casesOf(file).map((each) => ({ ...each, title: `${each.name}, by ${file}` })),
);
const caseOf = (name: string): Uint8Array => {
  const found = cases.find((each) => each.name === name);
  if (!found) throw new Error(`there is no case ${name}`);
  return unpacked(found.file);
};

/** A file of which parts can be read, and how many bytes were. */
function ranged(path: string, bytes: Uint8Array) {
  const file = {
    path,
    size: bytes.length,
    readBytes: 0,
    bytes: () => Promise.reject(new Error('it was read as a whole')),
    read: async (offset: number, length: number) => {
      file.readBytes += length;
      return bytes.slice(offset, offset + length);
    },
  };
  return file satisfies LazyFile;
}

const whole = (path: string, bytes: Uint8Array): LazyFile => ({
  path,
  size: bytes.length,
  bytes: async () => bytes,
});

describe('arrays become files of one image each', () => {
  it.each(cases)('$title', async ({ path, file, pages, width, height, channels, dtype, values }) => {
    const { buffer } = unpacked(values);
    const expected = [...(dtype === '<f4' ? new Float32Array(buffer) : new Float64Array(buffer))];
    const bytes = unpacked(file);
    for (const source of [ranged(path, bytes), whole(path, bytes)]) {
      const found = await openArray(source);
      expect(found.map((each) => each.path)).toEqual(
        pages === 1 ? [path] : Array.from({ length: pages }, (_, i) => path.replace('.', ` page ${i + 1}.`)),
      );
      const read: number[] = [];
      for (const page of found) {
        const isMask = page.fields?.instances !== undefined;
        expect(isMask).toBe(path === 'a_seg.npy');
        const own = page.fields?.instances ?? page;
        const raster = await readRaster(own.path === path && !isMask ? bytes : await own.bytes(), own.path);
        expect(raster).toMatchObject({ format: 'npy', width, height, channels });
        for (const value of raster.data) read.push(value);
      }
      expect(read).toEqual(expected);
    }
  });

  it('and pages that lie together are read alone', async () => {
    const bytes = caseOf('a stack');
    const file = ranged('a.npy', bytes);
    const [first] = await openArray(file);
    file.readBytes = 0;
    await first?.bytes();
    expect(file.readBytes).toBe(9 * 13 * 2);
  });
});

async function failureOf(bytes: Uint8Array): Promise<Failure> {
  const messages = new Set<string>();
  let failure: Failure | undefined;
  for (const file of [ranged('set/a.npy', bytes), whole('set/a.npy', bytes)]) {
    try {
      for (const page of await openArray(file)) await (page.fields?.instances ?? page).bytes();
      throw new Error('it was read');
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      failure = thrown;
      messages.add(thrown.message);
    }
  }
  if (!failure || messages.size > 1) throw new Error(`two reasons: ${[...messages].join(' / ')}`);
  expect(failure.record.where).toMatch(/^set\/a\.npy/);
  expect(failure.record.cure.length).toBeGreaterThan(20);
  return failure;
}

/** A file with this head, and so many bytes of zeros behind it. */
function headed(head: string, elements = 0): Uint8Array {
  const text = new TextEncoder().encode(`${head}\n`);
  return Uint8Array.from([
    ...[0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length & 255, text.length >> 8],
    ...text,
    ...new Array<number>(elements).fill(0),
  ]);
}
const numbers = (descr: string, shape: string, elements = 0) =>
  headed(`{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }`, elements);
const objects = (value: PyValue) =>
  Uint8Array.from([...headed("{'descr': '|O', 'fortran_order': False, 'shape': (), }"), ...pickle(value)]);

const call = (path: string, ...args: PyValue[]): PyCall => {
  const at = path.lastIndexOf('.');
  return new PyCall(new PyName(path.slice(0, at), path.slice(at + 1)), args);
};
const dictionary = (entries: Readonly<Record<string, PyValue>>): PyValue => new Map(Object.entries(entries));
const text = (line: string): number[] => [...new TextEncoder().encode(line)];
/** An array as a pickle builds it, with this state. */
const arrayWith = (...state: PyValue[]): PyValue =>
  new PyRaw([
    ...pickle(call('numpy.core.multiarray._reconstruct', new PyName('numpy', 'ndarray'), [0], 'b')).slice(
      2,
      -1,
    ),
    ...pickle([1, ...state]).slice(2, -1),
    0x62,
  ]);
const u1 = call('numpy.dtype', 'u1', false, true);
const raw = (length: number) =>
  new PyRaw([0x42, length & 255, length >> 8, 0, 0, ...new Array<number>(length).fill(1)]);

/** Two pages of 6 × 7 pixels with 6 planes: the value of each pixel, by its place from 0 to 83, in each of them. */
function planes(descr: '<f4' | '|u1' | '|i1', at: (pixel: number, plane: number) => number) {
  const values = Array.from({ length: 504 }, (_, i) => at(Math.floor(i / 6), i % 6));
  const elements = descr === '<f4' ? new Float32Array(values) : Int8Array.from(values);
  return Uint8Array.from([...numbers(`'${descr}'`, '(2, 6, 7, 6)'), ...new Uint8Array(elements.buffer)]);
}

describe('planes of classes become objects and their classes', () => {
  const read = async (bytes: Uint8Array) => {
    const pages = await openArray(ranged('masks.npy', bytes));
    const valuesOf = async (file: LazyFile | undefined) =>
      file && [...(await readRaster(await file.bytes(), file.path)).data];
    return Promise.all(
      pages.map(async ({ path, fields }) => ({
        path,
        instances: await valuesOf(fields?.instances),
        labels: await valuesOf(fields?.labels),
      })),
    );
  };
  /** Objects 1 and 2 of the second class and 3 of the fourth, in the first pixels of both pages. */
  const objects = [0, 1, 1, 2, 0, 3];
  const classes = [0, 2, 2, 2, 0, 4];
  const filled = (values: readonly number[]) => [...values, ...new Array<number>(42 - values.length).fill(0)];
  const paths = ['masks page 1.npy', 'masks page 2.npy'];

  it.each([
    ['with a plane of the background', 1],
    ['without one', 0],
  ])('of numbers, %s', async (_, background) => {
    const bytes = planes('|u1', (pixel, plane) => {
      const id = objects[pixel % 42] ?? 0;
      if (plane === 5) return id === 0 ? background : 0;
      return id > 0 && plane === (classes[pixel % 42] ?? 0) - 1 ? id : 0;
    });
    // Numbers of a plane are behind those of the planes before it.
    expect(await read(bytes)).toEqual(
      paths.map((path) => ({ path, instances: filled([0, 1, 1, 2, 0, 5]), labels: filled(classes) })),
    );
  });

  it.each([1, 127])('of zeros and %d, which share out all pixels or leave some', async (value) => {
    const shared = planes('|u1', (pixel, plane) => (plane === pixel % 6 ? value : 0));
    expect(await read(shared)).toMatchObject([
      { labels: Array.from({ length: 42 }, (_, i) => i % 6), instances: undefined },
      {},
    ]);
    const left = planes('|u1', (pixel, plane) => (plane === pixel % 42 ? value : 0));
    expect(await read(left)).toMatchObject([
      { labels: filled([1, 2, 3, 4, 5, 6]), instances: undefined },
      {},
    ]);
  });
});

describe('what is no array of pixels is refused with what to do', () => {
  it.each<[string, Uint8Array, string, RegExp]>([
    ['nothing', new Uint8Array(), 'data/empty-file', /empty/],
    [
      'another file',
      text('hello, this is no array') as unknown as Uint8Array,
      'data/not-an-image',
      /holds none/,
    ],
    ['a head alone', numbers("'<i4'", '(4, 4)').subarray(0, 40), 'data/truncated', /ends before/],
    ['fewer elements than it says', numbers("'<i4'", '(4, 4)', 63), 'data/truncated', /ends before/],
    ['a shape of 2^40 elements', numbers("'<i4'", '(1048576, 1048576)', 64), 'data/truncated', /ends before/],
    ['a shape beyond numbers', numbers("'|u1'", `(${'9'.repeat(400)}, 4)`, 64), 'data/truncated', /ends/],
    [
      'a head without an end',
      Uint8Array.from([
        0x93,
        ...text('NUMPY'),
        2,
        0,
        255,
        255,
        255,
        127,
        ...new Array<number>(20_000).fill(32),
      ]),
      'data/damaged',
      /head claims/,
    ],
    [
      'a version to come',
      Uint8Array.from([0x93, ...text('NUMPY'), 9, 0, 4, 0, 0, 0, 0, 0]),
      'data/damaged',
      /version is 9/,
    ],
    ['a head of something else', headed('{}'), 'data/damaged', /lacks type/],
    ['complex numbers', numbers("'<c8'", '(4, 4)', 128), 'data/array-type', /complex/],
    ['dates', numbers("'<M8[ns]'", '(4, 4)', 128), 'data/array-type', /dates/],
    ['texts', numbers("'<U13'", '(4,)', 208), 'data/array-type', /texts/],
    ['records', numbers("[('x', '<i4'), ('y', '<f8')]", '(4, 4)', 192), 'data/array-type', /records/],
    ['numbers of 128 bits', numbers("'<f16'", '(4, 4)', 256), 'data/array-type', /128 bits/],
    ['a list', numbers("'<f4'", '(16,)', 64), 'data/array-no-image', /list of 16/],
    ['one number', numbers("'<f4'", '()', 4), 'data/array-no-image', /one value/],
    ['five axes', numbers("'|u1'", '(2, 2, 5, 5, 5)', 500), 'data/array-shape', /2 × 2 × 5 × 5 × 5/],
    [
      'rows and columns before slices',
      numbers("'|u1'", '(6, 6, 5)', 180),
      'data/array-shape',
      /cannot be told/,
    ],
    ['likelihoods of classes', planes('<f4', (_, c) => c / 6), 'data/array-shape', /6 values .* PanNuke/],
    ['planes that overlap', planes('|u1', () => 1), 'data/array-shape', /6 values .* lie apart/],
    ['values below 0', planes('|i1', (_, c) => -c), 'data/array-shape', /6 values .* PanNuke/],
    [
      'rows and columns before many channels',
      numbers("'|u1'", '(20, 30, 6)', 3600),
      'data/array-shape',
      /20 × 30 × 6 .*cannot be told/,
    ],
    ['no image', numbers("'|u1'", '(0, 6, 7)'), 'data/array-shape', /0 images/],
    ['too many images', numbers("'|u1'", '(200000, 1, 5)', 1_000_000), 'data/array-shape', /200000 images/],
    ['no pixels', numbers("'|u1'", '(3, 0, 7)'), 'data/no-pixels', /7 × 0/],
    ['too many pixels', numbers("'|b1'", '(1, 70000, 8)', 560_000), 'data/too-large', /70000/],
    [
      'a dictionary without masks',
      objects(dictionary({ flows: null, 'a b': 1 })),
      'data/array-objects',
      /of flows, a b, without masks/,
    ],
    ['a list of objects', objects([1, 2]), 'data/array-objects', /no dictionary/],
    [
      'masks that are none',
      objects(dictionary({ masks: [] })),
      'data/array-objects',
      /nothing was segmented/,
    ],
    [
      'masks of one row',
      objects(dictionary({ masks: arrayWith([4], u1, false, raw(4)) })),
      'data/array-objects',
      /without rows/,
    ],
    [
      'masks with bytes for fewer',
      objects(dictionary({ masks: arrayWith([4, 4], u1, false, raw(15)) })),
      'data/damaged',
      /4 × 4/,
    ],
    [
      'long masks with bytes for fewer',
      objects(dictionary({ masks: arrayWith([64, 64], u1, false, raw(4095)) })),
      'data/damaged',
      /64 × 64/,
    ],
    [
      'masks of objects',
      objects(
        dictionary({ masks: arrayWith([2, 2], call('numpy.dtype', 'O8', false, true), false, [1, 2, 3, 4]) }),
      ),
      'data/array-type',
      /Python objects/,
    ],
    [
      'masks of complex numbers',
      objects(
        dictionary({ masks: arrayWith([2, 2], call('numpy.dtype', 'c8', false, true), false, raw(32)) }),
      ),
      'data/array-type',
      /complex/,
    ],
    [
      'masks without a state',
      objects(dictionary({ masks: arrayWith() })),
      'data/pickle-damaged',
      /no type or shape/,
    ],
    [
      'a shape that is none',
      objects(dictionary({ masks: arrayWith([-4, 4], u1, false, raw(16)) })),
      'data/pickle-damaged',
      /no type or shape/,
    ],
    [
      'a pickle that ends early',
      objects(dictionary({ masks: 1 })).subarray(0, -3),
      'data/truncated',
      /ends before/,
    ],
    [
      'a pickle of protocol 0',
      Uint8Array.from([
        ...headed("{'descr': '|O', 'fortran_order': False, 'shape': (), }"),
        ...text('(dp0\n.'),
      ]),
      'data/pickle-protocol',
      /protocol 0/,
    ],
    ['a persistent id', objects(new PyRaw([0x4e, 0x51])), 'data/pickle-damaged', /outside/],
    [
      'text that is no bytes',
      objects(dictionary({ masks: arrayWith([1, 2], u1, false, call('_codecs.encode', 'aλ', 'latin1')) })),
      'data/pickle-damaged',
      /as a text/,
    ],
  ])('%s', async (_, bytes, code, reason) => {
    const { record } = await failureOf(Uint8Array.from(bytes));
    expect(record).toMatchObject({ code, what: expect.stringMatching(reason) });
  });

  it.each([
    'os.system',
    'posix.system',
    'builtins.eval',
    'builtins.exec',
    'builtins.getattr',
    'builtins.__import__',
    'subprocess.Popen',
    'numpy.load',
    'numpy.core.multiarray.fromfile',
    'numpy.testing._private.utils.runstring',
    'torch._utils._rebuild_tensor_v2',
    'copyreg._reconstructor',
  ])('a call of %s', async (path) => {
    const value = objects(
      dictionary({ masks: arrayWith([4, 4], u1, false, raw(16)), x: call(path, 'true') }),
    );
    const { record } = await failureOf(value);
    expect(record).toMatchObject({
      code: 'data/pickle-calls',
      what: expect.stringContaining(`calls ${path},`),
    });
  });

  it('and what is only mentioned is passed over', async () => {
    const value = dictionary({
      masks: arrayWith([4, 4], u1, false, raw(16)),
      x: new PyObject(new PyName('cellpose.gui', 'Window'), { masks: 1 }),
      system: new PyName('os', 'system'),
    });
    const [masks] = await openArray(ranged('a_seg.npy', objects(value)));
    expect((await readRaster((await masks?.bytes()) ?? new Uint8Array(), 'a')).data).toHaveLength(16);
  });
});

it('a damaged or cut file of Cellpose is read or refused, wherever it is damaged', async () => {
  const bytes = caseOf('longer Cellpose masks by protocol 5');
  for (let at = 100; at < bytes.length; at += 61) {
    const damagedBytes = bytes.slice();
    damagedBytes[at] = (bytes[at] ?? 0) ^ 0xff;
    for (const each of [damagedBytes, bytes.slice(0, at)]) {
      try {
        for (const page of await openArray(ranged('a_seg.npy', each))) await page.bytes();
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Failure);
      }
    }
  }
});
