/** What is found with a model and its adapter is made to suit images whose objects are known. */
import type { FindSettings, FindThresholds } from '../../config/find.ts';
import { TRAIN_FIELDS } from '../../config/train.ts';
import { seenSize } from '../../data/crops.ts';
import type { LoadedSample } from '../../data/dataset.ts';
import { leastArea } from '../../data/object-sizes.ts';
import type { Scale } from '../../data/types.ts';
import type { OpenModel } from '../model.ts';
import type { Tuning } from '../tuning.ts';
import { type Finder, previewFloors, withinImage } from './finder.ts';
import { type LearntLikeness, Likeness, type LikenessExample } from './likeness.ts';
import { boxIou, type Proposal, withoutDuplicates } from './select.ts';
import {
  bestMatch,
  chosenThresholds,
  countFound,
  type FindCounts,
  f1Of,
  isIgnored,
  type KnownImage,
} from './thresholds.ts';
import { comparison } from './truth.ts';

/** Thresholds that find most of the known objects with the fewest others. */
export interface Calibration {
  readonly settings: FindSettings;
  /** Images whose objects are known, and what is found there as it was asked and by these settings. */
  readonly images: number;
  readonly before: FindCounts;
  readonly after: FindCounts;
}

export interface Calibrated {
  readonly calibration: Calibration;
  /** What tells how much answers are like the known objects; null where that cannot be learnt. */
  readonly likeness: Likeness | null;
}

export interface CalibrationRequest {
  readonly settings: FindSettings;
  readonly scale: Scale;
  /** Whether likeness may be chosen; else thresholds of what the model itself thinks. */
  readonly learns?: boolean;
}

export interface CalibrationHooks {
  /** Images that are done, and a share of the one that is searched. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Searches images whose objects are known and chooses by them: thresholds of what the model itself thinks of its answers, or
 * how much these are like the known objects, whichever finds more of them. The counts of likeness are those of images that
 * it was not learnt from.
 * @param samples decoded one after the other.
 * @param least pixels under which an object of an image is too small to count, see {@link leastKnown}.
 * @returns null where no object is known.
 */
export async function calibrated(
  finder: Finder,
  samples: readonly (() => Promise<LoadedSample>)[],
  request: CalibrationRequest,
  least: (sample: LoadedSample) => number,
  hooks: CalibrationHooks = {},
): Promise<Calibrated | null> {
  const { settings, learns = true } = request;
  const { images, examples } = await searched(finder, samples, request, least, hooks);
  const settle = settler(hooks);
  const thresholds = thresholdsOf(settings);
  const own = await chosenThresholds(images, thresholds, null, settle);
  if (!own) return null;
  const learnt = learns ? await Likeness.learn(examples, settle) : null;
  const told = learnt && toldApart(images, examples, learnt);
  const alike = told && (await chosenThresholds(told, thresholds, previewFloors(settings), settle));
  const chosen = alike && f1Of(alike.counts) > f1Of(own.counts) ? alike : own;
  const asked = told && thresholds.likeness > 0 ? told : images;
  return {
    calibration: {
      settings: { ...settings, ...chosen.thresholds },
      images: images.length,
      before: countFound(asked, thresholds),
      after: chosen.counts,
    },
    likeness: learnt?.likeness ?? null,
  };
}

/** What {@link calibrated} learns, where the thresholds are chosen already; null where nothing can be learnt. */
export async function learntLikeness(...asked: Parameters<typeof calibrated>): Promise<Likeness | null> {
  const { examples } = await searched(...asked);
  const learnt = await Likeness.learn(examples, settler(asked[4]));
  return learnt?.likeness ?? null;
}

/** Gives others the thread between two pieces of work. */
const settler =
  ({ signal }: CalibrationHooks = {}) =>
  async (): Promise<void> => {
    signal?.throwIfAborted();
    await new Promise<void>((resume) => setTimeout(resume));
  };

/** What the model answers on images whose objects are known, and what likeness is learnt from. */
async function searched(
  finder: Finder,
  samples: readonly (() => Promise<LoadedSample>)[],
  { settings, scale, learns = true }: CalibrationRequest,
  least: (sample: LoadedSample) => number,
  { onProgress, signal }: CalibrationHooks = {},
): Promise<{ readonly images: readonly KnownImage[]; readonly examples: readonly LikenessExample[][] }> {
  const images: KnownImage[] = [];
  const examples: LikenessExample[][] = [];
  const floors = previewFloors(settings);
  for (const load of samples) {
    onProgress?.(images.length, samples.length);
    const sample = await load();
    const request = { sampling: settings, scale, floors, describes: learns };
    const proposals = await finder.propose(sample.image, request, {
      onProgress: withinImage(images.length, samples.length, onProgress),
      ...(signal && { signal }),
    });
    const { truth, ignored } = comparison(sample, [], least(sample));
    const { width, height } = sample.image;
    const image = { proposals: proposals.map(withoutFeature), truth, ignored, width, height };
    images.push(image);
    examples.push(examplesOf(distinct(proposals), image));
  }
  onProgress?.(images.length, samples.length);
  return { images, examples };
}

/** Boxes of one crop that are nearly the same show the same: the surest answer speaks for them. */
const SAME_BOX = 0.9;

function distinct(proposals: readonly Proposal[]): Proposal[] {
  return [...new Set(proposals.map(({ crop }) => crop))].flatMap((number) =>
    withoutDuplicates(
      proposals.filter(({ crop }) => crop === number),
      ({ predictedIou }) => predictedIou,
      boxIou,
      SAME_BOX,
    ),
  );
}

/** A thousand answers with their features would fill the memory. */
const withoutFeature = ({ feature: _, ...proposal }: Proposal): Proposal => proposal;

/** IoU below which it does not matter how wrong an answer is. */
const LEAST_IOU = 0.3;

const examplesOf = (proposals: readonly Proposal[], image: KnownImage): LikenessExample[] =>
  proposals.flatMap((proposal) => {
    const { feature } = proposal;
    if (!feature || isIgnored(proposal, image)) return [];
    return [{ proposal: { ...proposal, feature }, iou: bestMatch(proposal, image.truth, LEAST_IOU).iou }];
  });

/** Each image's distinct answers with the likeness that the other images tell. */
const toldApart = (
  images: readonly KnownImage[],
  examples: readonly (readonly LikenessExample[])[],
  { apart }: LearntLikeness,
): KnownImage[] =>
  images.map((image, k) => ({
    ...image,
    proposals: (examples[k] ?? []).map(({ proposal }, i) => ({
      ...proposal,
      likeness: apart[k]?.[i] ?? 0,
    })),
  }));

export const thresholdsOf = ({
  pointsPerSide: _,
  cropLayers: __,
  ...thresholds
}: FindSettings): FindThresholds => thresholds;

/** Pixels under which an object is too small to be found, as for training. */
export function leastKnown(
  { image }: Pick<LoadedSample, 'image'>,
  scale: Scale,
  { config }: Pick<OpenModel, 'config'>,
  tuning: Pick<Tuning, 'preprocessing'> | null,
): number {
  const view = { size: config.imageSize, aspect: (tuning ?? config).preprocessing.aspect };
  return leastArea({ minSize: TRAIN_FIELDS.minSize.default, minArea: 0 }, seenSize(image, scale), view);
}
