import type { Value } from '../../../pickle/values.ts';

/** A PyTorch file in either form: the object that was saved, and the storages of its tensors. */
export interface PytorchFile {
  readonly value: Value;
  readonly isLittleEndian: boolean;
  /**
   * Bytes [begin, end) of a storage, which lie within it; fewer where the file ends early.
   * @throws Failure for a compressed storage that is damaged.
   */
  readStorage(key: string, begin: number, end: number): Promise<Uint8Array>;
  /** Bytes of a storage in the file, or null when it has none of this key. */
  storageBytes(key: string): number | null;
}

/** Bytes of one pickle; those of SAM ViT-H with its optimizer's state take half a megabyte. */
export const MAX_PICKLE_BYTES = 32 * 2 ** 20;
