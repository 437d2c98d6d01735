/** The values that are meant in masks whose values are mixed with others at their edges. */
import { type BinFacts, binOf, NO_BIN, TRANSPARENT_BIN, type ValueKind } from './bins.ts';
import { TRANSPARENT } from './reading.ts';
import type { Table } from './table.ts';

/** A value that is meant, with the pixels that are nearest to it. */
export interface Level {
  readonly value: number;
  pixels: number;
  edge: number;
  masks: number;
  edgeMasks: number;
}

/** Least share of a level's even pixels with the very value that is meant: a photo has next to none, a codec leaves most. */
const LEAST_ON_MODE = 0.2;
/** Share of what is far from an only level that has to be at the other end of the scale to be meant by it. */
const LEAST_AT_END = 0.1;
/** Bins that belong to a level, to each side. */
const RADIUS = 2;
/** More levels are a photo. */
const MOST_LEVELS = 32;
/** Share of a level's density that may be left between it and another. */
const DIP = 0.3;

/**
 * The values that are meant: the peaks of what lies in even areas, with a dip between them. Where there is one peak at
 * an end of numbers, what is too thin for an even area is the other end.
 * @returns null when there are none that most pixels are near to: a photo, or one wide transition.
 */
export function levelsOf({ bins, masks, pixels, scale }: Table, kind: ValueKind): readonly Level[] | null {
  const entries = [...bins].filter(([bin]) => bin !== NO_BIN);
  const density = (bin: number) => bins.get(bin)?.flat ?? 0;
  const places = new Map(entries.map(([bin]) => [bin, placeOf(bin, kind)]));
  const inRadius = (bin: number) =>
    entries.filter(([other]) => apart(places.get(other), places.get(bin)) <= RADIUS);
  const found: { readonly bin: number; readonly level: Level }[] = [];
  const taken = new Set<number>();
  for (const [bin, facts] of entries.sort(([, a], [, b]) => b.flat - a.flat)) {
    if (taken.has(bin) || facts.flat === 0) continue;
    if (facts.flat < Math.max(8, (0.0005 * pixels * facts.masks) / masks)) break;
    if (found.some((other) => !hasDip(places.get(bin), places.get(other.bin), facts.flat, density, kind)))
      continue;
    if (found.length === MOST_LEVELS) return null;
    found.push({
      bin,
      level: { value: roundedMode(facts, kind, scale), pixels: 0, edge: 0, masks: 0, edgeMasks: 0 },
    });
    for (const [other] of inRadius(bin)) taken.add(other);
  }
  const hasEnd = kind === 'number' && found.some(({ level }) => isEnd(level.value, scale));
  if (!hasEnd && !areEven(found.map(({ bin }) => ({ peak: bins.get(bin), around: inRadius(bin) }))))
    return null;
  const other = kind === 'number' && found.length === 1 ? otherEnd(bins, found[0]?.level, scale) : undefined;
  if (other) {
    found.push(other);
    places.set(other.bin, placeOf(other.bin, kind));
  }
  let near = 0;
  for (const [bin, facts] of entries) {
    let best = found[0];
    for (const one of found) {
      if (apart(places.get(bin), places.get(one.bin)) < apart(places.get(bin), places.get(best?.bin ?? 0)))
        best = one;
    }
    if (!best) return null;
    if (apart(places.get(bin), places.get(best.bin)) <= 2 * RADIUS) near += facts.pixels;
    const { level } = best;
    level.pixels += facts.pixels;
    level.edge += facts.edge;
    level.masks = Math.max(level.masks, facts.masks);
    level.edgeMasks = Math.max(level.edgeMasks, facts.edgeMasks);
  }
  if (near < 0.6 * pixels) return null;
  return found.map(({ level }) => level).sort((a, b) => a.value - b.value);
}

/**
 * The share of the pixels that are far from all levels, 0–1: as nothing but a few transitions are of masks, and most of
 * what was cut out of an image is.
 */
export function shareBeside(
  { bins, pixels }: Pick<Table, 'bins' | 'pixels'>,
  kind: ValueKind,
  scale: number,
  levels: readonly Pick<Level, 'value'>[],
): number {
  const places = levels.map(({ value }) => placeOf(binOf(value, kind, scale), kind));
  let beside = 0;
  for (const [bin, facts] of bins) {
    if (bin === NO_BIN) continue;
    const place = placeOf(bin, kind);
    if (places.every((level) => apart(place, level) > 2 * RADIUS)) beside += facts.pixels;
  }
  return beside / Math.max(1, pixels);
}

const isEnd = (value: number, scale: number) => value === 0 || value === scale;

/** Whether the even pixels around peaks have, in a fair share, one value of each mask. */
function areEven(
  levels: readonly {
    readonly peak: BinFacts | undefined;
    readonly around: readonly (readonly [number, BinFacts])[];
  }[],
): boolean {
  let flat = 0;
  let onMode = 0;
  for (const { peak, around } of levels) {
    for (const [, facts] of around) flat += facts.flat;
    if (peak) onMode += peak.flat - peak.offMode;
  }
  return onMode >= LEAST_ON_MODE * flat;
}

/** The end of the scale that an only level at its other end leaves, where enough lies there. */
function otherEnd(bins: Table['bins'], only: Level | undefined, scale: number) {
  if (!only || !isEnd(only.value, scale)) return undefined;
  const value = only.value === 0 ? scale : 0;
  const [here, there] = [binOf(only.value, 'number', scale), binOf(value, 'number', scale)];
  let far = 0;
  let end = 0;
  for (const [bin, { pixels }] of bins) {
    if (bin === NO_BIN) continue;
    if (Math.abs(bin - here) > 2 * RADIUS) far += pixels;
    if (Math.abs(bin - there) <= RADIUS) end += pixels;
  }
  if (end < Math.max(8, LEAST_AT_END * far)) return undefined;
  return { bin: there, level: { value, pixels: 0, edge: 0, masks: 0, edgeMasks: 0 } };
}

type Place = readonly number[];

function placeOf(bin: number, kind: ValueKind): Place {
  if (kind !== 'colour') return [bin];
  // Transparent lies apart from every colour.
  if (bin === TRANSPARENT_BIN) return [-64, -64, -64];
  return [bin >> 10, (bin >> 5) & 31, bin & 31];
}

const apart = (a: Place = [], b: Place = []): number =>
  a.reduce((most, v, i) => Math.max(most, Math.abs(v - (b[i] ?? 0))), 0);

/** Whether a way between two bins leads through one of much less density than `own`. */
function hasDip(
  from: Place | undefined,
  to: Place | undefined,
  own: number,
  density: (bin: number) => number,
  kind: ValueKind,
): boolean {
  if (!from || !to) return false;
  const steps = apart(from, to);
  if (steps <= RADIUS) return false;
  for (let step = 1; step < steps; step++) {
    const at = from.map((v, i) => Math.round(v + (((to[i] ?? 0) - v) * step) / steps));
    const bin = kind === 'colour' ? colourBin(at) : (at[0] ?? 0);
    if (density(bin) < DIP * own) return true;
  }
  return false;
}

const colourBin = ([r = 0, g = 0, b = 0]: Place) =>
  r < 0 || g < 0 || b < 0 ? NO_BIN : (r << 10) | (g << 5) | b;

/** The mode of a bin; what is nearly the least or the largest value is it. */
function roundedMode({ mode }: BinFacts, kind: ValueKind, scale: number): number {
  const round = (v: number, top: number) => (v <= 0.02 * top ? 0 : v >= 0.98 * top ? top : v);
  if (kind !== 'colour') return round(mode, scale);
  if (mode === TRANSPARENT) return mode;
  return (round(mode >> 16, 255) << 16) | (round((mode >> 8) & 255, 255) << 8) | round(mode & 255, 255);
}
