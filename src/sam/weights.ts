import { Failure } from '../config/failure.ts';
import type { SamConfig } from '../config/sam.ts';
import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import { type Shape, sizeOf } from '../graph/shape.ts';
import { halfName, packHalves } from '../ops/unpack-half/unpack-half.ts';
import type { SamCheckpoint } from './checkpoint/checkpoint.ts';
import { samTensorShapes } from './checkpoint/expected-shapes.ts';
import { ModelHasher } from './checkpoint/hash.ts';
import { engineShapes, preparedTensors } from './checkpoint/prepare.ts';
import type { HostTensor } from './checkpoint/tensor-file.ts';
import { halfNames, TRAINED_WHOLE, type WeightPrecision } from './halves.ts';

/**
 * Frozen tensors on the GPU by the engine's names, those that are stored as halves by their {@link halfName}; one store serves
 * the base model and every tuned one.
 */
export class WeightStore {
  private readonly entries = new Map<string, { range: BufferRange; shape: Shape }>();
  private readonly exact = new Map<string, Float32Array>();
  /** Bytes on the GPU. */
  bytes = 0;

  constructor(private readonly gpu: Gpu) {}

  /** Uploads one tensor. @param asHalves with half the bits. @throws Failure `model/half-too-large`. */
  add(name: string, { shape, data }: HostTensor, asHalves = false): void {
    const own = asHalves ? halfName(name) : name;
    if (this.entries.has(own)) throw new RangeError(`the weight ${name} is there already`);
    const range = this.gpu.upload(asHalves ? halvesOf(name, data) : data, own);
    this.entries.set(own, { range, shape });
    if (asHalves && name.startsWith(TRAINED_WHOLE)) this.exact.set(name, data.slice());
    this.bytes += range.size;
  }

  /** Whether a tensor is stored as halves. */
  isHalf(name: string): boolean {
    return this.entries.has(halfName(name));
  }

  get names(): IterableIterator<string> {
    return this.entries.keys();
  }

  /** Where a tensor stands, or undefined. */
  range(name: string): BufferRange | undefined {
    return this.entries.get(name)?.range;
  }

  shape(name: string): Shape | undefined {
    return this.entries.get(name)?.shape;
  }

  /** The values of a tensor as the checkpoint has them. @throws RangeError for one that is no longer known so exactly. */
  async values(name: string): Promise<Float32Array> {
    const exact = this.exact.get(name);
    const range = this.range(name);
    if (!exact && !range) throw new RangeError(`the model has no weight ${name} in full precision`);
    const [values = new Float32Array()] = exact ? [exact] : await this.gpu.read(...(range ? [range] : []));
    return values;
  }

  /** Gives all buffers back. */
  release(): void {
    for (const { range } of this.entries.values()) this.gpu.release(range.buffer);
    this.entries.clear();
    this.exact.clear();
    this.bytes = 0;
  }
}

/** A base model: its config, its frozen weights on the GPU and its identity. */
export interface SamModel {
  readonly name: string;
  readonly config: SamConfig;
  readonly weights: WeightStore;
  /** SHA-256 of the weights, see `checkpoint/hash.ts`. */
  readonly hash: string;
  /** How the weights are stored. */
  readonly precision: WeightPrecision;
}

/** What a model is loaded from. */
export type WeightsOfModel = Pick<SamCheckpoint, 'name' | 'config' | 'read'>;

/** Where a load stands. */
export interface LoadProgress {
  readonly tensors: number;
  readonly total: number;
}

/**
 * Reads a checkpoint tensor by tensor, hashes it and puts it on the GPU; in memory is never more than one tensor, with
 * the small ones that are folded into it.
 * @param signal ends it early; what was uploaded is given back.
 * @param precision how the weights are stored; default: f32.
 * @throws Failure `checkpoint/…`, `gpu/out-of-memory`, `model/half-too-large`; nothing stays allocated then.
 */
export async function loadModel(
  gpu: Gpu,
  checkpoint: WeightsOfModel,
  options: {
    readonly onProgress?: (progress: LoadProgress) => void;
    readonly signal?: AbortSignal;
    readonly precision?: WeightPrecision;
  } = {},
): Promise<SamModel> {
  const { config } = checkpoint;
  const { precision = 'f32' } = options;
  const asHalves = halfNames(config, precision);
  const total = samTensorShapes(config).size;
  const weights = new WeightStore(gpu);
  const hasher = new ModelHasher();
  try {
    let done = 0;
    for await (const { name, tensor, made } of preparedTensors(config, checkpoint.read)) {
      options.signal?.throwIfAborted();
      await hasher.add(name, tensor);
      for (const prepared of made) weights.add(prepared.name, prepared, asHalves.has(prepared.name));
      done += 1;
      options.onProgress?.({ tensors: done, total });
    }
    await gpu.idle();
  } catch (error) {
    weights.release();
    throw error;
  }
  return { name: checkpoint.name, config, weights, hash: await hasher.digest(), precision };
}

/** Bytes that the frozen weights of a config take on the GPU. */
export function weightBytes(config: SamConfig, precision: WeightPrecision = 'f32'): number {
  const asHalves = halfNames(config, precision);
  const bytes = [...engineShapes(config)].map(
    ([name, shape]) => (asHalves.has(name) ? 2 : 4) * sizeOf(shape),
  );
  return bytes.reduce((sum, part) => sum + part, 0);
}

/** Values as halves, as the buffer that a graph binds. */
function halvesOf(name: string, values: Float32Array): Float32Array {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  // Rounded, it would be infinite.
  if (largest < 65520) return new Float32Array(packHalves(values).buffer);
  throw new Failure({
    code: 'model/half-too-large',
    what: `A weight of ${largest.toPrecision(3)} is larger than a half-precision number can be (65,504).`,
    where: name,
    cure: 'Set "Frozen weights" to full precision (--weights f32).',
  });
}
