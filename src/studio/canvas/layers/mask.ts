import type { Size, View } from '../view.ts';

/** A painted mask, as large as what it marks. */
export interface MaskLayer {
  readonly canvas: OffscreenCanvas;
  /** Where its corner lies in the image, pixels. */
  readonly x: number;
  readonly y: number;
}

/**
 * Paints a mask in one colour with an opaque outline; null where nothing is marked.
 * @param mask [height, width], 0 or 1
 */
export function paintMask(
  mask: Uint8Array,
  size: Size,
  colour: readonly [number, number, number],
): MaskLayer | null {
  const marked = extentOf(mask, size);
  if (!marked) return null;
  const { width, height } = size;
  const [x0, y0, x1, y1] = marked;
  const canvas = new OffscreenCanvas(x1 - x0, y1 - y0);
  const context = canvas.getContext('2d');
  if (!context) return null;
  const image = context.createImageData(x1 - x0, y1 - y0);
  const pixels = new Uint32Array(image.data.buffer);
  const [red, green, blue] = colour;
  // ABGR words: every machine that runs a browser is little-endian.
  const rgb = (blue << 16) | (green << 8) | red;
  const inside = ((110 << 24) | rgb) >>> 0;
  const edge = ((255 << 24) | rgb) >>> 0;
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const at = y * width + x;
      if (!mask[at]) continue;
      const bordered =
        (x > 0 && !mask[at - 1]) ||
        (x < width - 1 && !mask[at + 1]) ||
        (y > 0 && !mask[at - width]) ||
        (y < height - 1 && !mask[at + width]);
      pixels[(y - y0) * (x1 - x0) + x - x0] = bordered ? edge : inside;
    }
  }
  context.putImageData(image, 0, 0);
  return { canvas, x: x0, y: y0 };
}

/** The box of what a mask marks, x1 and y1 outside; null where it marks nothing. */
export function extentOf(
  mask: Uint8Array,
  { width, height }: Size,
): readonly [x0: number, y0: number, x1: number, y1: number] | null {
  const first = mask.indexOf(1);
  if (first < 0) return null;
  let [x0, x1] = [width, 0];
  const y0 = Math.floor(first / width);
  const y1 = Math.floor(mask.lastIndexOf(1) / width) + 1;
  for (let y = y0; y < Math.min(y1, height); y++) {
    const row = mask.subarray(y * width, (y + 1) * width);
    const left = row.indexOf(1);
    if (left < 0) continue;
    x0 = Math.min(x0, left);
    x1 = Math.max(x1, row.lastIndexOf(1) + 1);
  }
  return [x0, y0, x1, y1];
}

export function drawMask(
  context: CanvasRenderingContext2D,
  { canvas, x, y }: MaskLayer,
  { scale, left, top }: View,
): void {
  context.imageSmoothingEnabled = scale < 1;
  context.drawImage(canvas, left + x * scale, top + y * scale, canvas.width * scale, canvas.height * scale);
}
