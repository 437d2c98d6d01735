/** Most threads that share the sum over one row of pixels. */
const MOST = 256;
/** Fewest pixels that are worth a thread. */
const PIXELS = 32;

/**
 * On software adapters, where barriers are slow: threads that sum one row of `pixels` values in the first of two
 * passes. Thread `l` takes the pixels l, l + lanes, …, so that neighbours read neighbours, and the second pass adds the
 * lanes in order. The sum is the same every time.
 */
export function pixelLanes(pixels: number): number {
  return Math.max(1, Math.min(MOST, Math.ceil(pixels / PIXELS)));
}
