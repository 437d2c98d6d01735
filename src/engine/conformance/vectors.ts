import type { SamConfig } from '../../config/sam.ts';
import type { Shape } from '../../graph/shape.ts';
import type { Safetensors } from '../../sam/checkpoint/safetensors.ts';
import { type HostTensor, missingTensor } from '../../sam/checkpoint/tensor-file.ts';
import { type PackedPrompts, padsBoxes } from '../../sam/prompts.ts';

/** A tensor of a set's file. */
export interface VectorTensor extends HostTensor {
  /** The file holds every so many-th value of the whole, from the first; 1: all. */
  readonly every: number;
}

/** The end of a name whose tensor is sampled: `encoder.block.0.every.191`. */
const SAMPLED = /^(.+)\.every\.(\d+)$/;

/** The tensors of one file of a set. It records which were used, so that none is left out unnoticed. */
export class Vectors {
  private readonly used = new Set<string>();

  private constructor(
    readonly name: string,
    private readonly tensors: ReadonlyMap<string, VectorTensor>,
  ) {}

  /** @param drawn tensors that are not in the file; they need not be used. */
  static async read(file: Safetensors, drawn: ReadonlyMap<string, HostTensor> = new Map()): Promise<Vectors> {
    const tensors = new Map<string, VectorTensor>();
    for (const name of file.tensors.keys()) {
      const [, key = name, every = '1'] = SAMPLED.exec(name) ?? [];
      tensors.set(key, { ...(await file.readValues(name)), every: Number(every) });
    }
    for (const [key, tensor] of drawn) tensors.set(key, { ...tensor, every: 1 });
    const vectors = new Vectors(file.name, tensors);
    for (const key of drawn.keys()) vectors.used.add(key);
    return vectors;
  }

  get keys(): string[] {
    return [...this.tensors.keys()];
  }

  has(key: string): boolean {
    return this.tensors.has(key);
  }

  /** A tensor of the file; it counts as used. */
  get(key: string): VectorTensor {
    const tensor = this.tensors.get(key);
    if (!tensor) throw missingTensor(key, this.name);
    this.used.add(key);
    return tensor;
  }

  /** A tensor of the file, which then counts as used, or null. */
  find(key: string): VectorTensor | null {
    return this.tensors.has(key) ? this.get(key) : null;
  }

  /** Names of tensors that were not used. */
  get untouched(): string[] {
    return this.keys.filter((key) => !this.used.has(key));
  }
}

/** Item `index` of the leading axis. */
export function itemOf({ shape, data }: HostTensor, index: number): HostTensor {
  const rest: Shape = shape.slice(1);
  const size = data.length / (shape[0] ?? 1);
  return { shape: rest, data: data.subarray(index * size, (index + 1) * size) };
}

/** Packs prompt tensors of a file as they stand; points without a box get SAM's padding point, and boxes where the model pads them. */
export function packRaw(
  model: SamConfig,
  objects: number,
  points: HostTensor | null,
  labels: HostTensor | null,
  boxes: HostTensor | null,
  maskInput: Float32Array | null,
): PackedPrompts {
  const coords: number[] = [];
  const kinds: number[] = [];
  for (let n = 0; n < objects; n++) {
    if (points && labels) {
      coords.push(...itemOf(points, n).data);
      kinds.push(...itemOf(labels, n).data);
    }
    if (boxes) {
      coords.push(...itemOf(boxes, n).data);
      kinds.push(2, 3);
    }
    if (boxes ? padsBoxes(model) : points) {
      coords.push(0, 0);
      kinds.push(-1);
    }
  }
  return {
    objects,
    tokens: kinds.length / objects,
    coords: Float32Array.from(coords),
    labels: Float32Array.from(kinds),
    maskInput,
  };
}

/** [N, h, w, D] → [N, D, h, w], the layout of PyTorch's files. */
export function toChannelsFirst(
  data: Float32Array,
  [n, h, w, d]: readonly [number, number, number, number],
): Float32Array {
  const out = new Float32Array(data.length);
  const cells = h * w;
  for (let i = 0; i < n; i++) {
    for (let cell = 0; cell < cells; cell++) {
      for (let c = 0; c < d; c++) out[(i * d + c) * cells + cell] = data[(i * cells + cell) * d + c] ?? 0;
    }
  }
  return out;
}
