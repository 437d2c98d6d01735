import { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js/lib/zip-core-custom.js';
import { describe, expect, it } from 'vitest';
import { writeZip } from '../../../data/zip.ts';
import { dict, pickle, tensor, zipForm } from '../../../testing/pickle-writer.ts';
import { bytesSource } from '../byte-source.ts';
import { openTensorFile } from '../open-tensor-file.ts';

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const VALUE = dict({ w: tensor({ length: 1024, shape: [1024], strides: [1] }), v: tensor({ length: 1024 }) });
const storage = (fill = 0) => ({
  0: new Uint8Array(Float32Array.from({ length: 1024 }, (_, i) => fill || i).buffer),
});

async function readAll(bytes: Uint8Array): Promise<readonly number[]> {
  const file = await openTensorFile(bytesSource('weights.pth', bytes));
  await file.read('v');
  return [...(await file.read('w')).data];
}

/** Offsets of the headers of this kind. */
function headers(bytes: Uint8Array, signature: number): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: number[] = [];
  for (let at = 0; at + 4 <= bytes.length; at++) if (view.getUint32(at, true) === signature) found.push(at);
  return found;
}

/** The zip with one field of its last entry, the storage, set in the central directory. */
async function withField(field: number, value: number, level: 0 | 6 = 0): Promise<Uint8Array> {
  const bytes = await zipForm(VALUE, storage(), level);
  const at = headers(bytes, CENTRAL).at(-1) ?? 0;
  new DataView(bytes.buffer).setUint32(at + field, value, true);
  return bytes;
}

/** Fields of an entry in the central directory. */
const COMPRESSED = 20;
const UNCOMPRESSED = 24;
const OFFSET = 42;

describe('the zip of a PyTorch file', () => {
  it.each([0, 6] as const)('stored and deflated entries are read (level %i)', async (level) => {
    expect(await readAll(await zipForm(VALUE, storage(), level))).toEqual(
      Array.from({ length: 1024 }, (_, i) => i),
    );
  });

  it.each(['', 'weights/', 'my model (1)/', 'a/b/'])('its folder is called "%s"', async (folder) => {
    const files = { [`${folder}data.pkl`]: pickle(VALUE), [`${folder}data/0`]: storage()[0] };
    expect((await readAll(await writeZip(files, 0)))[3]).toBe(3);
  });

  it.each([
    ['a.npy', /NumPy arrays/],
    ['model/archive_format', /torch\.export/],
    ['model.weights.h5', /Keras/],
    ['sam_vit_b.pth', /zip without data\.pkl/],
  ])('one that holds %s is another', async (path, what) => {
    await expect(readAll(await writeZip({ [path]: new Uint8Array(9) }, 0))).rejects.toMatchObject({
      record: { code: 'checkpoint/zip-not-pytorch', what: expect.stringMatching(what) },
    });
  });

  it('a pickle of protocol 0 is refused as such', async () => {
    const files = { 'a/data.pkl': new TextEncoder().encode('(dp0\n.'), 'a/data/0': storage()[0] };
    await expect(readAll(await writeZip(files, 0))).rejects.toMatchObject({
      record: { code: 'checkpoint/pickle-protocol' },
    });
  });

  it('Zip64 is read', async () => {
    const writer = new ZipWriter(new Uint8ArrayWriter(), { level: 0, zip64: true, useWebWorkers: false });
    await writer.add('a/data.pkl', new Uint8ArrayReader(pickle(VALUE)));
    await writer.add('a/data/0', new Uint8ArrayReader(storage()[0]));
    expect((await readAll(await writer.close()))[3]).toBe(3);
  });

  it('a storage is read in the part that is asked for, and the file not whole', async () => {
    const bytes = await zipForm(dict({ w: tensor({ length: 1024, offset: 512 }) }), storage());
    let read = 0;
    const file = await openTensorFile({
      name: 'weights.pth',
      size: bytes.length,
      read: async (offset, length) => {
        read += length;
        return bytes.subarray(offset, offset + length);
      },
    });
    read = 0;
    expect([...(await file.read('w')).data]).toEqual([512, 513, 514, 515]);
    expect(read).toBeLessThan(400);
  });

  it('a compressed storage is unpacked once for all its tensors', async () => {
    const bytes = await zipForm(VALUE, storage(), 6);
    let read = 0;
    const file = await openTensorFile({
      name: 'weights.pth',
      size: bytes.length,
      read: async (offset, length) => {
        read += length;
        return bytes.subarray(offset, offset + length);
      },
    });
    await file.read('w');
    read = 0;
    expect([...(await file.read('v')).data]).toEqual([0, 1, 2, 3]);
    expect(read).toBe(0);
  });

  it.each<[string, () => Promise<Uint8Array>, RegExp]>([
    [
      'paths that lead out',
      () => writeZip({ 'a/data.pkl': pickle(VALUE), '../data/0': storage()[0] }),
      /leads out of the zip/,
    ],
    [
      'an absolute path',
      () => writeZip({ 'a/data.pkl': pickle(VALUE), '/etc/x': storage()[0] }),
      /leads out of the zip/,
    ],
    [
      'two pickles',
      () => writeZip({ 'a/data.pkl': pickle(VALUE), 'b/data.pkl': pickle(VALUE) }),
      /two pickles/,
    ],
    ['no pickle', () => writeZip({ 'a.txt': pickle(VALUE) }), /zip without data\.pkl/],
    ['a storage that is missing', () => zipForm(VALUE, {}), /storage 0 is not in the file/],
    [
      'a storage that is short',
      () => zipForm(VALUE, { 0: new Uint8Array(100) }),
      /has 100 bytes in the file and needs 4096/,
    ],
    ['a stored entry that unpacks to more', () => withField(UNCOMPRESSED, 2 ** 31), /impossible/],
    ['a bomb', () => withField(UNCOMPRESSED, 2 ** 31, 6), /impossible/],
    [
      'an entry that unpacks to less',
      () => withField(UNCOMPRESSED, 8192, 6),
      /checksum is wrong|less or more/,
    ],
    ['an entry that unpacks to more', () => withField(UNCOMPRESSED, 4096 - 1, 6), /needs 4096/],
    ['an entry beyond the file', () => withField(COMPRESSED, 2 ** 31, 6), /claims 2147483648 bytes/],
    ['an entry that starts elsewhere', () => withField(OFFSET, 5), /Local file header not found/],
    ['an entry over another', () => withField(OFFSET, 0), /overlaps another entry/],
  ])('%s: refused', async (_what, make, refusal) => {
    await expect(readAll(await make())).rejects.toThrow(refusal);
  });

  it('a path twice: refused', async () => {
    const bytes = await writeZip(
      { 'a/data.pkl': pickle(VALUE), 'a/data/0': storage()[0], 'a/data/1': storage()[0] },
      0,
    );
    for (const [signature, nameAt] of [
      [LOCAL, 30],
      [CENTRAL, 46],
    ] as const) {
      const at = (headers(bytes, signature).at(-1) ?? 0) + nameAt + 'a/data/'.length;
      bytes[at] = '0'.charCodeAt(0);
    }
    await expect(readAll(bytes)).rejects.toThrow(/path twice/);
  });

  it('a compressed storage with a wrong byte: refused by its checksum', async () => {
    const bytes = await zipForm(VALUE, storage(), 6);
    const at = headers(bytes, LOCAL).at(-1) ?? 0;
    const middle = at + 600;
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    await expect(readAll(bytes)).rejects.toThrow(/checksum|damaged|less or more/);
  });
});
