/** What the encoder made of an object: what classes and likeness are told by. */
import { forEachSpan } from '../../data/labels/runs.ts';
import type { Runs } from '../../data/labels/types.ts';
import type { ImageTransform } from '../../data/preprocess.ts';

/** What the encoder made of a crop: [grid, grid, channels]. */
export interface CropEmbedding {
  readonly values: Float32Array;
  readonly grid: number;
  readonly channels: number;
  readonly transform: ImageTransform;
  /** The crop's corner in the image. */
  readonly corner: readonly [x: number, y: number];
}

/** The mean of an embedding over an object's pixels [channels]; zeros where none of them lies in the crop. */
export function pooledFeature(
  runs: Runs,
  width: number,
  { values, grid, channels, transform, corner: [left, top] }: CropEmbedding,
): Float32Array {
  const { scaleX, scaleY, modelSize, originalSize } = transform;
  const [height, length] = originalSize;
  const perPixel = grid / modelSize;
  const cellOf = (pixel: number, scale: number) => Math.floor((pixel + 0.5) * scale * perPixel);
  // A row of an object counts by its cells, not by its pixels: the background has a million of these.
  const starts = firstPixels(length, (x) => cellOf(x, scaleX));
  const counts = new Float64Array(grid * grid);
  let pixels = 0;
  forEachSpan(runs, width, (y, x0, x1) => {
    const [from, to] = [Math.max(x0 - left, 0), Math.min(x1 - left, length)];
    if (y < top || y >= top + height || from >= to) return;
    const row = cellOf(y - top, scaleY) * grid;
    const last = cellOf(to - 1, scaleX);
    for (let cell = cellOf(from, scaleX); cell <= last; cell++) {
      const [start, end] = [starts[cell] ?? 0, starts[cell + 1] ?? length];
      counts[row + cell] = (counts[row + cell] ?? 0) + Math.min(end, to) - Math.max(start, from);
    }
    pixels += to - from;
  });
  const feature = new Float32Array(channels);
  for (const [cell, count] of counts.entries()) {
    if (count === 0) continue;
    for (let c = 0; c < channels; c++)
      feature[c] = (feature[c] as number) + (count / pixels) * (values[cell * channels + c] as number);
  }
  return feature;
}

/** The first pixel of each cell along a side; of a cell between two pixels that of the next. */
function firstPixels(length: number, cellOf: (pixel: number) => number): number[] {
  const starts: number[] = [];
  for (let pixel = 0; pixel < length; pixel++) while (starts.length <= cellOf(pixel)) starts.push(pixel);
  return starts;
}
