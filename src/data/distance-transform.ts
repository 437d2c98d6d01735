import type { BinaryMask, ObjectRegion, ObjectSet } from './types.ts';

/**
 * Squared exact Euclidean distance of every foreground pixel's centre to the centre of the nearest background pixel;
 * all pixels outside the image are background, 0 on background. Two passes: distances along columns, then the lower
 * envelope of parabolas along rows (Felzenszwalb and Huttenlocher, "Distance Transforms of Sampled Functions", 2012).
 * O(pixels).
 * @returns height · width whole numbers.
 */
export function squaredDistance({ width, height, data }: BinaryMask): Float64Array {
  const out = new Float64Array(width * height);
  for (let x = 0; x < width; x++) {
    for (let y = 0, run = 0; y < height; y++) {
      run = data[y * width + x] ? run + 1 : 0;
      out[y * width + x] = run;
    }
    for (let y = height - 1, run = 0; y >= 0; y--) {
      const at = y * width + x;
      run = data[at] ? run + 1 : 0;
      const d = Math.min(run, out[at] as number);
      out[at] = d * d;
    }
  }
  // Columns −1 and width stand for the outside: positions are shifted by one.
  const n = width + 2;
  const heights = new Float64Array(n);
  const parabolas = new Int32Array(n);
  const starts = new Float64Array(n + 1);
  for (let y = 0; y < height; y++) {
    heights[0] = 0;
    heights[n - 1] = 0;
    for (let x = 0; x < width; x++) heights[x + 1] = out[y * width + x] as number;
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
      out[y * width + x] = (q - p) * (q - p) + (heights[p] as number);
    }
  }
  return out;
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
 * The pixel that is deepest inside the foreground: the maximum of the exact distance transform (the image's edge
 * counts as edge), the first in row order of equals; undefined when nothing is foreground.
 */
export function clickPoint(mask: BinaryMask): ClickPoint | undefined {
  const distance = squaredDistance(mask);
  let best = 0;
  let at = -1;
  for (let i = 0; i < distance.length; i++) {
    if ((distance[i] as number) > best) {
      best = distance[i] as number;
      at = i;
    }
  }
  return at < 0 ? undefined : { x: at % mask.width, y: Math.floor(at / mask.width) };
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
