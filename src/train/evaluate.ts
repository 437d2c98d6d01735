import type { LoadedSample } from '../data/dataset.ts';
import { clickPointOf } from '../data/distance-transform.ts';
import { preprocess } from '../data/preprocess.ts';
import type { ObjectRegion, Split } from '../data/types.ts';
import { answerToken } from '../sam/prompts.ts';
import { type GateLayer, meanGates } from './gates.ts';
import { iousOnImage } from './mask-iou.ts';
import type { DecodedObject, MaskPredictor, ThresholdedMaskPredictor } from './mask-predictor.ts';
import { boxPrompt, pointPrompt } from './prompts.ts';
import type { TrainingSet } from './training-set.ts';

/** How well one object was found, IoU in original pixels. */
export interface ObjectScore {
  readonly boxIou: number;
  readonly clickIou: number;
  /** Whether the candidate with the highest predicted IoU is the best one; null when that was not measured. */
  readonly bestPicked: boolean | null;
}

/** One evaluated image. */
export interface ImageScore {
  readonly name: string;
  readonly objects: readonly ObjectScore[];
  /** Its gates, an entry for each block. */
  readonly gates: readonly GateLayer[];
}

export interface EvaluationOptions {
  /** Most objects of an image; the largest come first. */
  readonly maxObjects: number;
  /** Most images of a split, in their order; 0 takes all. */
  readonly maxImages: number;
  /** Measure too whether the best of the three candidates was picked; costs three masks a click instead of one. */
  readonly candidates?: boolean;
}

export interface EvaluationHooks {
  /** Called before each image with the number of images done; others may use the device while it is awaited. */
  readonly beforeImage?: (done: number, total: number) => Promise<void>;
  /** Called before each image; true leaves out the rest. */
  readonly isInterrupted?: () => boolean;
  /** Called for an image that cannot be used, with the reason. */
  readonly onRefused?: (name: string, message: string) => void;
}

/** Means over objects (IoUs) and images (gates). */
export interface EvaluationSummary {
  readonly boxIou: number;
  readonly clickIou: number;
  /** Share of clicks where the best candidate was picked; null when that was not measured. */
  readonly bestPicked: number | null;
  /** Objects. */
  readonly n: number;
  readonly gates: readonly GateLayer[];
}

/** How well a dataset's images of one split were segmented. */
export interface SetScores {
  readonly key: string;
  readonly images: readonly ImageScore[];
  readonly summary: EvaluationSummary;
}

/**
 * {@link evaluateSetAt} for a split of several datasets; those without an image in it are left out.
 * @param hooksOf what a dataset's evaluation calls.
 * @returns for each threshold the scores by dataset; null when it was interrupted.
 */
export async function evaluateSetsAt(
  model: MaskPredictor,
  sets: readonly TrainingSet[],
  split: Split,
  thresholds: readonly number[],
  options: EvaluationOptions,
  hooksOf: (set: TrainingSet) => EvaluationHooks,
): Promise<SetScores[][] | null> {
  const scores: SetScores[][] = thresholds.map(() => []);
  for (const set of sets) {
    if (set.split[split].length === 0) continue;
    const hooks = hooksOf(set);
    const byThreshold = await evaluateSetAt(model, set, set.split[split], thresholds, options, hooks);
    if (hooks.isInterrupted?.()) return null;
    for (const [t, images] of byThreshold.entries())
      scores[t]?.push({ key: set.key, images, summary: summarise(images) });
  }
  return scores;
}

/**
 * Evaluates images of a dataset by box (x0, y0, x1+1, y1+1 of the object, token 0) and by click (the pixel deepest
 * inside the object, the candidate with the highest predicted IoU). Images without an object count for `maxImages`
 * and have no score.
 */
export async function evaluateSet(
  model: ThresholdedMaskPredictor,
  set: Pick<TrainingSet, 'key' | 'load'>,
  names: readonly string[],
  options: EvaluationOptions,
  hooks: EvaluationHooks = {},
): Promise<ImageScore[]> {
  const [scores = []] = await evaluateSetAt(model, set, names, [model.maskThreshold], options, hooks);
  return scores;
}

/** {@link evaluateSet} at several thresholds: an entry for each, of the same images and objects. */
export async function evaluateSetAt(
  model: MaskPredictor,
  set: Pick<TrainingSet, 'key' | 'load'>,
  names: readonly string[],
  thresholds: readonly number[],
  options: EvaluationOptions,
  hooks: EvaluationHooks = {},
): Promise<ImageScore[][]> {
  const chosen = options.maxImages > 0 ? names.slice(0, options.maxImages) : names;
  const scores: ImageScore[][] = thresholds.map(() => []);
  // The next image is decoded while one is measured; its failure is reported when it is its turn, if ever.
  const load = (i: number): ReturnType<TrainingSet['load']> | null => {
    const name = chosen[i];
    const loading = name === undefined ? null : set.load(name);
    loading?.catch(() => undefined);
    return loading;
  };
  let upcoming = load(0);
  for (const [i, name] of chosen.entries()) {
    await hooks.beforeImage?.(i, chosen.length);
    if (hooks.isInterrupted?.()) break;
    const loaded = await (upcoming ?? set.load(name));
    upcoming = load(i + 1);
    if (!loaded.ok) {
      hooks.onRefused?.(name, `${loaded.refusal.reason} ${loaded.refusal.cure}`);
      continue;
    }
    if (loaded.value.objects.regions.length > 0) {
      const key = `${set.key} ${name}`;
      const byThreshold = await evaluateImage(model, loaded.value, thresholds, { ...options, key });
      for (const [t, score] of byThreshold.entries()) scores[t]?.push(score);
    }
  }
  return scores;
}

/** Evaluates one image that has at least one object; an entry for each threshold. */
async function evaluateImage(
  model: MaskPredictor,
  { name, image, objects }: LoadedSample,
  thresholds: readonly number[],
  options: Pick<EvaluationOptions, 'maxObjects' | 'candidates'> & { readonly key?: string },
): Promise<ImageScore[]> {
  const { sam } = model;
  const { data, transform } = preprocess(image, { size: sam.imageSize, ...sam.preprocessing });
  await model.encode(data, options.key);
  const gates = await model.gates();
  const regions = objects.regions.slice(0, options.maxObjects);
  const boxes = regions.map(({ box }) => boxPrompt(transform, box));
  const clicks = regions.map((region) => {
    const { x, y } = clickPointOf(objects, region);
    return pointPrompt(transform, x + 0.5, y + 0.5);
  });
  const byBox = await model.decode(boxes);
  const byClick = await model.decode(clicks);
  const iousOf = (region: ObjectRegion, answer: DecodedObject | undefined, token: number) =>
    iousOnImage(answer?.masks[token] ?? new Float32Array(), sam, transform, objects, region, thresholds);
  const found = regions.map((region, i) => {
    const click = clicks[i];
    const picked = click ? answerToken(click, byClick[i]?.iou ?? []) : 0;
    const tokens = options.candidates ? [1, 2, 3].filter((token) => token !== picked) : [];
    return {
      box: iousOf(region, byBox[i], 0),
      click: iousOf(region, byClick[i], picked),
      others: tokens.map((token) => iousOf(region, byClick[i], token)),
    };
  });
  return thresholds.map((_, t) => ({
    name,
    gates,
    objects: found.map(({ box, click, others }) => {
      const clickIou = click[t] ?? 0;
      return {
        boxIou: box[t] ?? 0,
        clickIou,
        bestPicked: options.candidates ? others.every((ious) => (ious[t] ?? 0) <= clickIou) : null,
      };
    }),
  }));
}

/** Summary of evaluated images; IoUs are 0 without any. */
export function summarise(images: readonly ImageScore[]): EvaluationSummary {
  const objects = images.flatMap((image) => image.objects);
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const picked = objects.flatMap(({ bestPicked }) => (bestPicked === null ? [] : [Number(bestPicked)]));
  return {
    boxIou: mean(objects.map(({ boxIou }) => boxIou)),
    clickIou: mean(objects.map(({ clickIou }) => clickIou)),
    bestPicked: picked.length > 0 ? mean(picked) : null,
    n: objects.length,
    gates: meanGates(images.map(({ gates }) => gates)),
  };
}
