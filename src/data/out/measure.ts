import { areaOf, boxOf, forEachSpan } from '../labels/runs.ts';
import type { Runs } from '../labels/types.ts';
import type { Box } from '../types.ts';
import { outlinesOf, type Ring } from './outlines.ts';

/** What is measured of an object, in pixels. */
export interface Measures {
  readonly area: number;
  readonly box: Box;
  /** The mean of the middles of its pixels: that of the pixel in the corner is 0.5, 0.5. */
  readonly centroid: readonly [x: number, y: number];
  /** As ImageJ measures traced outlines, those of holes included: see {@link tracedLength}. */
  readonly perimeter: number;
  /** The largest distance between two of its points, corners of pixels included (maximum caliper). */
  readonly feret: number;
  /** The smallest distance between two parallel lines that it lies between (minimum caliper). */
  readonly minFeret: number;
  /** 4π · area / perimeter², 1 at most, as ImageJ has it. */
  readonly circularity: number;
}

/** Measures an object. @param width of the image. */
export function measured(runs: Runs, width: number): Measures {
  const area = areaOf(runs);
  const rings = outlinesOf(runs, width);
  const perimeter = rings.reduce((sum, ring) => sum + tracedLength(ring), 0);
  const hull = convexHull(rings);
  return {
    area,
    box: boxOf(runs, width) ?? [0, 0, 0, 0],
    centroid: centroidOf(runs, width, area),
    perimeter,
    feret: widest(hull),
    minFeret: narrowest(hull),
    circularity: perimeter === 0 ? 0 : Math.min(1, (4 * Math.PI * area) / perimeter ** 2),
  };
}

function centroidOf(runs: Runs, width: number, area: number): [number, number] {
  let [sumX, sumY] = [0, 0];
  forEachSpan(runs, width, (y, x0, x1) => {
    sumX += ((x0 + x1) / 2) * (x1 - x0);
    sumY += (y + 0.5) * (x1 - x0);
  });
  return [sumX / area, sumY / area];
}

/** What a corner saves: two edges of a pixel less the diagonal between them. */
const CORNER = 2 - Math.SQRT2;

/**
 * The length of an outline as ImageJ measures one that was traced (`PolygonRoi.getTracedPerimeter`): that of its edges
 * less 2 − √2 for every corner, where of corners one pixel apart every second counts. A slanted edge so has about its true
 * length instead of that of its steps. Where counting begins can change the result by a corner.
 */
function tracedLength(ring: Ring): number {
  let length = 0;
  let corners = 0;
  let wasCounted = false;
  for (let i = 0, last = ring.length - 2; i < ring.length; last = i, i += 2) {
    const side =
      Math.abs((ring[i] as number) - (ring[last] as number)) +
      Math.abs((ring[i + 1] as number) - (ring[last + 1] as number));
    length += side;
    wasCounted = side > 1 || !wasCounted;
    if (wasCounted) corners++;
  }
  return length - corners * CORNER;
}

type Point = readonly [x: number, y: number];

/** The convex hull of the corners of outlines, by Andrew's chain: it has the outermost of each row of corners at most. */
function convexHull(rings: readonly Ring[]): Point[] {
  const rows = new Map<number, [x0: number, x1: number]>();
  for (const ring of rings) {
    for (let i = 0; i < ring.length; i += 2) {
      const [x, y] = [ring[i] as number, ring[i + 1] as number];
      const row = rows.get(y);
      if (!row) rows.set(y, [x, x]);
      else if (x < row[0]) row[0] = x;
      else if (x > row[1]) row[1] = x;
    }
  }
  const points = [...rows]
    .flatMap(([y, [x0, x1]]): Point[] => [
      [x0, y],
      [x1, y],
    ])
    .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return [...chain(points), ...chain(points.toReversed())];
}

/** One side of the hull without its last point. */
function chain(points: readonly Point[]): Point[] {
  const hull: Point[] = [];
  for (const point of points) {
    for (let n = hull.length; n > 1; n = hull.length) {
      if (cross(hull[n - 2] as Point, hull[n - 1] as Point, point) > 0) break;
      hull.pop();
    }
    hull.push(point);
  }
  return hull.slice(0, -1);
}

/** Twice the signed area of a triangle. */
const cross = (a: Point, b: Point, c: Point) => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);

function widest(hull: readonly Point[]): number {
  let most = 0;
  for (const [i, a] of hull.entries()) {
    for (const b of hull.slice(i + 1)) most = Math.max(most, Math.hypot(a[0] - b[0], a[1] - b[1]));
  }
  return most;
}

/** The least width of the hull is across one of its edges. */
function narrowest(hull: readonly Point[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (const [i, a] of hull.entries()) {
    const b = hull[(i + 1) % hull.length] as Point;
    const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
    let most = 0;
    for (const point of hull) most = Math.max(most, Math.abs(cross(a, b, point)) / length);
    least = Math.min(least, most);
  }
  return Number.isFinite(least) ? least : 0;
}
