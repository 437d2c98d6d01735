import { MOST_WORKGROUPS } from '../graph/pass.ts';

/** Threads of a workgroup in every one-dimensional shader. */
const WORKGROUP = 64;

/**
 * Workgroups for `threads` invocations of a shader that finds its element by `flatIndex` (shaders/lib/index.wgsl).
 * @param each invocations of a workgroup; 1 counts workgroups themselves.
 */
export function workgroups1d(threads: number, each = WORKGROUP): [number, number, number] {
  const groups = Math.max(1, Math.ceil(threads / each));
  const x = Math.min(groups, MOST_WORKGROUPS);
  return [x, Math.ceil(groups / x), 1];
}

/** Items that one thread of a two-stage reduction sums before the second stage sums what is left. */
const SLICE = 64;

/** Number of slices into which a reduction over `items` is cut: about 64 items each, at most 256 slices. */
export function slicesFor(items: number): number {
  return Math.max(1, Math.min(256, Math.ceil(items / SLICE)));
}
