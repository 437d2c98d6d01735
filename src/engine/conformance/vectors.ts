import type { Shape } from '../../graph/shape.ts';
import { type HostTensor, missingTensor, type Safetensors } from '../../sam/checkpoint/safetensors.ts';

/** The tensors of one file of a set, which remembers what was asked for, so that nothing is left out silently. */
export class Vectors {
  private readonly asked = new Set<string>();

  private constructor(
    readonly name: string,
    private readonly tensors: ReadonlyMap<string, HostTensor>,
  ) {}

  static async read(file: Safetensors): Promise<Vectors> {
    const tensors = new Map<string, HostTensor>();
    for (const name of file.tensors.keys()) tensors.set(name, await file.readValues(name));
    return new Vectors(file.name, tensors);
  }

  get keys(): string[] {
    return [...this.tensors.keys()];
  }

  has(key: string): boolean {
    return this.tensors.has(key);
  }

  /** A tensor of the file; it counts as used. */
  get(key: string): HostTensor {
    const tensor = this.tensors.get(key);
    if (!tensor) throw missingTensor(key, this.name);
    this.asked.add(key);
    return tensor;
  }

  /** A tensor of the file, or null; used when it is there. */
  find(key: string): HostTensor | null {
    return this.tensors.has(key) ? this.get(key) : null;
  }

  /** Every tensor; all count as used. */
  all(): Map<string, HostTensor> {
    return new Map(this.keys.map((key) => [key, this.get(key)]));
  }

  /** Names that nobody asked for. */
  get untouched(): string[] {
    return this.keys.filter((key) => !this.asked.has(key));
  }
}

/** Item `index` of the leading axis. */
export function itemOf({ shape, data }: HostTensor, index: number): HostTensor {
  const rest: Shape = shape.slice(1);
  const size = data.length / (shape[0] ?? 1);
  return { shape: rest, data: data.subarray(index * size, (index + 1) * size) };
}

/** [N, h, w, D] → [N, D, h, w], as PyTorch's files have it. */
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
