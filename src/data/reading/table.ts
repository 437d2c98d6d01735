/** Facts of the values of masks. */
import { addBin, type BinFacts } from './bins.ts';

/** Values that are told apart; pixels of any further ones are only counted. */
export const MOST_VALUES = 4096;
/** Values up to which their shapes and neighbours are looked at. */
export const MOST_SHAPES = 64;

/** What is known of one value, over all masks that were added. */
export interface ValueFacts {
  readonly value: number;
  pixels: number;
  /** Pixels whose eight neighbours have the value too, as far as there are any. */
  core: number;
  /** Pixels that have at least two equals among their neighbours. */
  alike: number;
  /** Pixels between the lowest and the highest of their neighbours. */
  between: number;
  /** Pixels on the image's edge. */
  edge: number;
  /** Masks that hold it. */
  masks: number;
  /** Masks in which it touches all four edges of the image. */
  edgeMasks: number;
  /** Masks of at most two values that hold it. */
  aloneMasks: number;
  /** The first mask that holds it. */
  firstFile: string;
  /** 8-connected parts, the parts that touch no edge of the image, and the pixels of the boxes around all parts. */
  parts: number;
  inland: number;
  boxPixels: number;
  /** The largest distance of a pixel to another value: half the width of a rim. */
  depth: number;
  /** Pairs of adjacent pixels by the other's value. */
  readonly contacts: Map<number, number>;
}

/** Facts of the values of masks, mergeable: their memory does not grow with the masks. */
export interface Table {
  masks: number;
  pixels: number;
  edge: number;
  readonly values: Map<number, ValueFacts>;
  /** Pixels of values beyond {@link MOST_VALUES}. */
  uncounted: number;
  /** Ranges of values; of fuzzy masks alone, which have no `values`. */
  readonly bins: Map<number, BinFacts>;
  /** Of 1: the scale of the ranges; the largest where masks differ. */
  scale: number;
  /** Of the values over 0 of each mask: how many, the highest (of colours the number they stand for), and in how many parts they lie. */
  readonly ids: { masks: number; count: number; highest: number; parts: number; least: number; most: number };
}

export const emptyTable = (): Table => ({
  masks: 0,
  pixels: 0,
  edge: 0,
  values: new Map(),
  uncounted: 0,
  bins: new Map(),
  scale: 0,
  ids: { masks: 0, count: 0, highest: 0, parts: 0, least: Number.POSITIVE_INFINITY, most: 0 },
});

/** Adds the facts of another table to the first. */
export function mergeTable(into: Table, from: Table): void {
  into.masks += from.masks;
  into.pixels += from.pixels;
  into.edge += from.edge;
  into.uncounted += from.uncounted;
  into.scale = Math.max(into.scale, from.scale);
  for (const one of from.values.values()) {
    const known = into.values.get(one.value);
    if (known) mergeFacts(known, one);
    else if (into.values.size < MOST_VALUES)
      into.values.set(one.value, { ...one, contacts: new Map(one.contacts) });
    else into.uncounted += one.pixels;
  }
  for (const [bin, one] of from.bins) addBin(into.bins, bin, one);
  const { ids } = into;
  ids.masks += from.ids.masks;
  ids.count += from.ids.count;
  ids.highest += from.ids.highest;
  ids.parts += from.ids.parts;
  ids.least = Math.min(ids.least, from.ids.least);
  ids.most = Math.max(ids.most, from.ids.most);
}

const SUMS = [
  'pixels',
  'core',
  'alike',
  'between',
  'edge',
  'masks',
  'edgeMasks',
  'aloneMasks',
  'parts',
  'inland',
  'boxPixels',
] as const;

function mergeFacts(into: ValueFacts, from: ValueFacts): void {
  for (const count of SUMS) into[count] += from[count];
  into.depth = Math.max(into.depth, from.depth);
  for (const [value, pairs] of from.contacts) {
    const known = into.contacts.get(value);
    if (known !== undefined || into.contacts.size < MOST_SHAPES)
      into.contacts.set(value, (known ?? 0) + pairs);
  }
}

/** The same facts with other values; what becomes one value is added up. */
export function mapValues(table: Table, map: (value: number) => number): Table {
  const out = { ...table, values: new Map<number, ValueFacts>() };
  for (const one of table.values.values()) {
    const contacts = new Map<number, number>();
    for (const [value, pairs] of one.contacts)
      contacts.set(map(value), (contacts.get(map(value)) ?? 0) + pairs);
    const mapped = { ...one, value: map(one.value), contacts };
    const known = out.values.get(mapped.value);
    if (known) mergeFacts(known, mapped);
    else out.values.set(mapped.value, mapped);
  }
  return out;
}
