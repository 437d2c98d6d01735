import { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js/lib/zip-core-custom.js';
import { describe, expect, it } from 'vitest';
import { Random } from '../config/random.ts';
import { openParts } from './lazy-file.ts';
import { readZip, writeZip, type ZipLimits, zipStream } from './zip.ts';

const text = (s: string) => new TextEncoder().encode(s);
const roomy: ZipLimits = { entries: 100, entryBytes: 1e6, totalBytes: 1e7 };

/** Changes the entries of a zip's central directory (and nothing else). */
function patchDirectory(bytes: Uint8Array, change: (view: DataView, at: number) => void): Uint8Array {
  const out = bytes.slice();
  const view = new DataView(out.buffer);
  for (let at = 0; at + 46 <= out.length; at++) if (view.getUint32(at, true) === 0x02014b50) change(view, at);
  return out;
}

describe('readZip', () => {
  it.each([0, 6] as const)('lists files and unpacks them when asked, level %i', async (level) => {
    const long = text('mask '.repeat(1000));
    const { files, refusals } = await readZip(
      await writeZip({ 'set/images/a.png': text('image'), 'set/masks/a.png': long }, level),
      'set.zip',
    );
    expect(refusals).toEqual([]);
    expect(files.map(({ path, size }) => [path, size])).toEqual([
      ['set/images/a.png', 5],
      ['set/masks/a.png', 5000],
    ]);
    expect(await files[0]?.bytes()).toEqual(text('image'));
    expect(await files[1]?.bytes()).toEqual(long);
  });

  describe('reads a part of a file without the rest', () => {
    const random = Random.fromSeed(5);
    const values = Uint8Array.from({ length: 300_000 }, () => random.integer(256));
    /** A zip and how many of its bytes were read. */
    const counted = async (level: 0 | 6) => {
      const bytes = await writeZip({ 'other.txt': text('other'), 'a.npy': values }, level);
      const source = {
        size: bytes.length,
        count: 0,
        read: async (offset: number, length: number) => {
          source.count += length;
          return bytes.slice(offset, offset + length);
        },
      };
      const [, file] = (await readZip(source, 'z.zip')).files;
      if (!file) throw new Error('there is no file');
      source.count = 0;
      return { source, file, bytes };
    };

    it('of a packed one the first bytes', async () => {
      const { source, file, bytes } = await counted(6);
      expect(file.read).toBeUndefined();
      const parts = await openParts(file);
      expect(parts.size).toBe(values.length);
      expect(await parts.read(0, 16_384)).toEqual(values.slice(0, 16_384));
      expect(bytes.length).toBeGreaterThan(250_000);
      expect(source.count).toBeLessThan(70_000);
      // All that lies behind them needs the whole, which then is at hand for these too.
      expect(await parts.read(200_000, 9)).toEqual(values.slice(200_000, 200_009));
      source.count = 0;
      expect(await parts.read(0, 9)).toEqual(values.slice(0, 9));
      expect(source.count).toBe(0);
    });

    it('of a stored one any bytes', async () => {
      const { source, file } = await counted(0);
      const parts = await openParts(file);
      expect(await parts.read(200_000, 9)).toEqual(values.slice(200_000, 200_009));
      expect(await parts.read(299_990, 10)).toEqual(values.slice(-10));
      expect(source.count).toBe(30 + 9 + 10);
      expect(await file.read?.(299_990, 99)).toEqual(values.slice(-10));
      expect(await file.bytes()).toEqual(values);
    });

    it.each([0, 6] as const)('and says what is damaged, level %i', async (level) => {
      const { bytes } = await counted(level);
      const broken = bytes.slice();
      const at = Buffer.from(bytes).indexOf('a.npy') - 30;
      broken.fill(7, at, at + 4);
      const [, file] = (await readZip(broken, 'z.zip')).files;
      const parts = openParts(file ?? { path: '', size: 0, bytes: async () => new Uint8Array() });
      await expect(parts.then((own) => own.read(0, 100))).rejects.toThrow(
        /it is not where the directory says/,
      );
      const packed = bytes.slice();
      packed.fill(0xff, at + 35, at + 45);
      const [, other] = (await readZip(packed, 'z.zip')).files;
      if (level === 6) await expect(other?.head?.(100)).rejects.toThrow(/entry of the zip is damaged/);
    });
  });

  it('reads back every file of a zip of more than 65,535', async () => {
    const count = 65_600;
    const all = Array.from({ length: count }, (_, i) => [`${i}.roi`, text(`${i}`)] as const);
    const zip = await writeZip(Object.fromEntries(all), 0);
    const { files, refusals } = await readZip(zip, 'many.zip', { ...roomy, entries: count });
    expect(refusals).toEqual([]);
    expect(files).toHaveLength(count);
    expect(await files.at(-1)?.bytes()).toEqual(text(`${count - 1}`));
  });

  it('reads Zip64', async () => {
    const writer = new ZipWriter(new Uint8ArrayWriter(), { zip64: true, useWebWorkers: false });
    await writer.add('images/a.png', new Uint8ArrayReader(text('image '.repeat(99))));
    const { files, refusals } = await readZip(await writer.close(), 'large.zip');
    expect(refusals).toEqual([]);
    expect(files.map(({ path, size }) => [path, size])).toEqual([['images/a.png', 594]]);
    expect(await files[0]?.bytes()).toEqual(text('image '.repeat(99)));
  });

  it('passes over what systems leave, and folders', async () => {
    const { files, refusals } = await readZip(
      await writeZip({
        '__MACOSX/._a.png': text('x'),
        '.DS_Store': text('x'),
        'empty/': new Uint8Array(0),
        'a.png': text('x'),
      }),
      'z.zip',
    );
    expect(files.map(({ path }) => path)).toEqual(['a.png']);
    expect(refusals).toEqual([]);
  });

  it.each([
    '../evil.png',
    'a/../../evil.png',
    '/etc/evil.png',
    'C:\\evil.png',
    'a\\..\\..\\evil.png',
    '\\\\host\\evil.png',
  ])('refuses %s and keeps the rest', async (path) => {
    const { files, refusals } = await readZip(
      await writeZip({ [path]: text('x'), 'good.png': text('y') }),
      'z.zip',
    );
    expect(files.map((file) => file.path)).toEqual(['good.png']);
    expect(refusals).toMatchObject([{ file: `z.zip/${path}`, code: 'data/zip-path' }]);
  });

  it('limits entries, sizes and the sum', async () => {
    const three = await writeZip({
      'a.png': new Uint8Array(100),
      'b.png': new Uint8Array(100),
      'c.png': new Uint8Array(100),
    });
    const code = async (limits: Partial<ZipLimits>) =>
      (await readZip(three, 'z.zip', { ...roomy, ...limits })).refusals.map((r) => r.code);
    expect(await code({})).toEqual([]);
    expect(await code({ entries: 2 })).toEqual(['data/zip-too-many']);
    expect(await code({ totalBytes: 250 })).toEqual(['data/zip-too-large']);
    expect(await code({ entryBytes: 99 })).toEqual(['data/zip-size', 'data/zip-size', 'data/zip-size']);
  });

  it('stops at the declared size when an entry holds more', async () => {
    const bomb = patchDirectory(await writeZip({ 'a.png': new Uint8Array(1_000_000) }), (view, at) =>
      view.setUint32(at + 24, 1000, true),
    );
    const { files } = await readZip(bomb, 'z.zip');
    await expect(files[0]?.bytes()).rejects.toThrow(/z\.zip\/a\.png.*more than it says/);
  });

  it('finds a wrong checksum, an entry beyond the end, a link, encryption and strange methods', async () => {
    const plain = await writeZip({ 'a.png': text('hello hello hello') });
    const bytesOf = async (z: Uint8Array) => (await readZip(z, 'z.zip')).files[0]?.bytes();
    await expect(bytesOf(patchDirectory(plain, (v, at) => v.setUint32(at + 16, 1, true)))).rejects.toThrow(
      /checksum/,
    );
    await expect(bytesOf(patchDirectory(plain, (v, at) => v.setUint32(at + 42, 1e9, true)))).rejects.toThrow(
      /not where/,
    );
    await expect(bytesOf(patchDirectory(plain, (v, at) => v.setUint32(at + 20, 1e9, true)))).rejects.toThrow(
      /beyond/,
    );
    const codeOf = async (z: Uint8Array) => (await readZip(z, 'z.zip')).refusals[0]?.code;
    expect(await codeOf(patchDirectory(plain, (v, at) => v.setUint16(at + 8, 1, true)))).toBe(
      'data/zip-encrypted',
    );
    expect(await codeOf(patchDirectory(plain, (v, at) => v.setUint16(at + 10, 12, true)))).toBe(
      'data/zip-method',
    );
    const link = patchDirectory(plain, (v, at) => {
      v.setUint8(at + 5, 3);
      v.setUint32(at + 38, 0o120777 * 2 ** 16, true);
    });
    expect(await codeOf(link)).toBe('data/zip-link');
  });

  it('says so when it is no whole zip', async () => {
    const whole = await writeZip({ 'a.png': text('x') });
    for (const bytes of [new Uint8Array(0), text('no zip at all'), whole.subarray(0, whole.length - 10)]) {
      const { files, refusals } = await readZip(bytes, 'z.zip');
      expect(files).toEqual([]);
      expect(refusals).toMatchObject([{ file: 'z.zip', code: 'data/zip-damaged' }]);
    }
  });

  it('neither throws nor hangs on damage', async () => {
    const random = Random.fromSeed(6, 'zip');
    const whole = await writeZip({
      'a/b.png': text('abc'.repeat(99)),
      'c.png': new Uint8Array(300),
      'd.png': text('d'),
    });
    for (let i = 0; i < 400; i++) {
      const broken = whole.slice(0, random.chance(0.3) ? random.integer(whole.length) : whole.length);
      for (let k = 0; k < 3 && broken.length > 0; k++)
        broken[random.integer(broken.length)] = random.integer(256);
      for (const file of (await readZip(broken, 'z.zip', roomy)).files) {
        const bytes = await file.bytes().catch((error: unknown) => error);
        if (bytes instanceof Uint8Array) expect(bytes.length).toBe(file.size);
        else expect(bytes).toMatchObject({ record: { where: expect.stringContaining('z.zip/') } });
      }
    }
  });
});

describe('zipStream', () => {
  const bytesOf = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) =>
    new Uint8Array(await new Response(stream).arrayBuffer());

  it('packs files as they come, one at a time', async () => {
    let open = 0;
    async function* files() {
      for (const name of ['a/ü.txt', 'b.png', 'c.bin']) {
        open++;
        expect(open).toBe(1);
        yield { path: name, bytes: text(name.repeat(1000)) };
        open--;
      }
    }
    const { files: found, refusals } = await readZip(await bytesOf(zipStream(files())), 'x.zip');
    expect(refusals).toEqual([]);
    expect(found.map(({ path }) => path)).toEqual(['a/ü.txt', 'b.png', 'c.bin']);
    for (const { path, bytes } of found) expect(await bytes()).toEqual(text(path.repeat(1000)));
  });

  it('fails with what the files fail with', async () => {
    async function* files() {
      yield { path: 'a.txt', bytes: text('a') };
      throw new Error('the image is gone');
    }
    await expect(bytesOf(zipStream(files()))).rejects.toThrow('the image is gone');
  });
});
