import type { Random } from '../config/random.ts';
import { lowResOf, type SamConfig } from '../config/sam.ts';
import type { TrainConfig } from '../config/train.ts';
import { drawVariant, type ObjectCrops, repeatedVariant } from '../data/augment.ts';
import { seenSize } from '../data/crops.ts';
import type { Labelling } from '../data/dataset.ts';
import { type LabelRuns, labelsOfRuns, runsOf } from '../data/label-runs.ts';
import { ignoredCells, lowResTarget } from '../data/low-res-target.ts';
import { leastArea } from '../data/object-sizes.ts';
import type { ObjectRule } from '../data/objects.ts';
import { type ImageTransform, preprocessView } from '../data/preprocess.ts';
import type { ObjectRegion, RgbImage } from '../data/types.ts';
import { sizeOfView, wholeView } from '../data/view.ts';
import { findViewObjects, type ViewObjects, type ViewRuns, viewRuns } from '../data/view-objects.ts';
import type { ObjectPrompt } from '../sam/prompts.ts';
import { boxPrompt, clickPrompt, type FirstPrompt, firstPrompts, jitteredBox } from './prompts.ts';

/** One object of a prepared image. */
export interface PreparedObject {
  /** [side, side] of 0 and 1 at the low-res grid, and of -1 where a cell takes no part. */
  readonly target: Float32Array;
  /** The first prompt; all objects of an image have prompts of one shape. */
  readonly prompt: ObjectPrompt;
}

/** An image ready for a step. */
export interface PreparedImage {
  /** Normalised and padded, [3, S, S]. */
  readonly input: Float32Array;
  readonly transform: ImageTransform;
  /** The same for the same input; absent where the view of the image hardly comes again. */
  readonly key?: string;
  /** Index of its dataset among those of the run. */
  readonly dataset: number;
  /** At least one. */
  readonly objects: readonly PreparedObject[];
}

/** The random numbers of a run's data, each use with a stream of its own. */
export interface DataRandom {
  readonly augment: Random;
  readonly prompts: Random;
}

/** An image as it was drawn for a step. */
export interface Preparation {
  /** Null when it has no object to train on. */
  readonly image: PreparedImage | null;
  /** Objects that are too small or thin for the low-res grid. */
  readonly vanished: number;
  /** First prompts used so far; the next image continues from there. */
  readonly promptCount: number;
}

/** What images are prepared from, kept between steps. */
export interface TrainingSource {
  readonly image: RgbImage;
  /** Of all values of the image, 0–255. */
  readonly mean: number;
  readonly labels: LabelRuns;
  /** How objects are told apart in `labels`. */
  readonly rule: ObjectRule;
  /** Class of every pixel; the same as `labels` where one file says both. */
  readonly classes: LabelRuns;
  /** Crops around objects in which the image is seen; null: it is seen whole. */
  readonly crops: ObjectCrops | null;
}

/**
 * What images are prepared from of a decoded and labelled one.
 * @param cropSide pixels of the crops in which it is seen; null: it is seen whole.
 */
export function trainingSource(
  image: RgbImage,
  { labelMap, classMap, rule }: Pick<Labelling, 'labelMap' | 'classMap' | 'rule'>,
  cropSide: number | null = null,
): TrainingSource {
  const labels = runsOf(labelMap);
  const classes = classMap.data === labelMap.data ? labels : runsOf(classMap);
  const crops = cropSide === null ? null : objectCropsIn(labels, rule, cropSide);
  return { image, mean: meanOf(image.data), labels, rule, classes, crops };
}

/** Whether its labels hold any object, of whatever size. */
export function hasObject({ labels }: Pick<TrainingSource, 'labels'>): boolean {
  return labelsOfRuns(labels).length > 0;
}

function objectCropsIn(labels: LabelRuns, rule: ObjectRule, side: number): ObjectCrops {
  return { side, objects: findViewObjects(labels, rule, wholeView(labels), 0).regions };
}

function meanOf(values: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum / values.length;
}

/**
 * Draws a variant of an image, and objects and first prompts in it.
 * @param name tells the image from all others of the run; @param dataset index of its dataset there.
 * @param promptCount prompts used before; kinds of first prompt alternate over all objects of a run.
 */
export function prepareImage(
  source: TrainingSource,
  sam: SamConfig,
  config: TrainConfig,
  random: DataRandom,
  promptCount: number,
  name = '',
  dataset = 0,
): Preparation {
  const record = { size: sam.imageSize, ...sam.preprocessing };
  const crops = source.crops && {
    ...source.crops,
    leastArea: leastArea(config, seenSize(source.image, source.crops.side), record),
  };
  const variant = drawVariant(source.labels, source.mean, random.augment, config, crops);
  const { view, tone } = variant;
  const least = leastArea(config, sizeOfView(view), record);
  const objects = findViewObjects(source.labels, source.rule, view, least);
  const kinds = firstPrompts(config);
  const chosen = random.prompts.shuffled(objects.regions).slice(0, config.objectsPerImage);
  const nextCount = promptCount + chosen.length;
  if (chosen.length === 0) return { image: null, vanished: 0, promptCount: nextCount };
  const { data: input, transform } = preprocessView(source.image, view, record, tone);
  const side = lowResOf(sam);
  const ignored = ignoredCells(objects.runs, transform, side);
  const classes = viewRuns(source.classes, view);
  const scene: Scene = { objects, ignored, classes, transform, side, boxJitter: config.boxJitter };
  const prepared = chosen.map((region, i) =>
    prepareObject(scene, region, kinds[(promptCount + i) % kinds.length] ?? 'click', random.prompts),
  );
  const usable = prepared.filter((object) => object !== null);
  const own = name === '' ? null : repeatedVariant(variant, source.labels);
  const key = own === null ? {} : { key: `${name}\n${own}` };
  return {
    image: usable.length > 0 ? { input, transform, ...key, dataset, objects: usable } : null,
    vanished: prepared.length - usable.length,
    promptCount: nextCount,
  };
}

interface Scene {
  readonly objects: ViewObjects;
  /** Cells that take no part; null when there are none. */
  readonly ignored: Uint8Array | null;
  readonly classes: ViewRuns;
  readonly transform: ImageTransform;
  readonly side: number;
  readonly boxJitter: number;
}

/** One object with its first prompt; null when its target has no cell. */
function prepareObject(
  { objects, ignored, classes, transform, side, boxJitter }: Scene,
  region: ObjectRegion,
  kind: FirstPrompt,
  random: Random,
): PreparedObject | null {
  switch (kind) {
    case 'click': {
      const prompt = clickPrompt(objects, region, transform, random);
      return withTarget(lowResTarget(objects.runs, region.id, transform, side, ignored), prompt);
    }
    case 'box': {
      const prompt = boxPrompt(transform, jitteredBox(objects, region, boxJitter, random));
      return withTarget(lowResTarget(objects.runs, region.id, transform, side, ignored), prompt);
    }
    case 'whole': {
      const { width, height } = objects;
      const labels = labelsOfRuns(classes.runs);
      const label = labels[random.integer(Math.max(1, labels.length))];
      if (label === undefined) return null;
      const target = lowResTarget(classes, label, transform, side, ignoredCells(classes, transform, side));
      return withTarget(target, boxPrompt(transform, [0, 0, width, height]));
    }
  }
}

function withTarget(
  target: { readonly data: Float32Array; readonly area: number },
  prompt: PreparedObject['prompt'],
): PreparedObject | null {
  return target.area > 0 ? { target: target.data, prompt } : null;
}
