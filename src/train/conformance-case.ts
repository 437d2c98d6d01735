import type { GateForm, MopeftConfig } from '../config/mopeft.ts';
import { Random } from '../config/random.ts';
import { gridOf, type SamConfig } from '../config/sam.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { HostTensor } from '../sam/checkpoint/safetensors.ts';
import { sitesOf } from '../sam/encoder.ts';
import { type ConformancePass, passesOf, type RoundsForm, type Tensors } from './conformance-passes.ts';
import type { ParameterRange } from './parameter-buffers.ts';
import { planShapes } from './plans.ts';
import { type FrozenModel, TrainingStep } from './step.ts';

/** What a set's json says of one case; sizes are read off the tensors. */
export interface CaseDescription {
  readonly methods: readonly string[];
  readonly gated: boolean;
  /** Default: `unipelt` for gated cases. */
  readonly gate?: GateForm;
  /** Absent: one prompt an image. */
  readonly rounds?: RoundsForm;
}

/** What a set's json says besides the model's config. */
export interface SetDescription {
  readonly batch: number;
  readonly adapterActivation: 'gelu' | 'relu';
  readonly optimizer: {
    readonly lr: number;
    readonly weightDecay: number;
    readonly steps: number;
  };
}

/** One tensor held against its reference. */
export interface CaseResult {
  /** As in the file. */
  readonly name: string;
  /** max |a − b| / max(max |ref|, 1e-6 / tolerance). */
  readonly error: number;
  readonly tolerance: number;
}

const TOLERANCE = { forward: 1e-4, gradient: 1e-3, adamw: 1e-5 } as const;

/** The error of a tensor as the vectors define it; infinite when sizes differ or a value is no number. */
export function caseError(got: ArrayLike<number>, want: ArrayLike<number>, tolerance: number): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  let largest = 1e-6 / tolerance;
  for (let i = 0; i < want.length; i++) {
    const difference = Math.abs((got[i] ?? Number.NaN) - (want[i] ?? Number.NaN));
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    worst = Math.max(worst, difference);
    largest = Math.max(largest, Math.abs(want[i] ?? 0));
  }
  return worst / largest;
}

/**
 * Runs one case of a set on the executables of training: the forward pass, losses, gates and gradients of one batch, then
 * AdamW with the gradients of the file. Every tensor of `vectors` that is an expectation gives a result; one that nothing was
 * computed for has an infinite error.
 * @param forward `<name>.forward.safetensors`; @param vectors `<name>.<case>.safetensors`.
 */
export async function runConformanceCase(
  gpu: Gpu,
  model: FrozenModel,
  set: SetDescription,
  description: CaseDescription,
  forward: Tensors,
  vectors: Tensors,
): Promise<CaseResult[]> {
  const mopeft = mopeftOf(model.config, set, description, vectors);
  const passes = passesOf(model.config, set.batch, description.rounds ?? null, forward, vectors);
  const shapes = passes.map(({ shape }) => shape);
  const plans = planShapes(model.config, mopeft, shapes, gpu);
  const step = await TrainingStep.create(gpu, model, plans);
  try {
    for (const { name } of plans.tensors)
      step.parameters.write('param', name, need(vectors, `param.${name}`));
    const got = await forwardAndBackward(step, passes);
    for (const [name, values] of await adamwOf(step, set, vectors)) got.set(name, values);
    return [...vectors].flatMap(([name, { data }]): CaseResult[] => {
      const tolerance = toleranceOf(name);
      return tolerance === null
        ? []
        : [{ name, error: caseError(got.get(name) ?? [], data, tolerance), tolerance }];
    });
  } finally {
    step.release();
  }
}

function toleranceOf(name: string): number | null {
  if (/^(param|target|input)\./.test(name)) return null;
  if (name.startsWith('grad.')) return TOLERANCE.gradient;
  return name.startsWith('adamw') ? TOLERANCE.adamw : TOLERANCE.forward;
}

async function forwardAndBackward(
  step: TrainingStep,
  passes: readonly ConformancePass[],
): Promise<Map<string, ArrayLike<number>>> {
  const got = new Map<string, ArrayLike<number>>();
  const gates = new Map<string, number[]>();
  const embeddings: Float32Array[] = [];
  const images = passes.map(({ image }) => image);
  const { loss } = await step.gradients(images, 0, Random.fromSeed(0), {
    encoded: async (i) => {
      const { batch, isFirst } = passAt(passes, i);
      if (!isFirst) return;
      embeddings[batch] = channelsFirst(await step.embedding(), step.sam);
      for (const [block, layer] of (await step.gates()).entries()) {
        for (const [method, value] of Object.entries(layer)) {
          const name = `gates.${block}.${method}`;
          gates.set(name, [...(gates.get(name) ?? []), value]);
        }
      }
    },
    decoded: (i, answers, parts) => {
      const { key } = passAt(passes, i);
      const chosen = answers.map((_, n) => parts.subarray(4 * n, 4 * n + 4));
      got.set(
        `masks.${key}`,
        answers.flatMap(({ masks }) => masks.flatMap((mask) => [...mask])),
      );
      got.set(
        `iou.${key}`,
        answers.flatMap(({ iou }) => iou),
      );
      got.set(
        `loss.${key}`,
        chosen.flatMap((four) => [...four.subarray(0, 3)]),
      );
      got.set(
        `token.${key}`,
        chosen.map((four) => four[3] ?? Number.NaN),
      );
    },
  });
  got.set('loss', [loss]);
  got.set(
    'encoder.embedding',
    embeddings.flatMap((values) => [...values]),
  );
  for (const [name, values] of gates) got.set(name, values);
  for (const [name, values] of (await step.parameters.read('grad')).get('grad') ?? [])
    got.set(`grad.${name}`, values);
  return got;
}

function passAt(passes: readonly ConformancePass[], i: number): ConformancePass {
  const pass = passes[i];
  if (!pass) throw new RangeError(`there is no pass ${i}`);
  return pass;
}

/** AdamW with the file's gradient in every step and decay on every tensor, as the vectors want it. */
async function adamwOf(
  step: TrainingStep,
  { optimizer: { lr, weightDecay, steps } }: SetDescription,
  vectors: Tensors,
): Promise<Map<string, ArrayLike<number>>> {
  for (const { name } of step.parameters.layout.tensors) {
    step.parameters.write('grad', name, need(vectors, `grad.${name}`));
  }
  const settings = (_: ParameterRange) => ({ lr, weightDecay });
  for (let update = 1; update <= steps; update++) await step.update(update, settings, 1);
  const params = (await step.parameters.read('param')).get('param') ?? new Map<string, Float32Array>();
  return new Map([...params].map(([name, values]) => [`adamw${steps}.${name}`, values]));
}

/** The config that the tensors of a case speak of. */
function mopeftOf(
  sam: SamConfig,
  { adapterActivation }: SetDescription,
  { methods, gated, gate }: CaseDescription,
  vectors: Tensors,
): MopeftConfig {
  const names = [...vectors.keys()].filter((name) => name.startsWith('param.blocks.'));
  const blocksOf = (method: string) => {
    const found = names.flatMap((name) => {
      const [, , block, owner] = name.split('.');
      return owner === method ? [Number(block)] : [];
    });
    return [...new Set(found)].sort((a, b) => a - b);
  };
  const rows = (end: string) => {
    const name = names.find((candidate) => candidate.endsWith(end));
    return (name && vectors.get(name)?.shape[0]) || 1;
  };
  const settings: Record<string, Record<string, number | string>> = {
    lora: { rank: rows('.lora.q.A'), alpha: 0 },
    prefix: { length: rows('.prefix.K') },
    adapter: { bottleneck: rows('.adapter.down.weight'), activation: adapterActivation },
  };
  const blocks = sitesOf(sam)
    .map(({ index }) => index)
    .filter((block) => methods.some((method) => blocksOf(method).includes(block)));
  return {
    methods: Object.fromEntries(methods.map((method) => [method, settings[method] ?? {}])),
    gate: gated ? (gate ?? 'unipelt') : 'none',
    blocks,
    trainDecoder: [...vectors.keys()].some((name) => name.startsWith('param.mask_decoder.')),
    pruned: Object.fromEntries(
      methods.map((method) => [method, blocks.filter((block) => !blocksOf(method).includes(block))]),
    ),
  };
}

function channelsFirst(embedding: Float32Array, sam: SamConfig): Float32Array {
  const cells = gridOf(sam) ** 2;
  const channels = sam.outputChannels;
  return Float32Array.from(
    { length: embedding.length },
    (_, i) => embedding[(i % cells) * channels + Math.floor(i / cells)] ?? Number.NaN,
  );
}

function need(tensors: Tensors, name: string): Float32Array {
  return needTensor(tensors, name).data;
}

function needTensor(tensors: Tensors, name: string): HostTensor {
  const tensor = tensors.get(name);
  if (!tensor) throw new RangeError(`the vectors have no tensor ${name}`);
  return tensor;
}
