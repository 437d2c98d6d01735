import { Random } from '../config/random.ts';
import { sortedByName } from './natural-order.ts';
import type { Split } from './types.ts';

/** `shuffled`: natural name order shuffled with the seed. `name`: contiguous blocks of the natural name order. */
export type SplitOrder = 'shuffled' | 'name';

/** Shares of training, validation and test. */
export const SPLIT_SHARES = { train: 0.6, val: 0.15, test: 0.25 } as const;

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

/** A sample as far as its split asks. */
export interface SplitSample {
  readonly name: string;
  /** The split that its folders name. */
  readonly split?: Split;
}

export type SplitParts = Readonly<Record<Split, readonly string[]>>;

/**
 * Splits samples into training, validation and test. Where folders name splits, those hold: samples without one are for
 * training, and a part that no folder names is drawn from the training samples, with its usual share of all. Else, and
 * where that leaves nothing to train on, all are drawn. Equal samples, seed and order give equal splits, whatever the
 * order of `samples`; each list comes back in natural name order.
 */
export function splitSamples(
  samples: readonly SplitSample[],
  seed: number,
  order: SplitOrder = 'shuffled',
): SplitParts {
  const given = (part: Split) => samples.filter(({ split }) => split === part).map(({ name }) => name);
  const [val, test] = [given('val'), given('test')];
  const pool = samples
    .filter(({ split }) => split === undefined || split === 'train')
    .map(({ name }) => name);
  if (pool.length === 0) return draw([...val, ...test], splitCounts(samples.length), seed, order);
  const share = splitCounts(samples.length);
  const most = pool.length - 1;
  const drawnVal = val.length > 0 ? 0 : Math.min(share.val, most);
  const drawnTest = test.length > 0 ? 0 : Math.min(share.test, most - drawnVal);
  const counts = { train: pool.length - drawnVal - drawnTest, val: drawnVal, test: drawnTest };
  const drawn = draw(pool, counts, seed, order);
  const sorted = (names: readonly string[]) => sortedByName(names, (name) => name);
  return { train: drawn.train, val: sorted([...val, ...drawn.val]), test: sorted([...test, ...drawn.test]) };
}

/**
 * {@link splitSamples} where some images already have a part, from an earlier run: they keep it, so that what a run was
 * tested on is never trained on by a later one. New images fill up validation and test to their shares.
 * @param kept part by name; names that are gone count for nothing.
 */
export function extendSplit(
  samples: readonly SplitSample[],
  kept: ReadonlyMap<string, Split>,
  seed: number,
  order: SplitOrder = 'shuffled',
): SplitParts {
  const partOf = ({ name, split }: SplitSample): Split | undefined => split ?? kept.get(name);
  if (!samples.some(({ name }) => kept.has(name))) return splitSamples(samples, seed, order);
  const known = (part: Split) => samples.filter((sample) => partOf(sample) === part).map(({ name }) => name);
  const fresh = samples.filter((sample) => partOf(sample) === undefined).map(({ name }) => name);
  const share = splitCounts(samples.length);
  const [train, val, test] = [known('train'), known('val'), known('test')];
  // What there is nothing of to learn from comes first.
  const spare = fresh.length - (train.length === 0 ? Math.min(1, fresh.length) : 0);
  const newTest = Math.min(Math.max(0, share.test - test.length), spare);
  const newVal = Math.min(Math.max(0, share.val - val.length), spare - newTest);
  const counts = { train: fresh.length - newVal - newTest, val: newVal, test: newTest };
  const drawn = draw(fresh, counts, seed, order);
  const sorted = (names: readonly string[]) => sortedByName(names, (name) => name);
  return {
    train: sorted([...train, ...drawn.train]),
    val: sorted([...val, ...drawn.val]),
    test: sorted([...test, ...drawn.test]),
  };
}

/** How many samples {@link splitSamples} puts where. */
export function splitCountsOf(samples: readonly SplitSample[]): Readonly<Record<Split, number>> {
  if (samples.every(({ split }) => split === undefined)) return splitCounts(samples.length);
  const { train, val, test } = splitSamples(samples, 0, 'name');
  return { train: train.length, val: val.length, test: test.length };
}

function draw(
  names: readonly string[],
  { train, val }: Readonly<Record<Split, number>>,
  seed: number,
  order: SplitOrder,
): SplitParts {
  const sorted = sortedByName(names, (name) => name);
  const drawn = order === 'name' ? sorted : Random.fromSeed(seed, 'split').shuffled(sorted);
  const block = (from: number, to?: number) => sortedByName(drawn.slice(from, to), (name) => name);
  return { train: block(0, train), val: block(train, train + val), test: block(train + val) };
}
