/** One tensor compared with a set's file. */
export interface Comparison {
  /** The tensor's name in the file. */
  readonly key: string;
  /** max |a − b| / max(max |b|, 1e-6 / tolerance). */
  readonly error: number;
  readonly tolerance: number;
  /** Every |a − b| ≤ max(tolerance · max |b|, 1e-6). */
  readonly passed: boolean;
}

/** One file of a set: `forward` or a case. */
export interface PartReport {
  readonly part: string;
  readonly comparisons: readonly Comparison[];
  /** Tensors of the file that were compared with nothing; there should be none. */
  readonly untouched: readonly string[];
}

/** One set of a folder. */
export interface SetReport {
  readonly set: string;
  readonly parts: readonly PartReport[];
}

/** Allowed differences, relative to the largest magnitude of the tensor. */
export const TOLERANCE = { forward: 1e-4, gradient: 1e-3, adamw: 1e-5 } as const;

/** Smaller differences are ignored: some gradients are exactly zero, and the files hold noise there. */
const NOISE = 1e-6;

/**
 * Compares a computed tensor with the file's.
 * @param every the file holds every so many-th value of it, from the first.
 */
export function compare(
  key: string,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  tolerance: number,
  every = 1,
): Comparison {
  let worst = Math.ceil(got.length / every) === want.length ? 0 : Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < want.length; i++) {
    const difference = Math.abs((got[i * every] ?? Number.NaN) - (want[i] ?? Number.NaN));
    worst = Math.max(worst, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
    largest = Math.max(largest, Math.abs(want[i] ?? 0));
  }
  const allowed = Math.max(tolerance * largest, NOISE);
  return {
    key,
    error: worst / Math.max(largest, NOISE / tolerance),
    tolerance,
    passed: worst <= allowed,
  };
}

/** True when every value is within its tolerance and no tensor of a file was left out. */
export function isPassed(report: SetReport): boolean {
  return report.parts.every(
    ({ comparisons, untouched }) =>
      comparisons.length > 0 && untouched.length === 0 && comparisons.every(({ passed }) => passed),
  );
}
