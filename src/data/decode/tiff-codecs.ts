import { Truncated } from '../inflate.ts';

const CLEAR = 256;
const END = 257;

/**
 * TIFF's LZW (TIFF 6.0, section 13: most significant bit first, code width grows one code early) into at most `limit`
 * bytes.
 * @throws {Truncated} when the stream ends early, Error when a code does not exist.
 */
export function unpackLzw(packed: Uint8Array, limit: number): Uint8Array {
  const out = new Uint8Array(limit);
  // A code's text is the text of its prefix and one more byte; it was written to `out` ending at `ends[code]`.
  const starts = new Uint32Array(4097);
  const lengths = new Uint32Array(4097);
  let next = 258;
  let width = 9;
  let previous = -1;
  let previousAt = 0;
  let at = 0;
  let bit = 0;
  const bits = packed.length * 8;
  while (at < limit) {
    if (bit + width > bits) throw new Truncated('LZW data');
    const code = readBits(packed, bit, width);
    bit += width;
    if (code === END) break;
    if (code === CLEAR) {
      next = 258;
      width = 9;
      previous = -1;
      continue;
    }
    const here = at;
    if (code < 256) {
      out[at++] = code;
    } else {
      const known = code < next;
      if ((!known && code !== next) || previous < 0) throw new Error('an LZW code does not exist');
      const from = known ? (starts[code] as number) : previousAt;
      const length = known ? (lengths[code] as number) : at - previousAt + 1;
      for (let i = 0; i < length && at < limit; i++) out[at++] = out[from + i] as number;
    }
    if (previous >= 0 && next < 4096) {
      // The new code's text is the previous text and the first byte of this one, which follow each other in `out`.
      starts[next] = previousAt;
      lengths[next] = here - previousAt + 1;
      next++;
    }
    if (next + 1 >= 1 << width && width < 12) width++;
    previous = code;
    previousAt = here;
  }
  return out.subarray(0, at);
}

function readBits(bytes: Uint8Array, bit: number, width: number): number {
  const i = bit >> 3;
  const word = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
  return (word >> (24 - width - (bit & 7))) & ((1 << width) - 1);
}

/** PackBits run lengths (TIFF 6.0, section 9) into at most `limit` bytes. */
export function unpackBits(packed: Uint8Array, limit: number): Uint8Array {
  const out = new Uint8Array(limit);
  let from = 0;
  let at = 0;
  while (at < limit && from < packed.length) {
    const head = packed[from++] as number;
    if (head === 128) continue;
    if (head < 128) {
      const run = packed.subarray(from, Math.min(from + head + 1, from + limit - at));
      out.set(run, at);
      at += run.length;
      from += head + 1;
    } else {
      const length = Math.min(257 - head, limit - at);
      out.fill(packed[from++] ?? 0, at, at + length);
      at += length;
    }
  }
  return out.subarray(0, at);
}
