import { isGreyRamp } from './palette.ts';
import type { Raster } from './raster.ts';
import { checkSize, damaged, truncated, unsupported } from './size-check.ts';

/** Values of the header's compression. */
const compressions = { none: 0, rle8: 1, rle4: 2, fields: 3, alphaFields: 6 } as const;

/** What the headers of a BMP say. */
export interface BmpHeader {
  readonly width: number;
  readonly height: number;
  /** Whether the first row is the upper one. */
  readonly isTopDown: boolean;
  /** Bits a pixel. */
  readonly bits: number;
  readonly compression: number;
  /** Where the pixels begin. */
  readonly start: number;
  /** Bytes of the second header, 12 for the oldest, whose palette has three bytes a colour. */
  readonly headerBytes: number;
  /** Colours of the palette; 0 for as many as the bits allow. */
  readonly colours: number;
}

/**
 * Reads a BMP of 1, 4, 8, 16, 24 or 32 bits, uncompressed or with run lengths. Palette indices are kept, but where they
 * are grey values themselves.
 * @throws Failure naming `file`.
 */
export function decodeBmp(bytes: Uint8Array, file: string): Raster {
  const header = readBmpHeader(bytes, file);
  const { width, height, bits, compression } = header;
  checkSize(file, width, height);
  const base = { format: 'bmp', width, height, lossy: false, orientation: 1 } as const;
  if (bits > 8) {
    const { channels, data } = readColours(bytes, header, file);
    return { ...base, channels, hasAlpha: channels === 4, bits: 8, data };
  }
  const isRunLengths = compression === compressions.rle8 || compression === compressions.rle4;
  const data = isRunLengths ? readRuns(bytes, header, file) : readIndices(bytes, header, file);
  const palette = readPalette(bytes, header, file);
  return { ...base, channels: 1, bits, data, ...(isGreyRamp(palette, bits) ? {} : { palette }) };
}

/**
 * Reads the headers alone.
 * @throws Failure naming `file`.
 */
export function readBmpHeader(bytes: Uint8Array, file: string): BmpHeader {
  if (bytes.length < 26) throw truncated(file, 'BMP');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = view.getUint32(10, true);
  const headerBytes = view.getUint32(14, true);
  if (headerBytes === 12) {
    return {
      width: view.getUint16(18, true),
      height: view.getUint16(20, true),
      isTopDown: false,
      bits: checkBits(view.getUint16(24, true), 0, file),
      compression: compressions.none,
      start,
      headerBytes,
      colours: 0,
    };
  }
  if (headerBytes < 40 || headerBytes > 4096) throw damaged(file, 'BMP', 'its header has an unknown length');
  if (bytes.length < 54) throw truncated(file, 'BMP');
  const height = view.getInt32(22, true);
  const compression = view.getUint32(30, true);
  return {
    width: Math.max(0, view.getInt32(18, true)),
    height: Math.abs(height),
    isTopDown: height < 0,
    bits: checkBits(view.getUint16(28, true), compression, file),
    compression,
    start,
    headerBytes,
    colours: view.getUint32(46, true),
  };
}

function checkBits(bits: number, compression: number, file: string): number {
  const allowed: Readonly<Record<number, readonly number[]>> = {
    [compressions.none]: [1, 4, 8, 16, 24, 32],
    [compressions.rle8]: [8],
    [compressions.rle4]: [4],
    [compressions.fields]: [16, 32],
    [compressions.alphaFields]: [16, 32],
  };
  if (!allowed[compression])
    throw unsupported(file, `This BMP is compressed in a way that cannot be read here (${compression}).`);
  if (!allowed[compression].includes(bits))
    throw damaged(file, 'BMP', `${bits} bits a pixel with compression ${compression} do not exist`);
  return bits;
}

/** The bytes of all rows, each of which ends at a multiple of four bytes. */
function rowsOf(bytes: Uint8Array, { width, height, bits, start }: BmpHeader, file: string) {
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  // The last row's padding may be missing.
  if (start + rowBytes * (height - 1) + Math.ceil((width * bits) / 8) > bytes.length)
    throw truncated(file, 'BMP');
  return { rowBytes, rows: bytes.subarray(start) };
}

const rowInFile = ({ height, isTopDown }: BmpHeader, y: number) => (isTopDown ? y : height - 1 - y);

function readIndices(bytes: Uint8Array, header: BmpHeader, file: string): Uint8Array {
  const { width, height, bits } = header;
  const { rowBytes, rows } = rowsOf(bytes, header, file);
  const data = new Uint8Array(width * height);
  const mask = (1 << bits) - 1;
  for (let y = 0; y < height; y++) {
    const row = rowInFile(header, y) * rowBytes;
    for (let x = 0; x < width; x++) {
      const bit = x * bits;
      data[y * width + x] = ((rows[row + (bit >> 3)] as number) >> (8 - bits - (bit & 7))) & mask;
    }
  }
  return data;
}

/** Run lengths of 8 or 4 bits: pairs of a count and a value, or 0 and what to do. Pixels that are left out are 0. */
function readRuns(bytes: Uint8Array, header: BmpHeader, file: string): Uint8Array {
  const { width, height, bits, start } = header;
  const data = new Uint8Array(width * height);
  let at = start;
  let x = 0;
  let row = 0;
  const put = (value: number) => {
    if (x < width && row < height) data[(header.isTopDown ? row : height - 1 - row) * width + x] = value;
    x++;
  };
  const indexOf = (byte: number, i: number) => (bits === 8 ? byte : i % 2 === 0 ? byte >> 4 : byte & 15);
  for (;;) {
    if (at + 2 > bytes.length) throw truncated(file, 'BMP');
    const count = bytes[at] as number;
    const value = bytes[at + 1] as number;
    at += 2;
    if (count > 0) {
      for (let i = 0; i < count; i++) put(indexOf(value, i));
    } else if (value === 0) {
      x = 0;
      row++;
      if (row > height) throw damaged(file, 'BMP', 'it has more rows than it says');
    } else if (value === 1) {
      return data;
    } else if (value === 2) {
      x += bytes[at] ?? 0;
      row += bytes[at + 1] ?? 0;
      at += 2;
    } else {
      const length = bits === 8 ? value : Math.ceil(value / 2);
      if (at + length > bytes.length) throw truncated(file, 'BMP');
      for (let i = 0; i < value; i++) put(indexOf(bytes[at + (bits === 8 ? i : i >> 1)] as number, i));
      at += length + (length & 1);
    }
  }
}

function readPalette(
  bytes: Uint8Array,
  { bits, headerBytes, colours, compression }: BmpHeader,
  file: string,
) {
  const step = headerBytes === 12 ? 3 : 4;
  const count = Math.min(2 ** bits, colours || 2 ** bits);
  const start = 14 + headerBytes + (headerBytes === 40 && compression === compressions.fields ? 12 : 0);
  if (start + count * step > bytes.length) throw truncated(file, 'BMP');
  const palette = new Uint8Array(3 * 2 ** bits);
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < 3; c++) palette[3 * i + c] = bytes[start + i * step + 2 - c] as number;
  }
  return palette;
}

/** 16, 24 or 32 bits a pixel, whose masks say which bits are red, green, blue and alpha. */
function readColours(
  bytes: Uint8Array,
  header: BmpHeader,
  file: string,
): { channels: 3 | 4; data: Uint8Array } {
  const { width, height, bits } = header;
  const { rowBytes, rows } = rowsOf(bytes, header, file);
  const masks = readMasks(bytes, header, file);
  const fields = masks.map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
    return { mask, shift, top: mask >>> shift };
  });
  const channels = fields.length === 4 ? 4 : 3;
  const data = new Uint8Array(width * height * channels);
  const size = bits / 8;
  for (let y = 0; y < height; y++) {
    const row = rowInFile(header, y) * rowBytes;
    for (let x = 0; x < width; x++) {
      const at = row + x * size;
      let word = 0;
      for (let b = 0; b < size; b++) word |= (rows[at + b] as number) << (8 * b);
      for (let c = 0; c < channels; c++) {
        const { mask, shift, top } = fields[c] as (typeof fields)[number];
        data[(y * width + x) * channels + c] =
          top === 0 ? 0 : Math.round((((word & mask) >>> shift) * 255) / top);
      }
    }
  }
  return { channels, data };
}

function readMasks(bytes: Uint8Array, { bits, compression, headerBytes }: BmpHeader, file: string): number[] {
  if (compression === compressions.none)
    return bits === 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff0000, 0xff00, 0xff];
  const hasAlpha = headerBytes >= 56 || compression === compressions.alphaFields;
  const count = hasAlpha ? 4 : 3;
  if (54 + 4 * count > bytes.length) throw truncated(file, 'BMP');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const masks = Array.from({ length: count }, (_, i) => view.getUint32(54 + 4 * i, true));
  return masks[3] === 0 ? masks.slice(0, 3) : masks;
}
