import type { PreprocessingRecord } from '../config/sam.ts';
import { type Resampled, resample } from './resize.ts';
import type { RgbImage } from './types.ts';
import { sizeOfView, type View, wholeView } from './view.ts';

/** How a model wants its images: {@link PreprocessingRecord} and the side of its square input in pixels. */
export interface ImageRecord extends PreprocessingRecord {
  readonly size: number;
}

/** How original pixels and the model's pixels relate. All sizes are [height, width]. */
export interface ImageTransform {
  readonly originalSize: readonly [height: number, width: number];
  /** Size of the image inside the model's square, without padding. */
  readonly inputSize: readonly [height: number, width: number];
  /** Side of the model's square. */
  readonly modelSize: number;
  /** Model pixels per original pixel: inputSize / originalSize, by axis, as SAM scales coordinates. */
  readonly scaleX: number;
  readonly scaleY: number;
}

/** The transform of an image of that size; SAM's rounding, ⌊side · scale + 0.5⌋, at least 1. */
export function imageTransform(
  width: number,
  height: number,
  record: Pick<ImageRecord, 'size' | 'aspect'>,
): ImageTransform {
  const { size, aspect } = record;
  const scale = size / Math.max(width, height);
  const side = (length: number) =>
    aspect === 'stretch' ? size : Math.max(1, Math.trunc(length * scale + 0.5));
  const inputWidth = side(width);
  const inputHeight = side(height);
  return {
    originalSize: [height, width],
    inputSize: [inputHeight, inputWidth],
    modelSize: size,
    scaleX: inputWidth / width,
    scaleY: inputHeight / height,
  };
}

export interface ModelInput {
  /** [3, size, size], normalised; padding is 0 after normalisation, as in SAM. */
  readonly data: Float32Array;
  readonly transform: ImageTransform;
}

/** What each of the 256 values of an image becomes. */
export type ToneTable = Uint8Array | Uint8ClampedArray;

/** Resizes, normalises and pads an image for the image encoder. */
export function preprocess(image: RgbImage, record: ImageRecord): ModelInput {
  return preprocessView(image, wholeView(image), record, null);
}

/**
 * {@link preprocess} of what a view shows, resized and then looked up in `tone`; the transform is between the view's pixels
 * and the model's.
 */
export function preprocessView(
  image: RgbImage,
  view: View,
  record: ImageRecord,
  tone: ToneTable | null,
): ModelInput {
  const shown = sizeOfView(view);
  const transform = imageTransform(shown.width, shown.height, record);
  const [height, width] = transform.inputSize;
  const { size } = record;
  const resized = resample(image, view, width, height);
  const toned = (v: number) => tone?.[v] ?? v;
  const { offset, divisor, factor } = affine(resized.data, toned, record.normalisation);
  const tables = [0, 1, 2].map((c) => {
    const from = Math.fround(offset[c] as number);
    const by = Math.fround(divisor[c] as number);
    // Of a byte there are 256 results; each is rounded to f32 after each operation, as tensors in f32 are.
    return Float32Array.from(
      { length: 256 },
      (_, v) => Math.fround(Math.fround(toned(v) * factor) - from) / by,
    );
  });
  return { data: inPlanes(resized, width, height, size, tables), transform };
}

/** The values as the tables of red, green and blue say, [3, size, size] with 0 where there is no pixel. */
function inPlanes(
  { data, stepX, stepY }: Resampled,
  width: number,
  height: number,
  size: number,
  tables: readonly Float32Array[],
): Float32Array {
  const [ofRed, ofGreen, ofBlue] = tables as [Float32Array, Float32Array, Float32Array];
  const out = new Float32Array(3 * size * size);
  const plane = size * size;
  for (let y = 0; y < height; y++) {
    for (let x = 0, at = y * stepY, to = y * size; x < width; x++, at += stepX, to++) {
      out[to] = ofRed[data[at] as number] as number;
      out[to + plane] = ofGreen[data[at + 1] as number] as number;
      out[to + 2 * plane] = ofBlue[data[at + 2] as number] as number;
    }
  }
  return out;
}

function affine(
  resized: Uint8Array,
  toned: (v: number) => number,
  normalisation: PreprocessingRecord['normalisation'],
) {
  switch (normalisation.kind) {
    case 'mean-std':
      return {
        offset: normalisation.mean,
        divisor: normalisation.std,
        factor: normalisation.range === 1 ? 1 / 255 : 1,
      };
    case 'min-max': {
      const occurs = new Uint8Array(256);
      for (let i = 0; i < resized.length; i++) occurs[resized[i] as number] = 1;
      const values = Array.from(occurs.keys()).filter((v) => occurs[v] === 1);
      const min = Math.min(...values.map(toned));
      const spread = Math.max(Math.max(...values.map(toned)) - min, 1e-8);
      return { offset: [min, min, min], divisor: [spread, spread, spread], factor: 1 };
    }
  }
}

/** A point of the original image in the model's pixels. A pixel's centre is (x + 0.5, y + 0.5). */
export function toModel({ scaleX, scaleY }: ImageTransform, x: number, y: number): [x: number, y: number] {
  return [x * scaleX, y * scaleY];
}
