import { Failure } from '../config/failure.ts';
import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import { sizeOf } from '../graph/shape.ts';
import type { TensorGroup, TrainableTensor } from '../peft/tensors.ts';

/** Bytes to which every tensor is aligned: WebGPU's default for the offset of a storage binding. */
export const ALIGNMENT = 256;

/** What training keeps of every tensor: its values, their gradient and AdamW's two moments. */
export const BUFFER_ROLES = ['param', 'grad', 'm', 'v'] as const;
export type BufferRole = (typeof BUFFER_ROLES)[number];

/** Where a tensor stands in each role's buffers. */
export interface PlacedTensor extends TrainableTensor {
  readonly buffer: number;
  /** Bytes from the start of the buffer, a multiple of 256. */
  readonly offset: number;
  readonly bytes: number;
}

/** Neighbouring tensors with one learning rate and one decay, as AdamW takes them. */
export interface ParameterRange extends Pick<TrainableTensor, 'group' | 'decay' | 'rate'> {
  readonly buffer: number;
  readonly offset: number;
  /** Padding between tensors included; it holds zeros and stays zero. */
  readonly bytes: number;
}

/** Tensors of one size that stand at equal distances in one buffer, as a graph's input of its own. */
export interface TensorsBeside {
  /** The name of the input, and that of each tensor. */
  readonly name: string;
  readonly names: readonly string[];
  readonly buffer: number;
  /** From the first of them to the end of the last. */
  readonly offset: number;
  readonly bytes: number;
  /** Bytes from one tensor to the next. */
  readonly stride: number;
}

/** The places of all trainable tensors, the same in the buffers for parameters, gradients and both moments. */
export interface ParameterLayout {
  readonly tensors: readonly PlacedTensor[];
  /** Those that were asked to stand side by side, and do. */
  readonly beside: readonly TensorsBeside[];
  readonly ranges: readonly ParameterRange[];
  readonly bufferBytes: readonly number[];
  /** Numbers that training changes, padding not counted. */
  readonly parameterCount: number;
  /** Bytes of all buffers of all four roles. */
  readonly totalBytes: number;
}

const GROUP_ORDER: readonly TensorGroup[] = ['peft', 'gate', 'decoder'];

/**
 * Places tensors by group, decay and rate, then by name, so that the layout does not depend on their order.
 * @param beside names of tensors that shall stand side by side.
 * @param limit largest buffer and binding in bytes that the device allows.
 * @throws Failure `train/tensor-too-large`.
 */
export function layoutParameters(
  tensors: readonly TrainableTensor[],
  limit: number,
  beside: readonly (readonly string[])[] = [],
): ParameterLayout {
  const kind = ({ group, decay }: TrainableTensor) => 2 * GROUP_ORDER.indexOf(group) + Number(!decay);
  const places = new Map(beside.flatMap((names) => names.map((name, i) => [name, `${names[0]} ${i}`])));
  const place = ({ name }: TrainableTensor) => places.get(name) ?? name;
  const sorted = [...tensors].sort(
    (a, b) => kind(a) - kind(b) || a.rate - b.rate || (place(a) < place(b) ? -1 : 1),
  );
  const placed: PlacedTensor[] = [];
  const ranges: ParameterRange[] = [];
  const bufferBytes: number[] = [0];
  for (const tensor of sorted) {
    const bytes = 4 * sizeOf(tensor.shape);
    const padded = Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    if (padded > limit) {
      throw new Failure({
        code: 'train/tensor-too-large',
        what: `The tensor has ${bytes} bytes and the adapter binds at most ${limit}.`,
        where: tensor.name,
        cure: 'Choose a smaller model or freeze the decoder.',
      });
    }
    let buffer = bufferBytes.length - 1;
    if ((bufferBytes[buffer] ?? 0) + padded > limit) buffer = bufferBytes.push(0) - 1;
    const offset = bufferBytes[buffer] ?? 0;
    placed.push({ ...tensor, buffer, offset, bytes });
    bufferBytes[buffer] = offset + padded;
    const last = ranges[ranges.length - 1];
    if (last && last.buffer === buffer && isAlike(last, tensor)) {
      ranges[ranges.length - 1] = { ...last, bytes: last.bytes + padded };
    } else {
      const { group, decay, rate } = tensor;
      ranges.push({ group, decay, rate, buffer, offset, bytes: padded });
    }
  }
  return {
    tensors: placed,
    beside: beside.flatMap((names) => {
      const range = rangeOf(names, placed);
      return range ? [range] : [];
    }),
    ranges,
    bufferBytes,
    parameterCount: placed.reduce((sum, { bytes }) => sum + bytes / 4, 0),
    totalBytes: BUFFER_ROLES.length * bufferBytes.reduce((sum, bytes) => sum + bytes, 0),
  };
}

/** Where tensors stand that have equal distances; null where they have not. */
function rangeOf(names: readonly string[], placed: readonly PlacedTensor[]): TensorsBeside | null {
  const own = names.flatMap((name) => placed.find((tensor) => tensor.name === name) ?? []);
  const [first, second] = own;
  const last = own.at(-1);
  if (!first || !last || own.length < names.length) return null;
  const stride = second ? second.offset - first.offset : 0;
  const isEven = own.every(
    ({ buffer, offset, bytes }, i) =>
      buffer === first.buffer && offset === first.offset + i * stride && bytes === first.bytes,
  );
  if (!isEven) return null;
  const bytes = last.offset + last.bytes - first.offset;
  return { name: besideName(names), names, buffer: first.buffer, offset: first.offset, bytes, stride };
}

/** Name of several tensors that stand side by side as a graph's input. */
export function besideName(names: readonly string[]): string {
  return `[${names.join(', ')}]`;
}

function isAlike(a: ParameterRange, b: TrainableTensor): boolean {
  return a.group === b.group && a.decay === b.decay && a.rate === b.rate;
}

/** Name of a tensor's gradient accumulator as a graph's input. */
export function gradName(name: string): string {
  return `grad.${name}`;
}

/** Name of a whole buffer of one role as a graph's input. */
export function bufferName(role: BufferRole, buffer: number): string {
  return `flat.${role}.${buffer}`;
}

/** What of every tensor is its state; gradients are made anew in every step. */
export const STATE_ROLES = ['param', 'm', 'v'] as const satisfies readonly BufferRole[];

/** All trainable tensors on the device, with their gradients and AdamW's moments. */
export class ParameterBuffers {
  private readonly byName: ReadonlyMap<string, PlacedTensor>;

  private constructor(
    private readonly gpu: Gpu,
    readonly layout: ParameterLayout,
    private readonly buffers: Readonly<Record<BufferRole, readonly GPUBuffer[]>>,
  ) {
    this.byName = new Map(layout.tensors.map((tensor) => [tensor.name, tensor]));
  }

  /** Allocates zeroed buffers for a layout. */
  static allocate(gpu: Gpu, layout: ParameterLayout): ParameterBuffers {
    const make = (role: BufferRole) =>
      layout.bufferBytes.map((bytes, i) => gpu.allocate(bytes, `parameters ${role} ${i}`));
    return new ParameterBuffers(gpu, layout, {
      param: make('param'),
      grad: make('grad'),
      m: make('m'),
      v: make('v'),
    });
  }

  /** One tensor in one role. */
  range(role: BufferRole, name: string): BufferRange {
    const tensor = this.byName.get(name);
    if (!tensor) throw new RangeError(`there is no tensor ${name}`);
    return { buffer: this.buffer(role, tensor.buffer), offset: tensor.offset, size: tensor.bytes };
  }

  /** Parameters under their own names, and those that stand side by side under theirs. */
  parameters(): Map<string, BufferRange> {
    return this.named('param', (name) => name);
  }

  /** Gradient accumulators as {@link gradName}. */
  gradients(): Map<string, BufferRange> {
    return this.named('grad', gradName);
  }

  private named(role: BufferRole, nameOf: (name: string) => string): Map<string, BufferRange> {
    const { tensors, beside } = this.layout;
    return new Map(
      [...tensors, ...beside].map(({ name, buffer, offset, bytes }) => [
        nameOf(name),
        { buffer: this.buffer(role, buffer), offset, size: bytes },
      ]),
    );
  }

  /** Every buffer of every role as {@link bufferName}. */
  flat(): Map<string, BufferRange> {
    return new Map(
      BUFFER_ROLES.flatMap((role) =>
        this.layout.bufferBytes.map((size, i) => [
          bufferName(role, i),
          { buffer: this.buffer(role, i), offset: 0, size },
        ]),
      ),
    );
  }

  /** Sets one tensor of one role. */
  write(role: BufferRole, name: string, data: Float32Array): void {
    const range = this.range(role, name);
    if (data.byteLength !== range.size)
      throw new RangeError(`${name} has ${range.size / 4} values, not ${data.length}`);
    this.gpu.write(range, data);
  }

  /** Values of one role by the tensors' names; of every tensor, unless some are named. */
  async read(
    role: BufferRole,
    tensors: readonly PlacedTensor[] = this.layout.tensors,
  ): Promise<Map<string, Float32Array>> {
    const values = await this.gpu.read(...tensors.map(({ name }) => this.range(role, name)));
    return new Map(tensors.map(({ name }, i) => [name, values[i] ?? new Float32Array()]));
  }

  /** Sets all gradients to zero. */
  clearGradients(): void {
    this.layout.bufferBytes.forEach((size, i) => {
      this.gpu.clear({ buffer: this.buffer('grad', i), offset: 0, size });
    });
  }

  release(): void {
    for (const role of BUFFER_ROLES) for (const buffer of this.buffers[role]) this.gpu.release(buffer);
  }

  private buffer(role: BufferRole, index: number): GPUBuffer {
    const buffer = this.buffers[role][index];
    if (!buffer) throw new RangeError(`there is no parameter buffer ${index}`);
    return buffer;
  }
}
