import type { MopeftConfig } from '../config/mopeft.ts';
import type { SamConfig } from '../config/sam.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Graph } from '../graph/graph.ts';
import { type Plan, planAround } from '../graph/plan.ts';
import { fused } from '../ops/fusion.ts';
import { pairsGradients } from '../ops/matmul/linear-backward.ts';
import { unpackHalves } from '../ops/unpack-half/unpack-half.ts';
import { datasetToken } from '../peft/dataset-token.ts';
import { differsInTraining } from '../peft/modules.ts';
import { type TrainableTensor, trainableTensors } from '../peft/tensors.ts';
import { type DecodeShape, imagePeGraph } from '../sam/graphs.ts';
import { halfNames, type WeightPrecision } from '../sam/halves.ts';
import { networkLayers } from '../sam/mask-decoder.ts';
import { decoderKey, decoderTrainingGraph } from './decoder-graph.ts';
import { cutOf, encoderTrainingGraph, evaluationGraph, lowerGraph } from './encoder-graph.ts';
import { optimizerGraph } from './optimizer.ts';
import { layoutParameters, type ParameterLayout } from './parameter-buffers.ts';

/** What of a device decides a plan. */
export type DeviceTraits = Pick<Gpu, 'traits' | 'bufferLimit'>;

/** Everything that a training step runs, planned before anything is allocated. All plans share one pool. */
export interface TrainingPlans {
  readonly sam: SamConfig;
  readonly mopeft: MopeftConfig;
  /** How the model's frozen weights have to be stored. */
  readonly precision: WeightPrecision;
  readonly tensors: readonly TrainableTensor[];
  readonly layout: ParameterLayout;
  /** Whether a tensor of the encoder is trained, so that the encoder has a backward. */
  readonly trainsEncoder: boolean;
  /** The encoder below the first module; null where nothing is below. */
  readonly lower: Plan | null;
  /** The encoder above for {@link imagesPerPass} images, whose gradients are computed. */
  readonly encoder: Plan;
  /** The same for one image, as it answers outside of training; null where that is the same. */
  readonly evaluationEncoder: Plan | null;
  /** By {@link decoderKey}. */
  readonly decoders: ReadonlyMap<string, Plan>;
  readonly optimizer: Plan;
  /** SAM's encoding of positions, which every pass of the decoder reads. */
  readonly imagePe: Plan;
  /** Images that share a pass of the encoder, and whose objects share those of the decoder. */
  readonly imagesPerPass: number;
  readonly objectsPerPass: number;
  /** Prompt tokens of the longest prompt. */
  readonly maxTokens: number;
}

/**
 * Plans steps of a model and method for a device, for any choice of what is kept; allocates nothing.
 * The encoder keeps what its backward needs while the decoder runs, so everything else is planned around that: in the
 * slots that the encoder leaves free between its phases, and further ones. What lies below the first module runs ahead.
 */
export class StepPlanner {
  private readonly tensors: readonly TrainableTensor[];
  private readonly layout: ParameterLayout;
  private readonly trainsEncoder: boolean;
  private readonly cut: number;
  private readonly precision: WeightPrecision;
  private readonly halves: ReadonlySet<string>;
  private readonly graphs = new Map<string, Graph>();

  /**
   * @param options.cut below which the encoder is computed apart; @param options.precision how the model's frozen weights are stored.
   * @throws Failure `train/tensor-too-large`.
   */
  constructor(
    readonly sam: SamConfig,
    private readonly mopeft: MopeftConfig,
    readonly device: DeviceTraits,
    {
      cut = cutOf(sam, mopeft),
      precision = 'f32',
    }: { readonly cut?: number; readonly precision?: WeightPrecision } = {},
  ) {
    this.cut = cut;
    this.precision = precision;
    this.tensors = trainableTensors(mopeft, sam);
    this.layout = layoutParameters(this.tensors, device.bufferLimit, networkLayers(sam));
    this.trainsEncoder = this.tensors.some(({ part }) => part === 'encoder');
    const trained = new Set(this.tensors.map(({ name }) => name));
    this.halves = new Set([...halfNames(sam, precision)].filter((name) => !trained.has(name)));
  }

  /**
   * @param keptBlocks as in `encoderTrainingGraph`.
   * @param shapes of the decoder's passes.
   * @param images that share a pass.
   * @param isLean as in `decoderTrainingGraph`.
   */
  plan(keptBlocks: number, shapes: readonly DecodeShape[], images = 1, isLean = false): TrainingPlans {
    const { sam, mopeft, tensors, layout, cut } = this;
    const maxTokens = Math.max(...shapes.map(({ tokens }) => tokens));
    const decoders = new Map(
      shapes.map((shape) => [
        decoderKey(shape),
        this.decoder({ ...shape, images }, shape.tokens < maxTokens, isLean),
      ]),
    );
    const others = [
      this.graph('optimizer', () => optimizerGraph(layout)),
      this.graph('positions', () => imagePeGraph(sam)),
      ...decoders.values(),
      ...(differsInTraining(mopeft) || images > 1
        ? [this.graph('evaluation', () => evaluationGraph(sam, mopeft, cut))]
        : []),
    ];
    const encoder = this.graph(`encoder ${keptBlocks} ${images}`, () =>
      encoderTrainingGraph(sam, mopeft, tensors, cut, keptBlocks, images),
    );
    const lower = cut > 0 ? this.graph('lower', () => lowerGraph(sam, cut)) : null;
    const { outer, inner, ahead } = planAround(encoder, 'backward', others, this.device.traits, lower);
    const [optimizer, imagePe, ...rest] = inner;
    if (!optimizer || !imagePe) throw new RangeError('not everything was planned');
    return {
      sam,
      mopeft,
      precision: this.precision,
      tensors,
      layout,
      trainsEncoder: this.trainsEncoder,
      lower: ahead,
      encoder: outer,
      evaluationEncoder: rest[decoders.size] ?? null,
      decoders: new Map([...decoders.keys()].flatMap((key, i) => (rest[i] ? [[key, rest[i]]] : []))),
      optimizer,
      imagePe,
      imagesPerPass: images,
      objectsPerPass: Math.max(...shapes.map(({ objects }) => objects)),
      maxTokens,
    };
  }

  private decoder(shape: DecodeShape, isCorrected: boolean, isLean: boolean): Graph {
    return this.graph(`${decoderKey(shape)} of ${shape.images} ${isCorrected} ${isLean}`, () =>
      decoderTrainingGraph(
        this.sam,
        shape,
        this.tensors,
        this.trainsEncoder,
        isCorrected,
        isLean,
        pairsGradients(this.device.traits) ? this.layout.beside : [],
        datasetToken(this.mopeft),
      ),
    );
  }

  /** Traces and fuses each graph once. */
  private graph(key: string, trace: () => Graph): Graph {
    const known = this.graphs.get(key);
    if (known) return known;
    const graph = trace();
    unpackHalves(graph, (name) => this.halves.has(name));
    this.graphs.set(key, fused(graph, this.device.traits));
    return graph;
  }
}

/** The smallest planned pass of the decoder that has room for the objects of a shape, with its key. */
export function decoderFor(
  { decoders, objectsPerPass }: TrainingPlans,
  shape: DecodeShape,
): { readonly key: string; readonly plan: Plan } {
  for (let { objects } = shape; objects <= objectsPerPass; objects++) {
    const key = decoderKey({ ...shape, objects });
    const plan = decoders.get(key);
    if (plan) return { key, plan };
  }
  throw new RangeError(`no decoder is planned for ${decoderKey(shape)}`);
}

/** Every plan; the one that a run waits for before anything else comes first. */
export function plansOf(plans: TrainingPlans): Plan[] {
  const all = [plans.imagePe];
  mapPlans(plans, (plan) => {
    if (plan !== plans.imagePe) all.push(plan);
    return plan;
  });
  return all;
}

/** The same with every plan replaced, each in its turn, always in the same order. */
export function mapPlans(plans: TrainingPlans, map: (plan: Plan) => Plan): TrainingPlans {
  return {
    ...plans,
    lower: plans.lower && map(plans.lower),
    encoder: map(plans.encoder),
    evaluationEncoder: plans.evaluationEncoder && map(plans.evaluationEncoder),
    decoders: new Map([...plans.decoders].map(([key, plan]) => [key, map(plan)])),
    optimizer: map(plans.optimizer),
    imagePe: map(plans.imagePe),
  };
}

/** Bytes of the buffers of the pool. */
export function poolSizes({ encoder }: TrainingPlans): readonly number[] {
  return encoder.slotBytes;
}

/** The largest buffer that the plans need, bytes. */
export function largestBuffer(plans: TrainingPlans): number {
  return Math.max(...poolSizes(plans), ...plans.layout.bufferBytes);
}
