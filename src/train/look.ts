import { lowResOf, type PreprocessingRecord, type SamConfig } from '../config/sam.ts';
import type { ModelInput } from '../data/preprocess.ts';

/** What the model sees of an image, small, and where its masks are. */
export interface LookDrawing {
  readonly width: number;
  readonly height: number;
  /** [height, width, 3]. */
  readonly rgb: Uint8Array<ArrayBuffer>;
  /** [height, width]: 1 where any of the masks is. */
  readonly mask: Uint8Array<ArrayBuffer>;
}

/** Pixels of the longer side: enough to see a mask's edge, little enough to be stored at every check. */
const SIDE = 192;

/**
 * Draws a model's input with masks.
 * @param masks low-res logits of objects, each [side, side]; @param threshold above which a cell belongs to a mask.
 */
export function drawLook(
  { data, transform: { inputSize, modelSize } }: ModelInput,
  sam: SamConfig,
  masks: readonly Float32Array[],
  threshold: number,
): LookDrawing {
  const [inputHeight, inputWidth] = inputSize;
  const scale = Math.min(1, SIDE / Math.max(inputWidth, inputHeight));
  const width = Math.max(1, Math.round(inputWidth * scale));
  const height = Math.max(1, Math.round(inputHeight * scale));
  const rgb = new Uint8Array(3 * width * height);
  const mask = new Uint8Array(width * height);
  const side = lowResOf(sam);
  const colour = coloursOf(sam.preprocessing);
  for (let y = 0, at = 0; y < height; y++) {
    const modelY = ((y + 0.5) / height) * inputHeight;
    for (let x = 0; x < width; x++, at++) {
      const modelX = ((x + 0.5) / width) * inputWidth;
      const from = Math.floor(modelY) * modelSize + Math.floor(modelX);
      for (let c = 0; c < 3; c++) rgb[3 * at + c] = colour(data[from + c * modelSize * modelSize] ?? 0, c);
      const [gridX, gridY] = [(modelX / modelSize) * side - 0.5, (modelY / modelSize) * side - 0.5];
      if (masks.some((logits) => bilinear(logits, side, gridX, gridY) > threshold)) mask[at] = 1;
    }
  }
  return { width, height, rgb, mask };
}

/** From a normalised value back to a byte; of images that were stretched to their own range, within that. */
function coloursOf({ normalisation }: PreprocessingRecord): (value: number, channel: number) => number {
  const byte = (value: number): number => Math.max(0, Math.min(255, Math.round(value)));
  switch (normalisation.kind) {
    case 'mean-std': {
      const { mean, std, range } = normalisation;
      const factor = range === 1 ? 255 : 1;
      return (value, c) => byte((value * (std[c] ?? 1) + (mean[c] ?? 0)) * factor);
    }
    case 'min-max':
      return (value) => byte(255 * value);
  }
}

function bilinear(values: Float32Array, side: number, x: number, y: number): number {
  const inside = (v: number): number => Math.max(0, Math.min(side - 1, v));
  const [x0, y0] = [inside(Math.floor(x)), inside(Math.floor(y))];
  const [x1, y1] = [inside(Math.floor(x) + 1), inside(Math.floor(y) + 1)];
  const [fx, fy] = [Math.max(0, x - Math.floor(x)), Math.max(0, y - Math.floor(y))];
  const at = (row: number, column: number): number => values[row * side + column] ?? 0;
  const top = at(y0, x0) * (1 - fx) + at(y0, x1) * fx;
  const bottom = at(y1, x0) * (1 - fx) + at(y1, x1) * fx;
  return top * (1 - fy) + bottom * fy;
}
