import type { RgbImage } from './types.ts';
import { sizeOfView, type View, wholeView } from './view.ts';

/** Fraction bits of a weight: 8 bits of a sample and 2 of head room stay of 32 (Pillow's Resample.c). */
const PRECISION_BITS = 32 - 8 - 2;
const HALF = 1 << (PRECISION_BITS - 1);

/**
 * The weights of one axis: output i is the sum over k < taps of in[starts[i] + k] · weights[i · taps + k]. `taps` is a
 * multiple of four; what is read beyond the filter has no weight.
 */
interface AxisWeights {
  readonly starts: Int32Array;
  readonly weights: Int32Array;
  readonly taps: number;
}

/**
 * Pillow's `Image.resize((width, height), BILINEAR)` on 8-bit RGB, bit for bit: a triangle filter widened by the
 * factor of reduction (so it is antialiased), weights in fixed point, one pass for each axis, rounded after each. The
 * order of the passes is that of Pillow 13; older ones always went along rows first, which differs by one level in some
 * values where the height loses more than twice the pixels that the width loses.
 */
export function resizeImage(image: RgbImage, width: number, height: number): RgbImage {
  return resizeView(image, wholeView(image), width, height);
}

/**
 * {@link resizeImage} of what a view shows: equal bit for bit to copying, turning and resizing one after the other, but
 * each pixel is read where it lies and nothing of the image's size is written.
 */
export function resizeView(image: RgbImage, view: View, width: number, height: number): RgbImage {
  const { data, stepX, stepY } = resample(image, view, width, height);
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
export function resample(image: RgbImage, view: View, width: number, height: number): Resampled {
  const shown = sizeOfView(view);
  const lostRows = shown.height - height;
  const rowsFirst = !(lostRows > 0 && lostRows > 2 * (shown.width - width));
  // From here on x and y are the image's own axes; a transposed view goes along its rows where the image has columns.
  const [outWidth, outHeight] = view.isTransposed ? [height, width] : [width, height];
  const alongX = axisWeights(view.width, outWidth, view.mirrorsX);
  const alongY = axisWeights(view.height, outHeight, view.mirrorsY);
  const rows = {
    data: image.data,
    begin: (y: number) => ((view.y0 + y) * image.width + view.x0) * 3,
  };
  const row = outWidth * 3;
  if (memory.length < outHeight * row) memory = new Uint8Array(outHeight * row);
  const data = memory;
  // Row by row through both passes, so that what is between them stays in the processor's cache.
  if (rowsFirst === view.isTransposed) {
    const line = new Uint8Array(view.width * 3);
    const sums = new Int32Array(line.length);
    for (let y = 0; y < outHeight; y++) {
      blendRows(rows, view.height, alongY, y, sums, line);
      resizeRow(line, 0, alongX, data, y * row);
    }
  } else {
    const resized = new RecentRows(row, alongY.taps, (y, to, start) =>
      resizeRow(rows.data, rows.begin(y), alongX, to, start),
    );
    const sums = new Int32Array(row);
    for (let y = 0; y < outHeight; y++)
      blendRows(resized, view.height, alongY, y, sums, data.subarray(y * row, (y + 1) * row));
  }
  const made = data.subarray(0, outHeight * row);
  return view.isTransposed ? { data: made, stepX: row, stepY: 3 } : { data: made, stepX: 3, stepY: row };
}

/** Kept from one image to the next: with an array of its own for each, the collector runs for every image. */
let memory = new Uint8Array(0);

/** Rows of RGB, some of which can be read at once: row y begins at `begin(y)` of `data`. */
interface Rows {
  readonly data: Uint8Array;
  begin(y: number): number;
}

/** Rows that are made when they are asked for; as many as are read at once are kept. */
class RecentRows implements Rows {
  readonly data: Uint8Array;
  /** Of each place in `data` the row that is there. */
  private readonly keptRow: Int32Array;

  /** @param length of a row; @param make writes row y to `to`, from `start`. */
  constructor(
    private readonly length: number,
    most: number,
    private readonly make: (y: number, to: Uint8Array, start: number) => void,
  ) {
    this.data = new Uint8Array(length * most);
    this.keptRow = new Int32Array(most).fill(-1);
  }

  begin(y: number): number {
    const slot = y % this.keptRow.length;
    const start = slot * this.length;
    if (this.keptRow[slot] !== y) {
      this.keptRow[slot] = y;
      this.make(y, this.data, start);
    }
    return start;
  }
}

/** @param isMirrored output 0 is at the far end. */
function axisWeights(from: number, to: number, isMirrored: boolean): AxisWeights {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const filterOf = (centre: number) => {
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    return { start, count: Math.min(from, Math.trunc(centre + support + 0.5)) - start };
  };
  let most = 1;
  for (let i = 0; i < to; i++) most = Math.max(most, filterOf((i + 0.5) * scale).count);
  const taps = 4 * Math.ceil(most / 4);
  const starts = new Int32Array(to);
  const weights = new Int32Array(to * taps);
  const exact = new Float64Array(most);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    const { start, count } = filterOf(centre);
    let sum = 0;
    for (let k = 0; k < count; k++) {
      // Pillow multiplies by the reciprocal; the order of operations decides the last bit.
      const distance = Math.abs((k + start - centre + 0.5) * (1 / support));
      const w = distance < 1 ? 1 - distance : 0;
      exact[k] = w;
      sum += w;
    }
    const begin = isMirrored ? from - start - count : start;
    // So that nothing is read beyond the last pixel, unless there are fewer than taps.
    const clamped = Math.max(0, Math.min(begin, from - taps));
    starts[i] = clamped;
    for (let k = 0; k < count; k++) {
      const w = sum === 0 ? (exact[k] as number) : (exact[k] as number) / sum;
      const tap = begin - clamped + (isMirrored ? count - 1 - k : k);
      weights[i * taps + tap] = Math.trunc(0.5 + w * 2 ** PRECISION_BITS);
    }
  }
  return { starts, weights, taps };
}

/**
 * The sum of four products: so many at a time, since reading and writing a sum costs as much as a product. Sums stay under
 * 2³¹, so that Math.imul and |0 keep them integers of the processor; places in an array would cost three times as much.
 */
function products(
  data: Uint8Array,
  at0: number,
  at1: number,
  at2: number,
  at3: number,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
): number {
  return (
    Math.imul(data[at0] as number, w0) +
    Math.imul(data[at1] as number, w1) +
    Math.imul(data[at2] as number, w2) +
    Math.imul(data[at3] as number, w3)
  );
}

/** @param first where the row of RGB begins; @param begin where that of the output does. */
function resizeRow(
  row: Uint8Array,
  first: number,
  { starts, weights, taps }: AxisWeights,
  out: Uint8Array,
  begin: number,
): void {
  for (let x = 0, to = begin; x < starts.length; x++, to += 3) {
    let r = HALF;
    let g = HALF;
    let b = HALF;
    const end = (x + 1) * taps;
    for (let k = x * taps, at = first + (starts[x] as number) * 3; k < end; k += 4, at += 12) {
      const w0 = weights[k] as number;
      const w1 = weights[k + 1] as number;
      const w2 = weights[k + 2] as number;
      const w3 = weights[k + 3] as number;
      r = (r + products(row, at, at + 3, at + 6, at + 9, w0, w1, w2, w3)) | 0;
      g = (g + products(row, at + 1, at + 4, at + 7, at + 10, w0, w1, w2, w3)) | 0;
      b = (b + products(row, at + 2, at + 5, at + 8, at + 11, w0, w1, w2, w3)) | 0;
    }
    out[to] = clip(r);
    out[to + 1] = clip(g);
    out[to + 2] = clip(b);
  }
}

/**
 * Row y of an axis' output.
 * @param height rows that there are; @param sums of out's length, overwritten.
 */
function blendRows(
  rows: Rows,
  height: number,
  { starts, weights, taps }: AxisWeights,
  y: number,
  sums: Int32Array,
  out: Uint8Array,
): void {
  sums.fill(HALF);
  for (let k = 0; k < taps; k += 4) {
    const begin = (i: number) => rows.begin(Math.min((starts[y] as number) + k + i, height - 1));
    const at: Four = [begin(0), begin(1), begin(2), begin(3)];
    const by = weights.subarray(y * taps + k, y * taps + k + 4);
    if (k + 4 < taps) addRows(rows.data, at, by, sums);
    else finishRow(rows.data, at, by, sums, out);
  }
}

type Four = readonly [number, number, number, number];

/** Adds four rows of `data`, which begin at `at`, times their weights. */
function addRows(data: Uint8Array, [at0, at1, at2, at3]: Four, by: Int32Array, sums: Int32Array): void {
  const [w0, w1, w2, w3] = [by[0] as number, by[1] as number, by[2] as number, by[3] as number];
  for (let i = 0; i < sums.length; i++) {
    const four = products(data, at0 + i, at1 + i, at2 + i, at3 + i, w0, w1, w2, w3);
    sums[i] = ((sums[i] as number) + four) | 0;
  }
}

/** {@link addRows} of the last four, of which the sums are not kept but what they come to. */
function finishRow(
  data: Uint8Array,
  [at0, at1, at2, at3]: Four,
  by: Int32Array,
  sums: Int32Array,
  out: Uint8Array,
): void {
  const [w0, w1, w2, w3] = [by[0] as number, by[1] as number, by[2] as number, by[3] as number];
  for (let i = 0; i < out.length; i++) {
    const four = products(data, at0 + i, at1 + i, at2 + i, at3 + i, w0, w1, w2, w3);
    out[i] = clip(((sums[i] as number) + four) | 0);
  }
}

/** No weight is negative, so only what rounding adds to the weights of a white stretch can be too much. */
function clip(sum: number): number {
  const value = sum >> PRECISION_BITS;
  return Math.min(value, 255);
}
