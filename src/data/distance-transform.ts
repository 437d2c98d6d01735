import type { BinaryMask, ObjectRegion, ObjectSet } from './types.ts';

/** Of every pixel its distance to the nearest background of its column, and the largest of each row, in whole pixels. */
function columnDistances({ width, height, data }: BinaryMask): {
  readonly distances: Int32Array;
  readonly deepest: Int32Array;
} {
  const distances = new Int32Array(width * height);
  const deepest = new Int32Array(height);
  // The row above or below; outside of the image is background.
  const beside = new Int32Array(width);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      beside[x] = data[at] ? (beside[x] as number) + 1 : 0;
      distances[at] = beside[x] as number;
    }
  }
  beside.fill(0);
  for (let y = height - 1; y >= 0; y--) {
    let most = 0;
    for (let x = 0, at = y * width; x < width; x++, at++) {
      const distance = Math.min((beside[x] as number) + 1, distances[at] as number);
      beside[x] = distance;
      distances[at] = distance;
      if (distance > most) most = distance;
    }
    deepest[y] = most;
  }
  return { distances, deepest };
}

/**
 * Turns a row of {@link columnDistances} into the squared distances to the nearest background of the whole mask, by the
 * lower envelope of parabolas (Felzenszwalb and Huttenlocher, "Distance Transforms of Sampled Functions", 2012).
 */
function rowTransform(width: number): (columns: Int32Array, out: Float64Array) => void {
  // Columns −1 and width stand for the outside: positions are shifted by one.
  const n = width + 2;
  const heights = new Float64Array(n);
  const parabolas = new Int32Array(n);
  const starts = new Float64Array(n + 1);
  return (columns, out) => {
    for (let x = 0; x < width; x++) heights[x + 1] = (columns[x] as number) ** 2;
    let last = 0;
    parabolas[0] = 0;
    starts[0] = Number.NEGATIVE_INFINITY;
    starts[1] = Number.POSITIVE_INFINITY;
    for (let q = 1; q < n; q++) {
      let start = intersection(heights, parabolas[last] as number, q);
      while (start <= (starts[last] as number)) {
        last--;
        start = intersection(heights, parabolas[last] as number, q);
      }
      last++;
      parabolas[last] = q;
      starts[last] = start;
      starts[last + 1] = Number.POSITIVE_INFINITY;
    }
    for (let x = 0, k = 0; x < width; x++) {
      const q = x + 1;
      while ((starts[k + 1] as number) < q) k++;
      const p = parabolas[k] as number;
      out[x] = (q - p) * (q - p) + (heights[p] as number);
    }
  };
}

/** Where the parabola at q passes under the one at p, p < q. */
function intersection(heights: Float64Array, p: number, q: number): number {
  return ((heights[q] as number) + q * q - (heights[p] as number) - p * p) / (2 * (q - p));
}

/** A pixel of an image, whole numbers. Its centre is (x + 0.5, y + 0.5). */
export interface ClickPoint {
  readonly x: number;
  readonly y: number;
}

/**
 * The pixel that is deepest inside the foreground: the maximum of the exact Euclidean distance to the centre of the
 * nearest background pixel (all that is outside of the image is background), the first in row order of equals;
 * undefined when nothing is foreground.
 */
export function clickPoint(mask: BinaryMask): ClickPoint | undefined {
  const { width, height } = mask;
  const { distances, deepest } = columnDistances(mask);
  // No pixel is deeper than it is along its column, so only the rows that come first need to be worked out.
  const order = Array.from({ length: height }, (_, y) => y).sort(
    (a, b) => (deepest[b] as number) - (deepest[a] as number),
  );
  const transform = rowTransform(width);
  const row = new Float64Array(width);
  let best = 0;
  let at = -1;
  for (const y of order) {
    const most = (deepest[y] as number) ** 2;
    if (most < best || most === 0) break;
    transform(distances.subarray(y * width, (y + 1) * width), row);
    for (let x = 0; x < width; x++) {
      const distance = row[x] as number;
      if (distance < best || (distance === best && y * width + x > at)) continue;
      best = distance;
      at = y * width + x;
    }
  }
  return at < 0 ? undefined : { x: at % width, y: Math.floor(at / width) };
}

/**
 * {@link clickPoint} of one object, worked out inside its box only (what lies outside its box is background in any
 * case).
 */
export function clickPointOf(objects: ObjectSet, region: ObjectRegion): ClickPoint {
  const [x0, y0, x1, y1] = region.box;
  const width = x1 - x0;
  const data = new Uint8Array(width * (y1 - y0));
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      if (objects.map[y * objects.width + x] === region.id) data[(y - y0) * width + (x - x0)] = 1;
    }
  }
  const point = clickPoint({ width, height: y1 - y0, data }) ?? { x: 0, y: 0 };
  return { x: x0 + point.x, y: y0 + point.y };
}
