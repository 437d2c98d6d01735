import type { Runs } from '../labels/types.ts';
import { type BoxedMask, boxedMask } from './boxed-mask.ts';

/** Corners x, y, x, y, … of a closed outline along the edges of pixels, the mask at its right; level and upright edges alternate. */
export type Ring = readonly number[];

/** A piece of a mask whose pixels touch by their sides, and its holes. */
export interface OutlinedPart {
  readonly outer: Ring;
  readonly holes: readonly Ring[];
}

/** Right, down, left, up. */
const STEPS = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
] as const;

/**
 * The outlines of a mask as polygons: filled, they give the very pixels of the mask. Pixels that touch at a corner alone are
 * different parts, no ring touches itself, and a hole touches its ring in single points at most, so that each part is a
 * valid polygon of the Simple Features standard.
 * @param width of the image.
 */
export function outlinedParts(runs: Runs, width: number): OutlinedPart[] {
  const mask = boxedMask(runs, width);
  const [left, top] = mask.box;
  const labels = partLabels(mask);
  const parts = new Map<number, { outer?: Ring; holes: Ring[] }>();
  const corners = new Int32Array((mask.width + 1) * (mask.height + 1));
  for (const traced of rings(mask, false)) {
    for (const ring of withoutTouching(traced.ring, mask.width + 1, corners)) {
      const part = parts.get(labels[traced.pixel] as number) ?? { holes: [] };
      parts.set(labels[traced.pixel] as number, part);
      const moved = ring.map((value, i) => value + (i % 2 === 0 ? left : top));
      if (signedArea(ring) > 0) part.outer = moved;
      else part.holes.push(moved);
    }
  }
  return [...parts.values()].flatMap(({ outer, holes }) => (outer ? [{ outer, holes }] : []));
}

/** The outlines of a mask whose pixels belong together where they touch at a corner, too; of its holes as well. */
export function outlinesOf(runs: Runs, width: number): Ring[] {
  const mask = boxedMask(runs, width);
  const [left, top] = mask.box;
  return [...rings(mask, true)].map(({ ring }) => ring.map((value, i) => value + (i % 2 === 0 ? left : top)));
}

/** Twice the area is positive of outer rings, negative of holes. */
function signedArea(ring: Ring): number {
  let twice = 0;
  for (let i = 0, last = ring.length - 2; i < ring.length; last = i, i += 2) {
    twice +=
      (ring[last] as number) * (ring[i + 1] as number) - (ring[i] as number) * (ring[last + 1] as number);
  }
  return twice / 2;
}

/**
 * Follows the edges between mask and background, each ring once, with a pixel of the mask at its right.
 * @param acrossCorners whether pixels that touch at a corner are held together.
 */
function* rings(
  { width, height, bits }: BoxedMask,
  acrossCorners: boolean,
): Generator<{ readonly ring: Ring; readonly pixel: number }> {
  const isSet = (x: number, y: number) =>
    x >= 0 && y >= 0 && x < width && y < height && bits[y * width + x] === 1;
  // Every ring has an edge that goes right, above a pixel of the mask.
  const seen = new Uint8Array(bits.length);
  for (let start = 0; start < bits.length; start++) {
    if (bits[start] !== 1 || seen[start] === 1) continue;
    const startX = start % width;
    const startY = (start - startX) / width;
    if (isSet(startX, startY - 1)) continue;
    const ring = [startX, startY];
    let [x, y, direction] = [startX, startY, 0];
    for (;;) {
      if (direction === 0) seen[y * width + x] = 1;
      const [dx, dy] = STEPS[direction] as (typeof STEPS)[number];
      x += dx;
      y += dy;
      // The two pixels ahead of the corner, seen along the edge.
      const aheadX = x + (dx - 1) / 2;
      const aheadY = y + (dy - 1) / 2;
      const isLeft = isSet(aheadX + dy / 2, aheadY - dx / 2);
      const isRight = isSet(aheadX - dy / 2, aheadY + dx / 2);
      const turn = isLeft && (isRight || acrossCorners) ? 3 : isRight && !isLeft ? 0 : 1;
      direction = (direction + turn) % 4;
      if (x === startX && y === startY && direction === 0) break;
      if (turn !== 0) ring.push(x, y);
    }
    yield { ring, pixel: start };
  }
}

/**
 * A ring that touches itself as several that do not.
 * @param across corners in a row.
 * @param at of each corner where it stands in the path, from 1; all 0 before and after.
 */
function withoutTouching(ring: Ring, across: number, at: Int32Array): Ring[] {
  const out: Ring[] = [];
  const path: number[] = [];
  const cornerOf = (points: Ring, i: number) => (points[i + 1] as number) * across + (points[i] as number);
  for (let i = 0; i < ring.length; i += 2) {
    const corner = cornerOf(ring, i);
    const before = (at[corner] as number) - 1;
    if (before < 0) {
      at[corner] = path.length + 1;
      path.push(ring[i] as number, ring[i + 1] as number);
      continue;
    }
    const loop = path.splice(before + 2);
    for (let k = 0; k < loop.length; k += 2) at[cornerOf(loop, k)] = 0;
    out.push([...path.slice(before, before + 2), ...loop]);
  }
  for (let k = 0; k < path.length; k += 2) at[cornerOf(path, k)] = 0;
  out.push(path);
  return out;
}

/** A number for each set of pixels that touch by their sides. */
function partLabels({ width, height, bits }: BoxedMask): Int32Array {
  const labels = new Int32Array(bits.length);
  const open: number[] = [];
  let count = 0;
  for (let start = 0; start < bits.length; start++) {
    if (bits[start] !== 1 || labels[start] !== 0) continue;
    labels[start] = ++count;
    open.push(start);
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const x = at % width;
      for (const [next, isInside] of [
        [at - 1, x > 0],
        [at + 1, x < width - 1],
        [at - width, at >= width],
        [at + width, at < width * (height - 1)],
      ] as const) {
        if (!isInside || bits[next] !== 1 || labels[next] !== 0) continue;
        labels[next] = count;
        open.push(next);
      }
    }
  }
  return labels;
}

/** Rings beyond which each is joined to the last one instead of the nearest. */
const MOST_NEAREST = 500;

/**
 * Several rings as one, for formats that have no other: from ring to ring it goes along a line and back along the same,
 * so that the line has no width, and filled by the even–odd rule it gives the same pixels.
 */
export function joinedRing(all: readonly Ring[]): Ring {
  const [first = [], ...others] = all;
  const joined = new LinkedPoints(first);
  for (const ring of others) {
    const [x = 0, y = 0] = ring;
    const at = others.length > MOST_NEAREST ? joined.last : joined.nearest(x, y);
    const [fromX, fromY] = joined.point(at);
    // Along the edges of pixels, never through their middles.
    const corner = fromX === x || fromY === y ? [] : [x, fromY];
    let after = joined.insert(at, corner);
    after = joined.insert(after, ring);
    joined.insert(after, [x, y, ...corner, fromX, fromY]);
  }
  return joined.inOrder();
}

/** Points of a ring in an order that changes by insertions, which copy none of the others. */
class LinkedPoints {
  private readonly values: number[] = [];
  /** Of each point the one after it; −1 of the last. */
  private readonly next: number[] = [];
  /** The last in order; −1 of none. */
  last = -1;

  constructor(points: Ring) {
    this.insert(-1, points);
  }

  point(at: number): readonly [x: number, y: number] {
    return [this.values[2 * at] as number, this.values[2 * at + 1] as number];
  }

  /** Puts points behind the one at `at`. @returns the last of them, or `at` where there are none. */
  insert(at: number, points: Ring): number {
    const following = at < 0 ? -1 : (this.next[at] as number);
    let before = at;
    for (let i = 0; i < points.length; i += 2) {
      const own = this.next.push(-1) - 1;
      this.values.push(points[i] as number, points[i + 1] as number);
      if (before >= 0) this.next[before] = own;
      before = own;
    }
    if (before >= 0) this.next[before] = following;
    if (at === this.last) this.last = before;
    return before;
  }

  /** The first in order of those that are nearest along the edges of pixels. */
  nearest(x: number, y: number): number {
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let at = this.values.length > 0 ? 0 : -1; at >= 0; at = this.next[at] as number) {
      const [ownX, ownY] = [this.values[2 * at] as number, this.values[2 * at + 1] as number];
      const distance = Math.abs(ownX - x) + Math.abs(ownY - y);
      if (distance < least) [best, least] = [at, distance];
    }
    return best;
  }

  inOrder(): Ring {
    const out: number[] = [];
    for (let at = this.values.length > 0 ? 0 : -1; at >= 0; at = this.next[at] as number)
      out.push(this.values[2 * at] as number, this.values[2 * at + 1] as number);
    return out;
  }
}
