import { describe, expect, it } from 'vitest';
import { Failure } from '../../config/failure.ts';
import { bytesSource } from './byte-source.ts';
import { Safetensors } from './safetensors.ts';
import { writeSafetensors } from './safetensors-write.ts';

/** A file of a header text and so many bytes of data; the length may lie. */
function fileOf(header: string, dataBytes: number, claimed?: number): Uint8Array {
  const text = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + text.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(claimed ?? text.length), true);
  file.set(text, 8);
  return file;
}

const entry = (dtype: string, shape: unknown, offsets: unknown) =>
  JSON.stringify({ 'a.weight': { dtype, shape, data_offsets: offsets } });
const two = (second: [number, number]) =>
  JSON.stringify({
    a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
    b: { dtype: 'F32', shape: [2], data_offsets: second },
  });

/** What a bad file must be called, and what its sentence must name. */
const BAD: readonly [what: string, bytes: Uint8Array, code: string, names: string][] = [
  ['an empty file', new Uint8Array(0), 'checkpoint/empty', 'bad.safetensors'],
  ['seven bytes', new Uint8Array(7), 'checkpoint/empty', 'bad.safetensors'],
  ['a header longer than the file', fileOf('{}', 0, 4096), 'checkpoint/header-size', '4096'],
  ['a header of 2^63 bytes', fileOf('{}', 0, 2 ** 63), 'checkpoint/header-size', 'bad.safetensors'],
  [
    'a web page',
    new TextEncoder().encode('<!doctype html><title>404</title>'),
    'checkpoint/header-size',
    'bad',
  ],
  ['a header that is no text', fileOf('\u0000', 0, 1), 'checkpoint/header', 'bad.safetensors'],
  ['a header that is a list', fileOf('[]', 0), 'checkpoint/header', 'bad.safetensors'],
  ['a header that is cut', fileOf('{"a":', 0), 'checkpoint/header', 'bad.safetensors'],
  [
    'a tensor named twice',
    fileOf(
      `{"a":${'{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'},"a":${'{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'}}`,
      0,
    ),
    'checkpoint/header',
    'tensor a',
  ],
  ['a type that does not exist', fileOf(entry('F31', [1], [0, 4]), 4), 'checkpoint/dtype', 'a.weight'],
  ['a type that every object has', fileOf(entry('toString', [1], [0, 4]), 4), 'checkpoint/dtype', 'a.weight'],
  ['a negative size', fileOf(entry('F32', [-1], [0, 4]), 4), 'checkpoint/header', 'a.weight'],
  ['a fraction of a row', fileOf(entry('F32', [1.5], [0, 6]), 6), 'checkpoint/header', 'a.weight'],
  ['a shape that is a text', fileOf(entry('F32', '4', [0, 4]), 4), 'checkpoint/header', 'a.weight'],
  ['offsets beyond the file', fileOf(entry('F32', [4], [0, 16]), 8), 'checkpoint/truncated', 'a.weight'],
  [
    'offsets that end before they start',
    fileOf(entry('F32', [1], [8, 4]), 8),
    'checkpoint/offsets',
    'a.weight',
  ],
  ['negative offsets', fileOf(entry('F32', [1], [-4, 0]), 4), 'checkpoint/offsets', 'a.weight'],
  ['one offset', fileOf(entry('F32', [1], [0]), 4), 'checkpoint/offsets', 'a.weight'],
  ['fewer bytes than the shape', fileOf(entry('F32', [3], [0, 8]), 8), 'checkpoint/offsets', 'a.weight'],
  [
    'a shape whose product overflows',
    fileOf(entry('F32', [2 ** 40, 2 ** 40], [0, 8]), 8),
    'checkpoint/offsets',
    'a.weight',
  ],
  ['tensors that overlap', fileOf(two([4, 12]), 12), 'checkpoint/overlap', 'tensor b'],
  ['a hole between tensors', fileOf(two([12, 20]), 20), 'checkpoint/offsets', 'tensor b'],
  ['bytes after the last tensor', fileOf(two([8, 16]), 24), 'checkpoint/offsets', '8 bytes'],
  ['metadata that is a list', fileOf('{"__metadata__":[]}', 0), 'checkpoint/header', 'metadata'],
  ['metadata of numbers', fileOf('{"__metadata__":{"step":3}}', 0), 'checkpoint/header', 'step'],
];

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const thrown = await work.then(
    () => new Error('it was taken'),
    (error: unknown) => error,
  );
  if (thrown instanceof Failure) return thrown;
  throw thrown;
}

describe('a damaged safetensors file', () => {
  it.each(BAD)('%s is refused by name and with a cure', async (_what, bytes, code, names) => {
    const failure = await failureOf(Safetensors.open(bytesSource('bad.safetensors', bytes)));
    expect(failure.record.code).toBe(code);
    expect(failure.message).toContain('bad.safetensors');
    expect(failure.message).toContain(names);
    expect(failure.record.cure.length).toBeGreaterThan(10);
  });

  it('does not allocate what a header claims', async () => {
    const failure = await failureOf(
      Safetensors.open(bytesSource('bad.safetensors', fileOf('{}', 0, 90_000_000))),
    );
    expect(failure.record.code).toBe('checkpoint/header-size');
  });
});

describe('reading tensors', () => {
  const open = (dtype: string, shape: number[], data: ArrayBuffer) => {
    const file = fileOf(entry(dtype, shape, [0, data.byteLength]), data.byteLength);
    file.set(new Uint8Array(data), file.length - data.byteLength);
    return Safetensors.open(bytesSource('x.safetensors', file));
  };

  it('gives back what was written, bit for bit', async () => {
    const data = Float32Array.of(1, -0, 1e-40, 3.4e38);
    const written = writeSafetensors(new Map([['t', { shape: [2, 2], data }]]), { made: 'here' });
    expect(written.length % 8).toBe(0);
    const file = await Safetensors.open(bytesSource('t.safetensors', written));
    expect(file.metadata).toEqual({ made: 'here' });
    const back = await file.read('t');
    expect(back.shape).toEqual([2, 2]);
    expect(new Uint32Array(back.data.buffer)).toEqual(new Uint32Array(data.buffer));
  });

  it('widens f16 exactly: normal, subnormal, largest, negative zero', async () => {
    const halves = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x03ff, 0x0400, 0x7bff, 0x8000, 0x3555);
    const { data } = await (await open('F16', [8], halves.buffer)).read('a.weight');
    expect([...data]).toEqual([1, -2, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 65504, -0, 0.333251953125]);
  });

  it('widens bf16 and narrows f64', async () => {
    const brain = await (await open('BF16', [2], Uint16Array.of(0x3fc0, 0xc2f7).buffer)).read('a.weight');
    expect([...brain.data]).toEqual([1.5, -123.5]);
    const wide = await (await open('F64', [1], Float64Array.of(Math.PI).buffer)).read('a.weight');
    expect([...wide.data]).toEqual([Math.fround(Math.PI)]);
  });

  it('refuses integers as weights, and takes them as values', async () => {
    const file = await open('I64', [2], BigInt64Array.of(7n, -1n).buffer);
    expect((await failureOf(file.read('a.weight'))).record.code).toBe('checkpoint/dtype');
    expect([...(await file.readValues('a.weight')).data]).toEqual([7, -1]);
  });

  it('refuses NaN and infinity by their place', async () => {
    const file = await open('F32', [3], Float32Array.of(1, 2, Number.NaN).buffer);
    const failure = await failureOf(file.read('a.weight'));
    expect(failure.record.code).toBe('checkpoint/not-finite');
    expect(failure.message).toContain('Element 2');
  });

  it('says which tensor a file lacks', async () => {
    const file = await open('F32', [1], new ArrayBuffer(4));
    expect((await failureOf(file.read('b'))).message).toContain('tensor b');
  });

  it('notices a file that shrank while it was open', async () => {
    const bytes = fileOf(entry('F32', [2], [0, 8]), 8);
    const source = bytesSource('x.safetensors', bytes);
    const file = await Safetensors.open({
      ...source,
      read: async (o, n) => (o > 8 ? new Uint8Array(3) : source.read(o, n)),
    });
    expect((await failureOf(file.read('a.weight'))).record.code).toBe('checkpoint/truncated');
  });
});
