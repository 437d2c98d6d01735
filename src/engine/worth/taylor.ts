import type { MetricsLine } from '../run/metrics.ts';

/** By block, then by method id. */
export type TaylorScores = readonly Readonly<Record<string, number>>[];

/**
 * What training estimates that the loss would lose without each module: |∂loss/∂gate| at 1, the mean over the steps in which it
 * was there. Null for gate forms that do not record it.
 */
export function taylorScores(lines: readonly MetricsLine[]): TaylorScores | null {
  const sums: Map<string, { sum: number; steps: number }>[] = [];
  for (const line of lines) {
    if (line.type !== 'step' || !line.scores) continue;
    for (const [block, scores] of line.scores.entries()) {
      sums[block] ??= new Map();
      for (const [method, score] of Object.entries(scores)) {
        const { sum, steps } = sums[block].get(method) ?? { sum: 0, steps: 0 };
        sums[block].set(method, { sum: sum + score, steps: steps + 1 });
      }
    }
  }
  if (sums.length === 0) return null;
  return sums.map((of) =>
    Object.fromEntries([...of].map(([method, { sum, steps }]) => [method, sum / steps])),
  );
}
