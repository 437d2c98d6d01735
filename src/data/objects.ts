import type { BinaryMask, Box, LabelMap, ObjectRegion, ObjectSet } from './types.ts';

/** Value of pixels that take no part: neither an object nor background, in no loss, click or IoU. */
export const IGNORED = -1;

/**
 * `ids`: every value is one object, connected or not. `components`: every 8-connected patch of one value is an
 * object.
 */
export type ObjectRule = 'ids' | 'components';

/**
 * The objects of a label map, largest first (of equal areas the one whose first pixel comes first in row order).
 * Ignored pixels belong to none, and are ignored in the set's map too.
 * @param leastArea objects with fewer pixels are left out of `regions` and `map`.
 */
export function findObjects(labels: LabelMap, rule: ObjectRule, leastArea = 0): ObjectSet {
  const { width, height } = labels;
  const parts = rule === 'ids' ? byValue(labels) : components(labels);
  const found = measure(parts, labels);
  const kept = found
    .filter((part) => part.area >= leastArea)
    .sort((a, b) => b.area - a.area || a.first - b.first);
  const newId = new Int32Array(found.length + 1);
  kept.forEach((part, i) => {
    newId[part.index] = i + 1;
  });
  const map = new Int32Array(parts.length);
  for (let i = 0; i < map.length; i++)
    map[i] = labels.data[i] === IGNORED ? IGNORED : (newId[parts[i] as number] as number);
  const regions = kept.map(({ label, area, box }, i): ObjectRegion => ({ id: i + 1, label, area, box }));
  return { width, height, map, regions };
}

/** All labels, or all of one label, as a mask; neither background nor ignored pixels. */
export function foregroundMask({ width, height, data }: LabelMap, label?: number): BinaryMask {
  const isForeground = label === undefined ? (v: number) => v > 0 : (v: number) => v === label;
  return { width, height, data: Uint8Array.from(data, (v) => (isForeground(v) ? 1 : 0)) };
}

/** The labels of a map, ascending, without background and ignored pixels. */
export function labelsOf({ data }: LabelMap): number[] {
  const seen = new Set<number>();
  let last = 0;
  for (let i = 0; i < data.length; i++) {
    const v = data[i] as number;
    if (v !== last) {
      seen.add(v);
      last = v;
    }
  }
  return [...seen].filter((v) => v > 0).sort((a, b) => a - b);
}

/** Parts 1, 2, … in the order of their first pixel. */
function byValue({ data }: LabelMap): Int32Array {
  const index = new Map<number, number>();
  const parts = new Int32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    if (value <= 0) continue;
    let part = index.get(value);
    if (part === undefined) {
      part = index.size + 1;
      index.set(value, part);
    }
    parts[i] = part;
  }
  return parts;
}

/** 8-connected components of equal values over 0 by union–find over two raster scans. */
function components({ width, height, data }: LabelMap): Int32Array {
  const parts = new Int32Array(data.length);
  const parents: number[] = [0];
  // West, north-west, north and north-east: the neighbours that a raster scan has seen.
  const dx = [-1, -1, 0, 1];
  const back = [1, width + 1, width, width - 1];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const value = data[at] as number;
      if (value <= 0) continue;
      let part = 0;
      for (let k = 0; k < (y === 0 ? 1 : 4); k++) {
        const nx = x + (dx[k] as number);
        const neighbour = at - (back[k] as number);
        if (nx < 0 || nx >= width || data[neighbour] !== value) continue;
        const other = rootOf(parents, parts[neighbour] as number);
        if (part === 0) part = other;
        else if (part !== other) {
          const low = Math.min(part, other);
          parents[Math.max(part, other)] = low;
          part = low;
        }
      }
      if (part === 0) {
        part = parents.length;
        parents.push(part);
      }
      parts[at] = part;
    }
  }
  // The smaller index always becomes the root, so roots in ascending order are in the order of first pixels.
  const renumbered = new Int32Array(parents.length);
  let count = 0;
  for (let part = 1; part < parents.length; part++) {
    renumbered[part] = parents[part] === part ? ++count : (renumbered[rootOf(parents, part)] as number);
  }
  for (let i = 0; i < parts.length; i++) parts[i] = renumbered[parts[i] as number] as number;
  return parts;
}

/** The root of a part, which is its own parent; the path to it is halved on the way. */
export function rootOf(parents: number[] | Int32Array, part: number): number {
  let at = part;
  while (parents[at] !== at) {
    parents[at] = parents[parents[at] as number] as number;
    at = parents[at] as number;
  }
  return at;
}

interface Part {
  readonly index: number;
  readonly label: number;
  readonly area: number;
  readonly first: number;
  readonly box: Box;
}

function measure(parts: Int32Array, { width, data }: LabelMap): Part[] {
  const areas: number[] = [];
  const firsts: number[] = [];
  const boxes: [number, number, number, number][] = [];
  for (let i = 0; i < parts.length; i++) {
    const k = (parts[i] as number) - 1;
    if (k < 0) continue;
    const x = i % width;
    const y = (i - x) / width;
    const box = boxes[k];
    if (!box) {
      areas[k] = 1;
      firsts[k] = i;
      boxes[k] = [x, y, x + 1, y + 1];
      continue;
    }
    areas[k] = (areas[k] as number) + 1;
    if (x < box[0]) box[0] = x;
    if (x >= box[2]) box[2] = x + 1;
    box[3] = y + 1;
  }
  return boxes.map((box, k) => ({
    index: k + 1,
    label: data[firsts[k] as number] as number,
    area: areas[k] as number,
    first: firsts[k] as number,
    box,
  }));
}
