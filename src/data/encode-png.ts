import { zlibSync } from 'fflate';
import { crc32 } from './crc32.ts';
import type { BinaryMask, LabelMap, Picture } from './types.ts';

/**
 * A mask as a grey PNG of its values: 8 bits when none is over 255, else 16. A binary mask is written as 0 and 255.
 * @throws RangeError when a value is negative or over 65535.
 */
export function encodeMaskPng(mask: LabelMap | BinaryMask): Uint8Array {
  const { width, height, data } = mask;
  if (data instanceof Uint8Array)
    return encodePng(
      width,
      height,
      8,
      0,
      data.map((v) => (v ? 255 : 0)),
    );
  let max = 0;
  for (let i = 0; i < data.length; i++) {
    const v = data[i] as number;
    if (v < 0 || v > 65_535)
      throw new RangeError(`label ${v} does not fit a 16-bit PNG; renumber the labels first`);
    if (v > max) max = v;
  }
  if (max <= 255) return encodePng(width, height, 8, 0, Uint8Array.from(data));
  const bytes = new Uint8Array(2 * data.length);
  for (let i = 0; i < data.length; i++) {
    bytes[2 * i] = (data[i] as number) >> 8;
    bytes[2 * i + 1] = data[i] as number;
  }
  return encodePng(width, height, 16, 0, bytes);
}

/** A picture as an 8-bit RGB PNG. */
export function encodePicturePng({ width, height, data }: Picture): Uint8Array {
  return encodePng(width, height, 8, 2, data);
}

/** `samples` are rows without filter bytes, big-endian. */
function encodePng(
  width: number,
  height: number,
  bits: 8 | 16,
  colour: 0 | 2,
  samples: Uint8Array,
): Uint8Array {
  const rowBytes = (width * (colour === 2 ? 3 : 1) * bits) / 8;
  const raw = new Uint8Array(height * (rowBytes + 1));
  for (let y = 0; y < height; y++) {
    // Filter 2 (the row above) packs masks and pictures alike better than none; the first row has nothing above.
    const to = y * (rowBytes + 1);
    raw[to] = 2;
    for (let i = 0; i < rowBytes; i++) {
      const above = y === 0 ? 0 : (samples[(y - 1) * rowBytes + i] as number);
      raw[to + 1 + i] = (samples[y * rowBytes + i] as number) - above;
    }
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = bits;
  header[9] = colour;
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  return join([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', zlibSync(raw, { level: 3 })),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

function chunk(type: string, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + body.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, body.length);
  for (let i = 0; i < 4; i++) out[4 + i] = type.charCodeAt(i);
  out.set(body, 8);
  view.setUint32(8 + body.length, crc32(out.subarray(4, 8 + body.length)));
  return out;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
