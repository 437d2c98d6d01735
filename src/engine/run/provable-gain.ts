/**
 * What gain so few objects can show, before a run is started: the gain whose error is known from earlier runs, or from
 * real sets (docs/measurements/finetune.md).
 */
import { plural } from '../../config/words.ts';
import { errorOfMean, type GainVariance, USUAL_SPREAD } from '../../train/selection.ts';

/** Mean gain of ten real sets, IoU (mean of box and click; docs/measurements/methods.md): a gain worth showing. */
export const USUAL_GAIN = 0.065;

/** What is measured of a dataset: objects of each image with at least one, and the spread of their gains. */
export interface MeasuredSet {
  readonly objects: readonly number[];
  readonly spread: number;
}

/** What the objects of a split can show; IoU. */
export interface Provable {
  readonly objects: number;
  readonly images: number;
  /** Standard error of the mean gain; null without an object. */
  readonly error: number | null;
  /** The smallest gain whose 95 % interval leaves out 0; null where the images are too few for any. */
  readonly gain: number | null;
}

/** The error of the mean gain over datasets, as a run's checks and its verdict find it, if gains spread as told. */
export function provable(sets: readonly MeasuredSet[]): Provable {
  const counted = sets.filter(({ objects }) => objects.length > 0);
  const images = counted.reduce((total, { objects }) => total + objects.length, 0);
  const all = counted.reduce((total, { objects }) => total + sum(objects), 0);
  if (counted.length === 0) return { objects: all, images, error: null, gain: null };
  const variances = counted.map(({ objects, spread }): GainVariance => {
    const own = objects.length > 1 ? spread : USUAL_SPREAD;
    return { variance: own ** 2 / sum(objects), images: objects.length };
  });
  const error = errorOfMean(variances);
  const freedom = degreesOfFreedom(variances);
  return { objects: all, images, error, gain: freedom === null ? null : error * t95(freedom) };
}

/**
 * Of the error of a mean over datasets, whose clusters are images (Welch and Satterthwaite): a dataset of few images that makes up
 * most of the error is known by these few alone, however many the others have.
 * @returns null where they tell no error: a dataset has one image, or two are all.
 */
export function degreesOfFreedom(each: readonly GainVariance[]): number | null {
  const most = sum(each.map(({ images }) => images - 1));
  if (most < 2 || each.some(({ images }) => images < 2)) return null;
  const squares = sum(each.map(({ variance, images }) => variance ** 2 / (images - 1)));
  return squares === 0 ? most : sum(each.map(({ variance }) => variance)) ** 2 / squares;
}

/** Most labelled images that are advised at once. */
const MOST = 1000;

/**
 * How many labelled images more, spread evenly over the datasets, until a gain can be shown.
 * @param share of them that come into the split. @returns null where so many would not do.
 */
export function imagesUntil(gain: number, sets: readonly MeasuredSet[], share: number): number | null {
  for (let more = 0; more <= MOST; more++) {
    const each = Math.floor((more * share) / Math.max(1, sets.length));
    const grown = sets.map(({ objects, spread }) => {
      const usual = objects.length > 0 ? sum(objects) / objects.length : 1;
      return { objects: [...objects, ...Array.from({ length: each }, () => usual)], spread };
    });
    const shown = provable(grown).gain;
    if (shown !== null && shown <= gain) return more;
  }
  return null;
}

/** Quantiles for 1, 2 and 3 degrees of freedom, where the expansion is off. */
const T95 = [12.706, 4.303, 3.182] as const;

/** The 97.5 % quantile of Student's t with n degrees of freedom, at least 1 (Cornish and Fisher's expansion from 3 on). */
export function t95(n: number): number {
  if (n <= 1) return T95[0];
  // Along 1 / n the quantile is convex: between two that are known it is at most the line.
  if (n < 2) return T95[1] + (T95[0] - T95[1]) * (2 / n - 1);
  if (n <= 3) return T95[2] + (T95[1] - T95[2]) * (6 / n - 2);
  const z = 1.959964;
  const [z3, z5, z7, z9] = [z ** 3, z ** 5, z ** 7, z ** 9];
  return (
    z +
    (z3 + z) / (4 * n) +
    (5 * z5 + 16 * z3 + 3 * z) / (96 * n ** 2) +
    (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * n ** 3) +
    (79 * z9 + 776 * z7 + 1482 * z5 - 1920 * z3 - 945 * z) / (92160 * n ** 4)
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** What the validation and test objects of a run's datasets can show. */
export interface GainOutlook {
  readonly validation: Provable;
  readonly test: Provable;
  /** For a person: what cannot be told from chance, and how many images more would do. */
  readonly sentences: readonly string[];
}

/** A dataset before a run. */
export interface OutlookSet {
  /** Objects that are measured of each image of the split. */
  readonly validation: readonly number[];
  readonly test: readonly number[];
  /** Spread of an object's gain in earlier runs on this dataset; null without any. */
  readonly spread: number | null;
}

/** @param testShare of further labelled images that come to the test. */
export function gainOutlook(sets: readonly OutlookSet[], testShare: number): GainOutlook {
  const of = (part: 'validation' | 'test'): MeasuredSet[] =>
    sets.map((set) => ({ objects: set[part], spread: set.spread ?? USUAL_SPREAD }));
  const validation = provable(of('validation'));
  const test = provable(of('test'));
  const source = sets.every(({ spread }) => spread !== null)
    ? 'Reckoned by how gains differed between objects in earlier runs on these images.'
    : 'Reckoned by how gains differed between objects in eight real sets; after a run, in your own images.';
  const sentences = [keptSentence(validation), shownSentence(test, of('test'), testShare)];
  return { validation, test, sentences: sets.length === 0 ? [] : [...sentences, source] };
}

function keptSentence({ objects, error }: Provable): string {
  if (error === null)
    return 'There is no validation object, so the last weights are kept, better or not. Label more images.';
  return `With ${plural(objects, 'validation object')}, a gain below ${gainText(error)} IoU is not told from chance: the run then keeps the base model.`;
}

function shownSentence(
  { objects, images, gain }: Provable,
  sets: readonly MeasuredSet[],
  share: number,
): string {
  const more = imagesUntil(USUAL_GAIN, sets, share);
  const perImage = objects / Math.max(1, sets.flatMap((set) => set.objects).length);
  const advice =
    more === null || more === 0
      ? ''
      : ` To show ${gainText(USUAL_GAIN)}, as ten real sets gained in the mean, label about ${plural(Math.max(1, Math.round(more * perImage)), 'more object')} (${plural(more, 'image')}).`;
  if (objects === 0) return 'There is no test object, so the run will have no verdict. Label more images.';
  if (gain === null || gain > 1)
    return `With ${plural(objects, 'test object')} in ${plural(images, 'image')}, the verdict cannot show any gain.${advice}`;
  return `With ${plural(objects, 'test object')}, the verdict can show a gain of ${gainText(gain)} or more.${advice}`;
}

const gainText = (gain: number): string => gain.toFixed(gain < 0.02 ? 3 : 2);

/** What a verdict says of a dataset's gain, with its 95 % interval. */
export interface GainInterval {
  readonly gainLow: number;
  readonly gainHigh: number;
  readonly n: number;
  readonly images: number;
}

/** Fewer tested images say little of a spread. */
const LEAST_IMAGES = 4;

/**
 * The spread that earlier runs showed: root of the mean square over their tests. A run that kept the base model has none.
 * @param tests of one dataset, by box and click. @returns null without a test that says something.
 */
export function spreadOf(
  tests: readonly { readonly box: GainInterval; readonly click: GainInterval }[],
): number | null {
  const squares = tests.flatMap(({ box, click }) => {
    const width = (box.gainHigh - box.gainLow + (click.gainHigh - click.gainLow)) / 2;
    return box.images >= LEAST_IMAGES && width > 0 ? [(width / (2 * t95(box.images - 1))) ** 2 * box.n] : [];
  });
  return squares.length === 0 ? null : Math.sqrt(sum(squares) / squares.length);
}
