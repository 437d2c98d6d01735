import type { Pass } from '../../graph/pass.ts';

/** Operations of one dispatch that even a GPU which reaches 30 GFLOP/s ends in half of its watchdog's two seconds. */
export const MOST_FLOPS = 2.7e10;

/**
 * Cuts a pass whose workgroups lie [x, heads, windows] into passes over some heads each, so that none does more than
 * `mostFlops` operations (or one head's). A pass that is small enough, or knows no `firstHead`, stays as it is.
 */
export function splitHeads(pass: Pass, mostFlops: number): readonly Pass[] {
  const [x, heads, windows] = pass.workgroups;
  if (pass.flops <= mostFlops || pass.params?.firstHead === undefined) return [pass];
  const each = Math.max(1, Math.floor((heads * mostFlops) / pass.flops));
  return Array.from({ length: Math.ceil(heads / each) }, (_, i) => {
    const count = Math.min(each, heads - i * each);
    return {
      ...pass,
      params: { ...pass.params, firstHead: i * each },
      workgroups: [x, count, windows],
      flops: (pass.flops * count) / heads,
    };
  });
}
