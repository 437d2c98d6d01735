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

/** An object whose class is known. */
export interface KnownObject {
  readonly classValue: number;
  readonly feature: Float32Array;
}

/**
 * Tells classes by the nearest mean of their objects, each channel divided by its spread within the classes: linear
 * discriminants with a diagonal covariance, which a handful of objects is enough for.
 */
export class ClassMeans {
  private constructor(
    private readonly means: readonly KnownObject[],
    private readonly spread: Float32Array,
  ) {}

  /** @returns null where the objects are not of two classes at least. */
  static of(objects: readonly KnownObject[]): ClassMeans | null {
    const values = [...new Set(objects.map(({ classValue }) => classValue))].sort((a, b) => a - b);
    const channels = objects[0]?.feature.length ?? 0;
    if (values.length < 2) return null;
    const means = values.map((classValue) => {
      const own = objects.filter((object) => object.classValue === classValue);
      const feature = new Float32Array(channels);
      for (let c = 0; c < channels; c++)
        feature[c] = own.reduce((sum, object) => sum + (object.feature[c] as number), 0) / own.length;
      return { classValue, feature };
    });
    const spread = new Float32Array(channels);
    for (let c = 0; c < channels; c++) {
      let [within, all] = [0, 0];
      for (const { classValue, feature } of objects) {
        const mean = means.find((each) => each.classValue === classValue)?.feature[c] as number;
        within += ((feature[c] as number) - mean) ** 2;
        all += (feature[c] as number) ** 2;
      }
      // A channel that never varies within the few objects there are would decide alone.
      spread[c] = within / objects.length + (0.01 * all) / objects.length + 1e-12;
    }
    return new ClassMeans(means, spread);
  }

  /** The classes, ascending. */
  get values(): readonly number[] {
    return this.means.map(({ classValue }) => classValue);
  }

  /** The class whose mean is nearest; of equally near ones the lowest value. */
  classOf(feature: Float32Array): number {
    let [best, nearest] = [0, Number.POSITIVE_INFINITY];
    for (const { classValue, feature: mean } of this.means) {
      let distance = 0;
      for (let c = 0; c < mean.length; c++)
        distance += ((feature[c] as number) - (mean[c] as number)) ** 2 / (this.spread[c] as number);
      if (distance < nearest) [best, nearest] = [classValue, distance];
    }
    return best;
  }

  /** What decides, so that it can be told from others. */
  get tensors(): ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }> {
    return new Map([
      ...this.means.map(({ classValue, feature }) => [`class ${classValue}`, asTensor(feature)] as const),
      ['spread', asTensor(this.spread)],
    ]);
  }
}

const asTensor = (data: Float32Array) => ({ shape: [data.length], data });
