import { isGreyRamp } from './palette.ts';
import type { Raster } from './raster.ts';
import { checkSize, damaged, truncated } from './size-check.ts';

/**
 * Reads the first frame of a GIF: palette indices, but where they are grey values themselves. What the frame leaves free of
 * its screen has the transparent index, else the background's.
 * @throws Failure naming `file`.
 */
export function decodeGif(bytes: Uint8Array, file: string): Raster {
  const { width, height } = readGifHeader(bytes, file);
  checkSize(file, width, height);
  const frame = findFrame(bytes, file);
  const indices = unpackFrame(bytes, frame, file);
  const covers = frame.x === 0 && frame.y === 0 && frame.width === width && frame.height === height;
  const data = covers ? indices : new Uint8Array(width * height).fill(frame.outside);
  if (!covers) {
    const columns = Math.min(frame.width, width - frame.x);
    for (let y = 0; y < Math.min(frame.height, height - frame.y); y++) {
      data.set(indices.subarray(y * frame.width, y * frame.width + columns), (frame.y + y) * width + frame.x);
    }
  }
  const { bits, palette } = frame;
  return {
    format: 'gif',
    width,
    height,
    channels: 1,
    bits: isGreyRamp(palette, bits) ? bits : 8,
    data,
    ...(isGreyRamp(palette, bits) ? {} : { palette }),
    lossy: false,
    orientation: 1,
  };
}

/**
 * Size of a GIF's screen.
 * @throws Failure naming `file`.
 */
export function readGifHeader(bytes: Uint8Array, file: string): { width: number; height: number } {
  if (bytes.length < 13) throw truncated(file, 'GIF');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
}

interface GifFrame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly isInterlaced: boolean;
  readonly palette: Uint8Array;
  /** Bits that an index into the palette needs. */
  readonly bits: number;
  /** Index outside of the frame. */
  readonly outside: number;
  /** Where its compressed data begin. */
  readonly start: number;
}

/** Walks the blocks up to the first image. */
function findFrame(bytes: Uint8Array, file: string): GifFrame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const paletteAt = (at: number, flags: number) => {
    const end = at + 3 * 2 ** ((flags & 7) + 1);
    if (end > bytes.length) throw truncated(file, 'GIF');
    return bytes.slice(at, end);
  };
  const flags = view.getUint8(10);
  const shared = flags & 0x80 ? paletteAt(13, flags) : undefined;
  let outside = shared ? view.getUint8(11) : 0;
  let at = 13 + (shared?.length ?? 0);
  while (at < bytes.length) {
    const kind = bytes[at];
    if (kind === 0x3b) break;
    if (kind === 0x21) {
      // Graphic control: flags, delay, the transparent index.
      if (bytes[at + 1] === 0xf9 && (bytes[at + 3] ?? 0) & 1) outside = bytes[at + 6] ?? outside;
      at = skipBlocks(bytes, at + 2);
      continue;
    }
    if (kind !== 0x2c) throw damaged(file, 'GIF', `it has a block of unknown kind (${kind})`);
    if (at + 11 > bytes.length) throw truncated(file, 'GIF');
    const own = view.getUint8(at + 9);
    const palette = own & 0x80 ? paletteAt(at + 10, own) : shared;
    if (!palette) throw damaged(file, 'GIF', 'its palette is missing');
    return {
      x: view.getUint16(at + 1, true),
      y: view.getUint16(at + 3, true),
      width: view.getUint16(at + 5, true),
      height: view.getUint16(at + 7, true),
      isInterlaced: (own & 0x40) !== 0,
      palette,
      bits: (own & 0x80 ? own & 7 : flags & 7) + 1,
      outside,
      start: at + 10 + (own & 0x80 ? palette.length : 0),
    };
  }
  throw truncated(file, 'GIF');
}

/** The end of a chain of blocks, each led by its length, the last of which is 0. */
function skipBlocks(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] !== 0) at += 1 + (bytes[at] as number);
  return at + 1;
}

function unpackFrame(bytes: Uint8Array, frame: GifFrame, file: string): Uint8Array {
  const { width, height, start } = frame;
  checkSize(file, width, height);
  const codeBits = bytes[start] ?? 0;
  if (codeBits < 1 || codeBits > 8) throw damaged(file, 'GIF', `its codes have ${codeBits} bits`);
  const pieces: Uint8Array[] = [];
  for (let at = start + 1; at < bytes.length && bytes[at] !== 0; at += 1 + (bytes[at] as number)) {
    pieces.push(bytes.subarray(at + 1, at + 1 + (bytes[at] as number)));
  }
  const values = unpackGifLzw(pieces, codeBits, width * height, file);
  if (!frame.isInterlaced) return values;
  const upright = new Uint8Array(values.length);
  let from = 0;
  for (const [first, step] of [
    [0, 8],
    [4, 8],
    [2, 4],
    [1, 2],
  ] as const) {
    for (let y = first; y < height; y += step) {
      upright.set(values.subarray(from, from + width), y * width);
      from += width;
    }
  }
  return upright;
}

/** GIF's LZW (GIF 89a, appendix F: lowest bit first, the code width grows when the table is full) into `count` values. */
function unpackGifLzw(
  pieces: readonly Uint8Array[],
  codeBits: number,
  count: number,
  file: string,
): Uint8Array {
  const out = new Uint8Array(count);
  const clear = 1 << codeBits;
  // A code's text is the text of its prefix and one more value; it was written to `out` at `starts[code]`.
  const starts = new Uint32Array(4096);
  const lengths = new Uint32Array(4096);
  let next = clear + 2;
  let width = codeBits + 1;
  let previous = -1;
  let previousAt = 0;
  let at = 0;
  let word = 0;
  let held = 0;
  for (const piece of pieces) {
    for (const byte of piece) {
      word |= byte << held;
      held += 8;
      while (held >= width && at < count) {
        const code = word & ((1 << width) - 1);
        word >>>= width;
        held -= width;
        if (code === clear) {
          next = clear + 2;
          width = codeBits + 1;
          previous = -1;
          continue;
        }
        if (code === clear + 1) throw truncated(file, 'GIF');
        const here = at;
        if (code < clear) {
          out[at++] = code;
        } else {
          const known = code < next;
          if ((!known && code !== next) || previous < 0) throw damaged(file, 'GIF', 'a code does not exist');
          const from = known ? (starts[code] as number) : previousAt;
          const length = known ? (lengths[code] as number) : here - previousAt + 1;
          for (let i = 0; i < length && at < count; i++) out[at++] = out[from + i] as number;
        }
        if (previous >= 0 && next < 4096) {
          starts[next] = previousAt;
          lengths[next] = here - previousAt + 1;
          next++;
          if (next === 1 << width && width < 12) width++;
        }
        previous = code;
        previousAt = here;
      }
      if (at === count) return out;
    }
  }
  throw truncated(file, 'GIF');
}
