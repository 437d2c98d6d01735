import { describe, expect, it } from 'vitest';
import { Failure } from '../config/failure.ts';
import { PyRaw, type PyValue, pickle } from '../testing/pickle-writer.ts';
import type { Dialect } from './dialect.ts';
import { OutOfBytes, unpickle, unpickleParts } from './machine.ts';
import { Dict, Opaque, Stretch } from './values.ts';

const failure = (what: string, where: string) => new Failure({ code: 'test', what, where, cure: 'none' });

/** Objects of any class are passed over, and nothing may be called. */
const dialect: Dialect = {
  callOf: () => null,
  objectOf: ({ path }) => new Opaque(path),
  persistent: (_, where) => {
    throw failure('an id', where);
  },
  setState: () => undefined,
  needs: 'tests need',
  damaged: failure,
  oldProtocol: (where) => failure('old', where),
  refused: ({ path }, _, where) => failure(`calls ${path}`, where),
};

/** A file that keeps what was read of it. */
function fileOf(bytes: Uint8Array) {
  const reads: [offset: number, length: number][] = [];
  const read = async (offset: number, length: number) => {
    reads.push([offset, length]);
    return bytes.slice(offset, offset + length);
  };
  return { name: 'a.pkl', size: bytes.length, read, reads };
}

const le4 = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, n >>> 24];
/** BINBYTES of so many bytes. */
const long = (length: number) => new PyRaw([0x42, ...le4(length), ...new Array<number>(length).fill(7)]);

describe('a pickle that is read in parts', () => {
  it('gives what it gives when it is read at once, but for long values', async () => {
    const value: PyValue = new Map<PyValue, PyValue>([
      ['small', new PyRaw([0x43, 3, 1, 2, 3])],
      ['long', long(90_000)],
      ['list', Array.from({ length: 40_000 }, (_, i) => i)],
      ['text', 'x'.repeat(2000)],
      ['last', -5],
    ]);
    const bytes = pickle(value);
    const file = fileOf(bytes);
    const { value: parts, end } = await unpickleParts(file, 0, dialect);
    const whole = unpickle(bytes, 0, 'a.pkl', dialect);
    expect(end).toBe(bytes.length);
    expect(whole.end).toBe(bytes.length);
    if (!(parts instanceof Dict) || !(whole.value instanceof Dict)) throw new Error('no dictionary');
    for (const key of ['small', 'list', 'last'])
      expect(parts.entries.get(key)).toEqual(whole.value.entries.get(key));
    const passed = parts.entries.get('long');
    if (!(passed instanceof Stretch)) throw new Error('the long value was held');
    expect(passed).toMatchObject({ length: 90_000, isText: false });
    expect(bytes.slice(passed.at, passed.at + 90_000)).toEqual(whole.value.entries.get('long'));
    expect(parts.entries.get('text')).toMatchObject({ length: 2000, isText: true });
    // What is passed over is not read.
    expect(file.reads.reduce((sum, [, length]) => sum + length, 0)).toBeLessThan(bytes.length);
  });

  it('that ends early is said to, wherever it does', async () => {
    const bytes = pickle(new Map<PyValue, PyValue>([['a', long(3000)]]));
    for (const length of [1, 2, 5, 20, 1000, bytes.length - 1])
      await expect(unpickleParts(fileOf(bytes.slice(0, length)), 0, dialect)).rejects.toThrow(OutOfBytes);
  });

  it.each<[string, PyValue, RegExp]>([
    ['a name without an end', new PyRaw([0x63, ...new Array<number>(200_000).fill(65)]), /name does not end/],
    [
      'more small values than are held',
      Array.from(
        { length: 33_000 },
        () => new PyRaw([0x42, ...le4(1024), ...new Array<number>(1024).fill(1)]),
      ),
      /small values take more/,
    ],
    ['a call', new PyRaw([0x63, ...new TextEncoder().encode('os\nsystem\n'), 0x29, 0x52]), /calls os.system/],
  ])('refuses %s', async (_, value, text) => {
    await expect(unpickleParts(fileOf(pickle(value)), 0, dialect)).rejects.toThrow(text);
  });
});
