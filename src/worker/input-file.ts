import type { InputFile } from '../data/read-datasets.ts';
import type { DroppedFile } from './protocol.ts';

/** A dropped file as the engine reads it. */
export function inputFile({ path, file }: DroppedFile): InputFile {
  return {
    path,
    size: file.size,
    bytes: async () => new Uint8Array(await file.arrayBuffer()),
    read: async (offset, length) => new Uint8Array(await file.slice(offset, offset + length).arrayBuffer()),
  };
}
