import { inflateBounded, TooLong, Truncated } from '../inflate.ts';
import { exifOrientation } from './orientation.ts';
import { ADAM7, type PngLayout, passSize, unfilterPng } from './png-unfilter.ts';
import type { Raster } from './raster.ts';
import { checkSize, damaged, truncated, unsupported } from './size-check.ts';

const SIGNATURE_LENGTH = 8;
/** `eXIf` as a number. */
const EXIF = 0x65584966;
const CHANNELS: Readonly<Record<number, 1 | 2 | 3 | 4>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

interface PngParts {
  readonly header: PngLayout;
  readonly isPalette: boolean;
  readonly palette?: Uint8Array;
  readonly pieces: readonly Uint8Array[];
  readonly orientation: number;
}

/**
 * Reads a PNG: every colour type and depth, interlaced or not. Gamma, colour profiles and text are ignored, so the
 * stored values come back unchanged; the CRC of every chunk that is used is checked.
 * @throws Failure naming `file`.
 */
export function decodePng(bytes: Uint8Array, file: string): Raster {
  const { header, isPalette, palette, pieces, orientation } = readChunks(bytes, file);
  const expected = rawLength(header);
  let raw: Uint8Array;
  try {
    raw = inflateBounded(pieces, expected + 64 * 1024);
  } catch (error) {
    if (error instanceof Truncated) throw truncated(file, 'PNG');
    if (error instanceof TooLong) throw damaged(file, 'PNG', 'it unpacks to more than its size says');
    throw damaged(file, 'PNG', error instanceof Error ? error.message : String(error));
  }
  if (raw.length < expected) throw truncated(file, 'PNG');
  const data = unfilterPng(raw, header);
  if (!data) throw damaged(file, 'PNG', 'a row has an unknown filter');
  if (isPalette && !palette) throw damaged(file, 'PNG', 'the palette is missing');
  return {
    format: 'png',
    width: header.width,
    height: header.height,
    channels: header.channels,
    hasAlpha: header.channels % 2 === 0,
    bits: header.bits,
    data,
    ...(isPalette && palette ? { palette } : {}),
    lossy: false,
    orientation,
  };
}

/** Width, height and EXIF orientation of a PNG without decoding it, or undefined when it has no header. */
export function pngSize(
  bytes: Uint8Array,
): { width: number; height: number; orientation: number } | undefined {
  if (bytes.length < 24) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = { width: view.getUint32(16), height: view.getUint32(20) };
  for (let at = SIGNATURE_LENGTH; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    const start = at + 8;
    const isExif = view.getUint32(at + 4) === EXIF;
    if (isExif)
      return { ...size, orientation: exifOrientation(bytes.subarray(start, start + view.getUint32(at))) };
  }
  return { ...size, orientation: 1 };
}

function readChunks(bytes: Uint8Array, file: string): PngParts {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = SIGNATURE_LENGTH;
  let header: PngLayout | undefined;
  let isPalette = false;
  let palette: Uint8Array | undefined;
  let orientation = 1;
  const pieces: Uint8Array[] = [];
  while (at + 12 <= bytes.length) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const end = at + 12 + length;
    if (end > bytes.length) {
      if (type === 'IEND') break;
      throw truncated(file, 'PNG');
    }
    const body = bytes.subarray(at + 8, at + 8 + length);
    const used = type === 'IHDR' || type === 'PLTE' || type === 'IDAT';
    if (used && crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)) {
      throw damaged(file, 'PNG', `the checksum of its ${type} part is wrong`);
    }
    if (type === 'IHDR') {
      header = readHeader(body, file);
      isPalette = body[9] === 3;
    } else if (!header) {
      throw damaged(file, 'PNG', 'its header does not come first');
    } else if (type === 'PLTE') {
      if (length % 3 !== 0 || length > 768)
        throw damaged(file, 'PNG', 'its palette has an impossible length');
      palette = body.slice();
    } else if (type === 'IDAT') {
      pieces.push(body);
    } else if (type === 'acTL') {
      throw unsupported(file, 'This is an animated PNG.', 'Export one frame as a plain PNG and drop that.');
    } else if (type === 'eXIf') {
      orientation = exifOrientation(body);
    } else if (type === 'IEND') {
      break;
    } else if ((type.charCodeAt(0) & 32) === 0) {
      throw damaged(file, 'PNG', 'it has a required part of unknown kind');
    }
    at = end;
  }
  if (!header || pieces.length === 0) throw truncated(file, 'PNG');
  return { header, isPalette, ...(palette ? { palette } : {}), pieces, orientation };
}

function readHeader(body: Uint8Array, file: string): PngLayout {
  if (body.length !== 13) throw damaged(file, 'PNG', 'its header has a wrong length');
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const width = view.getUint32(0);
  const height = view.getUint32(4);
  const bits = view.getUint8(8);
  const colour = view.getUint8(9);
  const interlace = view.getUint8(12);
  const channels = CHANNELS[colour];
  if (!channels || !DEPTHS[colour]?.includes(bits)) {
    throw damaged(file, 'PNG', `colour type ${colour} with ${bits} bits does not exist`);
  }
  if (view.getUint8(10) !== 0 || view.getUint8(11) !== 0 || interlace > 1) {
    throw damaged(file, 'PNG', 'its header names an unknown method');
  }
  checkSize(file, width, height);
  return { width, height, channels, bits: bits as PngLayout['bits'], interlaced: interlace === 1 };
}

/** Bytes of all rows with their filter bytes. */
function rawLength({ width, height, channels, bits, interlaced }: PngLayout): number {
  const pass = (w: number, h: number) =>
    w === 0 || h === 0 ? 0 : h * (1 + Math.ceil((w * channels * bits) / 8));
  if (!interlaced) return pass(width, height);
  return ADAM7.reduce((sum, p) => sum + pass(passSize(width, p.x, p.dx), passSize(height, p.y, p.dy)), 0);
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

/** CRC-32 of a chunk (polynomial 0xEDB88320, ISO 3309). */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    crc = (CRC_TABLE[(crc ^ (bytes[i] as number)) & 0xff] as number) ^ (crc >>> 8);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
