/** How dim images are shown brighter: what is seen changes, not the image. */

/** The values, 0 to 255, that are shown black and white. */
export interface ShownRange {
  readonly low: number;
  readonly high: number;
}

/** The share of values that may lie beyond each end, so that a few bright pixels do not keep the rest dark. */
const BEYOND = 0.002;
/** Pixels of the longer side that are looked at. */
const LOOKED_AT = 512;

/** The range of a bitmap's values, by some of its pixels. */
export function rangeOfBitmap(bitmap: ImageBitmap): ShownRange {
  const scale = Math.min(1, LOOKED_AT / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const context = new OffscreenCanvas(width, height).getContext('2d');
  if (!context) return { low: 0, high: 255 };
  // A mean of neighbours would hide the brightest.
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap, 0, 0, width, height);
  return rangeOf(context.getImageData(0, 0, width, height).data);
}

/** The range of pixels [n, 4], of all three colours together, so that hues stay. */
export function rangeOf(pixels: Uint8ClampedArray): ShownRange {
  const counts = new Array<number>(256).fill(0);
  pixels.forEach((value, at) => {
    if (at % 4 < 3) counts[value] = (counts[value] ?? 0) + 1;
  });
  const most = BEYOND * 3 * (pixels.length / 4);
  let [low, high] = [0, 255];
  for (let beyond = counts[low] ?? 0; beyond <= most && low < 255; beyond += counts[low] ?? 0) low += 1;
  for (let beyond = counts[high] ?? 0; beyond <= most && high > 0; beyond += counts[high] ?? 0) high -= 1;
  return { low, high };
}

/**
 * A CSS filter that shows `low` black, `high` white and the rest in proportion. `brightness(b)` gives bx and `contrast(c)`
 * cx + (1 − c) / 2: one after the other they are any line that rises.
 */
export function stretchFilter({ low, high }: ShownRange): string {
  const span = (high - low) / 255;
  if (span <= 0 || span === 1) return 'none';
  const contrast = 1 + (2 * low) / 255 / span;
  return `brightness(${(1 / span / contrast).toFixed(4)}) contrast(${contrast.toFixed(4)})`;
}
