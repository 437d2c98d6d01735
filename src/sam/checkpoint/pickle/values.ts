/** What a pickle of PyTorch holds beside plain values. */
import { Built } from '../../../pickle/values.ts';
import { DTYPE_BYTES, type Dtype } from '../dtype.ts';

/** The class of arrays, which may be weights of another library and are none here. */
export const NUMPY_ARRAY = 'numpy.ndarray';

/** Memory that tensors are views of. */
export class Storage extends Built {
  constructor(
    readonly key: string,
    /** Null where the tensors say it (`UntypedStorage`); sizes are bytes then. */
    readonly dtype: Dtype | null,
    /** Elements of the whole storage. */
    readonly length: number,
    /** First element of the part that this is of the storage. */
    readonly start: number,
  ) {
    super();
  }
}

/** A tensor as PyTorch keeps it: a view of a storage. Offsets and strides in elements. */
export class TensorView extends Built {
  constructor(
    readonly storage: Storage,
    readonly dtype: Dtype,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {
    super();
  }
}

/** Bytes that a storage has to have. */
export function bytesOf({ dtype, length }: Storage): number {
  return length * (dtype === null ? 1 : DTYPE_BYTES[dtype]);
}
