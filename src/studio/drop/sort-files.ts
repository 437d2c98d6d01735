/** Sorts dropped files into models, adapters and data. */
import type { DroppedFile } from '../../worker/protocol.ts';

export interface SortedFiles {
  /** One group per folder with a model: its weights, in all their parts and variants, and its JSON files. */
  readonly models: readonly (readonly DroppedFile[])[];
  readonly adapters: readonly (readonly DroppedFile[])[];
  readonly data: readonly DroppedFile[];
}

/** Sorts by content where names do not decide. Never fails: the engine explains what cannot be read. */
export async function sortFiles(files: readonly DroppedFile[]): Promise<SortedFiles> {
  const models = new Map<string, DroppedFile[]>();
  const adapters: DroppedFile[][] = [];
  const checkpoints: DroppedFile[] = [];
  const taken = new Set<DroppedFile>();
  for (const dropped of files) {
    if (!(await isWeights(dropped))) continue;
    taken.add(dropped);
    const folder = folderOf(dropped.path);
    const beside = files.filter(({ path }) => /\.jsonl?$/i.test(path) && folderOf(path) === folder);
    for (const file of beside) taken.add(file);
    const model = models.get(folder);
    const kind = await kindOfWeights(dropped);
    if (kind === 'adapter') adapters.push([dropped, ...beside]);
    else if (kind === 'checkpoint') checkpoints.push(dropped);
    else if (model) model.push(dropped);
    else models.set(folder, [dropped, ...beside]);
  }
  // A run's folder comes in by its adapter; of a checkpoint alone the reader of models says what it is not.
  if (adapters.length === 0) for (const file of checkpoints) models.set(file.path, [file]);
  return { models: [...models.values()], adapters, data: files.filter((file) => !taken.has(file)) };
}

/** Weights by their ending; `.bin` says too little, so there the first bytes have to be those of a PyTorch file. */
async function isWeights({ path, file }: DroppedFile): Promise<boolean> {
  if (/\.(safetensors|pth|pt|ckpt)$/i.test(path)) return true;
  if (!/\.bin$/i.test(path)) return false;
  try {
    const [first, second = 0] = new Uint8Array(await file.slice(0, 2).arrayBuffer());
    return (first === 0x50 && second === 0x4b) || (first === 0x80 && second >= 2 && second <= 5);
  } catch {
    return false;
  }
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

const MAX_HEADER_BYTES = 100 * 2 ** 20;

/**
 * By the header of a safetensors file, or by the name that PEFT gives; anything else counts as a model, whose reader explains
 * what is wrong.
 */
async function kindOfWeights({ path, file }: DroppedFile): Promise<'adapter' | 'checkpoint' | 'model'> {
  if (/(^|\/)adapter_model\.bin$/i.test(path)) return 'adapter';
  try {
    const length = new DataView(await file.slice(0, 8).arrayBuffer()).getBigUint64(0, true);
    if (length > BigInt(Math.min(MAX_HEADER_BYTES, file.size))) return 'model';
    const header: unknown = JSON.parse(await file.slice(8, 8 + Number(length)).text());
    if (typeof header !== 'object' || header === null) return 'model';
    const format = '__metadata__' in header ? formatOf(header.__metadata__) : undefined;
    if (format === 'mopeft-checkpoint') return 'checkpoint';
    // That of a run which kept the base model has no tensor to be known by.
    if (format === 'mopeft-adapter') return 'adapter';
    return kindOfNames(Object.keys(header).filter((name) => name !== '__metadata__'));
  } catch {
    return 'model';
  }
}

/** What our own files say that they are. */
const formatOf = (metadata: unknown): unknown =>
  typeof metadata === 'object' && metadata !== null && 'format' in metadata ? metadata.format : undefined;

/** By tensor names: an adapter has LoRA, tensors of blocks or a mask decoder, and no encoder. */
function kindOfNames(names: readonly string[]): 'adapter' | 'model' {
  const hasLora = names.some((name) => /\.lora_[AB]\.|^w_[ab]_\d+$/.test(name));
  if (hasLora && !names.some((name) => /(^|\.)(patch_embed|base_layer)\./.test(name))) return 'adapter';
  const hasEncoder = names.some((name) => /(^|\.)(image_encoder|vision_encoder|prompt_encoder)\./.test(name));
  const hasTuned = names.some((name) => /^(blocks\.\d+\.|mask_decoder\.)/.test(name));
  return hasTuned && !hasEncoder ? 'adapter' : 'model';
}
