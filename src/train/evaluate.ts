import { lowResOf, type SamConfig } from '../config/sam.ts';
import type { LoadedSample } from '../data/dataset.ts';
import { clickPointOf } from '../data/distance-transform.ts';
import { type ImageTransform, preprocess } from '../data/preprocess.ts';
import type { ObjectRegion, ObjectSet } from '../data/types.ts';
import { resizePlaneOnHost } from '../sam/resize-host.ts';
import { type GateLayer, meanGates } from './gates.ts';
import {
  answerToken,
  type DecodedObject,
  type MaskPredictor,
  type ThresholdedMaskPredictor,
} from './mask-predictor.ts';
import { boxPrompt, pointPrompt } from './prompts.ts';
import type { TrainingSet } from './training-set.ts';

/** How well one object was found, IoU in original pixels. */
export interface ObjectScore {
  readonly boxIou: number;
  readonly clickIou: number;
  /** Whether the candidate with the highest predicted IoU is the best one; null when that was not asked. */
  readonly bestPicked: boolean | null;
}

/** One evaluated image. */
export interface ImageScore {
  readonly name: string;
  readonly objects: readonly ObjectScore[];
  /** The gates that it drew, an entry for each block. */
  readonly gates: readonly GateLayer[];
}

export interface EvaluationOptions {
  /** The largest objects of an image come first; at most so many. */
  readonly maxObjects: number;
  /** The first so many images; 0 takes all. */
  readonly maxImages: number;
  /** Also find out whether the best of the three candidates was picked; three masks a click instead of one. */
  readonly candidates?: boolean;
}

export interface EvaluationHooks {
  /** Before each image: how many are done. Others may use the device while it waits. */
  readonly beforeImage?: (done: number, total: number) => Promise<void>;
  /** Asked before each image: true leaves the rest out. */
  readonly isUnwanted?: () => boolean;
  /** An image that cannot be used, and why. */
  readonly onRefused?: (name: string, message: string) => void;
}

/** Means over objects (IoUs) and images (gates). */
export interface EvaluationSummary {
  readonly boxIou: number;
  readonly clickIou: number;
  /** Share of clicks where the best candidate was picked; null when that was not asked. */
  readonly bestPicked: number | null;
  /** Objects. */
  readonly n: number;
  readonly gates: readonly GateLayer[];
}

/**
 * Evaluates images of a dataset by box (x0, y0, x1+1, y1+1 of the object, token 0) and by click (the pixel deepest inside
 * the object, the candidate with the highest predicted IoU). Images without an object count for `maxImages` and have no
 * score.
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

/** {@link evaluateSet} with masks cut at each of several logits: an entry for each, of the same images and objects. */
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
  for (const [i, name] of chosen.entries()) {
    await hooks.beforeImage?.(i, chosen.length);
    if (hooks.isUnwanted?.()) break;
    const loaded = await set.load(name);
    if (!loaded.ok) {
      hooks.onRefused?.(name, `${loaded.refusal.reason} ${loaded.refusal.cure}`);
      continue;
    }
    if (loaded.value.objects.regions.length > 0) {
      const key = `${set.key} ${name}`;
      const each = await evaluateImage(model, loaded.value, thresholds, { ...options, key });
      for (const [t, score] of each.entries()) scores[t]?.push(score);
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

/**
 * IoU of low-res logits, scaled to the image as SAM does, with an object: an entry for each logit at which the mask is cut.
 * One pass over the image, however many there are.
 */
export function iousOnImage(
  logits: Float32Array,
  sam: SamConfig,
  transform: ImageTransform,
  objects: ObjectSet,
  region: ObjectRegion,
  thresholds: readonly number[],
): number[] {
  const scaled = logitsOnImage(logits, sam, transform);
  const rising = [...thresholds].sort((a, b) => a - b);
  // Pixels of the object, and others, by how many thresholds they pass.
  const inside = new Uint32Array(rising.length + 1);
  const outside = new Uint32Array(rising.length + 1);
  for (let i = 0; i < scaled.length; i++) {
    const value = scaled[i] ?? 0;
    let passed = 0;
    while (passed < rising.length && value > (rising[passed] ?? 0)) passed++;
    const counts = objects.map[i] === region.id ? inside : outside;
    counts[passed] = (counts[passed] ?? 0) + 1;
  }
  const from = (counts: Uint32Array, least: number) =>
    counts.subarray(least).reduce((sum, count) => sum + count, 0);
  return thresholds.map((threshold) => {
    const least = rising.indexOf(threshold) + 1;
    const either = from(inside, 0) + from(outside, least);
    return either === 0 ? 1 : from(inside, least) / either;
  });
}

/** SAM's postprocess_masks of one mask: to the model's square, without its padding, to the image: [height, width]. */
export function logitsOnImage(
  logits: Float32Array,
  sam: SamConfig,
  { inputSize, originalSize }: ImageTransform,
): Float32Array {
  const side = lowResOf(sam);
  const size = sam.imageSize;
  const square = resizePlaneOnHost(logits, [side, side], [size, size]);
  const [height, width] = inputSize;
  const cut = new Float32Array(height * width);
  for (let y = 0; y < height; y++) cut.set(square.subarray(y * size, y * size + width), y * width);
  return resizePlaneOnHost(cut, inputSize, originalSize);
}
