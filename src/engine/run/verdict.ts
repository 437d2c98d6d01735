/** What a run brought: tuned against base on test images that took no part in training, in numbers and one sentence. */
import * as v from 'valibot';
import type { ImageScore } from '../../train/evaluate.ts';
import { errorOfMean, gainVariances } from '../../train/selection.ts';
import { degreesOfFreedom, t95, USUAL_GAIN } from './provable-gain.ts';

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

/** How one prompt kind did, IoU in 0..1. */
export interface VerdictMeasure {
  readonly base: number;
  readonly tuned: number;
  /**
   * 95 % interval of the mean gain (tuned − base): Student's t, clustered by image; −1 to 1 where the images are too few
   * to tell anything. Earlier versions resampled images.
   */
  readonly gainLow: number;
  readonly gainHigh: number;
  /** Objects. */
  readonly n: number;
  readonly images: number;
}

export interface Verdict {
  /** Means over datasets, so that a large dataset does not drown a small one. */
  readonly box: VerdictMeasure;
  readonly click: VerdictMeasure;
  /** Of the mean of box and click of each object; absent in verdicts of earlier versions. */
  readonly both?: VerdictMeasure;
  readonly perDataset: readonly {
    readonly datasetId: string;
    readonly name: string;
    readonly box: VerdictMeasure;
    readonly click: VerdictMeasure;
  }[];
  readonly sentence: string;
  readonly suggestion: string;
  /** Against the run before, on the images that both were tested on; absent without one. */
  readonly before?: Comparison;
}

/** One run (`tuned`) against an earlier one (`base`). */
export interface Comparison {
  readonly name: string;
  readonly box: VerdictMeasure;
  readonly click: VerdictMeasure;
  /** Absent in verdicts of earlier versions. */
  readonly both?: VerdictMeasure;
  readonly sentence: string;
}

const MeasureSchema = v.object({
  base: v.number(),
  tuned: v.number(),
  gainLow: v.number(),
  gainHigh: v.number(),
  n: v.number(),
  images: v.number(),
});
/** `verdict.json`. */
export const VerdictSchema = v.object({
  box: MeasureSchema,
  click: MeasureSchema,
  both: v.exactOptional(MeasureSchema),
  perDataset: v.array(
    v.object({ datasetId: v.string(), name: v.string(), box: MeasureSchema, click: MeasureSchema }),
  ),
  sentence: v.string(),
  suggestion: v.string(),
  before: v.exactOptional(
    v.object({
      name: v.string(),
      box: MeasureSchema,
      click: MeasureSchema,
      both: v.exactOptional(MeasureSchema),
      sentence: v.string(),
    }),
  ),
});
/** What the suggestion looks at besides the numbers. */
export interface VerdictContext {
  readonly trainImages: number;
  /** Steps done. */
  readonly steps: number;
  readonly bestStep: number | null;
  /** Of the validation; null without an object. */
  readonly validation: {
    readonly objects: number;
    /** IoU of the base model, mean of box and click; null where it was not measured. */
    readonly base: number | null;
    /** The best that a check found, IoU; null where nothing was checked. */
    readonly bestGain: number | null;
  } | null;
  /** Modules and their parameters that are left of those it began with, where it kept a share; absent otherwise. */
  readonly modules?: {
    readonly left: number;
    readonly of: number;
    readonly parameters: number;
    readonly ofParameters: number;
  };
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
    sentence: context.bestStep === 0 ? keptSentence(box, click, context) : sentence(box, click, context),
    suggestion: [suggestion(box, click, perDataset, context), worseImages(counted)].filter(Boolean).join(' '),
  };
}

/** @param datasets pairs of the earlier run (`base`) and this one. @returns null without an object that both were tested on. */
export function compareRuns(name: string, datasets: readonly DatasetPairs[]): Comparison | null {
  const counted = datasets
    .map((dataset) => ({ ...dataset, images: dataset.images.filter(({ base }) => base.box.length > 0) }))
    .filter(({ images }) => images.length > 0);
  if (counted.length === 0) return null;
  const [box, click] = [measure(counted, 'box'), measure(counted, 'click')];
  const on = `on ${count(box.images, 'test image')} that both runs left out`;
  // Two runs that kept the base model, for instance.
  const isSame = [box, click].every(({ gainLow, gainHigh }) => gainLow === 0 && gainHigh === 0);
  const found = isSame ? 'the same' : `${change(box)} by box and ${change(click)} by click`;
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

function sentence(
  box: VerdictMeasure,
  click: VerdictMeasure,
  { validation, modules }: VerdictContext,
): string {
  // Nothing else would say that no better weights were looked for, nor the base model kept.
  const unchecked = validation
    ? ''
    : 'Without a validation object the last weights were kept, better or not. ';
  return unchecked + testSentence(box, click) + (modules ? ` ${leftSentence(modules)}` : '');
}

function leftSentence({
  left,
  of,
  parameters,
  ofParameters,
}: NonNullable<VerdictContext['modules']>): string {
  return `${left} of ${count(of, 'module')} ${left === 1 ? 'is' : 'are'} left, with ${Math.round((100 * parameters) / ofParameters)} % of their parameters.`;
}

function testSentence(box: VerdictMeasure, click: VerdictMeasure): string {
  if (box.n === 0) return 'There is no object on the test images, so nothing can be said about the gain.';
  const tested = `on ${count(box.images, 'test image')} with ${count(box.n, 'object')}`;
  return `${capital(change(box))} by box and ${change(click)} by click, ${tested}.`;
}

/** Says first that nothing was taken over, and why. */
function keptSentence(
  box: VerdictMeasure,
  click: VerdictMeasure,
  { validation, modules }: VerdictContext,
): string {
  const { bestGain = null, objects = 0 } = validation ?? {};
  const on = `on ${count(objects, 'validation object')}`;
  const why =
    bestGain === null
      ? modules
        ? 'the run ended before it was settled which modules are left'
        : 'nothing was checked after the first step'
      : bestGain > 0
        ? `the best check gained ${signed(bestGain, 3)} IoU ${on}, which is within its error`
        : `no check was better than it ${on}`;
  const measured =
    box.n === 0
      ? ''
      : ` It has IoU ${box.base.toFixed(2)} by box and ${click.base.toFixed(2)} by click on ${count(box.images, 'test image')}.`;
  return `The base model was kept: ${why}.${measured}`;
}

/** A change of an image's mean IoU that a person sees. */
const SEEN = 0.02;

/** How many test images got worse, and which most; empty where none did. */
function worseImages(datasets: readonly DatasetPairs[]): string {
  const changes = datasets.flatMap(({ images }) =>
    images.map(({ name, base, tuned }) => ({
      name,
      change: (mean(tuned.box) + mean(tuned.click) - mean(base.box) - mean(base.click)) / 2,
    })),
  );
  const worse = changes.filter(({ change }) => change < -SEEN).sort((a, b) => a.change - b.change);
  const [most] = worse;
  if (!most) return '';
  const which = `${most.name} (${signed(most.change, 2)})`;
  const are =
    worse.length === 1
      ? 'is worse than with the base model:'
      : 'are worse than with the base model, most of all';
  return `${worse.length} of ${count(changes.length, 'test image')} ${are} ${which}. Label more images like it.`;
}

/** "better: IoU 0.61 → 0.72 (+0.11, 95 % between +0.08 and +0.14)"; an interval that holds 0 is called unclear. */
function change(measured: VerdictMeasure): string {
  const { base, tuned, gainLow, gainHigh } = measured;
  const verb = gainLow > 0 ? 'better' : gainHigh < 0 ? 'worse' : 'no clear change';
  const gain = tuned - base;
  // With two digits a small gain, or one that is hardly told, would read "better, between 0.00 and +0.01".
  const isFine = Math.abs(gain) < 0.02 || [gainLow, gainHigh].some((end) => Math.abs(end) < 0.005);
  const digits = isFine ? 3 : 2;
  const from = `IoU ${base.toFixed(digits)} → ${tuned.toFixed(digits)}`;
  if (saysNothing(measured)) {
    const few = measured.images > 2 ? 'so few images of a dataset' : count(measured.images, 'image');
    return `${from} (${signed(gain, digits)}, which ${few} cannot tell from chance)`;
  }
  const [low, high] = [signed(gainLow, digits), signed(gainHigh, digits)];
  return `${verb}: ${from} (${signed(gain, digits)}, 95 % between ${low} and ${high})`;
}

const saysNothing = ({ gainLow, gainHigh }: Pick<VerdictMeasure, 'gainLow' | 'gainHigh'>): boolean =>
  gainLow === -1 && gainHigh === 1;

/** "+0.081 to +0.162", or that there is no interval. @param signed writes a gain. */
export function intervalText(
  interval: Pick<VerdictMeasure, 'gainLow' | 'gainHigh'>,
  signed: (gain: number) => string,
): string {
  return saysNothing(interval)
    ? 'too few images'
    : `${signed(interval.gainLow)} to ${signed(interval.gainHigh)}`;
}

function suggestion(
  box: VerdictMeasure,
  click: VerdictMeasure,
  perDataset: Verdict['perDataset'],
  context: VerdictContext,
): string {
  if (box.n === 0) return 'Add masks: a quarter of the labelled images is kept for the test.';
  if (context.bestStep === 0) return keptAdvice(context);
  const worst = [...perDataset].sort((a, b) => a.click.tuned + a.box.tuned - b.click.tuned - b.box.tuned)[0];
  const isWorse = box.gainHigh < 0 || click.gainHigh < 0;
  const isBetter = box.gainLow > 0 || click.gainLow > 0;
  const stillRising = context.bestStep !== null && context.bestStep >= 0.9 * context.steps;
  if (saysNothing(box)) return tooFew(perDataset);
  if (isWorse && !isBetter)
    return 'The base model is better here: lower the learning rates, or label more images before training again.';
  if (context.validation === null)
    return 'Label more images, so that validation has objects to choose the weights by.';
  if (stillRising) return 'The best weights are among the last: train again with more steps.';
  if (box.images < 5) return onlyFew(box.images);
  if (!isBetter) return 'Train again with more steps or higher learning rates, or label more images first.';
  if (worst && perDataset.length > 1)
    return `${worst.name} is the weakest dataset: label more of its images, with the tuned model in Segment.`;
  if (click.tuned < box.tuned - 0.15)
    return 'Boxes work much better than single clicks here: prefer boxes, or add a second click in Segment.';
  return `Label more than the ${count(context.trainImages, 'training image')} used here, with the tuned model in Segment, and train again.`;
}

/** Advice where no interval could be told: more images of the dataset that has fewest. */
function tooFew(perDataset: Verdict['perDataset']): string {
  const [fewest] = [...perDataset].sort((a, b) => a.box.images - b.box.images);
  const images = fewest?.box.images ?? 0;
  return perDataset.length > 1
    ? `${fewest?.name} has only ${count(images, 'test image')}: label more of its images, to be sure of the gain.`
    : onlyFew(images);
}

const onlyFew = (images: number): string =>
  `Only ${count(images, 'test image')}: label more images, both to train and to be sure of the gain.`;

/** What would help, by the figures. */
function keptAdvice({ validation, trainImages }: VerdictContext): string {
  const { objects = 0, base = null, bestGain = null } = validation ?? {};
  if (base !== null && base > 1 - USUAL_GAIN)
    return `On the validation objects the base model has IoU ${base.toFixed(2)} already, so they can show no gain: label images in which it is wrong, and correct its masks where they were accepted as they are.`;
  const few = `${count(objects, 'validation object')} and ${count(trainImages, 'training image')}`;
  if (bestGain !== null && bestGain > 0)
    return `There may be a gain that so few objects do not show (${few}): label more images, then train again.`;
  if (bestGain !== null && bestGain < -USUAL_GAIN)
    return `Every check was worse than the base model, by ${(-bestGain).toFixed(2)} IoU or more: train again with lower learning rates.`;
  return trainImages < MANY_IMAGES
    ? `Label more images (there are ${few}), then train again.`
    : 'Train again with more steps or half the learning rate; where the base model is good already, nothing may be left to gain.';
}

/** With as many training images, more of them are not the first thing to try. */
const MANY_IMAGES = 30;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => (values.length === 0 ? 0 : sum(values) / values.length);
/** A gain with its sign, and without one when it rounds to nothing. */
function signed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? text : `${value < 0 ? '−' : '+'}${text}`;
}
const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
