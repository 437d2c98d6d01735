import { Failure } from '../../config/failure.ts';
import type { Shape } from '../../graph/shape.ts';
import type { Dtype } from './dtype.ts';
import { decodeFloats } from './floats.ts';
import { decodeIntegers } from './integers.ts';

/** A tensor in memory. */
export interface HostTensor {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** What a file says of a tensor before its values are read. */
export interface TensorInfo {
  readonly dtype: Dtype;
  readonly shape: Shape;
}

/** A file of named tensors whose structure was read and checked; values are read when they are asked for. */
export interface TensorFile {
  /** Name for messages. */
  readonly name: string;
  readonly format: 'safetensors' | 'pickle';
  /** By the name in the file; those of nested dictionaries are joined by dots (`model.image_encoder.pos_embed`). */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Texts beside the tensors; a pickle has none. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What the file holds and no model needs, such as `optimizer: 12 tensors`; it is not among `tensors`. */
  readonly leftOut: readonly string[];
  /**
   * One tensor as f32 (from f64, f32, f16 or bf16), in row-major order.
   * @throws Failure `checkpoint/missing`, `checkpoint/truncated`, `checkpoint/dtype` for integers, `checkpoint/not-finite`.
   */
  read(name: string): Promise<HostTensor>;
}

/** Keys under which trainers keep what a training needs to go on, and no model does. */
const TRAINING_STATE =
  /^((model_)?optim(izer)?s?|(lr_?)?sched(uler)?s?|(grad_|amp_)?scaler|amp|exp_avg(_sq)?|max_exp_avg_sq|momentum_buffer|grad)(_?(states?|dict|state_dict))?$/i;

/** True for a key, or a part of a dotted name, of a training's own state: the optimizer's, the schedule's. */
export function isTrainingState(key: string): boolean {
  return TRAINING_STATE.test(key);
}

/**
 * Weights from a tensor's bytes, little-endian and in row-major order.
 * @param where the file and the tensor, for messages.
 * @throws Failure `checkpoint/dtype` for integers, `checkpoint/not-finite`.
 */
export function weightsOf(bytes: Uint8Array, { dtype, shape }: TensorInfo, where: string): HostTensor {
  const data = decodeFloats(bytes, dtype);
  if (data === null) throw wrongType(dtype, where);
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new Failure({
      code: 'checkpoint/not-finite',
      what: `Element ${bad} is ${data[bad]}.`,
      where,
      cure: 'These weights come from a training that failed; use an earlier checkpoint.',
    });
  }
  return { shape, data };
}

/** A tensor's bytes as f32, floats or integers, whatever they are: for files that hold more than weights. */
export function valuesOf(bytes: Uint8Array, { dtype, shape }: TensorInfo): HostTensor {
  return { shape, data: decodeFloats(bytes, dtype) ?? decodeIntegers(bytes, dtype) };
}

/** The failure for weights of a type that is no float, as quantised ones are. */
export function wrongType(dtype: Dtype, where: string): Failure {
  return new Failure({
    code: 'checkpoint/dtype',
    what: `It holds ${dtype} values; weights have to be F32, F16 or BF16.`,
    where,
    cure: 'Use the unquantised weights of the model.',
  });
}

/**
 * The failure for a tensor that a file should have.
 * @param there names that it has, of which some may stand for it; @param missing how many are missing.
 */
export function missingTensor(
  name: string,
  file: string,
  { there = [], missing = 1 }: { readonly there?: Iterable<string>; readonly missing?: number } = {},
): Failure {
  const [, module = '', leaf = ''] = /^(.*\.)([^.]+)$/.exec(name) ?? [];
  // As PyTorch saves weights that are computed anew for each use.
  const parts = [...there].filter(
    (other) =>
      other.startsWith(`${module}${leaf}_`) || other.startsWith(`${module}parametrizations.${leaf}.`),
  );
  if (parts.length > 0) {
    return new Failure({
      code: 'checkpoint/missing',
      what: `In its place are ${parts.slice(0, 2).join(' and ')}, from which PyTorch computes it (pruning, weight norm or another parametrisation).`,
      where: `${file}, tensor ${name}`,
      cure: 'In Python make it a plain weight and save again: prune.remove, remove_weight_norm, remove_spectral_norm or parametrize.remove_parametrizations of torch.nn.utils.',
    });
  }
  const [, part] = /^(image_encoder|prompt_encoder|mask_decoder)\./.exec(name) ?? [];
  return new Failure({
    code: 'checkpoint/missing',
    what: `The file has no such tensor${part ? ` of the ${part.replace('_', ' ')}` : ''}${missing > 1 ? `, and ${missing - 1} more are missing` : ''}.`,
    where: `${file}, tensor ${name}`,
    cure: 'Use a complete SAM checkpoint that fits its config; download or save it again.',
  });
}

/** The failure for a file that ends before a tensor does. */
export function truncatedTensor(name: string, file: string, lacking: number): Failure {
  return new Failure({
    code: 'checkpoint/truncated',
    what: `The file ended ${lacking} bytes early.`,
    where: `${file}, tensor ${name}`,
    cure: 'It changed while it was read; download or save it again.',
  });
}
