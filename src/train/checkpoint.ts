import * as v from 'valibot';
import { Failure, toFailureRecord } from '../config/failure.ts';
import type { MopeftConfig } from '../config/mopeft.ts';
import type { RandomState } from '../config/random.ts';
import type { KernelChoice } from '../gpu/traits.ts';
import { sameShape, show } from '../graph/shape.ts';
import { bytesSource } from '../sam/checkpoint/byte-source.ts';
import { Safetensors } from '../sam/checkpoint/safetensors.ts';
import { SafetensorsFile } from '../sam/checkpoint/safetensors-write.ts';
import type { HostTensor } from '../sam/checkpoint/tensor-file.ts';
import type { WeightPrecision } from '../sam/halves.ts';
import type { BatchState } from './batches.ts';
import type { ModuleScore } from './budget.ts';
import { type ParameterBuffers, type PlacedTensor, STATE_ROLES } from './parameter-buffers.ts';
import type { Selection } from './selection.ts';

/** Everything besides tensors that a resumed run needs. */
export interface RunState extends Selection, BatchState {
  /** Steps done. */
  readonly step: number;
  /** Evaluations since the best one. */
  readonly evaluationsSinceBest: number;
  /** Step of the last evaluation; null before the first. */
  readonly evaluatedStep: number | null;
  readonly random: BatchState['random'] & {
    readonly corrections: RandomState;
    /** What methods and gates draw in training; null in a checkpoint of before they could. */
    readonly gates: RandomState | null;
  };
  /** Modules that were taken out so far, as in a config; null: none. */
  readonly pruned: Pruned | null;
  /** Of the modules that are there, in gate forms that have scores. */
  readonly scores: readonly ModuleScore[];
  /** Objects a pass of the decoder, pinned: another number sums in another order. */
  readonly objectsPerPass: number;
  /** Images that share a pass, pinned likewise. */
  readonly imagesPerPass: number;
  /** How the model's frozen weights were stored: other values give other steps. */
  readonly weights: WeightPrecision;
  /** Which of several equal kernels the run began with, pinned too; null: as the shape alone chooses. */
  readonly kernels: KernelChoice | null;
}

type Pruned = NonNullable<MopeftConfig['pruned']>;

/** The best weights of a run. */
export interface BestWeights {
  /** What they belong to: modules that are not among them are pruned in it. */
  readonly mopeft: MopeftConfig;
  readonly tensors: ReadonlyMap<string, HostTensor>;
  readonly maskThreshold: number;
  readonly step: number;
  /** Mean validation IoU; null without validation images. */
  readonly score: number | null;
}

/** Where a run keeps what must outlive the tab. Every write replaces the old one whole or not at all. */
export interface RunStorage {
  readonly readCheckpoint: () => Promise<Uint8Array | null>;
  readonly writeCheckpoint: (bytes: Uint8Array) => Promise<void>;
  readonly readBest: () => Promise<Pick<BestWeights, 'mopeft' | 'tensors' | 'maskThreshold'> | null>;
  readonly writeBest: (best: BestWeights) => Promise<void>;
}

const word = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 1));
const randomState = v.tuple([word, word, word, word]);
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const imageSums = v.array(v.object({ name: v.string(), sum: v.number(), n: count }));
const setSums = v.union([
  v.object({ key: v.string(), images: imageSums }),
  // Checkpoints of version 0.1 say `pictures`.
  v.pipe(
    v.object({ key: v.string(), pictures: imageSums }),
    v.transform((old) => ({ key: old.key, images: old.pictures })),
  ),
]);
const startSums = v.optional(v.nullable(v.array(setSums)), null);
const StateSchema = v.pipe(
  v.object({
    step: count,
    bestStep: v.nullable(count),
    bestScore: v.nullable(v.number()),
    startSums,
    // What checkpoints of version 0.1 call `startSums`.
    startTally: startSums,
    evaluationsSinceBest: count,
    evaluatedStep: v.nullable(count),
    sampler: v.object({ random: randomState, turn: v.array(count), epochs: v.array(v.array(count)) }),
    random: v.object({
      augment: randomState,
      prompts: randomState,
      corrections: randomState,
      gates: v.optional(v.nullable(randomState), null),
    }),
    // Before modules could be taken out.
    pruned: v.optional(v.nullable(v.record(v.string(), v.array(count))), null),
    scores: v.optional(
      v.array(v.object({ method: v.string(), block: count, mean: v.number(), spread: v.number() })),
      [],
    ),
    promptCount: count,
    objectsPerPass: v.pipe(count, v.minValue(1)),
    // In earlier runs every image had its own.
    imagesPerPass: v.optional(v.pipe(count, v.minValue(1)), 1),
    // Earlier checkpoints know full precision only.
    weights: v.optional(v.picklist(['f32', 'f16']), 'f32'),
    // Before there was a choice.
    kernels: v.optional(v.nullable(v.object({ wideProductsFrom: count })), null),
  }),
  v.transform(({ startTally, ...state }) => ({ ...state, startSums: state.startSums ?? startTally })),
);

/** Whether every number is finite. */
export function allFinite(values: Iterable<Float32Array>): boolean {
  for (const array of values) if (!array.every(Number.isFinite)) return false;
  return true;
}

/** Bytes of tensors that are read back for a checkpoint at a time, unless one alone has more. */
const PIECE_BYTES = 16 * 2 ** 20;

/**
 * The file that a run resumes from: parameters, both moments and the state, as safetensors `param.*`, `m.*`, `v.*`;
 * null when a value is not finite, so that the last good file is kept. Besides the file, the host holds one piece of
 * it.
 */
export async function writeCheckpoint(
  parameters: ParameterBuffers,
  state: RunState,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const { tensors } = parameters.layout;
  const named = STATE_ROLES.flatMap((role) =>
    tensors.map(({ name, shape }) => [`${role}.${name}`, shape] as const),
  );
  const metadata = { format: 'mopeft-checkpoint', state: JSON.stringify(state) };
  const file = new SafetensorsFile(new Map(named), metadata);
  for (const role of STATE_ROLES) {
    for (const piece of piecesOf(tensors)) {
      const values = await parameters.read(role, piece);
      if (!allFinite(values.values())) return null;
      for (const [name, data] of values) file.set(`${role}.${name}`, data);
    }
  }
  return file.bytes;
}

/** Tensors in their order, in groups of at most {@link PIECE_BYTES}. */
function piecesOf(tensors: readonly PlacedTensor[]): PlacedTensor[][] {
  const pieces: PlacedTensor[][] = [];
  let room = 0;
  for (const tensor of tensors) {
    if (tensor.bytes > room || pieces.length === 0) {
      pieces.push([]);
      room = PIECE_BYTES;
    }
    pieces[pieces.length - 1]?.push(tensor);
    room -= tensor.bytes;
  }
  return pieces;
}

/** A checkpoint that was read and found whole. */
export interface Checkpoint {
  readonly state: RunState;
  /**
   * Writes its tensors to parameter buffers of the same layout.
   * @throws Failure `train/checkpoint` when one is missing or does not fit.
   */
  readonly restore: (parameters: ParameterBuffers) => void;
}

/**
 * Reads a checkpoint's file.
 * @param where its name, for messages.
 * @throws Failure `train/checkpoint`.
 */
export async function readCheckpoint(bytes: Uint8Array, where: string): Promise<Checkpoint> {
  // What a file of tensors advises, to download it again, helps no one with a file that a run wrote.
  const file = await Safetensors.open(bytesSource(where, bytes)).catch((error) => {
    throw damaged(
      where,
      `it is cut off or no checkpoint (${toFailureRecord(error).what.replace(/\.$/, '')})`,
    );
  });
  const parsed = v.safeParse(StateSchema, parseJson(file.metadata.state));
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw damaged(
      where,
      `another version wrote it, or it is damaged (${v.getDotPath(issue) ?? 'state'}: ${issue.message})`,
    );
  }
  const tensors = await file.readAll();
  return {
    state: parsed.output,
    restore: (parameters) => {
      for (const role of STATE_ROLES) {
        for (const { name, shape } of parameters.layout.tensors) {
          const tensor = tensors.get(`${role}.${name}`);
          if (!tensor) throw damaged(where, `it has no tensor ${role}.${name}`);
          if (!sameShape(tensor.shape, shape))
            throw damaged(where, `${role}.${name} is ${show(tensor.shape)} and not ${show(shape)}`);
          parameters.write(role, name, tensor.data);
        }
      }
    },
  };
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return null;
  }
}

function damaged(where: string, detail: string): Failure {
  return new Failure({
    code: 'train/checkpoint',
    what: `The checkpoint cannot be used: ${detail}.`,
    where,
    cure: 'Start a new run with the same settings; the best weights of this one are kept.',
  });
}
