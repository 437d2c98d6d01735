import type { Random } from '../config/random.ts';
import { lowResOf, type SamConfig } from '../config/sam.ts';
import type { TrainConfig } from '../config/train.ts';
import { augment } from '../data/augment.ts';
import type { LoadedSample } from '../data/dataset.ts';
import { averageMask, lowResTarget } from '../data/low-res-target.ts';
import { findObjects, labelsOf } from '../data/objects.ts';
import { type ImageTransform, preprocess } from '../data/preprocess.ts';
import type { LabelMap, ObjectRegion, ObjectSet } from '../data/types.ts';
import { boxPrompt, clickPrompt, type FirstPrompt, firstPrompts, jitteredBox } from './prompts.ts';
import type { PreparedImage, PreparedObject } from './step.ts';

/** The chance of a run's data, each with its own stream. */
export interface DataRandom {
  readonly augment: Random;
  readonly prompts: Random;
}

/** An image drawn for a step. */
export interface Prepared {
  /** Null when nothing in it can be asked for. */
  readonly image: PreparedImage | null;
  /** Objects that are too small or thin for the low-res grid. */
  readonly vanished: number;
  /** First prompts used so far, the next image goes on from there. */
  readonly promptCount: number;
}

/**
 * Draws a variant of an image, chooses objects and first prompts.
 * @param promptCount prompts used before; kinds of first prompt alternate over all objects of a run.
 */
export function prepareImage(
  sample: LoadedSample,
  sam: SamConfig,
  config: TrainConfig,
  random: DataRandom,
  promptCount: number,
): Prepared {
  const { labelling } = sample;
  if (!labelling) return { image: null, vanished: 0, promptCount };
  const varied = augment(sample.image, [labelling.labelMap, labelling.classMap], random.augment, config);
  const [labelMap = labelling.labelMap, classMap = labelling.classMap] = varied.labelMaps;
  const objects = findObjects(labelMap, labelling.rule, config.minArea);
  const { data: input, transform } = preprocess(varied.image, {
    size: sam.imageSize,
    ...sam.preprocessing,
  });
  const scene: Scene = { objects, classMap, transform, side: lowResOf(sam), boxJitter: config.boxJitter };
  const kinds = firstPrompts(config);
  const chosen = random.prompts.shuffled(objects.regions).slice(0, config.objectsPerImage);
  const asked = chosen.map((region, i) =>
    ask(scene, region, kinds[(promptCount + i) % kinds.length] ?? 'click', random.prompts),
  );
  const there = asked.filter((object) => object !== null);
  return {
    image: there.length > 0 ? { input, transform, objects: there } : null,
    vanished: asked.length - there.length,
    promptCount: promptCount + chosen.length,
  };
}

interface Scene {
  readonly objects: ObjectSet;
  readonly classMap: LabelMap;
  readonly transform: ImageTransform;
  readonly side: number;
  readonly boxJitter: number;
}

/** One object with its first prompt, or null when its target has no cell. */
function ask(
  { objects, classMap, transform, side, boxJitter }: Scene,
  region: ObjectRegion,
  kind: FirstPrompt,
  random: Random,
): PreparedObject | null {
  switch (kind) {
    case 'click': {
      const prompt = clickPrompt(objects, region, transform, random);
      return withTarget(lowResTarget(objects, region, transform, side), prompt);
    }
    case 'box': {
      const prompt = boxPrompt(transform, jitteredBox(objects, region, boxJitter, random));
      return withTarget(lowResTarget(objects, region, transform, side), prompt);
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
