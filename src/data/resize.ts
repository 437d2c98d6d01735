import type { RgbImage } from './types.ts';

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

/**
 * Pillow's `Image.resize((width, height), BILINEAR)` on 8-bit RGB, bit for bit: a triangle filter widened by the
 * factor of reduction (so it is antialiased), weights in fixed point, one pass for each axis that changes, rounded
 * after each. The order of the passes is that of Pillow 13; older ones always went along rows first, which differs by
 * one level in some values where the height loses more than twice the pixels that the width loses.
 */
export function resizeImage(image: RgbImage, width: number, height: number): RgbImage {
  const lostRows = image.height - height;
  const rowsFirst = !(lostRows > 0 && lostRows > 2 * (image.width - width));
  const first = rowsFirst ? ([width, image.height] as const) : ([image.width, height] as const);
  const between = alongOneAxis(image, ...first);
  const resized = alongOneAxis(between, width, height);
  return resized === image ? { ...image, data: image.data.slice() } : resized;
}

/** Resizes where one side stays as it is; the image itself when both do. */
function alongOneAxis(image: RgbImage, width: number, height: number): RgbImage {
  if (width !== image.width) {
    return { width, height, channels: 3, data: alongRows(image.data, image.width, height, width) };
  }
  if (height !== image.height) {
    return { width, height, channels: 3, data: alongColumns(image.data, width, image.height, height) };
  }
  return image;
}

function axisWeights(from: number, to: number): AxisWeights {
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
      weights[i * stride + k] = Math.trunc(0.5 + w * 2 ** PRECISION_BITS);
    }
    starts[i] = start;
    counts[i] = count;
  }
  return { starts, counts, weights, stride };
}

function alongRows(data: Uint8Array, from: number, height: number, to: number): Uint8Array {
  const { starts, counts, weights, stride } = axisWeights(from, to);
  const out = new Uint8Array(to * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < to; x++) {
      let r = HALF;
      let g = HALF;
      let b = HALF;
      let at = (y * from + (starts[x] as number)) * 3;
      const end = x * stride + (counts[x] as number);
      for (let k = x * stride; k < end; k++) {
        const w = weights[k] as number;
        r += (data[at] as number) * w;
        g += (data[at + 1] as number) * w;
        b += (data[at + 2] as number) * w;
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

function alongColumns(data: Uint8Array, width: number, from: number, to: number): Uint8Array {
  const { starts, counts, weights, stride } = axisWeights(from, to);
  const row = width * 3;
  const out = new Uint8Array(row * to);
  const sums = new Int32Array(row);
  for (let y = 0; y < to; y++) {
    sums.fill(HALF);
    for (let k = 0; k < (counts[y] as number); k++) {
      const w = weights[y * stride + k] as number;
      const at = ((starts[y] as number) + k) * row;
      for (let i = 0; i < row; i++) sums[i] = (sums[i] as number) + (data[at + i] as number) * w;
    }
    for (let i = 0; i < row; i++) out[y * row + i] = clip(sums[i] as number);
  }
  return out;
}

function clip(sum: number): number {
  const value = sum >> PRECISION_BITS;
  return Math.max(0, Math.min(value, 255));
}
