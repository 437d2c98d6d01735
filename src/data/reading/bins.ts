/** Ranges of values, in which masks are counted whose values are mixed with others at their edges. */
import { TRANSPARENT } from './reading.ts';
import type { Values } from './values.ts';

/** What values are: numbers in an order, colours, or names (palette indices, channels). */
export type ValueKind = 'number' | 'colour' | 'name';

/** An image of values. */
export interface ValueImage {
  readonly width: number;
  readonly height: number;
  readonly values: Values;
  readonly kind: ValueKind;
}

/** What is known of a small range of values, in masks whose values are mixed with others at their edges. */
export interface BinFacts {
  pixels: number;
  /** Pixels within an even area: what is meant, not a transition. */
  flat: number;
  edge: number;
  masks: number;
  edgeMasks: number;
  /** The value that most even pixels of one mask have, and how many. */
  mode: number;
  modePixels: number;
  /** Even pixels that have another value than most in their mask. */
  offMode: number;
}

/** Ranges of numbers on their scale, and of a colour's channel. */
const NUMBER_BINS = 64;
const COLOUR_BINS = 32;
export const TRANSPARENT_BIN = COLOUR_BINS ** 3;
export const NO_BIN = -1;

/** The range that a value is in. NaN and what is outside of the scale have one of their own. */
export function binOf(value: number, kind: ValueKind, scale: number): number {
  if (kind === 'colour') {
    if (value === TRANSPARENT) return TRANSPARENT_BIN;
    return (((value >> 19) & 31) << 10) | (((value >> 11) & 31) << 5) | ((value >> 3) & 31);
  }
  if (!(value >= 0)) return NO_BIN;
  return Math.min(NUMBER_BINS - 1, Math.floor((value / scale) * NUMBER_BINS));
}

/** The part of a scale within which neighbours count as even. */
const flatRange = (scale: number): number => 0.04 * scale;

/** Adds facts to those of a range. */
export function addBin(bins: Map<number, BinFacts>, bin: number, from: BinFacts): void {
  const into = bins.get(bin);
  if (!into) {
    bins.set(bin, { ...from });
    return;
  }
  for (const count of BIN_SUMS) into[count] += from[count];
  if (from.modePixels > into.modePixels) {
    into.mode = from.mode;
    into.modePixels = from.modePixels;
  }
}

const BIN_SUMS = ['pixels', 'flat', 'edge', 'masks', 'edgeMasks', 'offMode'] as const;

/** The largest difference of a channel. */
export function distance(a: number, b: number, kind: ValueKind): number {
  if (kind !== 'colour') return Math.abs(a - b);
  if (a === TRANSPARENT || b === TRANSPARENT) return a === b ? 0 : 255;
  return Math.max(
    Math.abs((a >> 16) - (b >> 16)),
    Math.abs(((a >> 8) & 255) - ((b >> 8) & 255)),
    Math.abs((a & 255) - (b & 255)),
  );
}

/** Facts of one mask by ranges of values. */
export function fuzzyBins(image: ValueImage): { bins: Map<number, BinFacts>; scale: number } {
  const { width, height, values, kind } = image;
  const scale = kind === 'colour' ? 255 : scaleOf(values);
  const bins = new Map<number, BinFacts & { sides: number; modes: Map<number, number> }>();
  const near = flatRange(scale);
  let last = Number.NaN;
  let bin: (BinFacts & { sides: number; modes: Map<number, number> }) | undefined;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      const value = values[i] as number;
      if (bin === undefined || value !== last) {
        const key = binOf(value, kind, scale);
        bin = bins.get(key);
        if (!bin) {
          bin = {
            pixels: 0,
            flat: 0,
            edge: 0,
            masks: 1,
            edgeMasks: 0,
            mode: value,
            modePixels: 0,
            offMode: 0,
            sides: 0,
            modes: new Map(),
          };
          bins.set(key, bin);
        }
        last = value;
      }
      bin.pixels++;
      if (x === 0 || y === 0 || x === width - 1 || y === height - 1) {
        bin.edge++;
        bin.sides |=
          (x === 0 ? 1 : 0) | (y === 0 ? 2 : 0) | (x === width - 1 ? 4 : 0) | (y === height - 1 ? 8 : 0);
      }
      if (!isFlat(image, x, y, near)) continue;
      bin.flat++;
      bin.modes.set(value, (bin.modes.get(value) ?? 0) + 1);
    }
  }
  const out = new Map<number, BinFacts>();
  for (const [key, { sides, modes, ...one }] of bins) {
    for (const [value, count] of modes) {
      if (count > one.modePixels) {
        one.mode = value;
        one.modePixels = count;
      }
    }
    out.set(key, { ...one, offMode: one.flat - one.modePixels, edgeMasks: sides === 15 ? 1 : 0 });
  }
  return { bins: out, scale };
}

/** Whether no neighbour differs by more than `near` in a channel. */
function isFlat({ width, height, values, kind }: ValueImage, x: number, y: number, near: number): boolean {
  const own = values[y * width + x] as number;
  for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
    for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
      const other = values[ny * width + nx] as number;
      if (other !== own && !(distance(other, own, kind) <= near)) return false;
    }
  }
  return true;
}

/** The largest value that the masks' depth has: 1, 255, 65535, or the largest that occurs. */
function scaleOf(values: Values): number {
  let top = 0;
  for (let i = 0; i < values.length; i++) if ((values[i] as number) > top) top = values[i] as number;
  return [1, 255, 65_535].find((scale) => top <= scale) ?? top;
}
