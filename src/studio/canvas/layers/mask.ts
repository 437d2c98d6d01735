import type { Size, View } from '../view.ts';

/**
 * Paints a mask in one colour with an opaque outline.
 * @param mask [height, width], 0 or 1
 */
export function paintMask(
  mask: Uint8Array,
  size: Size,
  colour: readonly [number, number, number],
): OffscreenCanvas {
  const { width, height } = size;
  const layer = new OffscreenCanvas(width, height);
  const context = layer.getContext('2d');
  if (!context) return layer;
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const [red, green, blue] = colour;
  // ABGR words: every machine that runs a browser is little-endian.
  const rgb = (blue << 16) | (green << 8) | red;
  const inside = ((110 << 24) | rgb) >>> 0;
  const edge = ((255 << 24) | rgb) >>> 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      if (!mask[at]) continue;
      const bordered =
        (x > 0 && !mask[at - 1]) ||
        (x < width - 1 && !mask[at + 1]) ||
        (y > 0 && !mask[at - width]) ||
        (y < height - 1 && !mask[at + width]);
      pixels[at] = bordered ? edge : inside;
    }
  }
  context.putImageData(image, 0, 0);
  return layer;
}

export function drawMask(context: CanvasRenderingContext2D, layer: OffscreenCanvas, view: View): void {
  context.imageSmoothingEnabled = view.scale < 1;
  context.drawImage(layer, view.left, view.top, layer.width * view.scale, layer.height * view.scale);
}
