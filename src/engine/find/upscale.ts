import { RunsWriter } from '../../data/labels/runs.ts';
import type { Runs } from '../../data/labels/types.ts';
import type { ImageTransform } from '../../data/preprocess.ts';
import type { Box } from '../../data/types.ts';
import { HostResize } from '../../sam/resize-host.ts';

/** How far SAM moves the threshold to see whether a mask is stable. */
const STABILITY_OFFSET = 1;

/** A mask at its image's size. */
export interface UpscaledMask {
  readonly runs: Runs;
  readonly area: number;
  readonly box: Box;
  /** IoU of the masks at a threshold 1 higher and 1 lower. */
  readonly stability: number;
}

/**
 * Turns low-resolution logits into masks of an image, by SAM's two resizes, as `upscaleGraph` does. Only the part is computed
 * that the object lies in, since most objects are small beside their image.
 */
export class MaskUpscaler {
  /** Logits at the model's square, of which parts are written and read. */
  private readonly square: Float32Array;

  /**
   * @param side of the low-resolution mask; @param transform of the crop that the model saw.
   * @param corner of that crop in the image, whose width is given.
   */
  constructor(
    private readonly side: number,
    private readonly transform: ImageTransform,
    private readonly corner: readonly [x: number, y: number],
    private readonly width: number,
    private readonly threshold: number,
  ) {
    const { modelSize } = transform;
    this.square = new Float32Array(modelSize * modelSize);
  }

  /** @param lowRes [side, side]. @returns null where no pixel is over the threshold. */
  mask(lowRes: Float32Array): UpscaledMask | null {
    const { side } = this;
    const { modelSize, inputSize, originalSize } = this.transform;
    const [least, most] = [this.threshold - STABILITY_OFFSET, this.threshold + STABILITY_OFFSET];
    const seen = this.extent(lowRes, least);
    if (!seen) return null;
    const [inputHeight, inputWidth] = inputSize;
    const [height, width] = originalSize;
    const inSquare = clipped(resizedBox(seen, [side, side], [modelSize, modelSize]), inputSize);
    const [x0, y0, x1, y1] = clipped(resizedBox(inSquare, inputSize, originalSize), originalSize);
    // One more all around: what the second resize reads.
    const read = clipped(
      [inSquare[0] - 1, inSquare[1] - 1, inSquare[2] + 1, inSquare[3] + 1],
      [inputHeight, inputWidth],
    );
    const first = new HostResize(lowRes, [side, side], [modelSize, modelSize], read[0], read[2]);
    for (let y = read[1]; y < read[3]; y++) first.row(y, this.square, y * inputWidth + read[0]);
    const isSame = height === inputHeight && width === inputWidth;
    const second = isSame ? null : new HostResize(this.square, inputSize, originalSize, x0, x1);
    const line = new Float32Array(Math.max(0, x1 - x0));
    const runs = new RunsWriter();
    const box: [number, number, number, number] = [x1, y1, x0, y0];
    let [area, inner, outer] = [0, 0, 0];
    for (let y = y0; y < y1; y++) {
      second?.row(y, line, 0);
      const row = second ? line : this.square.subarray(y * inputWidth + x0, y * inputWidth + x1);
      for (let x = 0; x < row.length; ) {
        const value = row[x] as number;
        if (value > least) outer++;
        if (value > most) inner++;
        x++;
        if (!(value > this.threshold)) continue;
        const start = x - 1;
        for (; x < row.length && (row[x] as number) > this.threshold; x++) {
          outer++;
          if ((row[x] as number) > most) inner++;
        }
        const pixel = (this.corner[1] + y) * this.width + this.corner[0] + x0;
        runs.add(pixel + start, pixel + x);
        area += x - start;
        box[0] = Math.min(box[0], x0 + start);
        box[1] = Math.min(box[1], y);
        box[2] = Math.max(box[2], x0 + x);
        box[3] = y + 1;
      }
    }
    if (area === 0) return null;
    const [left, top] = this.corner;
    return {
      runs: runs.done(),
      area,
      box: [box[0] + left, box[1] + top, box[2] + left, box[3] + top],
      stability: inner / outer,
    };
  }

  /** The cells over a logit, as a box. */
  private extent(lowRes: Float32Array, least: number): Box | null {
    const { side } = this;
    let [x0, y0, x1, y1] = [side, side, 0, 0];
    for (let y = 0, at = 0; y < side; y++) {
      for (let x = 0; x < side; x++, at++) {
        if (!((lowRes[at] as number) > least)) continue;
        if (x < x0) x0 = x;
        if (x >= x1) x1 = x + 1;
        if (y < y0) y0 = y;
        y1 = y + 1;
      }
    }
    return x1 === 0 ? null : [x0, y0, x1, y1];
  }
}

type Height = readonly [height: number, width: number];

/** The pixels that a bilinear resize makes with a share of those of a box; beside them they read no further than one pixel. */
function resizedBox([x0, y0, x1, y1]: Box, from: Height, to: Height): Box {
  const [byY, byX] = [to[0] / from[0], to[1] / from[1]];
  return [
    Math.ceil((x0 - 0.5) * byX - 0.5),
    Math.ceil((y0 - 0.5) * byY - 0.5),
    Math.ceil((x1 + 0.5) * byX - 0.5),
    Math.ceil((y1 + 0.5) * byY - 0.5),
  ];
}

function clipped([x0, y0, x1, y1]: Box, [height, width]: Height): Box {
  return [Math.max(0, x0), Math.max(0, y0), Math.min(width, x1), Math.min(height, y1)];
}
