import { Random } from '../config/random.ts';
import { sortedByName } from './natural-order.ts';
import type { Split } from './types.ts';

/** `shuffled`: natural name order shuffled with the seed. `name`: contiguous blocks of the natural name order. */
export type SplitOrder = 'shuffled' | 'name';

/** Shares of training, validation and test. */
const SPLIT_SHARES = { train: 0.6, val: 0.15, test: 0.25 } as const;

/**
 * How many of n samples go where: shares rounded half up for training and validation, the rest to test; from three
 * samples on every split has at least one (taken from training, the largest). One sample is for training; of two, one
 * is for training and one for validation.
 */
export function splitCounts(n: number): Readonly<Record<Split, number>> {
  if (n <= 2) return { train: Math.min(n, 1), val: n === 2 ? 1 : 0, test: 0 };
  const val = Math.max(1, Math.floor(SPLIT_SHARES.val * n + 0.5));
  const train = Math.min(Math.max(1, Math.floor(SPLIT_SHARES.train * n + 0.5)), n - val - 1);
  return { train, val, test: n - train - val };
}

/**
 * Splits names into training, validation and test. Equal names, seed and order give equal splits, whatever the order
 * of `names`; each list comes back in natural name order.
 */
export function splitNames(
  names: readonly string[],
  seed: number,
  order: SplitOrder = 'shuffled',
): Readonly<Record<Split, string[]>> {
  const sorted = sortedByName(names, (name) => name);
  const drawn = order === 'name' ? sorted : Random.fromSeed(seed, 'split').shuffled(sorted);
  const { train, val } = splitCounts(drawn.length);
  const block = (from: number, to?: number) => sortedByName(drawn.slice(from, to), (name) => name);
  return { train: block(0, train), val: block(train, train + val), test: block(train + val) };
}
