import type { PixelSize } from './graphs.ts';

/**
 * One plane, resized as the op `resizeBilinear` does (align_corners=False, no antialiasing), for images larger than a
 * GPU's buffers may be.
 */
export function resizePlaneOnHost(
  plane: Float32Array,
  [h, w]: PixelSize,
  [outH, outW]: PixelSize,
): Float32Array {
  const out = new Float32Array(outH * outW);
  const columns = Array.from({ length: outW }, (_, x) => sourceOf(x, w, outW));
  for (let y = 0; y < outH; y++) {
    const row = sourceOf(y, h, outH);
    const [top, bottom] = [row.low * w, row.high * w];
    columns.forEach(({ low, high, share }, x) => {
      const a = (plane[top + low] ?? 0) * (1 - share) + (plane[top + high] ?? 0) * share;
      const b = (plane[bottom + low] ?? 0) * (1 - share) + (plane[bottom + high] ?? 0) * share;
      out[y * outW + x] = a * (1 - row.share) + b * row.share;
    });
  }
  return out;
}

/** The two source pixels of output pixel `o` on one axis, and the share of the second. */
function sourceOf(o: number, from: number, to: number): { low: number; high: number; share: number } {
  const at = Math.max(((o + 0.5) * from) / to - 0.5, 0);
  const low = Math.min(Math.floor(at), from - 1);
  return { low, high: Math.min(low + 1, from - 1), share: at - low };
}
