import type { Raster } from '../decode/raster.ts';
import { type MaskReading, TRANSPARENT } from './reading.ts';

/** The mask's value of every pixel. */
export type Values = Int32Array | Float64Array;

/** The part of a reading that says which values a file has. */
export type SampleChoice = Pick<MaskReading, 'samples' | 'transparentUnder'>;

/** Values of a raster as a reading takes them, rows top to bottom. */
export function valuesOf(raster: Raster, { samples, transparentUnder }: SampleChoice): Values {
  switch (samples) {
    case 'grey':
      return raster.palette ? greysOfPalette(raster.data, raster.palette) : plane(raster, 0);
    case 'palette':
      return plane(raster, 0);
    case 'alpha':
      return raster.hasAlpha
        ? plane(raster, raster.channels - 1)
        : new Int32Array(pixelsOf(raster)).fill(255);
    case 'colour':
      return colours(raster, transparentUnder);
    case 'channels':
      return channelNumbers(raster);
  }
}

export const pixelsOf = ({ width, height }: Raster): number => width * height;

/** Samples of a pixel beside alpha. */
export const colourChannels = ({ channels, hasAlpha }: Raster): number => channels - (hasAlpha ? 1 : 0);

export const isFloat = ({ data }: Raster): boolean =>
  data instanceof Float32Array || data instanceof Float64Array;

/** Whether all colours are greys. */
export function isGrey(raster: Raster): boolean {
  const { data, channels } = raster;
  if (colourChannels(raster) === 1) return true;
  if (colourChannels(raster) !== 3) return false;
  for (let i = 0, at = 0; i < pixelsOf(raster); i++, at += channels) {
    if (data[at] !== data[at + 1] || data[at] !== data[at + 2]) return false;
  }
  return true;
}

function plane(raster: Raster, channel: number): Values {
  const { data, channels, bits } = raster;
  const pixels = pixelsOf(raster);
  const out: Values = bits > 16 ? new Float64Array(pixels) : new Int32Array(pixels);
  for (let i = 0, at = channel; i < pixels; i++, at += channels) out[i] = data[at] as number;
  return out;
}

const greysOfPalette = (indices: ArrayLike<number>, palette: Uint8Array): Int32Array =>
  Int32Array.from(indices, (index) => palette[3 * index] ?? 0);

/** 65536·R + 256·G + B, 8 bits a channel; greys count three times. */
function colours(raster: Raster, transparentUnder: number | null): Int32Array {
  const { data, channels, palette } = raster;
  const pixels = pixelsOf(raster);
  const out = new Int32Array(pixels);
  if (palette) {
    for (let i = 0; i < pixels; i++) out[i] = paletteColour(palette, data[i] as number);
    return out;
  }
  const eight = toEight(raster);
  const step = colourChannels(raster) === 1 ? 0 : 1;
  for (let i = 0, at = 0; i < pixels; i++, at += channels) {
    const r = eight(data[at] as number);
    out[i] = (r << 16) | (eight(data[at + step] as number) << 8) | eight(data[at + 2 * step] as number);
  }
  if (transparentUnder !== null && raster.hasAlpha) {
    for (let i = 0, at = channels - 1; i < pixels; i++, at += channels) {
      if ((data[at] as number) < transparentUnder) out[i] = TRANSPARENT;
    }
  }
  return out;
}

export function paletteColour(palette: Uint8Array, index: number): number {
  const at = 3 * index;
  return ((palette[at] ?? 0) << 16) | ((palette[at + 1] ?? 0) << 8) | (palette[at + 2] ?? 0);
}

/** From a raster's depth to 8 bits: the upper 8 of more, the range stretched of fewer. */
function toEight(raster: Raster): (value: number) => number {
  const { bits } = raster;
  if (isFloat(raster)) return (v) => Math.min(255, Math.max(0, Math.round(255 * v)));
  if (bits === 8) return (v) => v;
  if (bits < 8) return (v) => Math.round((v * 255) / (2 ** bits - 1));
  return (v) => Math.min(255, Math.max(0, Math.floor(v / 2 ** (bits - 8))));
}

/** The channel that is highest, from 1; 0 where none is above 0. */
function channelNumbers({ data, channels, width, height }: Raster): Int32Array {
  const out = new Int32Array(width * height);
  for (let i = 0, at = 0; i < out.length; i++, at += channels) {
    let highest = 0;
    for (let c = 0; c < channels; c++) {
      const value = data[at + c] as number;
      if (value > highest) {
        highest = value;
        out[i] = c + 1;
      }
    }
  }
  return out;
}
