/** Opening a base model from whatever files a person has: one file of weights, shards, or a Hugging Face folder. */

import { Failure, type FailureRecord } from '../config/failure.ts';
import type { ModelChoices } from '../config/model-choices.ts';
import type { SamConfig } from '../config/sam.ts';
import { textOf } from '../config/text-of.ts';
import { isJunk, nameParts } from '../data/file-names.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { ByteSource } from '../sam/checkpoint/byte-source.ts';
import { type CheckpointFiles, openCheckpoint } from '../sam/checkpoint/checkpoint.ts';
import type { JsonFile } from '../sam/checkpoint/config-files.ts';
import { parameterCountOf } from '../sam/checkpoint/expected-shapes.ts';
import {
  chooseIndex,
  expectAllShards,
  parseShardIndex,
  type ShardIndex,
  shardsOf,
} from '../sam/checkpoint/shards.ts';
import type { WeightPrecision } from '../sam/halves.ts';
import { loadModel, type SamModel } from '../sam/weights.ts';
import { noWeights } from './no-weights.ts';
import { isWeightsName, PYTORCH, SAFETENSORS, TRAINER } from './weights-name.ts';

/** A base model whose frozen weights are on a device; every session of that device shares them. */
export interface OpenModel extends SamModel {
  /** As screens call it: the folder's or the file's name. */
  readonly name: string;
  readonly parameterCount: number;
  /** Bytes of the weights' files. */
  readonly fileBytes: number;
  /** What of the files no SAM has; it was left alone. */
  readonly unused: readonly string[];
  /** What was assumed, contradicted or left out, and should be looked at. */
  readonly remarks: readonly FailureRecord[];
}

export interface OpenModelOptions {
  /** Default: the weights' file without its ending, or its folder when that name says nothing. */
  readonly name?: string;
  /** What a person decided where the files do not. */
  readonly choices?: ModelChoices;
  /** Told the model's sizes before its weights are read; perhaps more than once. */
  readonly onConfig?: (config: SamConfig) => void;
  /** How the weights are stored on the device; default: in full. */
  readonly precision?: WeightPrecision;
  /** Bytes of the weights read so far, of all. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Files that Hugging Face puts beside every model and that say nothing of its sizes. */
const BESIDE =
  /(^|\/)(README|LICENSE|\.gitattributes|.*\.md|.*\.txt|.*\.index\.json|processor_config\.json)$/i;
const INDEX = /\.index\.json$/i;
/** Weights of PEFT's adapters, by the names that it gives them. */
const PEFT_ADAPTER = /(^|\/)adapter_model\.(safetensors|bin)$/i;
/** Largest JSON that is read as a config. */
const MAX_JSON_BYTES = 1_000_000;
/** Largest index of shards. */
const MAX_INDEX_BYTES = 16_000_000;

/**
 * Opens a model: picks the files that matter, checks their headers, config, names and shapes, and puts the weights on the
 * device. Safetensors and PyTorch's files load, with original SAM names and Hugging Face's, in f64, f32, f16 or bf16.
 * @throws Failure `model/…`, `checkpoint/…`, `config/…` that names the file and the cure; nothing stays allocated then.
 */
export async function openModel(
  gpu: Gpu,
  files: readonly ByteSource[],
  options: OpenModelOptions = {},
): Promise<OpenModel> {
  const chosen = await chooseModelFiles(files);
  const checkpoint = await openCheckpoint(chosen, options.choices);
  options.onConfig?.(checkpoint.config);
  const fileBytes = chosen.weights.reduce((sum, { size }) => sum + size, 0);
  const { onProgress, signal, precision } = options;
  const model = await loadModel(gpu, checkpoint, {
    ...(signal && { signal }),
    ...(precision && { precision }),
    onProgress: ({ tensors, total }) => onProgress?.(Math.round((fileBytes * tensors) / total), fileBytes),
  });
  return {
    ...model,
    name: options.name ?? nameOf(chosen.weights),
    parameterCount: parameterCountOf(model.config),
    fileBytes,
    unused: checkpoint.unused,
    remarks: checkpoint.remarks,
  };
}

/**
 * Sorts a folder's files into weights and configs. Safetensors come before PyTorch's files, which often hold the same; with an
 * index, its shards are the weights.
 * @throws Failure `model/no-weights`, `model/several-configs`, `model/adapter-beside`, `model/config-too-large`,
 *   `checkpoint/index`, `checkpoint/shard-missing`.
 */
export async function chooseModelFiles(given: readonly ByteSource[]): Promise<CheckpointFiles> {
  const files = withoutJunk(given);
  const byEnd = (end: string): ByteSource[] =>
    files.filter(({ name }) => baseName(name).toLowerCase() === end);
  const weights = weightFiles(files);
  const [config, otherConfig] = byEnd('config.json');
  const [preprocessor] = byEnd('preprocessor_config.json');
  const [adapterConfig] = byEnd('adapter_config.json');
  const indices = await Promise.all(files.filter(({ name }) => INDEX.test(name)).map(indexOf));
  const [promised] = indices;
  // Of which none is there: the index says which they are.
  if (weights.length === 0 && promised) shardsOf(promised, weights);
  if (weights.length === 0) throw noWeights(files.filter(({ name }) => !BESIDE.test(name)));
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
  const index = chooseIndex(indices, weights);
  const taken = index ? shardsOf(index, weights) : plainFiles(weights);
  if (!index) expectAllShards(taken);
  const left = files.filter((file) => isWeights(file) && !taken.includes(file)).map(({ name }) => name);
  return {
    weights: taken,
    remarks: leftRemarks(taken, left),
    ...(index && { index }),
    ...(config && { config: await jsonFile(config) }),
    ...(adapterConfig && { adapterConfig: await jsonFile(adapterConfig) }),
    ...(preprocessor && { preprocessor: await jsonFile(preprocessor) }),
  };
}

const isWeights = ({ name }: ByteSource): boolean => isWeightsName(name);

/** `model.fp16.safetensors` beside `model.safetensors`: the same weights in another form. */
const VARIANT = /\.(fp16|fp32|bf16|ema|non_ema)(?=\.\w+$)/i;

/** The files of weights by name, without other forms of those that are there in plain. */
function plainFiles(weights: readonly ByteSource[]): ByteSource[] {
  const sorted = [...weights].sort((a, b) => (a.name < b.name ? -1 : 1));
  const byName = new Map<string, ByteSource>();
  for (const source of sorted) {
    const plain = source.name.replace(VARIANT, '');
    if (plain === source.name || !byName.has(plain)) byName.set(plain, source);
  }
  return sorted.filter((source) => byName.get(source.name.replace(VARIANT, '')) === source);
}

/** What was left beside the weights, and how to have it: an adapter is opened otherwise than other weights. */
function leftRemarks(taken: readonly ByteSource[], left: readonly string[]): FailureRecord[] {
  const others = left.filter((name) => !PEFT_ADAPTER.test(name));
  const adapters = left.filter((name) => PEFT_ADAPTER.test(name));
  const remark = (names: readonly string[], cure: string): FailureRecord => ({
    code: 'model/left-beside',
    what: `The weights were taken from it, and ${names.join(', ')} beside it ${names.length > 1 ? 'were' : 'was'} left alone.`,
    where: taken.map(({ name }) => name).join(', '),
    cure,
  });
  return [
    ...(others.length > 0 ? [remark(others, 'To load another, open it without this one.')] : []),
    ...(adapters.length > 0
      ? [remark(adapters, 'It is an adapter: open it after the model, with its adapter_config.json.')]
      : []),
  ];
}

/** The files without what systems leave beside them; as given where nothing else is there, so that it is refused by its name. */
function withoutJunk(given: readonly ByteSource[]): readonly ByteSource[] {
  // Folders are not asked: a person may keep a model in one whose name begins with a dot.
  const files = given.filter(({ name }) => !isJunk({ ...nameParts(name), folders: [] }));
  return files.length > 0 ? files : given;
}

/** Files of weights by their endings; a file alone is taken whatever it is called, an adapter of PEFT only where no model is. */
function weightFiles(given: readonly ByteSource[]): readonly ByteSource[] {
  const models = given.filter(({ name }) => !PEFT_ADAPTER.test(name));
  const files = models.some(isWeights) ? models : given;
  const safetensors = files.filter(({ name }) => SAFETENSORS.test(name));
  if (safetensors.length > 0) return safetensors;
  const pytorch = files.filter(isWeights);
  if (pytorch.length > 0) return pytorch;
  const others = files.filter(
    ({ name }) => !BESIDE.test(name) && !/\.json$/i.test(name) && !TRAINER.test(name),
  );
  return others.length === 1 ? others : [];
}

async function indexOf(source: ByteSource): Promise<ShardIndex> {
  return parseShardIndex(await jsonFile(source, MAX_INDEX_BYTES));
}

async function jsonFile(source: ByteSource, maxBytes = MAX_JSON_BYTES): Promise<JsonFile> {
  if (source.size > maxBytes) {
    throw new Failure({
      code: 'model/config-too-large',
      what: `The file has ${source.size} bytes, and at most ${maxBytes} are read.`,
      where: source.name,
      cure: 'Open the JSON files that were saved together with the weights.',
    });
  }
  const bytes = await source.read(0, source.size);
  return { name: source.name, text: textOf(bytes) };
}

function nameOf(weights: readonly ByteSource[]): string {
  const path = weights[0]?.name ?? 'model';
  const parts = path.split('/');
  const file = (parts.pop() ?? path).replace(SAFETENSORS, '').replace(PYTORCH, '');
  const folder = parts.pop();
  return folder && /^(model|pytorch_model|weights)([-_.].*)?$/i.test(file) ? folder : file;
}

const baseName = (path: string): string => path.split('/').pop() ?? path;
