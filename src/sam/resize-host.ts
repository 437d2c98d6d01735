import type { PixelSize } from './graphs.ts';

/**
 * One plane, resized as the op `resizeBilinear` does (align_corners=False, no antialiasing), for images larger than a
 * GPU's buffers may be.
 */
export function resizePlaneOnHost(plane: Float32Array, from: PixelSize, to: PixelSize): Float32Array {
  const [outH, outW] = to;
  const out = new Float32Array(outH * outW);
  const resize = new HostResize(plane, from, to);
  for (let y = 0; y < outH; y++) resize.row(y, out, y * outW);
  return out;
}

/** {@link resizePlaneOnHost} row by row, of some columns: what a part of a large image needs. */
export class HostResize {
  private readonly width: number;
  private readonly rows: SourcePixels;
  private readonly columns: SourcePixels;
  /** Two source rows at the output's columns, and which they are. */
  private top: Float64Array;
  private bottom: Float64Array;
  private topRow = -1;
  private bottomRow = -1;

  /**
   * @param plane [h, w]; @param to size of the whole output.
   * @param x0 the first column that is wanted; @param x1 the one after the last.
   */
  constructor(
    private readonly plane: Float32Array,
    [h, w]: PixelSize,
    [outH, outW]: PixelSize,
    private readonly x0 = 0,
    private readonly x1 = outW,
  ) {
    this.width = w;
    this.rows = sourcePixels(h, outH);
    this.columns = sourcePixels(w, outW);
    this.top = new Float64Array(x1 - x0);
    this.bottom = new Float64Array(x1 - x0);
  }

  /** The two source rows of output row `y`. */
  sourceRows(y: number): readonly [low: number, high: number] {
    return [this.rows.low[y] as number, this.rows.high[y] as number];
  }

  /** Writes the wanted columns of output row `y` to `out` from `at` on. */
  row(y: number, out: Float32Array, at: number): void {
    const [low, high] = this.sourceRows(y);
    // Rows come in order, so the upper one is mostly the lower one of before.
    if (low === this.bottomRow) {
      [this.top, this.bottom] = [this.bottom, this.top];
      [this.topRow, this.bottomRow] = [this.bottomRow, this.topRow];
    }
    if (low !== this.topRow) this.fill(this.top, low);
    if (high !== this.bottomRow) this.fill(this.bottom, high);
    this.topRow = low;
    this.bottomRow = high;
    const share = this.rows.share[y] as number;
    const { top, bottom } = this;
    for (let x = 0; x < top.length; x++)
      out[at + x] = (top[x] as number) * (1 - share) + (bottom[x] as number) * share;
  }

  private fill(line: Float64Array, row: number): void {
    const { low, high, share } = this.columns;
    const from = row * this.width;
    for (let x = this.x0, i = 0; x < this.x1; x++, i++) {
      const by = share[x] as number;
      line[i] =
        (this.plane[from + (low[x] as number)] ?? 0) * (1 - by) +
        (this.plane[from + (high[x] as number)] ?? 0) * by;
    }
  }
}

/** For each output pixel of one axis its two source pixels, and the share of the second. */
interface SourcePixels {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly share: Float64Array;
}

function sourcePixels(from: number, to: number): SourcePixels {
  const low = new Int32Array(to);
  const high = new Int32Array(to);
  const share = new Float64Array(to);
  for (let o = 0; o < to; o++) {
    const at = Math.max(((o + 0.5) * from) / to - 0.5, 0);
    low[o] = Math.min(Math.floor(at), from - 1);
    high[o] = Math.min((low[o] as number) + 1, from - 1);
    share[o] = at - (low[o] as number);
  }
  return { low, high, share };
}
