import { Failure } from '../../config/failure.ts';
import type { SamConfig } from '../../config/sam.ts';
import { type Shape, sameShape, show } from '../../graph/shape.ts';
import type { AnyEncoder } from '../encoders/encoder.ts';
import { ENCODERS } from '../encoders/registry.ts';
import type { ByteSource } from './byte-source.ts';
import { samTensorShapes } from './expected-shapes.ts';
import { inferSamConfig } from './infer-config.ts';
import { mapNames } from './names.ts';
import { openTensorFile } from './open-tensor-file.ts';
import { checkSamConfig, parsePreprocessor, parseSamConfig } from './parse-config.ts';
import { ShapeReader } from './shape-reader.ts';
import { checkShards, type ShardIndex } from './shards.ts';
import { type HostTensor, missingTensor, type TensorFile } from './tensor-file.ts';

/** A JSON file by its name and text. */
export interface JsonFile {
  readonly name: string;
  readonly text: string;
}

/** The files of a model: weights, and what a Hugging Face folder has beside them. */
export interface CheckpointFiles {
  /** One file, or the shards of one model. */
  readonly weights: readonly ByteSource[];
  /** Of shards: which holds which tensor. */
  readonly index?: ShardIndex;
  /** `config.json`; without it the config is read off the shapes. */
  readonly config?: JsonFile;
  /** `preprocessor_config.json` */
  readonly preprocessor?: JsonFile;
}

/** A SAM on disk whose headers were read and checked; no weight is in memory yet. */
export interface SamCheckpoint {
  readonly name: string;
  readonly config: SamConfig;
  /** Names in the files that no SAM of this config has; they are left alone. */
  readonly unused: readonly string[];
  /** One tensor by its original name, as f32. */
  read(name: string): Promise<HostTensor>;
}

/**
 * Opens a model's files: checks headers, config, names and shapes.
 * @throws Failure `checkpoint/…` or `config/…` that names the file, the tensor and the cure.
 */
export async function openCheckpoint(files: CheckpointFiles): Promise<SamCheckpoint> {
  const opened = await Promise.all(files.weights.map(openTensorFile));
  if (files.index) checkShards(files.index, opened);
  const label = files.weights.map(({ name }) => name).join(', ');
  const owners = new Map<string, TensorFile>();
  for (const file of opened) {
    for (const name of file.tensors.keys()) {
      if (owners.has(name)) {
        throw new Failure({
          code: 'checkpoint/twice',
          what: `Two files hold it: ${owners.get(name)?.name} and ${file.name}.`,
          where: `tensor ${name}`,
          cure: 'Open the files of one model only.',
        });
      }
      owners.set(name, file);
    }
  }
  const map = mapNames([...owners.keys()]) ?? new Map<string, string>();
  const shapes = new Map<string, Shape>();
  for (const [original, name] of map) shapes.set(original, owners.get(name)?.tensors.get(name)?.shape ?? []);
  const encoder = ENCODERS.find(({ recognises }) => recognises(shapes));
  if (!encoder) {
    throw new Failure({
      code: 'checkpoint/not-sam',
      what: `It has no tensor of a known SAM image encoder, but ${owners.size} others.`,
      where: label,
      cure: 'Open a SAM checkpoint, such as facebook/sam-vit-base, MedSAM or micro-sam. An adapter is opened after its model.',
    });
  }
  const config = resolveConfig(files, encoder, new ShapeReader(shapes, label), label);
  const expected = samTensorShapes(config);
  checkShapes(encoder, expected, shapes, label);
  return {
    name: label,
    config,
    unused: [...map.keys()].filter((name) => !expected.has(name)),
    read: async (original) => {
      const name = map.get(original);
      const owner = name === undefined ? undefined : owners.get(name);
      if (name === undefined || !owner) throw missingTensor(original, label);
      return owner.read(name);
    },
  };
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

function resolveConfig(
  files: CheckpointFiles,
  encoder: AnyEncoder,
  shapes: ShapeReader,
  label: string,
): SamConfig {
  const preprocessor = files.preprocessor && parseJson(files.preprocessor);
  const inferred = inferSamConfig(encoder, shapes);
  if (files.config) {
    const { config } = files;
    return parseSamConfig(parseJson(config), config.name, { encoders: [encoder], preprocessor, inferred });
  }
  const config = checkSamConfig(inferred, label);
  return files.preprocessor
    ? { ...config, preprocessing: parsePreprocessor(preprocessor, files.preprocessor.name) }
    : config;
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
  if (first !== undefined) {
    throw new Failure({
      code: 'checkpoint/missing',
      what: `The file has no such tensor${missing.length > 1 ? `, and ${missing.length - 1} more are missing` : ''}.`,
      where: `${label}, tensor ${first}`,
      cure: 'Use a complete SAM checkpoint that fits its config.',
    });
  }
  for (const [name, want] of expected) {
    const have = found.get(name) ?? [];
    if (sameShape(have, want) || encoder.canAdapt(name, have, want)) continue;
    throw new Failure({
      code: 'checkpoint/shape',
      what: `Its shape is ${show(have)} and the config asks for ${show(want)}.`,
      where: `${label}, tensor ${name}`,
      cure: 'Use the config.json that was saved together with these weights.',
    });
  }
}

function parseJson({ name, text }: JsonFile): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Failure(
      {
        code: 'config/no-json',
        what: `The file is not JSON: ${(cause as Error).message}.`,
        where: name,
        cure: 'Download or save it again.',
      },
      { cause },
    );
  }
}
