import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Random } from '../../config/random.ts';
import { greyTiff } from '../../testing/grey-tiff.ts';
import { encodeImagePng } from '../encode-png.ts';
import { decodeImage } from './image.ts';
import { decodeMask } from './mask.ts';
import { crc32 } from './png.ts';

const path = new URL('../../../tests/vectors/images/images.json', import.meta.url);
const files = (JSON.parse(readFileSync(path, 'utf8')) as { name: string; file: string }[]).map(
  ({ name, file }) => ({
    name,
    bytes: new Uint8Array(Buffer.from(file, 'base64')),
  }),
);
const text = (s: string) => new TextEncoder().encode(s);

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function chunk(type: string, body: Uint8Array): Uint8Array {
  const named = concat(text(type), body);
  const out = new Uint8Array(named.length + 8);
  const view = new DataView(out.buffer);
  view.setUint32(0, body.length);
  out.set(named, 4);
  view.setUint32(out.length - 4, crc32(named));
  return out;
}

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

function pngHeader(width: number, height: number, bits = 8, colour = 0, interlace = 0): Uint8Array {
  const body = new Uint8Array(13);
  new DataView(body.buffer).setUint32(0, width);
  new DataView(body.buffer).setUint32(4, height);
  body.set([bits, colour, 0, 0, interlace], 8);
  return chunk('IHDR', body);
}

const end = chunk('IEND', new Uint8Array(0));
const small = encodeImagePng({ width: 4, height: 4, channels: 3, data: new Uint8Array(48).fill(9) });
const jpeg = files.find(({ name }) => name === 'jpeg 4:4:4')?.bytes ?? new Uint8Array(0);
const tiff = files.find(({ name }) => name.startsWith('tiff 8 bits 3'))?.bytes ?? new Uint8Array(0);
const webp = files.find(({ name }) => name === 'webp lossy')?.bytes ?? new Uint8Array(0);

function cmyk(): Uint8Array {
  const out = jpeg.slice();
  const frame = out.findIndex((b, i) => b === 0xff && out[i + 1] === 0xc0);
  out[frame + 9] = 4;
  return out;
}

function jpegOfSize(width: number, height: number): Uint8Array {
  const out = jpeg.slice();
  const frame = out.findIndex((b, i) => b === 0xff && out[i + 1] === 0xc0);
  new DataView(out.buffer).setUint16(frame + 5, height);
  new DataView(out.buffer).setUint16(frame + 7, width);
  return out;
}

function withByte(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const out = bytes.slice();
  out[at] = value;
  return out;
}

/** A grey TIFF of 16 × 16 in one strip of `packed` data. */
function packedTiff(compression: number, packed: Uint8Array): Uint8Array {
  return greyTiff({ width: 16, height: 16, bits: 8, compression }, packed);
}

/** A TIFF whose first directory says it is followed by itself. */
function ringTiff(): Uint8Array {
  const out = tiff.slice();
  const view = new DataView(out.buffer);
  const first = view.getUint32(4, true);
  view.setUint32(first + 2 + 12 * view.getUint16(first, true), first, true);
  return out;
}

const corpus: readonly { name: string; bytes: Uint8Array; code: string; says: RegExp }[] = [
  { name: 'an empty file', bytes: new Uint8Array(0), code: 'data/empty-file', says: /empty \(0 bytes\)/ },
  {
    name: 'text named png',
    bytes: text('hello, I am no image\n'),
    code: 'data/not-an-image',
    says: /text file/,
  },
  { name: 'a GIF', bytes: text('GIF89a......'), code: 'data/not-an-image', says: /GIF/ },
  { name: 'a BMP', bytes: text('BM..........'), code: 'data/not-an-image', says: /BMP/ },
  { name: 'a PDF', bytes: text('%PDF-1.7\n\0\0\0'), code: 'data/not-an-image', says: /PDF/ },
  { name: 'a zip named png', bytes: text('PK\x03\x04\0\0\0\0\0\0'), code: 'data/not-an-image', says: /zip/ },
  {
    name: 'unknown bytes',
    bytes: Uint8Array.of(1, 2, 3, 0),
    code: 'data/not-an-image',
    says: /not an image/,
  },
  { name: 'a PNG signature alone', bytes: signature, code: 'data/truncated', says: /ends before/ },
  {
    name: 'half a PNG',
    bytes: small.subarray(0, small.length / 2),
    code: 'data/truncated',
    says: /ends before/,
  },
  {
    name: 'a PNG with a flipped bit',
    bytes: withByte(small, 45, 77),
    code: 'data/damaged',
    says: /checksum/,
  },
  {
    name: 'a PNG of absurd size',
    bytes: concat(
      signature,
      pngHeader(2 ** 31 - 1, 2 ** 31 - 1),
      chunk('IDAT', deflateSync(new Uint8Array(9))),
      end,
    ),
    code: 'data/too-large',
    says: /2147483647/,
  },
  {
    name: 'a PNG of 0 × 5',
    bytes: concat(signature, pngHeader(0, 5), chunk('IDAT', deflateSync(new Uint8Array(9))), end),
    code: 'data/no-pixels',
    says: /0 × 5/,
  },
  {
    name: 'a PNG bomb',
    bytes: concat(signature, pngHeader(2, 2), chunk('IDAT', deflateSync(new Uint8Array(3_000_000))), end),
    code: 'data/damaged',
    says: /unpacks to more/,
  },
  {
    name: 'a PNG with too few rows',
    bytes: concat(signature, pngHeader(100, 100), chunk('IDAT', deflateSync(new Uint8Array(500))), end),
    code: 'data/truncated',
    says: /ends before/,
  },
  {
    name: 'a PNG with a wrong filter',
    bytes: concat(signature, pngHeader(1, 1), chunk('IDAT', deflateSync(Uint8Array.of(9, 9))), end),
    code: 'data/damaged',
    says: /filter/,
  },
  {
    name: 'a PNG of an impossible depth',
    bytes: concat(signature, pngHeader(1, 1, 3), chunk('IDAT', deflateSync(new Uint8Array(2))), end),
    code: 'data/damaged',
    says: /3 bits/,
  },
  {
    name: 'a palette PNG without palette',
    bytes: concat(signature, pngHeader(1, 1, 8, 3), chunk('IDAT', deflateSync(new Uint8Array(2))), end),
    code: 'data/damaged',
    says: /palette/,
  },
  {
    name: 'an animated PNG',
    bytes: concat(
      signature,
      pngHeader(1, 1),
      chunk('acTL', new Uint8Array(8)),
      chunk('IDAT', deflateSync(new Uint8Array(2))),
      end,
    ),
    code: 'data/unsupported',
    says: /animated/,
  },
  {
    name: 'half a JPEG',
    bytes: jpeg.subarray(0, jpeg.length / 2),
    code: 'data/truncated',
    says: /ends before/,
  },
  {
    name: 'a JPEG marker alone',
    bytes: Uint8Array.of(0xff, 0xd8, 0xff),
    code: 'data/truncated',
    says: /ends before/,
  },
  { name: 'a JPEG in CMYK', bytes: cmyk(), code: 'data/unsupported', says: /CMYK/ },
  { name: 'a JPEG of absurd size', bytes: jpegOfSize(65_535, 65_535), code: 'data/too-large', says: /65535/ },
  {
    name: 'half a TIFF',
    bytes: tiff.subarray(0, tiff.length / 2),
    code: 'data/truncated',
    says: /ends before/,
  },
  {
    name: 'a TIFF whose LZW data end early',
    bytes: packedTiff(5, Uint8Array.of(0x80, 0, 0)),
    code: 'data/truncated',
    says: /ends before/,
  },
  {
    name: 'a TIFF whose Deflate data end early',
    bytes: packedTiff(8, deflateSync(Uint8Array.from({ length: 256 }, (_, i) => i * i)).subarray(0, 60)),
    code: 'data/truncated',
    says: /ends before/,
  },
  {
    name: 'a TIFF bomb',
    bytes: packedTiff(8, deflateSync(new Uint8Array(3_000_000))),
    code: 'data/damaged',
    says: /unpacks to more/,
  },
  { name: 'a TIFF that goes in a ring', bytes: ringTiff(), code: 'data/unsupported', says: /several pages/ },
  {
    name: 'a BigTIFF',
    bytes: Uint8Array.of(0x49, 0x49, 0x2b, 0, 8, 0, 0, 0),
    code: 'data/not-an-image',
    says: /BigTIFF/,
  },
  {
    name: 'half a WebP',
    bytes: webp.subarray(0, webp.length / 2),
    code: 'data/truncated',
    says: /ends before/,
  },
];

describe('a bad file gives one sentence that names it, and the cure', () => {
  it.each(corpus)('$name', async ({ bytes, code, says }) => {
    for (const outcome of [await decodeImage(bytes, 'in/bad.png'), await decodeMask(bytes, 'in/bad.png')]) {
      expect(outcome.ok).toBe(false);
      if (outcome.ok) return;
      expect(outcome.refusal).toMatchObject({ file: 'in/bad.png', code, severity: 'refused' });
      expect(outcome.refusal.reason).toMatch(says);
      expect(outcome.refusal.reason).toMatch(/^[A-Z].*\.$/s);
      expect(outcome.refusal.cure).toMatch(/^[A-Z].*\.$/s);
    }
  });
});

describe('damage never throws, hangs, or gives an image of another size than it says', () => {
  const check = async (bytes: Uint8Array) => {
    const outcome = await decodeImage(bytes, 'fuzz');
    if (outcome.ok) {
      const { width, height, data } = outcome.value.image;
      expect(data.length).toBe(width * height * 3);
    } else {
      expect(outcome.refusal.file).toBe('fuzz');
      expect(outcome.refusal.reason.length).toBeGreaterThan(10);
    }
    const mask = await decodeMask(bytes, 'fuzz');
    if (mask.ok)
      expect(mask.value.labelMap.data.length).toBe(mask.value.labelMap.width * mask.value.labelMap.height);
  };

  it('truncated anywhere', async () => {
    const random = Random.fromSeed(1, 'truncate');
    for (const { bytes } of files) {
      for (let i = 0; i < 4; i++) await check(bytes.subarray(0, random.integer(bytes.length)));
    }
  });

  it('bytes changed anywhere', async () => {
    const random = Random.fromSeed(2, 'flip');
    for (const { bytes } of files) {
      for (let i = 0; i < 6; i++) {
        const broken = bytes.slice();
        const changes = 1 + random.integer(4);
        for (let k = 0; k < changes; k++) broken[random.integer(broken.length)] = random.integer(256);
        await check(broken);
      }
    }
  });

  it('headers changed, where sizes and offsets stand', async () => {
    const random = Random.fromSeed(3, 'header');
    for (const { bytes } of files) {
      for (let i = 0; i < 6; i++) {
        const broken = bytes.slice();
        const at = 4 + random.integer(Math.min(200, broken.length - 4));
        broken[at] = [0, 1, 127, 128, 255][random.integer(5)] as number;
        await check(broken);
      }
    }
  });
});
