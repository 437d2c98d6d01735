import type { LoadedSample } from './dataset.ts';
import { findObjects } from './objects.ts';
import type { LabelMap, RgbImage } from './types.ts';

/** What training needs of a decoded sample. */
type TrainingSample = Pick<LoadedSample, 'image' | 'labelling'>;

/**
 * A sample of which every block of `factor` × `factor` pixels became one; pixels beyond the last whole block are left
 * out. Objects that were told apart by a gap stay apart, since they are found before, and are ids from then on.
 * @param factor a whole number; 1 changes nothing.
 */
export function reduceSample(sample: TrainingSample, factor: number): TrainingSample {
  const { image, labelling } = sample;
  if (factor <= 1) return sample;
  const reduced = { image: reduceImage(image, factor) };
  if (!labelling) return reduced;
  const { labelMap, classMap } = labelling;
  const { width, height, map } = findObjects(labelMap, labelling.rule);
  return {
    ...reduced,
    labelling: {
      ...labelling,
      rule: 'ids',
      labelMap: reduceLabels({ width, height, data: map }, factor),
      classMap: reduceLabels(classMap, factor),
    },
  };
}

/** The means of the blocks, rounded. */
function reduceImage({ width, height, data }: RgbImage, factor: number): RgbImage {
  const [columns, rows] = [Math.floor(width / factor), Math.floor(height / factor)];
  const out = new Uint8Array(columns * rows * 3);
  const sums = new Uint32Array(columns * 3);
  const pixels = factor * factor;
  for (let row = 0; row < rows; row++) {
    sums.fill(0);
    for (let y = row * factor; y < (row + 1) * factor; y++) {
      let at = y * width * 3;
      for (let to = 0; to < sums.length; to += 3) {
        let r = 0;
        let g = 0;
        let b = 0;
        for (let x = 0; x < factor; x++, at += 3) {
          r += data[at] as number;
          g += data[at + 1] as number;
          b += data[at + 2] as number;
        }
        sums[to] = (sums[to] as number) + r;
        sums[to + 1] = (sums[to + 1] as number) + g;
        sums[to + 2] = (sums[to + 2] as number) + b;
      }
    }
    const from = row * sums.length;
    for (let i = 0; i < sums.length; i++) out[from + i] = ((sums[i] as number) + (pixels >> 1)) / pixels;
  }
  return { width: columns, height: rows, channels: 3, data: out };
}

/** The pixel in the middle of each block; values cannot be averaged. */
function reduceLabels({ width, height, data }: LabelMap, factor: number): LabelMap {
  const [columns, rows] = [Math.floor(width / factor), Math.floor(height / factor)];
  const out = new Int32Array(columns * rows);
  const middle = factor >> 1;
  for (let row = 0, to = 0; row < rows; row++) {
    let at = (row * factor + middle) * width + middle;
    for (let column = 0; column < columns; column++, to++, at += factor) out[to] = data[at] as number;
  }
  return { width: columns, height: rows, data: out };
}
