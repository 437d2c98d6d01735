/** Opening a base model from whatever files a person has: a safetensors file alone, or a Hugging Face folder. */
import { Failure } from '../config/failure.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { ByteSource } from '../sam/checkpoint/byte-source.ts';
import { type CheckpointFiles, openCheckpoint } from '../sam/checkpoint/checkpoint.ts';
import { parameterCountOf } from '../sam/checkpoint/expected-shapes.ts';
import { loadModel, type SamModel } from '../sam/weights.ts';

/** A base model whose frozen weights are on a device; every session of that device shares them. */
export interface OpenModel extends SamModel {
  /** As screens call it: the folder's or the file's name. */
  readonly name: string;
  readonly parameterCount: number;
  /** Bytes of the weights' files. */
  readonly fileBytes: number;
  /** Tensors of the files that no SAM has; they were left alone. */
  readonly unused: readonly string[];
}

export interface OpenModelOptions {
  /** Default: the weights' file without its ending, or its folder when that name says nothing. */
  readonly name?: string;
  /** Bytes of the weights read so far, of all. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Files that Hugging Face puts beside every model and that say nothing of its sizes. */
const BESIDE =
  /(^|\/)(README|LICENSE|\.gitattributes|.*\.md|.*\.txt|.*\.index\.json|processor_config\.json)$/i;
const PICKLE = /\.(pth|pt|bin|ckpt|pkl)$/i;
/** Largest JSON that is read as a config. */
const MAX_JSON_BYTES = 1_000_000;

/**
 * Opens a model: picks the files that matter, checks their headers, config, names and shapes, and puts the weights on the
 * device. Original SAM names and Hugging Face names both load, in f32, f16 or bf16.
 * @throws Failure `model/…`, `checkpoint/…`, `config/…` that names the file and the cure; nothing stays allocated then.
 */
export async function openModel(
  gpu: Gpu,
  files: readonly ByteSource[],
  options: OpenModelOptions = {},
): Promise<OpenModel> {
  const chosen = await chooseModelFiles(files);
  const checkpoint = await openCheckpoint(chosen);
  const fileBytes = chosen.weights.reduce((sum, { size }) => sum + size, 0);
  const { onProgress, signal } = options;
  const model = await loadModel(gpu, checkpoint, {
    ...(signal && { signal }),
    onProgress: ({ tensors, total }) => onProgress?.(Math.round((fileBytes * tensors) / total), fileBytes),
  });
  return {
    ...model,
    name: options.name ?? nameOf(chosen.weights),
    parameterCount: parameterCountOf(model.config),
    fileBytes,
    unused: checkpoint.unused,
  };
}

/**
 * Sorts a folder's files into weights and configs.
 * @throws Failure `model/no-weights`, `model/several-configs`, `model/adapter-beside`, `model/config-too-large`, `model/pickle`.
 */
export async function chooseModelFiles(files: readonly ByteSource[]): Promise<CheckpointFiles> {
  const byEnd = (end: string): ByteSource[] =>
    files.filter(({ name }) => baseName(name).toLowerCase() === end);
  const weights = files.filter(({ name }) => name.toLowerCase().endsWith('.safetensors'));
  const [config, otherConfig] = byEnd('config.json');
  const [preprocessor] = byEnd('preprocessor_config.json');
  if (weights.length === 0) throw noWeights(files);
  if (otherConfig && config) {
    throw new Failure({
      code: 'model/several-configs',
      what: `There are two configs: ${config.name} and ${otherConfig.name}.`,
      where: otherConfig.name,
      cure: 'Open the files of one model only.',
    });
  }
  const [adapter] = weights.filter(({ name }) => baseName(name).toLowerCase() === 'adapter.safetensors');
  if (adapter && weights.length > 1) {
    throw new Failure({
      code: 'model/adapter-beside',
      what: 'An adapter lies beside the weights of a model.',
      where: adapter.name,
      cure: 'Open the model first, then the adapter with its adapter.json.',
    });
  }
  return {
    weights: [...weights].sort((a, b) => (a.name < b.name ? -1 : 1)),
    ...(config && { config: await jsonFile(config) }),
    ...(preprocessor && { preprocessor: await jsonFile(preprocessor) }),
  };
}

async function jsonFile(source: ByteSource): Promise<{ readonly name: string; readonly text: string }> {
  if (source.size > MAX_JSON_BYTES) {
    throw new Failure({
      code: 'model/config-too-large',
      what: `The file has ${source.size} bytes, and a config has a few thousand.`,
      where: source.name,
      cure: 'Open the config.json that was saved together with the weights.',
    });
  }
  const bytes = await source.read(0, source.size);
  return { name: source.name, text: new TextDecoder().decode(bytes) };
}

function noWeights(files: readonly ByteSource[]): Failure {
  const pickle = files.find(({ name }) => PICKLE.test(name));
  if (pickle) {
    return new Failure({
      code: 'model/pickle',
      what: 'The weights are in a Python pickle, which can run code when it is opened and is not read here.',
      where: pickle.name,
      cure: 'Convert it with the safetensors package, or take the Hugging Face version of the model (.safetensors).',
    });
  }
  const [first] = files.filter(({ name }) => !BESIDE.test(name));
  return new Failure({
    code: 'model/no-weights',
    what: 'No .safetensors file is among the files.',
    ...(first && { where: first.name }),
    cure: 'Open a SAM checkpoint as .safetensors, with its config.json where there is one.',
  });
}

function nameOf(weights: readonly ByteSource[]): string {
  const path = weights[0]?.name ?? 'model';
  const parts = path.split('/');
  const file = (parts.pop() ?? path).replace(/\.safetensors$/i, '');
  const folder = parts.pop();
  return folder && /^(model|pytorch_model|weights)([-_.].*)?$/i.test(file) ? folder : file;
}

const baseName = (path: string): string => path.split('/').pop() ?? path;
