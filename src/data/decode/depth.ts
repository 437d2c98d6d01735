import type { DepthMapping } from '../types.ts';
import type { RasterData } from './raster.ts';

/**
 * The one rule by which images of more than 8 bits become 8: the 0.1 and 99.9 percentiles of all values of the image,
 * all colour channels together, become 0 and 255.
 */
const DEFAULT_PERCENTILES = { low: 0.1, high: 99.9 } as const;

export interface Percentiles {
  /** 0 … 100, below `high`. */
  readonly low: number;
  readonly high: number;
}

const BINS = 65_536;

/**
 * Finds the two percentiles of an image: the smallest value that has at least that share of all values at or under
 * it. Integers that span fewer than 65,536 values are counted exactly; others and floats in 65,536 equal bins between
 * the smallest and the largest finite value (a bin stands for its lower edge).
 */
export function depthMapping(data: RasterData, percentiles: Percentiles = DEFAULT_PERCENTILES): DepthMapping {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let count = 0;
  for (let i = 0; i < data.length; i++) {
    const v = data[i] as number;
    if (!Number.isFinite(v)) continue;
    if (v < min) min = v;
    if (v > max) max = v;
    count++;
  }
  const record = { lowPercentile: percentiles.low, highPercentile: percentiles.high };
  if (count === 0) return { ...record, low: 0, high: 0 };
  const isFloat = data instanceof Float32Array || data instanceof Float64Array;
  const step = !isFloat && max - min < BINS ? 1 : (max - min) / (BINS - 1) || 1;
  const histogram = new Float64Array(BINS);
  for (let i = 0; i < data.length; i++) {
    const v = data[i] as number;
    if (!Number.isFinite(v)) continue;
    const bin = Math.floor((v - min) / step);
    histogram[bin] = (histogram[bin] as number) + 1;
  }
  const valueAt = (percentile: number) => {
    const wanted = Math.max(1, Math.ceil((count * percentile) / 100));
    let sum = 0;
    for (let bin = 0; bin < BINS; bin++) {
      sum += histogram[bin] as number;
      if (sum >= wanted) return min + bin * step;
    }
    return max;
  };
  return { ...record, low: valueAt(percentiles.low), high: valueAt(percentiles.high) };
}

/**
 * Applies a mapping: round half up of 255·(v − low)/(high − low), clamped; not-a-number is 0; a flat image is 0 all
 * over.
 */
export function toEightBits(data: RasterData, { low, high }: Pick<DepthMapping, 'low' | 'high'>): Uint8Array {
  const out = new Uint8Array(data.length);
  const scale = high > low ? 255 / (high - low) : 0;
  if (data instanceof Uint16Array) {
    const table = Uint8Array.from({ length: BINS }, (_, v) => clampByte((v - low) * scale));
    for (let i = 0; i < data.length; i++) out[i] = table[data[i] as number] as number;
    return out;
  }
  for (let i = 0; i < data.length; i++) out[i] = clampByte(((data[i] as number) - low) * scale);
  return out;
}

function clampByte(value: number): number {
  if (!(value > 0)) return 0;
  return value >= 255 ? 255 : Math.floor(value + 0.5);
}
