/** What a run brought: tuned against base on test images that took no part in training. */
import { plural } from '../../config/words.ts';
import type { ImageScore } from '../../train/evaluate.ts';
import { errorOfMean, gainVariances } from '../../train/selection.ts';
import { degreesOfFreedom, t95 } from './provable-gain.ts';
import type { VerdictContext } from './verdict-context.ts';
import type { Comparison, Verdict, VerdictMeasure } from './verdict-file.ts';
import { changeText, suggestion, verdictSentence, type WorseImage, worseText } from './verdict-words.ts';

/** IoUs of one image's objects, in the same order for both models. */
export interface PairedImage {
  readonly name: string;
  readonly base: ImageIous;
  readonly tuned: ImageIous;
}

export interface ImageIous {
  readonly box: readonly number[];
  readonly click: readonly number[];
}

export interface DatasetPairs {
  readonly id: string;
  readonly name: string;
  readonly images: readonly PairedImage[];
}

/** What is measured of an image's objects: one prompt, or the mean of the two. */
type Measured = 'box' | 'click' | 'both';

/** A dataset's scores by two models, image by image. */
export function pairScores(
  base: readonly ImageScore[],
  tuned: readonly ImageScore[],
): DatasetPairs['images'] {
  const iousOf = ({ objects }: ImageScore) => ({
    box: objects.map(({ boxIou }) => boxIou),
    click: objects.map(({ clickIou }) => clickIou),
  });
  return tuned.flatMap((image) => {
    const same = base.find(({ name }) => name === image.name);
    return same ? [{ name: image.name, base: iousOf(same), tuned: iousOf(image) }] : [];
  });
}

/** Images without objects count for nothing; a dataset without any object on its test images is left out of the means. */
export function computeVerdict(datasets: readonly DatasetPairs[], context: VerdictContext): Verdict {
  const counted = datasets
    .map((dataset) => ({ ...dataset, images: dataset.images.filter((image) => image.base.box.length > 0) }))
    .filter((dataset) => dataset.images.length > 0);
  const box = measure(counted, 'box');
  const click = measure(counted, 'click');
  const perDataset = counted.map((dataset) => ({
    datasetId: dataset.id,
    name: dataset.name,
    box: measure([dataset], 'box'),
    click: measure([dataset], 'click'),
  }));
  return {
    box,
    click,
    both: measure(counted, 'both'),
    perDataset,
    sentence: verdictSentence(box, click, context),
    suggestion: [suggestion(box, click, perDataset, context), worseText(worseImages(counted), box.images)]
      .filter(Boolean)
      .join(' '),
  };
}

/** @param datasets pairs of the earlier run (`base`) and this one. @returns null without an object that both were tested on. */
export function compareRuns(name: string, datasets: readonly DatasetPairs[]): Comparison | null {
  const counted = datasets
    .map((dataset) => ({ ...dataset, images: dataset.images.filter(({ base }) => base.box.length > 0) }))
    .filter(({ images }) => images.length > 0);
  if (counted.length === 0) return null;
  const [box, click] = [measure(counted, 'box'), measure(counted, 'click')];
  const on = `on ${plural(box.images, 'test image')} that both runs left out`;
  // Two runs that kept the base model, for instance.
  const isSame = [box, click].every(({ gainLow, gainHigh }) => gainLow === 0 && gainHigh === 0);
  const found = isSame ? 'the same' : `${changeText(box)} by box and ${changeText(click)} by click`;
  return { name, box, click, both: measure(counted, 'both'), sentence: `Against ${name}: ${found}, ${on}.` };
}

/** IoUs of an image's objects. */
function iousOf({ box, click }: ImageIous, measured: Measured): readonly number[] {
  return measured === 'both'
    ? box.map((value, i) => (value + (click[i] ?? 0)) / 2)
    : measured === 'box'
      ? box
      : click;
}

function measure(datasets: readonly DatasetPairs[], measured: Measured): VerdictMeasure {
  const means = (pick: (image: PairedImage) => readonly number[]): number =>
    mean(datasets.map((dataset) => mean(dataset.images.flatMap((image) => [...pick(image)]))));
  const [gainLow, gainHigh] = interval(datasets, measured);
  const images = datasets.reduce((sum, dataset) => sum + dataset.images.length, 0);
  const n = datasets.reduce(
    (sum, dataset) => sum + dataset.images.reduce((objects, image) => objects + image.tuned.box.length, 0),
    0,
  );
  return {
    base: means((i) => iousOf(i.base, measured)),
    tuned: means((i) => iousOf(i.tuned, measured)),
    gainLow,
    gainHigh,
    n,
    images,
  };
}

/** Student's t around the mean gain, with whole images as clusters: the objects of one image are alike. */
function interval(
  datasets: readonly DatasetPairs[],
  measured: Measured,
): readonly [low: number, high: number] {
  const [base, tuned] = (['base', 'tuned'] as const).map((side) =>
    datasets.map(({ id, images }) => ({
      key: id,
      images: images.map((image) => {
        const ious = iousOf(image[side], measured);
        return { name: image.name, sum: sum(ious), n: ious.length };
      }),
    })),
  );
  if (!base || !tuned) return [0, 0];
  const gains = tuned.map(({ images }, d) =>
    images.map((image, i) => image.sum - (base[d]?.images[i]?.sum ?? 0)),
  );
  if (gains.flat().every((gain) => gain === 0)) return [0, 0];
  const variances = gainVariances(base, tuned);
  const freedom = degreesOfFreedom(variances);
  if (freedom === null) return [-1, 1];
  const gain = mean(gains.map((images, d) => sum(images) / sum((tuned[d]?.images ?? []).map(({ n }) => n))));
  const half = t95(freedom) * errorOfMean(variances);
  return [Math.max(-1, gain - half), Math.min(1, gain + half)];
}

/** A change of an image's mean IoU that a person sees. */
const SEEN = 0.02;

/** Test images that got worse, the worst first. */
function worseImages(datasets: readonly DatasetPairs[]): WorseImage[] {
  return datasets
    .flatMap(({ images }) =>
      images.map(({ name, base, tuned }) => ({
        name,
        change: mean(iousOf(tuned, 'both')) - mean(iousOf(base, 'both')),
      })),
    )
    .filter(({ change }) => change < -SEEN)
    .sort((a, b) => a.change - b.change);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => (values.length === 0 ? 0 : sum(values) / values.length);
