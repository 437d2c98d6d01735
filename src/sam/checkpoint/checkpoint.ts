import { Failure, type FailureRecord } from '../../config/failure.ts';
import type { ModelChoices } from '../../config/model-choices.ts';
import type { SamConfig } from '../../config/sam.ts';
import { type Shape, sameShape, show } from '../../graph/shape.ts';
import { sitesOf } from '../encoder.ts';
import type { AnyEncoder } from '../encoders/encoder.ts';
import type { ByteSource } from './byte-source.ts';
import { type JsonFile, parseJson, preprocessingOf, readToldConfig } from './config-files.ts';
import { isFloat } from './dtype.ts';
import { samTensorShapes } from './expected-shapes.ts';
import { findModel, type OtherModel, type Owners, ownersOf, readJoined } from './find-model.ts';
import { inferSamConfig } from './infer-config.ts';
import { namesInBlocks, someOf, tunedFailure, tunedNames, unmergedFailure } from './left-alone.ts';
import { COPY } from './names.ts';
import { openTensorFile } from './open-tensor-file.ts';
import { checkSamConfig } from './parse-config.ts';
import { configOfAlpha, parsePeftConfig } from './peft-config.ts';
import { withPointRows } from './point-rows.ts';
import { ShapeReader } from './shape-reader.ts';
import { checkShards, type ShardIndex } from './shards.ts';
import { type HostTensor, missingTensor, type TensorFile, wrongType } from './tensor-file.ts';
import { isUnmerged, mergeUnmerged } from './unmerged.ts';

/** The files of a model: weights, and what a Hugging Face folder has beside them. */
export interface CheckpointFiles {
  /** One file, or the shards of one model. */
  readonly weights: readonly ByteSource[];
  /** Of shards: which holds which tensor. */
  readonly index?: ShardIndex;
  /** `config.json`; without it the config is read off the shapes. */
  readonly config?: JsonFile;
  /** PEFT's `adapter_config.json`, of a model whose LoRA is not merged. */
  readonly adapterConfig?: JsonFile;
  /** `preprocessor_config.json` */
  readonly preprocessor?: JsonFile;
  /** What was left out when these files were chosen. */
  readonly remarks?: readonly FailureRecord[];
}

/** A SAM on disk whose headers were read and checked; no weight is in memory yet. */
export interface SamCheckpoint {
  readonly name: string;
  readonly format: TensorFile['format'];
  readonly config: SamConfig;
  /** What is in the files and no SAM of this config has; it is left alone. Names as the files have them. */
  readonly unused: readonly string[];
  /** What was assumed, contradicted or left out, and should be looked at. */
  readonly remarks: readonly FailureRecord[];
  /** One tensor by its original name, as f32. */
  read(name: string): Promise<HostTensor>;
}

/**
 * Opens a model's files: checks headers, names, shapes and configs.
 * @param choices what a person decides where the files do not, or say it wrongly.
 * @throws Failure `checkpoint/…` or `config/…` that names the file, the tensor and the cure; with `options` where the person
 * has to choose.
 */
export async function openCheckpoint(
  files: CheckpointFiles,
  choices: ModelChoices = {},
): Promise<SamCheckpoint> {
  const weights = await Promise.all(files.weights.map(openTensorFile));
  if (files.index) checkShards(files.index, weights);
  const opened = weights.map(withPointRows);
  const label = files.weights.map(({ name }) => name).join(', ');
  const { owners, remarks: merged } = mergedOwners(ownersOf(opened), files, choices, label);
  const { prefix, map, shapes, encoder, others } = findModel(owners, choices, label);
  checkTypes(map, owners);
  const tuned = tunedNames([...owners.keys()].filter((name) => !isOfOther(name, prefix, others)));
  if (tuned.length > 0 && !choices.withoutTuned) {
    throw isUnmerged(owners.keys()) ? unmergedFailure(tuned, label) : tunedFailure(tuned, label);
  }
  const metadata = opened.map((file) => file.metadata);
  const told = readToldConfig(files.config, metadata, label);
  const inferred = inferSamConfig(encoder, new ShapeReader(shapes, label), told, choices);
  const preprocessing = preprocessingOf(
    { file: files.preprocessor, metadata, label, kind: inferred.decoder.kind },
    choices,
    told,
  );
  const config = checkSamConfig({ ...inferred, preprocessing }, label);
  const expected = samTensorShapes(config);
  checkShapes(encoder, expected, shapes, label);
  const isSpare = (name: string) => encoder.isSpare?.(name) ?? false;
  const strangers = [...map.keys()].filter((name) => !expected.has(name) && !isSpare(name));
  const sites = sitesOf(config).map(({ name }) => name);
  const inBlocks = namesInBlocks(strangers, sites).flatMap((name) => map.get(name) ?? []);
  if (inBlocks.length > 0 && !choices.withoutTuned) throw tunedFailure(inBlocks, label);
  const understood = [...map].filter(([name]) => expected.has(name) || isSpare(name));
  const used = new Set(understood.flatMap(([, names]) => names));
  const unused = [...owners.keys()].filter((name) => !used.has(name) && name !== prefix + COPY);
  return {
    name: label,
    format: opened.some(({ format }) => format === 'pickle') ? 'pickle' : 'safetensors',
    config,
    unused: [...unused, ...opened.flatMap(({ leftOut }) => leftOut)],
    remarks: [
      ...(files.remarks ?? []),
      ...merged,
      ...told.remarks,
      ...leftRemarks(others, [...new Set([...tuned, ...inBlocks])], label),
    ],
    read: async (original) => {
      const names = map.get(original);
      if (!names) throw missingTensor(original, label);
      return readJoined(owners, names);
    },
  };
}

/** The files with PEFT's LoRA merged, where its scale is known and the base model is not asked for. */
function mergedOwners(
  owners: Owners,
  { adapterConfig }: CheckpointFiles,
  { withoutTuned, loraAlpha }: ModelChoices,
  label: string,
): { readonly owners: Owners; readonly remarks: readonly FailureRecord[] } {
  // Before its config is read: one of an adapter beside a plain model says nothing of the model.
  if (withoutTuned || !isUnmerged(owners.keys())) return { owners, remarks: [] };
  const config =
    loraAlpha !== undefined
      ? configOfAlpha(loraAlpha)
      : adapterConfig && parsePeftConfig({ name: adapterConfig.name, json: parseJson(adapterConfig) });
  if (!config) return { owners, remarks: [] };
  const { owners: merged, layers, scales } = mergeUnmerged(owners, config, label);
  const scale = scales.map((value) => Number(value.toPrecision(4))).join(', ');
  const source = loraAlpha === undefined ? adapterConfig?.name : `a lora_alpha of ${loraAlpha}`;
  const what = `PEFT LoRA of ${layers} ${layers === 1 ? 'layer was' : 'layers was'} merged into the weights (W + scale · B A, scale ${scale} by ${source}): this is the tuned model.`;
  const cure = 'The base model can be loaded instead, and the same files then be opened as an adapter of it.';
  const remark = { code: 'checkpoint/merged', what, where: label, cure, choices: { withoutTuned: true } };
  return { owners: merged, remarks: [remark, ...config.remarks.map((said) => remarkOn(said, label))] };
}

function remarkOn(what: string, where: string): FailureRecord {
  const cure =
    'If the masks look wrong, open the weights with the adapter_config.json that was saved with them.';
  return { code: 'config/assumed', what, where, cure };
}

/** Whether a tensor belongs to another model of the same files. */
function isOfOther(name: string, prefix: string, others: readonly OtherModel[]): boolean {
  return others.some(
    ({ prefix: other }) =>
      name.startsWith(other) && !(name.startsWith(prefix) && prefix.length > other.length),
  );
}

/**
 * The sum of all values of all tensors that the model uses, each once and as f32: a check that two files hold the same model.
 * Reads every weight, so it also finds those that are no numbers or of a type that cannot be read.
 * @throws Failure `checkpoint/…` that names the tensor and the cure.
 */
export async function sumOfWeights({ config, read }: SamCheckpoint): Promise<number> {
  let sum = 0;
  for (const name of samTensorShapes(config).keys()) {
    for (const value of (await read(name)).data) sum += value;
  }
  return sum;
}

/** Parts of a SAM that must be floats, so that quantised weights are refused by their type before their odd shapes are. */
const WEIGHT = /^(image_encoder|prompt_encoder|mask_decoder)\..*(weight|bias|pos_embed|rel_pos_[hw])$/;

function checkTypes(map: ReadonlyMap<string, readonly string[]>, owners: Owners): void {
  for (const [original, names] of map) {
    if (!WEIGHT.test(original)) continue;
    for (const name of names) {
      const file = owners.get(name);
      const dtype = file?.tensors.get(name)?.dtype;
      if (file && dtype && !isFloat(dtype)) throw wrongType(dtype, `${file.name}, tensor ${name}`);
    }
  }
}

/** What a person should know of what was left out. */
function leftRemarks(
  others: readonly OtherModel[],
  tuned: readonly string[],
  label: string,
): FailureRecord[] {
  const left = others.map(({ prefix, isWhole }): FailureRecord => {
    const what = `Another model was left alone: tensors that begin with "${prefix}".`;
    const place = { code: 'checkpoint/other-model', where: label };
    return isWhole
      ? { ...place, what, cure: 'It can be loaded in place of this one.', choices: { prefix } }
      : { ...place, what, cure: 'It has no mask decoder; to load it, save it as a whole SAM.' };
  });
  if (tuned.length === 0) return left;
  const count =
    tuned.length === 1 ? 'A tensor of a fine-tuning was' : `${tuned.length} tensors of a fine-tuning were`;
  const what = `${count} left alone, such as ${someOf(tuned, 2)}: this is the base model.`;
  const cure = tuned.some((name) => name.includes('.lora_'))
    ? 'To have the tuned model, import the same files with their adapter_config.json as an adapter.'
    : 'Merge them into the weights in the program that trained them to have the tuned model.';
  return [...left, { code: 'checkpoint/without-tuned', what, where: label, cure }];
}

/** Every expected tensor must be there with its shape, or with one that the encoder adapts. */
function checkShapes(
  encoder: AnyEncoder,
  expected: ReadonlyMap<string, Shape>,
  found: ReadonlyMap<string, Shape>,
  label: string,
): void {
  const missing = [...expected.keys()].filter((name) => !found.has(name));
  const [first] = missing;
  if (first !== undefined)
    throw missingTensor(first, label, { there: found.keys(), missing: missing.length });
  for (const [name, want] of expected) {
    const have = found.get(name) ?? [];
    if (sameShape(have, want) || encoder.canAdapt(name, have, want)) continue;
    throw new Failure({
      code: 'checkpoint/shape',
      what: `Its shape is ${show(have)} and the model's other tensors ask for ${show(want)}.`,
      where: `${label}, tensor ${name}`,
      cure: 'Use a complete SAM checkpoint: parts of two models do not fit each other, and one with other numbers of masks or of image channels than SAM has cannot be used.',
    });
  }
}
