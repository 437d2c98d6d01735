/** Thresholds for a model with its adapter, by images whose objects are known. */
import type { FindSettings, FindThresholds } from '../../config/find.ts';
import { TRAIN_FIELDS } from '../../config/train.ts';
import { seenSize } from '../../data/crops.ts';
import type { LoadedSample } from '../../data/dataset.ts';
import { leastArea } from '../../data/object-sizes.ts';
import type { Scale } from '../../data/types.ts';
import type { OpenModel } from '../model.ts';
import type { Tuning } from '../tuning.ts';
import { type Finder, previewFloors } from './finder.ts';
import { chosenThresholds, countFound, type FindCounts, type KnownImage } from './thresholds.ts';
import { comparison } from './truth.ts';

/** Thresholds that find most of the known objects with the fewest others. */
export interface Calibration {
  readonly settings: FindSettings;
  /** Images whose objects are known, and what is found there as it was asked and by these settings. */
  readonly images: number;
  readonly before: FindCounts;
  readonly after: FindCounts;
}

export interface CalibrationHooks {
  /** Images that are done. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Searches images whose objects are known and chooses by them.
 * @param samples decoded one after the other.
 * @param least pixels under which an object of an image is too small to count, see {@link leastKnown}.
 * @returns null where no object is known.
 */
export async function calibrated(
  finder: Finder,
  samples: readonly (() => Promise<LoadedSample>)[],
  { settings, scale }: { readonly settings: FindSettings; readonly scale: Scale },
  least: (sample: LoadedSample) => number,
  { onProgress, signal }: CalibrationHooks = {},
): Promise<Calibration | null> {
  const images: KnownImage[] = [];
  for (const load of samples) {
    onProgress?.(images.length, samples.length);
    const sample = await load();
    const request = { sampling: settings, scale, floors: previewFloors(settings) };
    const proposals = await finder.propose(sample.image, request, signal && { signal });
    const { truth, ignored } = comparison(sample, [], least(sample));
    const { width, height } = sample.image;
    images.push({ proposals, truth, ignored, width, height });
  }
  const thresholds = thresholdsOf(settings);
  const chosen = await chosenThresholds(images, thresholds, async () => {
    signal?.throwIfAborted();
    await new Promise<void>((resume) => setTimeout(resume));
  });
  return (
    chosen && {
      settings: { ...settings, ...chosen.thresholds },
      images: images.length,
      before: countFound(images, thresholds),
      after: chosen.counts,
    }
  );
}

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
