import type { TrainConfig } from '../config/train.ts';
import { variantsRepeat } from '../data/augment.ts';
import { DEVICE_BYTES } from '../gpu/gpu.ts';
import { pipelineKey } from '../gpu/pipeline-cache.ts';
import { Pool } from '../graph/executable.ts';
import type { Plan } from '../graph/plan.ts';
import { weightBytes } from '../sam/weights.ts';
import { DECODER_PHASES, firstTokens, roundShape } from './decoder-graph.ts';
import { OPTIMIZER_PHASES, settingsBytes } from './optimizer.ts';
import { decoderFor, largestBuffer, plansOf, poolSizes, type TrainingPlans } from './plans.ts';
import { stepBufferBytes } from './step-buffers.ts';

/** GPU memory of a training run, known before anything is allocated. */
export interface MemoryEstimate {
  /** Sum of the parts, bytes. */
  readonly peakBytes: number;
  readonly parts: readonly { readonly label: string; readonly bytes: number }[];
  readonly largestBufferBytes: number;
}

/** Numbers that training changes, by what they belong to. */
export interface TrainableCount {
  readonly label: string;
  readonly count: number;
}

/** What the plans of a step will take on the device. */
export function estimateMemory(plans: TrainingPlans): MemoryEstimate {
  const sum = (bytes: readonly number[]) => bytes.reduce((total, part) => total + part, 0);
  const texels = sum(Pool.texelSizes(plansOf(plans)));
  const parts = [
    { label: 'Frozen weights', bytes: weightBytes(plans.sam, plans.precision) },
    { label: 'Trained weights, gradients and moments', bytes: plans.layout.totalBytes },
    { label: 'Image encoder and mask decoder', bytes: sum(poolSizes(plans)) },
    ...(texels > 0 ? [{ label: 'Copies of operands as textures', bytes: texels }] : []),
    { label: 'Images, prompts and targets', bytes: stepBufferBytes(plans) + settingsBytes(plans.layout) },
    { label: 'Reading results back, sizes of passes', bytes: DEVICE_BYTES },
  ];
  return {
    peakBytes: sum(parts.map(({ bytes }) => bytes)),
    parts,
    largestBufferBytes: largestBuffer(plans),
  };
}

/** Work of a whole step on the device. */
export interface StepWork {
  /** Dispatches. */
  readonly passes: number;
  /** Kernels that are compiled before it can run. */
  readonly pipelines: number;
  /**
   * Results that a later part of the step needs and no dispatch gives it, so that the host would have to wait for them: the
   * masks before a corrective click, and the norm before an update. Losses are read while the next step runs.
   */
  readonly reads: number;
  /** Multiply and add counted as two. */
  readonly flops: number;
  /** Of the encoder below the first module, for one image: paid once where its view comes again. */
  readonly lowerFlops: number;
  /** Of measuring an image outside of a step: its encoding, and one object by box and by click. */
  readonly measureFlops: { readonly image: number; readonly object: number };
}

/**
 * What a step runs when each of its images has as many objects as it may. Where every view of an image comes again, what
 * lies below the first module is not counted: it is kept, as long as there is room.
 */
export function countWork(
  plans: TrainingPlans,
  {
    imagesPerStep,
    objectsPerImage,
    corrections,
    ...augmentation
  }: Pick<
    TrainConfig,
    'imagesPerStep' | 'objectsPerImage' | 'corrections' | 'minCrop' | 'brightness' | 'contrast'
  >,
): StepWork {
  const lowerFlops = (plans.lower?.passes ?? []).reduce((sum, { pass }) => sum + pass.flops, 0);
  const pipelines = new Set(
    plansOf(plans).flatMap(({ passes }) => passes.map(({ pass }) => pipelineKey(pass))),
  ).size;
  const work = { passes: 0, pipelines, reads: 0, flops: 0, lowerFlops, measureFlops: measureFlops(plans) };
  const add = (plan: Plan | undefined, times: number) => {
    for (const { pass } of plan?.passes ?? []) {
      work.passes += times;
      work.flops += times * pass.flops;
    }
  };
  if (plans.lower && !variantsRepeat(augmentation)) add(plans.lower, imagesPerStep);
  const { imagesPerPass, objectsPerPass, sam } = plans;
  // As if all prompts were the longest ones: others take a token less.
  const first = Math.max(...firstTokens(sam));
  const times = imagesPerStep / imagesPerPass;
  add(plans.encoder, times);
  const objects = imagesPerPass * objectsPerImage;
  const rest = objects % objectsPerPass;
  for (let round = 0; round <= corrections; round++) {
    const addDecoder = (count: number, runs: number) => {
      const { plan } = decoderFor(plans, roundShape(count, round, first));
      add(plan, runs);
      if (round < corrections && !hasPhase(plan, DECODER_PHASES.click)) work.reads += runs;
    };
    addDecoder(objectsPerPass, times * Math.floor(objects / objectsPerPass));
    if (rest > 0) addDecoder(rest, times);
  }
  add(plans.optimizer, 1);
  if (!hasPhase(plans.optimizer, OPTIMIZER_PHASES.norm)) work.reads++;
  return work;
}

function measureFlops(plans: TrainingPlans): StepWork['measureFlops'] {
  const forward = ({ passes }: Plan) =>
    passes.reduce((sum, { pass, phase }) => sum + (phase === DECODER_PHASES.forward ? pass.flops : 0), 0);
  const { encoder, evaluationEncoder, lower, objectsPerPass } = plans;
  const below = lower ? forward(lower) : 0;
  const { plan } = decoderFor(plans, roundShape(objectsPerPass, 0, Math.max(...firstTokens(plans.sam))));
  return {
    image: below + forward(evaluationEncoder ?? encoder),
    object: (2 * forward(plan)) / objectsPerPass,
  };
}

function hasPhase({ passes }: Plan, name: string): boolean {
  return passes.some(({ phase }) => phase === name);
}

/** How many numbers each part trains; parts without any are left out. */
export function countTrainable(plans: Pick<TrainingPlans, 'tensors'>): TrainableCount[] {
  const counts = new Map<string, number>();
  for (const { name, shape, group } of plans.tensors) {
    const label = group === 'decoder' ? 'decoder' : group === 'gate' ? 'gates' : (name.split('.')[2] ?? name);
    counts.set(label, (counts.get(label) ?? 0) + shape.reduce((product, n) => product * n, 1));
  }
  return [...counts].map(([label, count]) => ({ label, count }));
}
