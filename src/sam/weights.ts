import type { SamConfig } from '../config/sam.ts';
import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import { type Shape, sizeOf } from '../graph/shape.ts';
import type { SamCheckpoint } from './checkpoint/checkpoint.ts';
import { samTensorShapes } from './checkpoint/expected-shapes.ts';
import { ModelHasher } from './checkpoint/hash.ts';
import { engineShapes, POINT_ROWS, POINT_TABLE, prepareTensor } from './checkpoint/prepare.ts';
import type { HostTensor } from './checkpoint/tensor-file.ts';

/** Frozen tensors on the GPU by the engine's names; one store serves the base model and every tuned one. */
export class WeightStore {
  private readonly entries = new Map<string, { range: BufferRange; shape: Shape }>();
  /** Bytes on the GPU. */
  bytes = 0;

  constructor(private readonly gpu: Gpu) {}

  /** Uploads one tensor. */
  add(name: string, { shape, data }: HostTensor): void {
    if (this.entries.has(name)) throw new RangeError(`the weight ${name} is there already`);
    const range = this.gpu.upload(data, name);
    this.entries.set(name, { range, shape });
    this.bytes += range.size;
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

  /** Gives all buffers back. */
  release(): void {
    for (const { range } of this.entries.values()) this.gpu.release(range.buffer);
    this.entries.clear();
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
 * @throws Failure `checkpoint/…`, `gpu/out-of-memory`; nothing stays allocated then.
 */
export async function loadModel(
  gpu: Gpu,
  checkpoint: WeightsOfModel,
  options: { readonly onProgress?: (progress: LoadProgress) => void; readonly signal?: AbortSignal } = {},
): Promise<SamModel> {
  const { config } = checkpoint;
  const shapes = samTensorShapes(config);
  const weights = new WeightStore(gpu);
  const hasher = new ModelHasher();
  const pointTable = new Float32Array(POINT_ROWS.size * config.outputChannels);
  try {
    let done = 0;
    for (const [name, shape] of shapes) {
      options.signal?.throwIfAborted();
      const tensor = await checkpoint.read(name);
      await hasher.add(name, tensor);
      const row = POINT_ROWS.get(name);
      if (row === undefined) {
        for (const prepared of prepareTensor(config, name, shape)) {
          const others = await Promise.all((prepared.others ?? []).map((other) => checkpoint.read(other)));
          weights.add(prepared.name, { shape: prepared.shape, data: prepared.values(tensor, others) });
        }
      } else pointTable.set(tensor.data, row * config.outputChannels);
      done += 1;
      options.onProgress?.({ tensors: done, total: shapes.size });
    }
    weights.add(POINT_TABLE, { shape: [POINT_ROWS.size, config.outputChannels], data: pointTable });
    await gpu.idle();
  } catch (error) {
    weights.release();
    throw error;
  }
  return { name: checkpoint.name, config, weights, hash: await hasher.digest() };
}

/** Bytes that the frozen weights of a config take on the GPU. */
export function weightBytes(config: SamConfig): number {
  return [...engineShapes(config).values()].reduce((sum, shape) => sum + 4 * sizeOf(shape), 0);
}
