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
  const data =
    rowsFirst === view.isTransposed
      ? resizeRows(packed(resizeColumns(source, alongY, outHeight, tone), view.width), alongX, outWidth, null)
      : resizeColumns(packed(resizeRows(source, alongX, outWidth, tone), outWidth), alongY, outHeight, null);
  return { width, height, channels: 3, data: view.isTransposed ? transpose(data, outWidth) : data };
}

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

function resizeRows(source: Rows, axis: AxisWeights, to: number, tone: ToneTable | null): Uint8Array {
  const { height } = source;
  const { starts, counts, weights, stride } = axis;
  const out = new Uint8Array(to * height * 3);
  const { data: row, begin } = tone ? tonedRows(source, tone, 1) : plainRows(source);
  for (let y = 0; y < height; y++) {
    const first = begin(y);
    for (let x = 0; x < to; x++) {
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
      const to3 = (y * to + x) * 3;
      out[to3] = clip(r);
      out[to3 + 1] = clip(g);
      out[to3 + 2] = clip(b);
    }
  }
  return out;
}

function resizeColumns(source: Rows, axis: AxisWeights, to: number, tone: ToneTable | null): Uint8Array {
  const { starts, counts, weights, stride } = axis;
  const length = source.width * 3;
  const out = new Uint8Array(length * to);
  const sums = new Int32Array(length);
  const { data, begin } = tone ? tonedRows(source, tone, stride) : plainRows(source);
  for (let y = 0; y < to; y++) {
    sums.fill(HALF);
    const first = starts[y] as number;
    const count = counts[y] as number;
    let k = 0;
    // Two rows at a time, since reading and writing the sums costs as much as a product.
    for (; k + 2 <= count; k += 2) {
      const w = weights[y * stride + k] as number;
      const w2 = weights[y * stride + k + 1] as number;
      const at = begin(first + k);
      const at2 = begin(first + k + 1);
      for (let i = 0; i < length; i++) {
        const two = Math.imul(data[at + i] as number, w) + Math.imul(data[at2 + i] as number, w2);
        sums[i] = ((sums[i] as number) + two) | 0;
      }
    }
    if (k < count) {
      const w = weights[y * stride + k] as number;
      const at = begin(first + k);
      for (let i = 0; i < length; i++)
        sums[i] = ((sums[i] as number) + Math.imul(data[at + i] as number, w)) | 0;
    }
    for (let i = 0; i < length; i++) out[y * length + i] = clip(sums[i] as number);
  }
  return out;
}

/** Rows to be read one by one: that of y begins at `begin(y)` of `data`. */
interface ReadRows {
  readonly data: Uint8Array;
  readonly begin: (y: number) => number;
}

const plainRows = ({ data, offset, stride }: Rows): ReadRows => ({
  data,
  begin: (y) => offset + y * stride,
});

/** The last `most` rows that were asked for, looked up in a table. */
function tonedRows({ data, offset, stride, width }: Rows, tone: ToneTable, most: number): ReadRows {
  const length = width * 3;
  const kept = new Uint8Array(length * most);
  const keptRow = new Int32Array(most).fill(-1);
  const begin = (y: number) => {
    const slot = y % most;
    const start = slot * length;
    if (keptRow[slot] !== y) {
      keptRow[slot] = y;
      const at = offset + y * stride;
      lookUp(data.subarray(at, at + length), tone, kept.subarray(start, start + length));
    }
    return start;
  };
  return { data: kept, begin };
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

/** @param width pixels of a row of `data`. */
function transpose(data: Uint8Array, width: number): Uint8Array {
  const height = data.length / (width * 3);
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      const to = (x * height + y) * 3;
      out[to] = data[at] as number;
      out[to + 1] = data[at + 1] as number;
      out[to + 2] = data[at + 2] as number;
    }
  }
  return out;
}

/** No weight is negative, so only what rounding adds to the weights of a white stretch can be too much. */
function clip(sum: number): number {
  const value = sum >> PRECISION_BITS;
  return Math.min(value, 255);
}
