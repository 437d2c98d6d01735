/** What a search goes by: settings, and what is learnt of labelled images. */
import { Failure } from '../config/failure.ts';
import { type FindSettings, findDefaults } from '../config/find.ts';
import { plural } from '../config/words.ts';
import { type Dataset, type DatasetSample, isLabelled, loadSample } from '../data/dataset.ts';
import { valueOrThrow } from '../data/outcome.ts';
import { calibrated, leastKnown } from '../engine/find/calibrate.ts';
import { evenly } from '../engine/find/find-dataset.ts';
import type { Finder } from '../engine/find/finder.ts';
import type { Likeness } from '../engine/find/likeness.ts';
import type { OpenModel } from '../engine/model.ts';
import type { Tuning } from '../engine/tuning.ts';
import { sha256 } from '../sam/checkpoint/hash.ts';

/** Labelled images by which thresholds are chosen, at most. */
export const TAUGHT = 12;

export interface FindRules {
  readonly settings: FindSettings;
  /** What tells likeness, where the settings ask for it. */
  readonly likeness: Likeness | null;
}

/** What a search is made to suit. */
interface Suited {
  readonly finder: Finder;
  readonly model: OpenModel;
  readonly tuning: Pick<Tuning, 'preprocessing'> | null;
  readonly onProgress: (done: number, total: number) => void;
  /** Tells a person what was chosen. */
  readonly say: (sentence: string) => void;
}

/**
 * A dataset without the images whose files are the same, byte for byte, as those of some samples, wherever they lie and
 * whatever they are called.
 */
export async function withoutImages(dataset: Dataset, taken: readonly DatasetSample[]): Promise<Dataset> {
  const sizes = new Set(taken.map(({ image }) => image.size));
  const hashOf = async ({ image }: DatasetSample) => sha256(await image.bytes());
  const hashes = new Set(await Promise.all(taken.map(hashOf)));
  const samples: DatasetSample[] = [];
  for (const sample of dataset.samples) {
    const { size } = sample.image;
    // Files of other sizes need not be read; 0 is a size that is not known.
    const mayBe = size === 0 || sizes.has(0) || sizes.has(size);
    if (!mayBe || !hashes.has(await hashOf(sample))) samples.push(sample);
  }
  return { ...dataset, samples };
}

/**
 * The model's settings, or those that suit the labelled images of a dataset, with what is learnt of them, which is said.
 * @param teacher null where no images shall choose.
 * @param given settings that count whatever suits.
 * @throws Failure `find/no-objects`, `find/no-likeness`.
 */
export async function rulesFrom(
  teacher: Dataset | null,
  given: Partial<FindSettings>,
  { finder, model, tuning, onProgress, say }: Suited,
): Promise<FindRules> {
  const settings = { ...findDefaults(model.hash), ...given };
  if (!teacher) return { settings, likeness: null };
  const { name, samples, scale = 'whole' } = teacher;
  const chosen = await calibrated(
    finder,
    evenly(samples.filter(isLabelled), TAUGHT).map(
      (sample) => async () => valueOrThrow(await loadSample(sample)),
    ),
    { settings, scale, learns: given.likeness !== 0 },
    (sample) => leastKnown(sample, scale, model, tuning),
    { onProgress },
  );
  if (!chosen)
    throw new Failure({
      code: 'find/no-objects',
      what: 'No image has a labelled object by which thresholds could be chosen.',
      where: name,
      cure: 'Name a folder of images with masks, or leave out --thresholds-from.',
    });
  const { images, settings: suited, after } = chosen.calibration;
  const { iou, stability, likeness, nesting, minArea, maxArea } = suited;
  const by = likeness > 0 ? `--likeness ${likeness}` : `--iou ${iou} --stability ${stability}`;
  say(
    `${name}: by ${plural(images, 'labelled image')} ${by} --nesting ${nesting} --min-area ${minArea} --max-area ${maxArea}, which find ${after.right} of ${plural(after.objects, 'object')} and ${after.found - after.right} too many`,
  );
  const rules = { ...suited, ...given };
  if (rules.likeness === 0) return { settings: rules, likeness: null };
  if (chosen.likeness) return { settings: rules, likeness: chosen.likeness };
  throw new Failure({
    code: 'find/no-likeness',
    what: 'No two labelled images show what is looked for.',
    where: name,
    cure: 'Label more images, or leave out --likeness.',
  });
}
