import { lowResOf, type SamConfig } from '../config/sam.ts';
import { IGNORED } from '../data/objects.ts';
import type { ImageTransform } from '../data/preprocess.ts';
import type { ObjectRegion, ObjectSet } from '../data/types.ts';
import { HostResize } from '../sam/resize-host.ts';

/**
 * IoU of low-res logits, scaled to the size of the objects' map as SAM does, with an object: an entry for each
 * threshold. One pass over the part of the map where a logit passes a threshold, however many thresholds there are,
 * and no plane of the map's size. Ignored pixels count for neither mask.
 */
export function iousOnImage(
  logits: Float32Array,
  sam: SamConfig,
  { inputSize }: Pick<ImageTransform, 'inputSize'>,
  { width, height, map }: ObjectSet,
  { id, area }: ObjectRegion,
  thresholds: readonly number[],
): number[] {
  const ascending = Float64Array.from(thresholds).sort();
  const most = ascending.length;
  const lowest = ascending[0] ?? 0;
  const highest = ascending[most - 1] ?? 0;
  const shown = logitsOnInput(logits, sam, inputSize);
  const { rows, x0, x1 } = extentAbove(shown, inputSize, [height, width], lowest);
  const resize = new HostResize(shown, inputSize, [height, width], x0, x1);
  const line = new Float32Array(x1 - x0);
  // Pixels of the object, and others, by how many thresholds they pass.
  const inside = new Uint32Array(most + 1);
  const outside = new Uint32Array(most + 1);
  for (let y = 0; y < height; y++) {
    const [low, high] = resize.sourceRows(y);
    if (!rows[low] && !rows[high]) continue;
    resize.row(y, line, 0);
    const from = y * width + x0;
    for (let i = 0; i < line.length; i++) {
      const value = line[i] as number;
      if (!(value > lowest)) continue;
      const pixel = map[from + i];
      if (pixel === IGNORED) continue;
      let passed = 1;
      if (value > highest) passed = most;
      else while (value > (ascending[passed] as number)) passed++;
      const counts = pixel === id ? inside : outside;
      counts[passed] = (counts[passed] as number) + 1;
    }
  }
  const from = (counts: Uint32Array, least: number) =>
    counts.subarray(least).reduce((sum, count) => sum + count, 0);
  return thresholds.map((threshold) => {
    const least = ascending.indexOf(threshold) + 1;
    const either = area + from(outside, least);
    return either === 0 ? 1 : from(inside, least) / either;
  });
}

/** The first half of SAM's postprocess_masks: to the model's square, without its padding: [height, width]. */
function logitsOnInput(
  logits: Float32Array,
  sam: SamConfig,
  [height, width]: ImageTransform['inputSize'],
): Float32Array {
  const side = lowResOf(sam);
  const size = sam.imageSize;
  const resize = new HostResize(logits, [side, side], [size, size], 0, width);
  const shown = new Float32Array(height * width);
  for (let y = 0; y < height; y++) resize.row(y, shown, y * width);
  return shown;
}

/**
 * Where resized logits can be above a value: what is between two that are not is not either.
 * @param plane [h, w]; @param to size of the output.
 * @returns which rows of the plane hold any, and the columns of the output, x1 outside.
 */
function extentAbove(
  plane: Float32Array,
  [h, w]: ImageTransform['inputSize'],
  [, outW]: readonly [height: number, width: number],
  least: number,
): { readonly rows: Uint8Array; readonly x0: number; readonly x1: number } {
  const rows = new Uint8Array(h);
  let [first, last] = [w, -1];
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      if (!((plane[y * w + x] as number) > least)) continue;
      rows[y] = 1;
      if (x < first) first = x;
      if (x > last) last = x;
    }
  }
  if (last < 0) return { rows, x0: 0, x1: 0 };
  // One source pixel more on each side than the output's pixels can reach.
  const x0 = Math.max(0, Math.floor(((first - 1) * outW) / w));
  const x1 = Math.min(outW, Math.ceil(((last + 2) * outW) / w));
  return { rows, x0, x1 };
}
