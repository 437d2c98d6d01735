/** What a pickle can hold here. Nothing in it can be called: names of Python's functions and classes are texts. */
import { DTYPE_BYTES, type Dtype } from '../dtype.ts';

/** Tuples, lists and sets are arrays. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Value[]
  | Dict
  | Global
  | Opaque
  | Storage
  | TensorView;

export class Dict {
  readonly entries = new Map<Value, Value>();
}

/** A function or class of Python by its name. */
export class Global {
  constructor(
    readonly module: string,
    readonly name: string,
  ) {}

  get path(): string {
    return `${this.module}.${this.name}`;
  }
}

/** An object of a class that no tensor needs; its content was passed over. */
export class Opaque {
  constructor(
    /** The class, such as `argparse.Namespace`. */
    readonly className: string,
    /** A setting, a date, a path: nothing that a person would miss. */
    readonly isPlain = false,
  ) {}
}

/** The class of arrays, which may be weights of another library and are none here. */
export const NUMPY_ARRAY = 'numpy.ndarray';

/** Memory that tensors are views of. */
export class Storage {
  constructor(
    readonly key: string,
    /** Null where the tensors say it (`UntypedStorage`); sizes are bytes then. */
    readonly dtype: Dtype | null,
    /** Elements of the whole storage. */
    readonly length: number,
    /** First element of the part that this is of the storage. */
    readonly start: number,
  ) {}
}

/** A tensor as PyTorch keeps it: a view of a storage. Offsets and strides in elements. */
export class TensorView {
  constructor(
    readonly storage: Storage,
    readonly dtype: Dtype,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/** Bytes that a storage has to have. */
export function bytesOf({ dtype, length }: Storage): number {
  return length * (dtype === null ? 1 : DTYPE_BYTES[dtype]);
}
