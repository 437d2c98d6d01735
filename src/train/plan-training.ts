/** Chooses what of a step is kept and what is computed again, so that a run fits in little memory. */
import { Failure } from '../config/failure.ts';
import type { MopeftConfig } from '../config/mopeft.ts';
import type { SamConfig } from '../config/sam.ts';
import { sitesOf } from '../sam/encoder.ts';
import type { DecodeShape } from '../sam/graphs.ts';
import type { WeightPrecision } from '../sam/halves.ts';
import { firstTokens, objectCounts, roundShape } from './decoder-graph.ts';
import { estimateMemory } from './estimate.ts';
import { type DeviceTraits, largestBuffer, StepPlanner, type TrainingPlans } from './plans.ts';

/** The sizes of a training step, as a config says them. */
export interface StepSizes {
  readonly imagesPerStep: number;
  /** Images that share a pass, of a run that has begun; absent: as many as suit. */
  readonly imagesPerPass?: number;
  /** At most so many objects of an image. */
  readonly objectsPerImage: number;
  /** Objects a pass of the decoder; 0 chooses. */
  readonly objectsPerPass: number;
  readonly corrections: number;
  /** MiB that the run may take on the device; 0 aims at {@link AIM}. */
  readonly memory: number;
  /** How frozen weights are stored. */
  readonly weights: WeightPrecision;
}

/** What decides the plans of a step; plain data, so that another thread can make them. */
export interface PlanRequest {
  readonly sam: SamConfig;
  readonly mopeft: MopeftConfig;
  readonly sizes: StepSizes;
  readonly device: DeviceTraits;
}

/** The request for given settings: nothing that does not decide the plans is in it. */
export function planRequest(
  sam: SamConfig,
  mopeft: MopeftConfig,
  { imagesPerStep, imagesPerPass, objectsPerImage, objectsPerPass, corrections, memory, weights }: StepSizes,
  { traits, bufferLimit }: DeviceTraits,
): PlanRequest {
  const sizes = {
    imagesPerStep,
    ...(imagesPerPass !== undefined && { imagesPerPass }),
    objectsPerImage,
    objectsPerPass,
    corrections,
    memory,
    weights,
  };
  return { sam, mopeft, sizes, device: { traits, bufferLimit } };
}

/** Bytes that a run aims at where no other memory is asked for: what training SAM ViT-B's mask decoder takes. */
const AIM = 0.65 * 2 ** 30;

/** How much more than the least a run may take, so that a little memory may save many passes. */
const SLACK = 1.11;

/**
 * Plans a step of a model for a device; allocates nothing. Images share a pass, and all their objects another, where the
 * memory allows it without computing anything again. Otherwise each image has its own: as many of its objects share a pass
 * of the decoder as the memory allows, which computes what is cheap again if more can share it then, and then as many of
 * the encoder's blocks keep their values for the backward; where that is less than any step takes, hardly more than the
 * least is taken.
 * @throws Failure `train/too-large`, `train/tensor-too-large` when a buffer does not fit the device.
 */
export function planTraining({ sam, mopeft, sizes, device }: PlanRequest): TrainingPlans {
  const { imagesPerStep, objectsPerImage, objectsPerPass, corrections, memory } = sizes;
  const planner = new StepPlanner(sam, mopeft, device, { precision: sizes.weights });
  // Memory grows with the objects and with the rounds of prompts; all but the last make a click.
  const firsts = firstTokens(sam);
  const largest = (objects: number) =>
    [corrections, corrections - 1]
      .filter((round) => round >= 0)
      .map((round) => roundShape(objects, round, Math.max(...firsts)));
  const fewest = Math.min(objectsPerPass || 1, objectsPerImage);
  const limit = limitOf(planner, largest(fewest), memory);
  const together = (images: number) =>
    Math.min(objectsPerPass || images * objectsPerImage, images * objectsPerImage);
  const depth = sitesOf(sam).length;
  const images =
    sizes.imagesPerPass ??
    divisors(imagesPerStep).find(
      (count) => count === 1 || peakOf(planner, depth, largest(together(count)), count) <= limit,
    ) ??
    1;
  const shapesOf = (objects: number) =>
    objectCounts(objects).flatMap((count) =>
      firsts.flatMap((first) =>
        Array.from({ length: corrections + 1 }, (_, round) => roundShape(count, round, first)),
      ),
    );
  if (images > 1) return expectFit(planner.plan(depth, shapesOf(together(images)), images), device);
  const fits = (count: number, isLean: boolean) => peakOf(planner, 0, largest(count), 1, isLean) <= limit;
  const objects = objectsPerPass ? fewest : largestThat((count) => fits(count, true), 1, objectsPerImage);
  const isLean = !fits(objects, false);
  const kept = keptBlocks(planner, largest(objects), limit, isLean);
  return expectFit(planner.plan(kept, shapesOf(objects), 1, isLean), device);
}

/** Every number that divides another, largest first. */
function divisors(n: number): number[] {
  return Array.from({ length: n }, (_, i) => n - i).filter((count) => n % count === 0);
}

/** {@link planTraining} for given shapes of the decoder's passes. */
export function planShapes(
  sam: SamConfig,
  mopeft: MopeftConfig,
  shapes: readonly DecodeShape[],
  device: DeviceTraits,
): TrainingPlans {
  const planner = new StepPlanner(sam, mopeft, device);
  return expectFit(planner.plan(keptBlocks(planner, shapes, limitOf(planner, shapes, 0)), shapes), device);
}

/** Bytes that a run takes; infinite where the device allows no such buffer. */
function peakOf(
  planner: StepPlanner,
  kept: number,
  shapes: readonly DecodeShape[],
  images = 1,
  isLean = false,
): number {
  const plans = planner.plan(kept, shapes, images, isLean);
  if (largestBuffer(plans) > planner.device.bufferLimit) return Number.POSITIVE_INFINITY;
  return estimateMemory(plans).peakBytes;
}

/** Bytes that a run may take. @param least the smallest shapes that it may have. */
function limitOf(planner: StepPlanner, least: readonly DecodeShape[], memory: number): number {
  const needed = peakOf(planner, 0, least, 1, true);
  return memory > 0 ? Math.max(memory * 2 ** 20, needed) : Math.max(AIM, SLACK * needed);
}

/** The most blocks that can keep their values. */
function keptBlocks(
  planner: StepPlanner,
  shapes: readonly DecodeShape[],
  limit: number,
  isLean = false,
): number {
  const depth = sitesOf(planner.sam).length;
  return largestThat((kept) => peakOf(planner, kept, shapes, 1, isLean) <= limit, 0, depth);
}

/** The largest whole number from `low`, for which it holds, to `high`; it holds up to some number and not above. */
function largestThat(holds: (n: number) => boolean, low: number, high: number): number {
  if (high <= low || holds(high)) return high;
  let [most, tooMany] = [low, high];
  // From below in growing steps: few numbers hold where memory is short.
  for (let step = 1; most + 1 < tooMany; step *= 2) {
    const next = Math.min(most + step, (most + tooMany) >> 1);
    if (holds(next)) most = next;
    else tooMany = next;
  }
  return most;
}

function expectFit(plans: TrainingPlans, { bufferLimit }: DeviceTraits): TrainingPlans {
  const bytes = largestBuffer(plans);
  if (bytes <= bufferLimit) return plans;
  throw new Failure({
    code: 'train/too-large',
    what: `A step needs a buffer of ${bytes} bytes and the adapter allows ${bufferLimit}.`,
    cure: 'Choose a smaller model, or fewer objects at once.',
  });
}
