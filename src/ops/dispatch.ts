/** Threads of a workgroup in every one-dimensional shader. */
export const WORKGROUP = 64;
const MAX_GROUPS = 65535;

/** Workgroups for `threads` invocations of a shader that finds its element by `flatIndex` (shaders/lib/index.wgsl). */
export function workgroups1d(threads: number): [number, number, number] {
  const groups = Math.max(1, Math.ceil(threads / WORKGROUP));
  const x = Math.min(groups, MAX_GROUPS);
  return [x, Math.ceil(groups / x), 1];
}
