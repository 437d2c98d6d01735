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
  const feature = new Float32Array(channels);
  const cells = new Map<number, number>();
  let pixels = 0;
  const { scaleX, scaleY, modelSize, originalSize } = transform;
  const perPixel = grid / modelSize;
  forEachSpan(runs, width, (y, x0, x1) => {
    const row = Math.floor((y + 0.5 - top) * scaleY * perPixel);
    if (y < top || y >= top + originalSize[0]) return;
    const [from, to] = [Math.max(x0, left), Math.min(x1, left + originalSize[1])];
    for (let x = from; x < to; x++) {
      const cell = row * grid + Math.floor((x + 0.5 - left) * scaleX * perPixel);
      cells.set(cell, (cells.get(cell) ?? 0) + 1);
      pixels++;
    }
  });
  for (const [cell, count] of cells) {
    for (let c = 0; c < channels; c++)
      feature[c] = (feature[c] as number) + (count / pixels) * (values[cell * channels + c] as number);
  }
  return feature;
}
