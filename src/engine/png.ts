/** PNG files out of pixels: masks and labels for people and for other tools. */
import { zlibSync } from 'fflate';
import { crc32 } from '../data/crc32.ts';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** PNG colour type by channels. */
const COLOUR_TYPE = { 1: 0, 3: 2 } as const;

/**
 * An 8-bit PNG.
 * @param data [height, width, channels], rows top to bottom; one channel is grey, three are RGB.
 */
export function encodePng(
  width: number,
  height: number,
  channels: 1 | 3,
  data: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const row = width * channels;
  if (data.length !== row * height)
    throw new RangeError(`encodePng: ${data.length} bytes are no ${width}×${height}×${channels} picture`);
  // Every row starts with its filter: Sub for colours, whose neighbours are alike, none for masks, which repeat.
  const filter = channels === 3 ? 1 : 0;
  const raw = new Uint8Array((row + 1) * height);
  for (let y = 0; y < height; y++) {
    const to = y * (row + 1);
    raw[to] = filter;
    for (let i = 0; i < row; i++) {
      const value = data[y * row + i] ?? 0;
      const left = filter === 1 && i >= channels ? (data[y * row + i - channels] ?? 0) : 0;
      raw[to + 1 + i] = value - left;
    }
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, COLOUR_TYPE[channels], 0, 0, 0], 8);
  return concat([
    Uint8Array.from(SIGNATURE),
    chunk('IHDR', header),
    chunk('IDAT', zlibSync(raw)),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

/** A binary mask ([height, width], 0 or 1) as a PNG of 0 and 255. */
export function encodeMaskPng(width: number, height: number, mask: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodePng(
    width,
    height,
    1,
    Uint8Array.from(mask, (value) => (value === 0 ? 0 : 255)),
  );
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
