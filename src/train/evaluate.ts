import type { ModelInput } from '../data/preprocess.ts';
import type { Split } from '../data/types.ts';
import { answerToken, type ObjectPrompt } from '../sam/prompts.ts';
import type { EvaluationImage, MeasureOptions } from './evaluation-image.ts';
import { type GateLayer, meanGates } from './gates.ts';
import type { DecodedObject, MaskPredictor, ThresholdedMaskPredictor } from './mask-predictor.ts';
import type { EvaluationSet } from './training-set.ts';

/** How well one object was found. */
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
  /** Whether the masks were measured at a smaller size than the image's. */
  readonly isReduced: boolean;
}

export interface EvaluationOptions extends MeasureOptions {
  /** Most images of a split, in their order; 0 takes all. */
  readonly maxImages: number;
  /** Measure too whether the best of the three candidates was picked; costs three masks a click instead of one. */
  readonly candidates?: boolean;
  /** Whether the same images will be evaluated again, so that the model may keep what it can of them. */
  readonly isRepeated?: boolean;
}

/** A view of an image with its masks, low-res logits [side, side] of each object. */
export interface SeenMasks {
  readonly input: ModelInput;
  readonly box: readonly Float32Array[];
  readonly click: readonly Float32Array[];
}

export interface EvaluationHooks {
  /** Called before each image with the number of images done; others may use the device while it is awaited. */
  readonly beforeImage?: (done: number, total: number) => Promise<void>;
  /** Called between the masks of an image after a while; others may use the device while it is awaited. */
  readonly yieldDevice?: () => Promise<void>;
  /** Called before each image; true leaves out the rest. */
  readonly isInterrupted?: () => boolean;
  /** Called with what the model sees of an image first, and the masks that it gave there. */
  readonly onMasks?: (name: string, seen: SeenMasks) => void;
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
  /** Whether the masks of any image were measured at a smaller size than the image's. */
  readonly isReduced: boolean;
}

/** How well a dataset's images of one split were segmented. */
export interface SetScores {
  readonly key: string;
  readonly images: readonly ImageScore[];
  readonly summary: EvaluationSummary;
}

/**
 * {@link evaluateSetAt} for a split of a run's datasets, in its order; those without an image in it are left out.
 * @param hooksOf what a dataset's evaluation calls.
 * @returns for each threshold the scores by dataset; null when it was interrupted.
 */
export async function evaluateSetsAt(
  model: MaskPredictor,
  sets: readonly EvaluationSet[],
  split: Split,
  thresholds: readonly number[],
  options: EvaluationOptions,
  hooksOf: (set: Pick<EvaluationSet, 'key'>) => EvaluationHooks,
): Promise<SetScores[][] | null> {
  const scores: SetScores[][] = thresholds.map(() => []);
  for (const [dataset, set] of sets.entries()) {
    if (set.split[split].length === 0) continue;
    model.ask(dataset);
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
 * inside the object, the candidate with the highest predicted IoU); both are of the original image. Images without an
 * object count for `maxImages` and have no score.
 */
export async function evaluateSet(
  model: ThresholdedMaskPredictor,
  set: Pick<EvaluationSet, 'key' | 'open'>,
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
  set: Pick<EvaluationSet, 'key' | 'open'>,
  names: readonly string[],
  thresholds: readonly number[],
  options: EvaluationOptions,
  hooks: EvaluationHooks = {},
): Promise<ImageScore[][]> {
  const chosen = options.maxImages > 0 ? names.slice(0, options.maxImages) : names;
  const scores: ImageScore[][] = thresholds.map(() => []);
  // The next image is decoded while one is measured; its failure is reported when it is its turn, if ever.
  const open = (i: number): ReturnType<EvaluationSet['open']> | null => {
    const name = chosen[i];
    const opening = name === undefined ? null : set.open(name, options);
    opening?.catch(() => undefined);
    return opening;
  };
  let upcoming = open(0);
  try {
    for (const [i, name] of chosen.entries()) {
      await hooks.beforeImage?.(i, chosen.length);
      if (hooks.isInterrupted?.()) break;
      const opened = await (upcoming ?? set.open(name, options));
      upcoming = open(i + 1);
      if (!opened.ok) {
        hooks.onRefused?.(name, `${opened.refusal.reason} ${opened.refusal.cure}`);
        continue;
      }
      const image = opened.value;
      if (image.views > 0) {
        const byThreshold = await evaluateImage(model, image, thresholds, options, [set.key, name], hooks);
        for (const [t, score] of byThreshold.entries()) scores[t]?.push(score);
      }
      image.release();
    }
  } finally {
    // One that is not looked at any more.
    void upcoming?.then((opened) => opened.ok && opened.value.release()).catch(() => undefined);
  }
  return scores;
}

/** Names what a model sees of an image, for what may be kept of it. */
export function viewKey(set: string, image: string, view: string): string {
  return JSON.stringify([set, image, view]);
}

/** Evaluates one image that has at least one object; an entry for each threshold. */
async function evaluateImage(
  model: MaskPredictor,
  image: EvaluationImage,
  thresholds: readonly number[],
  { candidates = false, isRepeated = false }: Pick<EvaluationOptions, 'candidates' | 'isRepeated'>,
  [set, name]: readonly [set: string, name: string],
  { yieldDevice, onMasks }: EvaluationHooks,
): Promise<ImageScore[]> {
  const giveTurn = turnGiver(yieldDevice);
  const gates: GateLayer[][] = [];
  const found: { box: number[]; click: number[]; others: number[][] }[] = [];
  let isReduced = false;
  for (let v = 0; v < image.views; v++) {
    const view = await image.view(v, giveTurn);
    await model.encode(view.input.data, isRepeated ? viewKey(set, name, view.key) : undefined);
    gates.push(await model.gates());
    isReduced ||= view.isReduced;
    const byBox = await model.decode(view.objects.map(({ box }) => box));
    const byClick = await model.decode(view.objects.map(({ click }) => click));
    const tokenOf = (prompt: ObjectPrompt | undefined, answer: DecodedObject | undefined) =>
      prompt && answer ? answerToken(prompt, answer, model.sam) : 0;
    const pickedOf = (i: number) => tokenOf(view.objects[i]?.click, byClick[i]);
    const boxTokenOf = (i: number) => tokenOf(view.objects[i]?.box, byBox[i]);
    if (v === 0 && onMasks) {
      const masks = (answers: readonly DecodedObject[], token: (i: number) => number) =>
        answers.flatMap((answer, i) => answer.masks[token(i)] ?? []);
      onMasks(image.name, {
        input: view.input,
        box: masks(byBox, boxTokenOf),
        click: masks(byClick, pickedOf),
      });
    }
    for (const i of view.objects.keys()) {
      const iousOf = async (answer: DecodedObject | undefined, token: number) => {
        await giveTurn();
        const logits = answer?.masks[token] ?? new Float32Array();
        return image.measure({ view: v, object: i, logits, thresholds });
      };
      const picked = pickedOf(i);
      const box = await iousOf(byBox[i], boxTokenOf(i));
      const byPicked = await iousOf(byClick[i], picked);
      const others: number[][] = [];
      for (const token of candidates ? [1, 2, 3] : [])
        if (token !== picked) others.push(await iousOf(byClick[i], token));
      found.push({ box, click: byPicked, others });
    }
  }
  return thresholds.map((_, t) => ({
    name: image.name,
    gates: meanGates(gates),
    isReduced,
    objects: found.map(({ box, click, others }) => {
      const clickIou = click[t] ?? 0;
      return {
        boxIou: box[t] ?? 0,
        clickIou,
        bestPicked: candidates ? others.every((ious) => (ious[t] ?? 0) <= clickIou) : null,
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
    isReduced: images.some(({ isReduced }) => isReduced),
  };
}

/** Milliseconds of work after which others get the thread; a click waits no longer. */
const WORK_MS = 20;

/**
 * Gives a function to await between pieces of work, which takes a turn of the event loop when enough was done.
 * @param afterTurn awaited after each turn.
 */
function turnGiver(afterTurn?: () => Promise<void>): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < WORK_MS) return;
    await new Promise<void>((resume) => setTimeout(resume));
    await afterTurn?.();
    since = performance.now();
  };
}
