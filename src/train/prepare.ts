import type { Random } from '../config/random.ts';
import { lowResOf, type SamConfig } from '../config/sam.ts';
import type { TrainConfig } from '../config/train.ts';
import { augment } from '../data/augment.ts';
import type { LoadedSample } from '../data/dataset.ts';
import { averageMask, ignoredCells, lowResTarget } from '../data/low-res-target.ts';
import { leastArea } from '../data/object-sizes.ts';
import { findObjects, labelsOf } from '../data/objects.ts';
import { type ImageTransform, preprocess } from '../data/preprocess.ts';
import type { LabelMap, ObjectRegion, ObjectSet } from '../data/types.ts';
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

/**
 * Augments an image and chooses objects and first prompts.
 * @param promptCount prompts used before; kinds of first prompt alternate over all objects of a run.
 */
export function prepareImage(
  sample: Pick<LoadedSample, 'image' | 'labelling'>,
  sam: SamConfig,
  config: TrainConfig,
  random: DataRandom,
  promptCount: number,
): Preparation {
  const { labelling } = sample;
  if (!labelling) return { image: null, vanished: 0, promptCount };
  const augmented = augment(sample.image, [labelling.labelMap, labelling.classMap], random.augment, config);
  const [labelMap = labelling.labelMap, classMap = labelling.classMap] = augmented.labelMaps;
  const record = { size: sam.imageSize, ...sam.preprocessing };
  const objects = findObjects(labelMap, labelling.rule, leastArea(config, augmented.image, record));
  const { data: input, transform } = preprocess(augmented.image, record);
  const side = lowResOf(sam);
  const ignored = ignoredCells(objects.map, objects.width, transform, side);
  const scene: Scene = { objects, ignored, classMap, transform, side, boxJitter: config.boxJitter };
  const kinds = firstPrompts(config);
  const chosen = random.prompts.shuffled(objects.regions).slice(0, config.objectsPerImage);
  const prepared = chosen.map((region, i) =>
    prepareObject(scene, region, kinds[(promptCount + i) % kinds.length] ?? 'click', random.prompts),
  );
  const usable = prepared.filter((object) => object !== null);
  return {
    image: usable.length > 0 ? { input, transform, objects: usable } : null,
    vanished: prepared.length - usable.length,
    promptCount: promptCount + chosen.length,
  };
}

interface Scene {
  readonly objects: ObjectSet;
  /** Cells that take no part; null when there are none. */
  readonly ignored: Uint8Array | null;
  readonly classMap: LabelMap;
  readonly transform: ImageTransform;
  readonly side: number;
  readonly boxJitter: number;
}

/** One object with its first prompt; null when its target has no cell. */
function prepareObject(
  { objects, ignored, classMap, transform, side, boxJitter }: Scene,
  region: ObjectRegion,
  kind: FirstPrompt,
  random: Random,
): PreparedObject | null {
  switch (kind) {
    case 'click': {
      const prompt = clickPrompt(objects, region, transform, random);
      return withTarget(lowResTarget(objects, region, transform, side, ignored), prompt);
    }
    case 'box': {
      const prompt = boxPrompt(transform, jitteredBox(objects, region, boxJitter, random));
      return withTarget(lowResTarget(objects, region, transform, side, ignored), prompt);
    }
    case 'whole': {
      const { width, height } = objects;
      const labels = labelsOf(classMap);
      const label = labels[random.integer(Math.max(1, labels.length))];
      const target = averageMask(
        classMap.data,
        (value) => value === label,
        width,
        [0, 0, width, height],
        transform,
        side,
        ignoredCells(classMap.data, width, transform, side),
      );
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
