import type { RgbImage } from './types.ts';
import { sizeOfView, type View, wholeView } from './view.ts';

/** Fraction bits of a weight: 8 bits of a sample and 2 of head room stay of 32 (Pillow's Resample.c). */
const PRECISION_BITS = 32 - 8 - 2;
const HALF = 1 << (PRECISION_BITS - 1);

/** The weights of one axis: output i is the sum over k < counts[i] of in[starts[i] + k] · weights[i · stride + k]. */
interface AxisWeights {
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  readonly weights: Int32Array;
  readonly stride: number;
}

/** A table of 256 values that each value of an image is looked up in. */
export type ToneTable = Uint8Array | Uint8ClampedArray;

/**
 * Pillow's `Image.resize((width, height), BILINEAR)` on 8-bit RGB, bit for bit: a triangle filter widened by the
 * factor of reduction (so it is antialiased), weights in fixed point, one pass for each axis, rounded after each. The
 * order of the passes is that of Pillow 13; older ones always went along rows first, which differs by one level in some
 * values where the height loses more than twice the pixels that the width loses.
 */
export function resizeImage(image: RgbImage, width: number, height: number): RgbImage {
  return resizeView(image, wholeView(image), width, height, null);
}

/**
 * {@link resizeImage} of what a view shows, with its values looked up in `tone` first: equal bit for bit to copying,
 * toning, turning and resizing one after the other, but each pixel is read where it lies and nothing of the image's
 * size is written.
 */
export function resizeView(
  image: RgbImage,
  view: View,
  width: number,
  height: number,
  tone: ToneTable | null,
): RgbImage {
  const { data, stepX, stepY } = resample(image, view, width, height, tone);
  const out = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, at = y * stepY; x < width; x++, at += stepX, to += 3) {
      out[to] = data[at] as number;
      out[to + 1] = data[at + 1] as number;
      out[to + 2] = data[at + 2] as number;
    }
  }
  return { width, height, channels: 3, data: out };
}

/** The RGB of an image of which pixel (x, y) is at x · stepX + y · stepY; good until the next is made. */
export interface Resampled {
  readonly data: Uint8Array;
  readonly stepX: number;
  readonly stepY: number;
}

/** {@link resizeView} in memory that is used again, transposed where the view is. */
export function resample(
  image: RgbImage,
  view: View,
  width: number,
  height: number,
  tone: ToneTable | null,
): Resampled {
  const shown = sizeOfView(view);
  const lostRows = shown.height - height;
  const rowsFirst = !(lostRows > 0 && lostRows > 2 * (shown.width - width));
  // From here on x and y are the image's own axes; a transposed view goes along its rows where the image has columns.
  const [outWidth, outHeight] = view.isTransposed ? [height, width] : [width, height];
  const alongX = axisWeights(view.width, outWidth, view.mirrorsX);
  const alongY = axisWeights(view.height, outHeight, view.mirrorsY);
  const source: Rows = {
    data: image.data,
    offset: (view.y0 * image.width + view.x0) * 3,
    stride: image.width * 3,
    width: view.width,
    height: view.height,
  };
  const data = working.out.take(outWidth * outHeight * 3);
  if (rowsFirst === view.isTransposed) {
    const between = packed(working.between.take(view.width * outHeight * 3), view.width);
    resizeColumns(source, alongY, tone, between.data);
    resizeRows(between, alongX, null, data);
  } else {
    const between = packed(working.between.take(outWidth * view.height * 3), outWidth);
    resizeRows(source, alongX, tone, between.data);
    resizeColumns(between, alongY, null, data);
  }
  const row = outWidth * 3;
  return view.isTransposed ? { data, stepX: row, stepY: 3 } : { data, stepX: 3, stepY: row };
}

/** Kept from one image to the next: with arrays of its own for each, the collector runs for every image. */
class WorkingMemory {
  private bytes = new Uint8Array(0);

  take(length: number): Uint8Array {
    if (this.bytes.length < length) this.bytes = new Uint8Array(length);
    return this.bytes.subarray(0, length);
  }
}

const working = { between: new WorkingMemory(), out: new WorkingMemory() };

/** Rows of RGB: that of y begins at offset + y · stride. Sizes in pixels, offset and stride in bytes. */
interface Rows {
  readonly data: Uint8Array;
  readonly offset: number;
  readonly stride: number;
  readonly width: number;
  readonly height: number;
}

const packed = (data: Uint8Array, width: number): Rows => ({
  data,
  offset: 0,
  stride: width * 3,
  width,
  height: data.length / (width * 3),
});

/** @param isMirrored output 0 is at the far end. */
function axisWeights(from: number, to: number, isMirrored: boolean): AxisWeights {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const stride = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(to);
  const counts = new Int32Array(to);
  const weights = new Int32Array(to * stride);
  const exact = new Float64Array(stride);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(from, Math.trunc(centre + support + 0.5)) - start;
    let sum = 0;
    for (let k = 0; k < count; k++) {
      // Pillow multiplies by the reciprocal; the order of operations decides the last bit.
      const distance = Math.abs((k + start - centre + 0.5) * (1 / support));
      const w = distance < 1 ? 1 - distance : 0;
      exact[k] = w;
      sum += w;
    }
    for (let k = 0; k < count; k++) {
      const w = sum === 0 ? (exact[k] as number) : (exact[k] as number) / sum;
      weights[i * stride + (isMirrored ? count - 1 - k : k)] = Math.trunc(0.5 + w * 2 ** PRECISION_BITS);
    }
    starts[i] = isMirrored ? from - start - count : start;
    counts[i] = count;
  }
  return { starts, counts, weights, stride };
}

// Sums stay under 2³¹, so that Math.imul and |0 keep them integers of the processor.

/** @param out [source.height, outputs of the axis, 3]. */
function resizeRows(source: Rows, axis: AxisWeights, tone: ToneTable | null, out: Uint8Array): void {
  const rows = new RowReader(source, tone, 1);
  const length = axis.starts.length * 3;
  for (let y = 0; y < source.height; y++) resizeRow(rows.data, rows.begin(y), axis, out, y * length);
}

function resizeRow(
  row: Uint8Array,
  first: number,
  { starts, counts, weights, stride }: AxisWeights,
  out: Uint8Array,
  begin: number,
): void {
  for (let x = 0, to = begin; x < starts.length; x++, to += 3) {
    let r = HALF;
    let g = HALF;
    let b = HALF;
    let at = first + (starts[x] as number) * 3;
    const end = x * stride + (counts[x] as number);
    for (let k = x * stride; k < end; k++) {
      const w = weights[k] as number;
      r = (r + Math.imul(row[at] as number, w)) | 0;
      g = (g + Math.imul(row[at + 1] as number, w)) | 0;
      b = (b + Math.imul(row[at + 2] as number, w)) | 0;
      at += 3;
    }
    out[to] = clip(r);
    out[to + 1] = clip(g);
    out[to + 2] = clip(b);
  }
}

/** @param out [outputs of the axis, source.width, 3]. */
function resizeColumns(source: Rows, axis: AxisWeights, tone: ToneTable | null, out: Uint8Array): void {
  const { starts, counts, weights, stride } = axis;
  const rows = new RowReader(source, tone, stride);
  const sums = new Int32Array(source.width * 3);
  // Four rows at a time, since reading and writing the sums costs as much as a product.
  const at = new Int32Array(4);
  const by = new Int32Array(4);
  for (let y = 0; y < starts.length; y++) {
    const start = starts[y] as number;
    const count = counts[y] as number;
    sums.fill(HALF);
    for (let k = 0; k < count; k += 4) {
      for (let i = 0; i < 4; i++) {
        // Those that are missing of the last four have no weight.
        at[i] = rows.begin(start + Math.min(k + i, count - 1));
        by[i] = k + i < count ? (weights[y * stride + k + i] as number) : 0;
      }
      addRows(rows.data, at, by, sums);
    }
    const first = y * sums.length;
    for (let i = 0; i < sums.length; i++) out[first + i] = clip(sums[i] as number);
  }
}

/** Adds four rows of `data`, which begin at `at`, times their weights. */
function addRows(data: Uint8Array, at: Int32Array, by: Int32Array, sums: Int32Array): void {
  const [at0, at1, at2, at3] = [at[0] as number, at[1] as number, at[2] as number, at[3] as number];
  const [w0, w1, w2, w3] = [by[0] as number, by[1] as number, by[2] as number, by[3] as number];
  for (let i = 0; i < sums.length; i++) {
    const four =
      Math.imul(data[at0 + i] as number, w0) +
      Math.imul(data[at1 + i] as number, w1) +
      Math.imul(data[at2 + i] as number, w2) +
      Math.imul(data[at3 + i] as number, w3);
    sums[i] = ((sums[i] as number) + four) | 0;
  }
}

/** Rows to be read one by one, their values looked up in a tone. */
class RowReader {
  readonly data: Uint8Array;
  /** Of each place in `data` the row that is there. */
  private readonly keptRow: Int32Array;

  /** @param most rows that are read together. */
  constructor(
    private readonly source: Rows,
    private readonly tone: ToneTable | null,
    most: number,
  ) {
    this.data = tone ? new Uint8Array(source.width * 3 * most) : source.data;
    this.keptRow = new Int32Array(most).fill(-1);
  }

  /** Where row `y` begins in `data`. */
  begin(y: number): number {
    const { offset, stride, width, data } = this.source;
    const from = offset + y * stride;
    if (!this.tone) return from;
    const length = width * 3;
    const slot = y % this.keptRow.length;
    const start = slot * length;
    if (this.keptRow[slot] !== y) {
      this.keptRow[slot] = y;
      lookUp(data.subarray(from, from + length), this.tone, this.data.subarray(start, start + length));
    }
    return start;
  }
}

/** Four at a time from where each array begins: three times as fast as one by one. */
function lookUp(from: Uint8Array, table: ToneTable, to: Uint8Array): void {
  const whole = from.length - (from.length % 4);
  for (let i = 0; i < whole; i += 4) {
    to[i] = table[from[i] as number] as number;
    to[i + 1] = table[from[i + 1] as number] as number;
    to[i + 2] = table[from[i + 2] as number] as number;
    to[i + 3] = table[from[i + 3] as number] as number;
  }
  for (let i = whole; i < from.length; i++) to[i] = table[from[i] as number] as number;
}

/** No weight is negative, so only what rounding adds to the weights of a white stretch can be too much. */
function clip(sum: number): number {
  const value = sum >> PRECISION_BITS;
  return Math.min(value, 255);
}
