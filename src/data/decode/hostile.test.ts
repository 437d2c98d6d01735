import { readFileSync } from 'node:fs';
import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Random } from '../../config/random.ts';
import { greyTiff } from '../../testing/grey-tiff.ts';
import { encodeImagePng } from '../encode-png.ts';
import { readMaskFile } from '../reading/mask-file.ts';
import { decodeImage } from './image.ts';
import { crc32 } from './png.ts';

const files = ['images', 'formats', 'stacks'].flatMap((set) => {
  const path = new URL(`../../../tests/vectors/images/${set}.json`, import.meta.url);
  const cases = JSON.parse(readFileSync(path, 'utf8')) as { name: string; file: string }[];
  return cases.map(({ name, file }) => ({ name, bytes: new Uint8Array(Buffer.from(file, 'base64')) }));
});
const vector = (name: string) => files.find((file) => file.name.startsWith(name))?.bytes ?? new Uint8Array(0);
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
const jpeg = vector('jpeg 4:4:4');
const tiff = vector('tiff 8 bits 3');
const webp = vector('webp lossy');

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

/** A little-endian TIFF or BigTIFF of one directory whose entries [tag, type, count, value] are as given. */
function tiffOf(
  entries: readonly (readonly [name: number, type: number, count: number, value: number])[],
  { big = false, data = new Uint8Array(0) } = {},
): Uint8Array {
  const start = big ? 16 : 8;
  const [head, size] = big ? [8, 20] : [2, 12];
  const out = new Uint8Array(start + head + size * entries.length + (big ? 8 : 4) + data.length);
  const view = new DataView(out.buffer);
  const offset = (at: number, value: number) =>
    big ? view.setBigUint64(at, BigInt(value), true) : view.setUint32(at, value, true);
  view.setUint32(0, big ? 0x49492b00 : 0x49492a00);
  if (big) view.setUint16(4, 8, true);
  offset(big ? 8 : 4, start);
  if (big) offset(start, entries.length);
  else view.setUint16(start, entries.length, true);
  for (const [i, [name, type, count, value]] of entries.entries()) {
    const at = start + head + size * i;
    view.setUint16(at, name, true);
    view.setUint16(at + 2, type, true);
    offset(at + 4, count);
    offset(at + (big ? 12 : 8), value);
  }
  out.set(data, out.length - data.length);
  return out;
}

/** Entries of a grey TIFF of bytes whose only strip has that offset and length; `more` replaces or adds. */
function greyEntries(
  side: number,
  more: Readonly<Record<number, number>> = {},
): (readonly [number, number, number, number])[] {
  const values = {
    256: side,
    257: side,
    258: 8,
    259: 1,
    262: 1,
    273: 8,
    277: 1,
    278: side,
    279: side * side,
    ...more,
  };
  return Object.entries(values).map(([name, value]) => [Number(name), 4, 1, value]);
}

/** Twenty directories of 65,535 entries that lie over each other. */
function overlappingTiff(): Uint8Array {
  const out = new Uint8Array(12 * 65_535 + 1000);
  const view = new DataView(out.buffer);
  out.set([0x49, 0x49, 42, 0, 8]);
  for (let i = 0; i < 20; i++) {
    const at = 8 + 16 * i;
    view.setUint16(at, 65_535, true);
    view.setUint32(at + 2 + 12 * 65_535, at + 16, true);
  }
  return out;
}

/** A Zstandard frame of blocks that each say how often a byte is repeated. */
function zstdRuns(counts: readonly number[], windowByte = 0): Uint8Array {
  const blocks = counts.flatMap((count, i) => {
    const head = (count << 3) | 2 | (i === counts.length - 1 ? 1 : 0);
    return [head & 255, (head >> 8) & 255, head >> 16, 7];
  });
  return Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0, windowByte, ...blocks]);
}

/** A stack of ImageJ's that says how many planes stand behind its one directory. */
function imageJTiff(images: number, planes: number): Uint8Array {
  const about = text(`ImageJ=1\nimages=${images}\n\0`);
  const entries = greyEntries(4, { 270: 0 });
  const start = 8 + 2 + 12 * entries.length + 4;
  const placed = entries.map(([name, type, count, value]) => {
    if (name === 270) return [name, 2, about.length, start] as const;
    return [name, type, count, name === 273 ? start + about.length : value] as const;
  });
  return tiffOf(placed, { data: Uint8Array.from([...about, ...new Uint8Array(16 * planes)]) });
}

/** Bytes with numbers of 1, 2 or 4 bytes put in, little-endian. */
function patched(
  bytes: Uint8Array,
  ...changes: readonly (readonly [at: number, size: 1 | 2 | 4, value: number])[]
) {
  const out = bytes.slice();
  const view = new DataView(out.buffer);
  for (const [at, size, value] of changes) {
    if (size === 1) view.setUint8(at, value);
    else if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
  }
  return out;
}

/** A BMP of 8 bits with run lengths. */
function runLengthBmp(width: number, height: number, runs: readonly number[]): Uint8Array {
  const start = 54 + 4 * 256;
  const head = concat(text('BM'), new Uint8Array(start - 2), Uint8Array.from(runs));
  return patched(
    head,
    [10, 4, start],
    [14, 4, 40],
    [18, 4, width],
    [22, 4, height],
    [26, 2, 1],
    [28, 2, 8],
    [30, 4, 1],
  );
}

/** Where a DICOM file of two bytes a group and element, `US`, has a value; explicit little-endian. */
function dicomAt(bytes: Uint8Array, group: number, element: number): number {
  const tag = [group & 255, group >> 8, element & 255, element >> 8];
  return bytes.findIndex((_, i) => tag.every((byte, k) => bytes[i + k] === byte)) + 8;
}

const bmp = vector('bmp RGB');
const bmpIndices = vector('bmp palette');
const gif = vector('gif palette');
const nifti = vector('nifti int16');
const packedNifti = vector('nifti big-endian, packed');
const dicom = vector('dicom explicit');
const dicomRows = dicomAt(dicom, 0x28, 0x10);

const medical: readonly { name: string; bytes: Uint8Array; code: string; says: RegExp }[] = [
  ...[3, 347, 351, nifti.length - 1].map((length) => ({
    name: `a NIfTI file cut to ${length} bytes`,
    bytes: nifti.subarray(0, length),
    code: length < 4 ? 'data/not-an-image' : 'data/truncated',
    says: length < 4 ? /not an image/ : /NIfTI file ends before/,
  })),
  {
    name: 'a NIfTI header without its word',
    bytes: patched(nifti, [344, 4, 0]),
    code: 'data/unsupported',
    says: /NIfTI/,
  },
  {
    name: 'half a NIfTI pair',
    bytes: patched(nifti, [345, 1, 0x69]),
    code: 'data/unsupported',
    says: /pair/,
  },
  {
    name: 'a NIfTI file of no axes',
    bytes: patched(nifti, [40, 2, 0]),
    code: 'data/damaged',
    says: /0 axes/,
  },
  { name: 'a NIfTI file of 0 × 9', bytes: patched(nifti, [42, 2, 0]), code: 'data/no-pixels', says: /0 × 9/ },
  {
    name: 'a NIfTI file of absurd size',
    bytes: patched(nifti, [42, 2, 32767], [44, 2, 32767]),
    code: 'data/too-large',
    says: /32767/,
  },
  {
    name: 'a NIfTI file of absurd depth',
    bytes: patched(nifti, [40, 2, 3], [42, 2, 9999], [44, 2, 9999], [46, 2, 32767]),
    code: 'data/too-large',
    says: /MiB/,
  },
  {
    name: 'a NIfTI file of a thousand volumes',
    bytes: patched(nifti, [40, 2, 4], [48, 2, 1000]),
    code: 'data/unsupported',
    says: /1000 volumes/,
  },
  {
    name: 'a NIfTI file of an unknown datatype',
    bytes: patched(nifti, [70, 2, 32]),
    code: 'data/unsupported',
    says: /datatype 32/,
  },
  {
    name: 'a NIfTI volume where an image is needed',
    bytes: vector('a NIfTI volume of labels'),
    code: 'data/unsupported',
    says: /3 slices/,
  },
  {
    name: 'half a packed NIfTI file',
    bytes: packedNifti.subarray(0, packedNifti.length / 2),
    code: 'data/damaged',
    says: /NIfTI.*end early/,
  },
  { name: 'a gzip of text', bytes: gzipSync('hello'), code: 'data/not-an-image', says: /gzip/ },
  ...[131, 140, 300, dicom.length - 1].map((length) => ({
    name: `a DICOM file cut to ${length} bytes`,
    bytes: dicom.subarray(0, length),
    code: length < 132 ? 'data/not-an-image' : length < 200 ? 'data/damaged' : 'data/truncated',
    says: length < 132 ? /not an image/ : /DICOM/,
  })),
  {
    name: 'a DICOM file of 0 rows',
    bytes: patched(dicom, [dicomRows, 2, 0]),
    code: 'data/no-pixels',
    says: /13 × 0/,
  },
  {
    name: 'a DICOM file of more rows than it has',
    bytes: patched(dicom, [dicomRows, 2, 9999]),
    code: 'data/truncated',
    says: /DICOM file ends before/,
  },
  {
    name: 'a DICOM file of 64 bits',
    bytes: patched(dicom, [dicomAt(dicom, 0x28, 0x100), 2, 64]),
    code: 'data/unsupported',
    says: /in 64/,
  },
  {
    name: 'a compressed DICOM file',
    bytes: patched(dicom, [dicomAt(dicom, 2, 0x10) + 17, 1, 0x34]),
    code: 'data/unsupported',
    says: /transfer syntax 1\.2\.840\.10008\.1\.241/,
  },
];

const ppm = concat(text('P6\n# a\n2 3 255\n'), new Uint8Array(18));

const netpbm: readonly { name: string; bytes: Uint8Array; code: string; says: RegExp }[] = [
  ...[3, 10, ppm.length - 1].map((length) => ({
    name: `a PPM cut to ${length} bytes`,
    bytes: ppm.subarray(0, length),
    code: 'data/truncated',
    says: /PPM file ends before/,
  })),
  { name: 'a PGM of 0 × 9', bytes: text('P5 0 9 255\n000000000'), code: 'data/no-pixels', says: /0 × 9/ },
  ...['99999999 99999999', `${'9'.repeat(400)} 1`].map((size) => ({
    name: 'a PGM of absurd size',
    bytes: text(`P5 ${size} 255\n0000`),
    code: 'data/too-large',
    says: /million pixels/,
  })),
  ...['0', '65536', '-1', 'x', '9'.repeat(5000), ''].map((most) => ({
    name: `a PGM whose white is ${most.slice(0, 9)}`,
    bytes: text(`P5 2 2 ${most}\n00000000000000`),
    code: 'data/damaged',
    says: /largest value/,
  })),
  {
    name: 'a PPM that is comments alone',
    bytes: text(`P6 ${'# #\n'.repeat(9999)}`),
    code: 'data/damaged',
    says: /header/,
  },
  ...['P1 2 2 0 1 1 0', 'P2 2 2 9 0 1 1 0', 'P3\n1 1\n9 0 1 1', 'P4 8 1 \0', 'P7\nWIDTH 1'].map((it) => ({
    name: `a file that begins with ${it.slice(0, 2)}`,
    bytes: text(it),
    code: 'data/not-an-image',
    says: /PBM, a PAM, or a PGM or PPM written as text/,
  })),
];

const bitmaps: readonly { name: string; bytes: Uint8Array; code: string; says: RegExp }[] = [
  ...[15, 30, 60, bmp.length - 20].map((length) => ({
    name: `a BMP cut to ${length} bytes`,
    bytes: bmp.subarray(0, length),
    code: 'data/truncated',
    says: /BMP file ends before/,
  })),
  { name: 'a BMP of 0 × 9', bytes: patched(bmp, [18, 4, 0]), code: 'data/no-pixels', says: /0 × 9/ },
  {
    name: 'a BMP of absurd size',
    bytes: patched(bmp, [18, 4, 0x7fff_ffff], [22, 4, 0x8000_0000]),
    code: 'data/too-large',
    says: /2147483647 × 2147483648/,
  },
  { name: 'a BMP of 7 bits', bytes: patched(bmp, [28, 2, 7]), code: 'data/damaged', says: /7 bits/ },
  {
    name: 'a BMP of a long header',
    bytes: patched(bmp, [14, 4, 0x7c0000 + 124]),
    code: 'data/damaged',
    says: /header/,
  },
  {
    name: 'a BMP with a PNG in it',
    bytes: patched(bmp, [30, 4, 5]),
    code: 'data/unsupported',
    says: /compressed/,
  },
  {
    name: 'a BMP without its palette',
    bytes: patched(bmpIndices, [10, 4, 54]).subarray(0, 54 + 16 * 9),
    code: 'data/truncated',
    says: /BMP/,
  },
  {
    name: 'a BMP whose runs have no end',
    bytes: runLengthBmp(9000, 9000, [255, 1, 255, 1]),
    code: 'data/truncated',
    says: /BMP/,
  },
  {
    name: 'a BMP whose runs have too many rows',
    bytes: runLengthBmp(2, 2, new Array(20).fill(0)),
    code: 'data/damaged',
    says: /more rows/,
  },
  ...[12, 20, 62, gif.length - 40].map((length) => ({
    name: `a GIF cut to ${length} bytes`,
    bytes: gif.subarray(0, length),
    code: 'data/truncated',
    says: /GIF file ends before/,
  })),
  { name: 'a GIF of 0 × 9', bytes: patched(gif, [6, 2, 0]), code: 'data/no-pixels', says: /0 × 9/ },
  {
    name: 'a GIF of absurd size',
    bytes: patched(gif, [6, 2, 65_535], [8, 2, 65_535]),
    code: 'data/too-large',
    says: /65535/,
  },
  {
    name: 'a GIF without palette',
    bytes: concat(
      text('GIF89a'),
      Uint8Array.of(4, 0, 4, 0, 0, 0, 0, 0x2c, 0, 0, 0, 0, 4, 0, 4, 0, 0, 2, 1, 0, 0),
    ),
    code: 'data/damaged',
    says: /palette/,
  },
  {
    name: 'a GIF of an unknown block',
    bytes: concat(text('GIF89a'), Uint8Array.of(4, 0, 4, 0, 0, 0, 0, 0x99)),
    code: 'data/damaged',
    says: /153/,
  },
  {
    name: 'a GIF whose code does not exist',
    bytes: concat(
      text('GIF89a'),
      Uint8Array.of(4, 0, 4, 0, 0x80, 0, 0, 0, 0, 0, 9, 9, 9),
      Uint8Array.of(0x2c, 0, 0, 0, 0, 4, 0, 4, 0, 0, 2, 2, 0xfc, 0xff, 0),
    ),
    code: 'data/damaged',
    says: /code does not exist/,
  },
  {
    name: 'an AVIF without sizes',
    bytes: concat(new Uint8Array(4), text('ftypavif'), new Uint8Array(40)),
    code: 'data/truncated',
    says: /AVIF/,
  },
  {
    name: 'an AVIF of absurd size',
    bytes: concat(
      new Uint8Array(4),
      text('ftypavif'),
      new Uint8Array(8),
      text('ispe'),
      new Uint8Array(4).fill(0),
      new Uint8Array(8).fill(99),
    ),
    code: 'data/too-large',
    says: /1667457891/,
  },
  {
    name: 'a HEIC where there is no browser',
    bytes: concat(
      new Uint8Array(4),
      text('ftypheic'),
      new Uint8Array(8),
      text('ispe'),
      Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 9),
    ),
    code: 'data/unsupported',
    says: /HEIC.*browser/,
  },
];

const cmykJpeg = vector('jpeg CMYK');
const jpegTiff = vector('tiff jpeg grey');

const corpus: readonly { name: string; bytes: Uint8Array; code: string; says: RegExp }[] = [
  { name: 'an empty file', bytes: new Uint8Array(0), code: 'data/empty-file', says: /empty \(0 bytes\)/ },
  {
    name: 'text named png',
    bytes: text('hello, I am no image\n'),
    code: 'data/not-an-image',
    says: /text file/,
  },
  { name: 'a GIF header alone', bytes: text('GIF89a......'), code: 'data/truncated', says: /GIF/ },
  {
    name: 'a text that begins with BM',
    bytes: text('BM was here today'),
    code: 'data/not-an-image',
    says: /text/,
  },
  {
    name: 'a video',
    bytes: concat(new Uint8Array(4), text('ftypisom'), new Uint8Array(20)),
    code: 'data/not-an-image',
    says: /video/,
  },
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
  { name: 'a JPEG that only says it is CMYK', bytes: cmyk(), code: 'data/damaged', says: /sampling/ },
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
  { name: 'a TIFF that goes in a ring', bytes: ringTiff(), code: 'data/damaged', says: /in a ring/ },
  {
    name: 'a BigTIFF header alone',
    bytes: tiffOf([], { big: true }).subarray(0, 16),
    code: 'data/truncated',
    says: /TIFF/,
  },
  {
    name: 'a BigTIFF with offsets of 4 bytes',
    bytes: withByte(tiffOf(greyEntries(4), { big: true }), 4, 4),
    code: 'data/damaged',
    says: /8 bytes/,
  },
  {
    name: 'a BigTIFF whose directory is beyond its end',
    bytes: withByte(tiffOf(greyEntries(4), { big: true }), 14, 1),
    code: 'data/truncated',
    says: /ends before/,
  },
  {
    name: 'a BigTIFF of 2^40 entries',
    bytes: withByte(tiffOf(greyEntries(4), { big: true }), 21, 1),
    code: 'data/truncated',
    says: /ends before/,
  },
  {
    name: 'a TIFF whose tag has 2^32 values',
    bytes: tiffOf([...greyEntries(4), [324, 4, 0xffff_ffff, 8]]),
    code: 'data/truncated',
    says: /ends before/,
  },
  {
    name: 'a TIFF of a million values in a tag',
    bytes: tiffOf([...greyEntries(4), [324, 1, 4_000_001, 8]], { data: new Uint8Array(4_000_001) }),
    code: 'data/damaged',
    says: /4000001 values/,
  },
  {
    name: 'a TIFF of directories over each other',
    bytes: overlappingTiff(),
    code: 'data/damaged',
    says: /entries/,
  },
  { name: 'a TIFF of 0 × 0', bytes: tiffOf(greyEntries(0)), code: 'data/no-pixels', says: /0 × 0/ },
  {
    name: 'a TIFF of absurd size',
    bytes: tiffOf(greyEntries(2 ** 31)),
    code: 'data/too-large',
    says: /2147483648/,
  },
  {
    name: 'a TIFF of too many channels for memory',
    bytes: tiffOf(greyEntries(9000, { 258: 64, 277: 60 })),
    code: 'data/damaged',
    says: /impossible size/,
  },
  {
    name: 'a TIFF of too many channels in small tiles',
    bytes: tiffOf(greyEntries(9000, { 277: 60, 322: 16, 323: 16 })),
    code: 'data/too-large',
    says: /60 channels of 8 bits/,
  },
  {
    name: 'a TIFF whose strip is beyond its end',
    bytes: tiffOf(greyEntries(4, { 273: 4000 })),
    code: 'data/truncated',
    says: /ends before/,
  },
  {
    name: 'a TIFF with too few strips',
    bytes: tiffOf(greyEntries(4, { 278: 1 })),
    code: 'data/damaged',
    says: /parts of the image are missing/,
  },
  {
    name: 'a TIFF with strips of no rows',
    bytes: tiffOf(greyEntries(4, { 278: 0 })),
    code: 'data/damaged',
    says: /impossible size/,
  },
  {
    name: 'an RGB TIFF of one sample',
    bytes: tiffOf(greyEntries(4, { 262: 2 })),
    code: 'data/damaged',
    says: /3 samples/,
  },
  {
    name: 'a TIFF for fax',
    bytes: tiffOf(greyEntries(4, { 259: 4 })),
    code: 'data/unsupported',
    says: /fax \(CCITT\)/,
  },
  {
    name: 'a TIFF with LZMA',
    bytes: tiffOf(greyEntries(4, { 259: 34925 })),
    code: 'data/unsupported',
    says: /LZMA/,
  },
  {
    name: 'a TIFF in Lab',
    bytes: tiffOf(greyEntries(4, { 262: 8 })),
    code: 'data/unsupported',
    says: /photometric 8/,
  },
  {
    name: 'a raw camera file',
    bytes: tiffOf(greyEntries(4, { 254: 1, 330: 8 })),
    code: 'data/unsupported',
    says: /raw camera/,
  },
  {
    name: 'a TIFF stack',
    bytes: imageJTiff(3, 3),
    code: 'data/unsupported',
    says: /stack of 3 images/,
  },
  {
    name: 'an ImageJ stack that says more planes than it has',
    bytes: imageJTiff(999_999_999, 2),
    code: 'data/damaged',
    says: /999999999 planes/,
  },
  {
    name: 'a TIFF whose Zstandard data end early',
    bytes: packedTiff(50000, zstdRuns([100, 156]).subarray(0, 12)),
    code: 'data/truncated',
    says: /ends before/,
  },
  {
    name: 'a TIFF of too few Zstandard data',
    bytes: packedTiff(50000, zstdRuns([100])),
    code: 'data/truncated',
    says: /ends before/,
  },
  {
    name: 'a Zstandard bomb',
    bytes: packedTiff(50000, zstdRuns(new Array(10_000).fill(100_000), 0x38)),
    code: 'data/damaged',
    says: /unpacks to more/,
  },
  {
    name: 'Zstandard data of many blocks without content',
    bytes: packedTiff(50000, zstdRuns(new Array(10_000).fill(0), 0x70)),
    code: 'data/damaged',
    says: /unpacks to more/,
  },
  {
    name: 'Zstandard data that need too much history',
    bytes: packedTiff(50000, zstdRuns([256], 0xa0)),
    code: 'data/damaged',
    says: /bytes of history/,
  },
  {
    name: 'a TIFF whose Zstandard data are none',
    bytes: packedTiff(50000, new Uint8Array(40)),
    code: 'data/damaged',
    says: /Zstandard/,
  },
  {
    name: 'half a TIFF of JPEG data',
    bytes: jpegTiff.subarray(0, jpegTiff.length - 200),
    code: 'data/truncated',
    says: /TIFF file ends before/,
  },
  {
    name: 'a TIFF whose JPEG data have another size',
    bytes: packedTiff(7, jpeg),
    code: 'data/damaged',
    says: /another size/,
  },
  {
    name: 'a TIFF whose JPEG data are none',
    bytes: packedTiff(7, new Uint8Array(40)),
    code: 'data/damaged',
    says: /marker/,
  },
  {
    name: 'half a JPEG in CMYK',
    bytes: cmykJpeg.subarray(0, cmykJpeg.length / 2),
    code: 'data/truncated',
    says: /ends before/,
  },
  {
    name: 'a JPEG of 12 bits',
    bytes: withByte(jpeg, jpeg.findIndex((b, i) => b === 0xff && jpeg[i + 1] === 0xc0) + 4, 12),
    code: 'data/unsupported',
    says: /12 bits/,
  },
  {
    name: 'half a WebP',
    bytes: webp.subarray(0, webp.length / 2),
    code: 'data/truncated',
    says: /ends before/,
  },
];

/** Milliseconds to refuse a file twice, with room for a busy machine. */
const MOST_TIME = 1000;

describe('a bad file gives one sentence that names it, and the cure', () => {
  it.each([...corpus, ...bitmaps, ...netpbm, ...medical])('$name', async ({ bytes, code, says }) => {
    const before = performance.now();
    const outcomes = [await decodeImage(bytes, 'in/bad.png'), await readMaskFile(bytes, 'in/bad.png')];
    expect(performance.now() - before).toBeLessThan(MOST_TIME);
    for (const outcome of outcomes) {
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
    const mask = await readMaskFile(bytes, 'fuzz');
    if (mask.ok) expect(mask.value.data.length).toBe(mask.value.width * mask.value.height);
  };

  it('truncated anywhere', async () => {
    const random = Random.fromSeed(1, 'truncate');
    for (const { bytes } of files) {
      for (let i = 0; i < 3; i++) await check(bytes.subarray(0, random.integer(bytes.length)));
    }
  });

  it('bytes changed anywhere', async () => {
    const random = Random.fromSeed(2, 'flip');
    for (const { bytes } of files) {
      for (let i = 0; i < 4; i++) {
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
      for (let i = 0; i < 4; i++) {
        const broken = bytes.slice();
        const at = 4 + random.integer(Math.min(200, broken.length - 4));
        broken[at] = [0, 1, 127, 128, 255][random.integer(5)] as number;
        await check(broken);
      }
    }
  });
});
