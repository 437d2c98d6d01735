import { Failure } from '../config/failure.ts';
import type { MopeftConfig } from '../config/mopeft.ts';
import type { SamConfig } from '../config/sam.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Graph } from '../graph/graph.ts';
import { type Plan, planGraph } from '../graph/plan.ts';
import { attachModules } from '../peft/build.ts';
import { differsInTraining } from '../peft/modules.ts';
import { type TrainableTensor, trainableTensors } from '../peft/tensors.ts';
import { type DecodeShape, encodeGraph, imagePeGraph } from '../sam/graphs.ts';
import { graphInputs } from '../sam/weight-source.ts';
import { decoderKey, decoderTrainingGraph } from './decoder-graph.ts';
import { encoderTrainingGraph } from './encoder-graph.ts';
import { planOptimizer } from './optimizer.ts';
import { layoutParameters, type ParameterLayout } from './parameter-buffers.ts';

/** What of a device decides a plan. */
export type DeviceTraits = Pick<Gpu, 'traits' | 'bufferLimit'>;

/** The sizes of a training step, as a config says them. */
export interface StepSizes {
  /** At most so many objects of an image. */
  readonly objectsPerImage: number;
  /** Objects a pass of the decoder; 0 chooses. */
  readonly objectsPerPass: number;
  readonly corrections: number;
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
  { objectsPerImage, objectsPerPass, corrections }: StepSizes,
  { traits, bufferLimit }: DeviceTraits,
): PlanRequest {
  const sizes = { objectsPerImage, objectsPerPass, corrections };
  return { sam, mopeft, sizes, device: { traits, bufferLimit } };
}

/** Everything that a training step runs, planned before anything is allocated. */
export interface TrainingPlans {
  readonly sam: SamConfig;
  readonly mopeft: MopeftConfig;
  readonly tensors: readonly TrainableTensor[];
  readonly layout: ParameterLayout;
  /** Whether a tensor of the encoder is trained, so that the encoder has a backward. */
  readonly trainsEncoder: boolean;
  readonly encoder: Plan;
  /** The encoder as it answers outside of training; null where it is the same. */
  readonly evaluationEncoder: Plan | null;
  /** By {@link decoderKey}. */
  readonly decoders: ReadonlyMap<string, Plan>;
  readonly optimizer: Plan;
  /** SAM's encoding of positions, which every pass of the decoder reads. */
  readonly imagePe: Plan;
  readonly objectsPerPass: number;
  /** Prompt tokens of the longest prompt. */
  readonly maxTokens: number;
}

/** Tokens of a first prompt: a click and the padding point, or the corners of a box. */
const FIRST_TOKENS = 2;
/** What the decoder's pool may take before objects are split over several passes. */
const DECODER_BUDGET = 512 * 2 ** 20;
/** What the encoder's pool may take before its blocks are computed again in the backward. */
const ENCODER_BUDGET = 768 * 2 ** 20;

/**
 * Plans a step of a model for a device; allocates nothing.
 * @throws Failure `train/too-large`, `train/tensor-too-large` when a buffer does not fit the device.
 */
export function planTraining({ sam, mopeft, sizes, device }: PlanRequest): TrainingPlans {
  const planDecoder = decoderPlanner(sam, trainableTensors(mopeft, sam), device);
  const objectsPerPass = sizes.objectsPerPass || choosePassSize(sizes, planDecoder, device);
  const most = Math.min(objectsPerPass, sizes.objectsPerImage);
  const shapes = Array.from({ length: most }, (_, i) =>
    Array.from({ length: sizes.corrections + 1 }, (_, round) => roundShape(i + 1, round)),
  ).flat();
  return planShapes(sam, mopeft, shapes, device, planDecoder);
}

/** {@link planTraining} for given shapes of the decoder's passes. */
export function planShapes(
  sam: SamConfig,
  mopeft: MopeftConfig,
  shapes: readonly DecodeShape[],
  device: DeviceTraits,
  planDecoder = decoderPlanner(sam, trainableTensors(mopeft, sam), device),
): TrainingPlans {
  const tensors = trainableTensors(mopeft, sam);
  const layout = layoutParameters(tensors, device.bufferLimit);
  const decoders = new Map<string, Plan>();
  for (const shape of shapes) decoders.set(decoderKey(shape), planDecoder(shape));
  const encoder = planEncoder(sam, mopeft, tensors, device);
  const evaluationEncoder = planEvaluationEncoder(sam, mopeft, device);
  const plans: TrainingPlans = {
    sam,
    mopeft,
    tensors,
    layout,
    trainsEncoder: trainsEncoder(tensors),
    encoder,
    evaluationEncoder,
    decoders,
    optimizer: planOptimizer(layout, device.traits),
    imagePe: planGraph(imagePeGraph(sam), device.traits),
    objectsPerPass: Math.max(...shapes.map(({ objects }) => objects)),
    maxTokens: Math.max(...shapes.map(({ tokens }) => tokens)),
  };
  expectFit(largestSlot(plans), device.bufferLimit);
  return plans;
}

/** The same with every plan replaced, each in its turn, always in the same order. */
export function mapPlans(plans: TrainingPlans, map: (plan: Plan) => Plan): TrainingPlans {
  return {
    ...plans,
    encoder: map(plans.encoder),
    evaluationEncoder: plans.evaluationEncoder && map(plans.evaluationEncoder),
    decoders: new Map([...plans.decoders].map(([key, plan]) => [key, map(plan)])),
    optimizer: map(plans.optimizer),
    imagePe: map(plans.imagePe),
  };
}

/** The largest buffer of the plans' pools, bytes. */
export function largestSlot(plans: TrainingPlans): number {
  return Math.max(...[...encoderPlans(plans), ...sharedPlans(plans)].flatMap(({ slotBytes }) => slotBytes));
}

/** The plans of the first pool, which keeps the encoder's values for its backward. */
export function encoderPlans({ encoder, evaluationEncoder }: TrainingPlans): Plan[] {
  return evaluationEncoder ? [encoder, evaluationEncoder] : [encoder];
}

/** The plans of the second pool. */
export function sharedPlans({ decoders, optimizer }: TrainingPlans): Plan[] {
  return [...decoders.values(), optimizer];
}

function trainsEncoder(tensors: readonly TrainableTensor[]): boolean {
  return tensors.some(({ group }) => group !== 'decoder');
}

/** Keeps every value for the backward where that is cheap, otherwise the blocks' outputs alone. */
function planEncoder(
  sam: SamConfig,
  mopeft: MopeftConfig,
  tensors: readonly TrainableTensor[],
  { traits }: DeviceTraits,
): Plan {
  const isCheap = (graph: Graph) => planGraph(graph, traits).poolBytes <= ENCODER_BUDGET;
  return planGraph(encoderTrainingGraph(sam, mopeft, tensors, isCheap), traits);
}

function planEvaluationEncoder(sam: SamConfig, mopeft: MopeftConfig, { traits }: DeviceTraits): Plan | null {
  if (!differsInTraining(mopeft)) return null;
  const slots = (graph: Graph) => attachModules(graph, mopeft, graphInputs(graph), 'evaluation').slots;
  return planGraph(encodeGraph(sam, slots), traits);
}

type DecoderPlanner = (shape: DecodeShape) => Plan;

/** Plans a pass of the decoder, each shape once. */
function decoderPlanner(
  sam: SamConfig,
  tensors: readonly TrainableTensor[],
  { traits }: DeviceTraits,
): DecoderPlanner {
  const plans = new Map<string, Plan>();
  return (shape) => {
    const key = decoderKey(shape);
    const known = plans.get(key);
    if (known) return known;
    const plan = planGraph(decoderTrainingGraph(sam, shape, tensors, trainsEncoder(tensors)), traits);
    plans.set(key, plan);
    return plan;
  };
}

/** The pass of round `round` (from 0) for `objects` objects. */
function roundShape(objects: number, round: number): DecodeShape {
  return { objects, tokens: FIRST_TOKENS + round, hasMask: round > 0 };
}

/** The most objects whose last round fits the budget and the device, at least 1; memory grows with the objects. */
function choosePassSize(
  { objectsPerImage, corrections }: StepSizes,
  planDecoder: DecoderPlanner,
  { bufferLimit }: DeviceTraits,
): number {
  const fits = (objects: number): boolean => {
    const { poolBytes, slotBytes } = planDecoder(roundShape(objects, corrections));
    return poolBytes <= DECODER_BUDGET && Math.max(...slotBytes) <= bufferLimit;
  };
  if (fits(objectsPerImage)) return objectsPerImage;
  let [most, tooMany] = [1, objectsPerImage];
  while (most + 1 < tooMany) {
    const middle = (most + tooMany) >> 1;
    if (fits(middle)) most = middle;
    else tooMany = middle;
  }
  return most;
}

function expectFit(bytes: number, limit: number): void {
  if (bytes <= limit) return;
  throw new Failure({
    code: 'train/too-large',
    what: `A step needs a buffer of ${bytes} bytes and the adapter allows ${limit}.`,
    cure: 'Choose a smaller model, or fewer objects at once.',
  });
}
