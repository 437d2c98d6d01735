/** Sorts dropped files into models, adapters and data. */
import type { DroppedFile } from '../../worker/protocol.ts';

export interface SortedFiles {
  /** One group per model: its safetensors and the JSON files in the same folder. */
  readonly models: readonly (readonly DroppedFile[])[];
  readonly adapters: readonly (readonly DroppedFile[])[];
  readonly data: readonly DroppedFile[];
}

/** Sorts by content where names do not decide. Never fails: the engine explains what cannot be read. */
export async function sortFiles(files: readonly DroppedFile[]): Promise<SortedFiles> {
  const models: DroppedFile[][] = [];
  const adapters: DroppedFile[][] = [];
  const taken = new Set<DroppedFile>();
  for (const dropped of files) {
    if (!/\.safetensors$/i.test(dropped.path)) continue;
    const beside = files.filter(
      (other) => /\.json$/i.test(other.path) && folderOf(other.path) === folderOf(dropped.path),
    );
    const group = [dropped, ...beside];
    for (const file of group) taken.add(file);
    if ((await kindOfSafetensors(dropped.file)) === 'adapter') adapters.push(group);
    else models.push(group);
  }
  return { models, adapters, data: files.filter((file) => !taken.has(file)) };
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

const MAX_HEADER_BYTES = 100 * 2 ** 20;

/** Anything unreadable counts as a model, whose reader explains what is wrong. */
async function kindOfSafetensors(file: Blob): Promise<'adapter' | 'model'> {
  try {
    const length = new DataView(await file.slice(0, 8).arrayBuffer()).getBigUint64(0, true);
    if (length > BigInt(Math.min(MAX_HEADER_BYTES, file.size))) return 'model';
    const header: unknown = JSON.parse(await file.slice(8, 8 + Number(length)).text());
    if (typeof header !== 'object' || header === null) return 'model';
    return kindOfNames(Object.keys(header).filter((name) => name !== '__metadata__'));
  } catch {
    return 'model';
  }
}

/** By tensor names: an adapter has tensors of blocks or a mask decoder, and no encoder. */
function kindOfNames(names: readonly string[]): 'adapter' | 'model' {
  const hasEncoder = names.some((name) => /(^|\.)(image_encoder|vision_encoder|prompt_encoder)\./.test(name));
  const hasTuned = names.some((name) => /^(blocks\.\d+\.|mask_decoder\.)/.test(name));
  return hasTuned && !hasEncoder ? 'adapter' : 'model';
}
