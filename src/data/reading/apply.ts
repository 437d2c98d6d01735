import type { Raster } from '../decode/raster.ts';
import { IGNORED } from '../objects.ts';
import { refuse } from '../outcome.ts';
import type { LabelMap } from '../types.ts';
import { type MaskReading, TRANSPARENT } from './reading.ts';
import { colourChannels, type Values, valuesOf } from './values.ts';

/**
 * A mask by its dataset's reading: 0 is background, -1 (`IGNORED`) takes no part, all else are labels: 1 for
 * foreground, else the values (65536·R + 256·G + B of colours).
 * @throws Failure `data/…` naming `file` when the reading does not fit it.
 */
export function applyReading(raster: Raster, reading: MaskReading, file: string): LabelMap {
  const { width, height } = raster;
  if (raster.lossy && reading.levels === null && reading.threshold === null) throw lossy(raster, file);
  if (reading.samples === 'channels' && colourChannels(raster) < 2) throw unlike(file);
  const values = valuesOf(raster, reading);
  const { threshold, levels } = reading;
  if (threshold !== null) return { width, height, data: split(values, threshold, reading) };
  const meant = levels ? snap(values, width, height, levels, reading) : values;
  return { width, height, data: labels(meant, reading, file) };
}

/** The value of the side without the background is 1, or that of its class. */
function split(values: Values, threshold: number, reading: MaskReading): Int32Array {
  const { background, ignored, levels, meaning } = reading;
  const isAbove = background === null || background < threshold;
  const label = meaning === 'foreground' ? 1 : Math.max(1, ...(levels ?? []).filter((v) => v !== background));
  const isIgnored = membership(ignored);
  const out = new Int32Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const value = values[i] as number;
    if (isIgnored(value)) out[i] = IGNORED;
    else if (isAbove ? value >= threshold : value < threshold) out[i] = label;
  }
  return out;
}

function labels(values: Values, reading: MaskReading, file: string): Int32Array {
  const { background, meaning, zeroLabel } = reading;
  const isIgnored = membership(reading.ignored);
  const isForeground = meaning === 'foreground';
  const out = new Int32Array(values.length);
  let last = Number.NaN;
  let label = 0;
  for (let i = 0; i < out.length; i++) {
    const value = values[i] as number;
    if (value !== last) {
      last = value;
      if (value === background || (Number.isNaN(value) && Number.isNaN(background ?? 0))) label = 0;
      else if (isIgnored(value)) label = IGNORED;
      else if (isForeground) label = 1;
      else if (value === 0) label = zeroLabel;
      else if (Number.isInteger(value) && value > 0 && value <= 0x7fffffff) label = value;
      else throw noLabel(value, file);
    }
    out[i] = label;
  }
  return out;
}

function membership(values: readonly number[]): (value: number) => boolean {
  if (values.length === 0) return () => false;
  const all = new Set(values);
  return (value) => all.has(value);
}

/** Pixels around one that say which levels it may be of. */
const REACH = 3;

/**
 * Every value as one of the levels. A transition between two levels passes other levels on its way, so a pixel that
 * is no even area itself takes the nearest of the levels that fill even areas around it.
 */
function snap(
  values: Values,
  width: number,
  height: number,
  levels: readonly number[],
  { samples }: MaskReading,
): Values {
  const apart = samples === 'colour' ? colourDistance : (a: number, b: number) => Math.abs(a - b);
  const nearestOf = (value: number, among: number): number => {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    levels.forEach((level, k) => {
      const distance = apart(value, level);
      if ((among >>> k) & 1 && distance < least) {
        least = distance;
        best = k;
      }
    });
    return best;
  };
  const all = 2 ** levels.length - 1;
  const nearest = new Uint8Array(values.length);
  const known = new Map<number, number>();
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    let k = known.get(value);
    if (k === undefined) {
      k = Math.max(0, nearestOf(value, all));
      known.set(value, k);
    }
    nearest[i] = k;
  }
  const core = coreOf(nearest, width, height);
  const out = values.slice();
  for (let i = 0; i < out.length; i++) {
    const own = nearest[i] as number;
    let k = own;
    if (core[i] === 0) {
      const among = levelsAround(i, core, nearest, width, height);
      const isOpen = among !== 0 && ((among >>> own) & 1) === 0 && !isPower(among);
      if (isOpen) k = nearestOf(values[i] as number, among);
    }
    out[i] = levels[k] as number;
  }
  return out;
}

const isPower = (mask: number) => (mask & (mask - 1)) === 0;

/** 1 where a level fills the 3 × 3 area around a pixel. */
function coreOf(nearest: Uint8Array, width: number, height: number): Uint8Array {
  const core = new Uint8Array(nearest.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const own = nearest[y * width + x] as number;
      let isCore = true;
      for (let ny = Math.max(0, y - 1); isCore && ny <= Math.min(height - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          if (nearest[ny * width + nx] !== own) isCore = false;
        }
      }
      if (isCore) core[y * width + x] = 1;
    }
  }
  return core;
}

/** A bit for each level that fills an area within {@link REACH} of a pixel. */
function levelsAround(
  i: number,
  core: Uint8Array,
  nearest: Uint8Array,
  width: number,
  height: number,
): number {
  const x = i % width;
  const y = (i - x) / width;
  let bits = 0;
  for (let ny = Math.max(0, y - REACH); ny <= Math.min(height - 1, y + REACH); ny++) {
    for (let nx = Math.max(0, x - REACH); nx <= Math.min(width - 1, x + REACH); nx++) {
      const at = ny * width + nx;
      if (core[at] === 1) bits |= 1 << (nearest[at] as number);
    }
  }
  return bits;
}

function colourDistance(a: number, b: number): number {
  if (a === TRANSPARENT || b === TRANSPARENT) return a === b ? 0 : Number.MAX_VALUE;
  const r = (a >> 16) - (b >> 16);
  const g = ((a >> 8) & 255) - ((b >> 8) & 255);
  const blue = (a & 255) - (b & 255);
  return r * r + g * g + blue * blue;
}

const lossy = ({ format }: Raster, file: string) =>
  refuse(
    'data/mask-lossy',
    file,
    `This mask is a lossy ${format === 'webp' ? 'WebP' : 'JPEG'}, while the dataset is read by plain values, so that its values cannot be told.`,
    'Export it from the original as PNG.',
  );

const unlike = (file: string) =>
  refuse(
    'data/mask-channels',
    file,
    'This mask has one channel, while the dataset has one for each class.',
    'Export all masks alike.',
  );

const noLabel = (value: number, file: string) =>
  refuse(
    'data/mask-fractions',
    file,
    `This mask contains ${value}, which is no label: labels are whole numbers from 1.`,
    'Ignore it with --ignore or "ignore" in dataset.json, or export the mask with whole numbers.',
  );
