import { zlibSync } from 'fflate';
import type { LabelMap } from './types.ts';

/**
 * A label map as a TIFF of one page and one strip, little-endian, Deflate.
 * @param samples unsigned integers of 16 bits, which the values must fit, or signed ones of 32.
 */
export function encodeLabelTiff({ width, height, data }: LabelMap, samples: 'uint16' | 'int32'): Uint8Array {
  const bytesEach = samples === 'uint16' ? 2 : 4;
  const raw = new DataView(new ArrayBuffer(bytesEach * data.length));
  for (let i = 0; i < data.length; i++) {
    if (samples === 'uint16') raw.setUint16(2 * i, data[i] as number, true);
    else raw.setInt32(4 * i, data[i] as number, true);
  }
  const strip = zlibSync(new Uint8Array(raw.buffer));
  const Short = 3;
  const Long = 4;
  const entries: readonly (readonly [tag: number, type: number, value: number])[] = [
    [256, Long, width],
    [257, Long, height],
    [258, Short, 8 * bytesEach], // bits a sample
    [259, Short, 8], // Deflate
    [262, Short, 1], // black is zero
    [273, Long, 8], // where the strip starts
    [277, Short, 1], // samples a pixel
    [278, Long, height], // rows a strip
    [279, Long, strip.length],
    [339, Short, samples === 'uint16' ? 1 : 2], // unsigned or signed integers
  ];
  const directory = 8 + strip.length + (strip.length % 2);
  const bytes = new Uint8Array(directory + 2 + 12 * entries.length + 4);
  const view = new DataView(bytes.buffer);
  bytes.set([0x49, 0x49, 42, 0]);
  view.setUint32(4, directory, true);
  bytes.set(strip, 8);
  view.setUint16(directory, entries.length, true);
  entries.forEach(([tag, type, value], i) => {
    const at = directory + 2 + 12 * i;
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, type, true);
    view.setUint32(at + 4, 1, true);
    if (type === Short) view.setUint16(at + 8, value, true);
    else view.setUint32(at + 8, value, true);
  });
  return bytes;
}
