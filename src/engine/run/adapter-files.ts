/** Taking a run's adapter out as files and bringing one in: our own, or LoRA of another program. */

import { Failure } from '../../config/failure.ts';
import { textOf } from '../../config/text-of.ts';
import { isImageName, nameParts } from '../../data/file-names.ts';
import type { InputFile } from '../../data/read-datasets.ts';
import type { Scale } from '../../data/types.ts';
import { readZip, type ZipSource } from '../../data/zip.ts';
import { type Adapter, type AdapterBase, parseRecord, writeAdapter } from '../../peft/adapter-file.ts';
import { describeForeign, type ForeignLora, ranges } from '../../peft/import/foreign-lora.ts';
import { foreignReader } from '../../peft/import/registry.ts';
import { adapterOfForeign, type ForeignBase } from '../../peft/import/to-adapter.ts';
import { nameOfMethods } from '../../peft/recipes.ts';
import { bytesSource } from '../../sam/checkpoint/byte-source.ts';
import { openTensorFile } from '../../sam/checkpoint/open-tensor-file.ts';
import { parsePeftConfig } from '../../sam/checkpoint/peft-config.ts';
import type { TensorFile } from '../../sam/checkpoint/tensor-file.ts';
import { type AdapterPair, type NamedBytes, ownJson, readPair, withoutUntrained } from './adapter-pair.ts';
import { RUN_FILES, type RunFiles } from './run-files.ts';

/**
 * The best weights of a run, checked against the open model.
 * @throws Failure `run/no-adapter`, `adapter/other-model`, `adapter/…`.
 */
export async function readRunAdapter(files: RunFiles, base: AdapterBase): Promise<Adapter> {
  return readPair(base, await adapterFiles(files));
}

/** `adapter.safetensors` of a run and the `adapter.json` that belongs to it. @throws Failure `run/no-adapter`, `run/adapter-gone`. */
export async function adapterFiles(files: RunFiles): Promise<AdapterPair> {
  const pair = await files.readAdapterPair();
  if (pair) return pair;
  // Written after the weights, and by a run's test, so that these were there.
  for (const name of [RUN_FILES.adapterJson, RUN_FILES.verdict]) {
    if (!(await files.store.exists(files.path(name)))) continue;
    throw new Failure({
      code: 'run/adapter-gone',
      what: 'The trained weights of this run are there no more: their file was deleted, or cleared by the browser.',
      where: files.path(RUN_FILES.adapter),
      cure: 'Train again with its settings, or import its adapter if it was taken out before.',
    });
  }
  throw new Failure({
    code: 'run/no-adapter',
    what: 'This run has no trained weights yet.',
    where: files.path(RUN_FILES.adapter),
    cure: 'Let it train until its first check on the validation images.',
  });
}

/** An adapter that came in as files. */
export interface IncomingAdapter {
  readonly adapter: Adapter;
  /** The files in our own format: byte for byte as they came, or written anew from another program's. */
  readonly pair: AdapterPair;
}

/**
 * Checks an adapter's files and stores them as a run's, see {@link readIncomingAdapter}.
 * @throws Failure `adapter/…` that names the file; nothing is written then.
 */
export async function storeAdapterFiles(
  inputs: readonly InputFile[],
  base: ForeignBase,
  files: RunFiles,
): Promise<Adapter> {
  const { adapter, pair } = await readIncomingAdapter(inputs, base);
  await files.store.write(files.path(RUN_FILES.adapter), pair.weights.bytes);
  await files.store.write(files.path(RUN_FILES.adapterJson), pair.json.bytes);
  return adapter;
}

/**
 * Reads `adapter.safetensors` (with `adapter.json` for one of before it held its record), or LoRA of another program
 * (`src/peft/import/registry.ts`), in any order or in a zip.
 * @throws Failure `adapter/incomplete`, `adapter/several`, `adapter/…`, `data/…` for a broken zip.
 */
export async function readIncomingAdapter(
  inputs: readonly InputFile[],
  base: ForeignBase,
): Promise<IncomingAdapter> {
  const chosen = await chooseAdapterFiles(inputs);
  const foreign = await readForeign(chosen);
  if (foreign) {
    const adapter = await adapterOfForeign(foreign, base);
    const { json, safetensors } = writeAdapter(base, adapter);
    const pair = {
      json: { name: RUN_FILES.adapterJson, bytes: new TextEncoder().encode(json) },
      weights: { name: RUN_FILES.adapter, bytes: safetensors },
    };
    return { adapter, pair };
  }
  const pair = await ownPair(chosen);
  return { adapter: await readPair(base, pair), pair };
}

/** What an adapter's files say by themselves. */
export interface UnderstoodAdapter {
  readonly file: string;
  readonly what: string;
  /** Null where they do not say it. */
  readonly baseName: string | null;
  readonly remarks: readonly string[];
}

/** Reads an adapter's files without the model. @throws Failure as {@link readIncomingAdapter}. */
export async function understandAdapterFiles(inputs: readonly InputFile[]): Promise<UnderstoodAdapter> {
  const chosen = await chooseAdapterFiles(inputs);
  const foreign = await readForeign(chosen);
  if (foreign) {
    const { name, baseName, remarks } = foreign;
    return { file: name, what: describeForeign(foreign), baseName, remarks };
  }
  const { weights, json } = await ownPair(chosen);
  const { base, mopeft, training } = parseRecord({
    name: json.name,
    text: textOf(json.bytes),
  });
  const { methods, blocks, gate, trainDecoder, pruned = {} } = mopeft;
  const gone = Object.values(pruned).flat().length;
  const isBase = Object.keys(methods).length === 0 && !trainDecoder;
  const what = [
    'MoPEFT adapter',
    isBase ? 'the base model as it is' : nameOfMethods(Object.keys(methods)),
    ...(blocks.length > 0 ? [`blocks ${ranges(blocks)}, gates ${gate}`] : []),
    ...(gone > 0 ? [`${gone} ${gone === 1 ? 'module' : 'modules'} pruned`] : []),
    ...(isBase ? [] : [trainDecoder ? 'with the mask decoder' : 'without the mask decoder']),
  ].join(', ');
  return { file: weights.name, what, baseName: base.name, remarks: understoodOf({ training }) };
}

/** Sentences on how another program's files were understood, which an adapter made from them carries along. */
export function understoodOf({ training }: Pick<Adapter, 'training'>): readonly string[] {
  const { understood } = training;
  return Array.isArray(understood) ? understood.filter((sentence) => typeof sentence === 'string') : [];
}

/** LoRA of another program, as far as its files alone say; null for anything else. @throws Failure `adapter/…`, `checkpoint/…`. */
async function readForeign({ weights, json }: ChosenFiles): Promise<ForeignLora | null> {
  if (!weights) return null;
  const file = await openTensorFile(bytesSource(weights.name, weights.bytes));
  const names = [...file.tensors.keys()];
  const reader = foreignReader(names);
  if (reader) return reader.read(file, json && { name: json.name, json: parsed(json) });
  // Of PEFT's other kinds the config says which it is.
  if (file.metadata.record === undefined && json && PEFT_CONFIG.test(json.name))
    parsePeftConfig({ name: json.name, json: parsed(json) });
  if (file.format === 'safetensors' && mayBeOwn(file)) return null;
  throw new Failure({
    code: 'adapter/unknown',
    what: `It is no LoRA in a form that is read here; among its ${names.length} tensors is ${names[0] ?? 'none'}.`,
    where: weights.name,
    cure: 'Adapters that can be imported are those of this program, PEFT LoRA and Sam_LoRA; open a whole model as a model.',
  });
}

/** What our own adapters' tensors are called: those of a block, of the mask decoder, and those of all together. */
const OWN_TENSOR = /^(blocks\.\d+|mask_decoder|tokens|gates)\.|^[^.]+$/;

/** Whether a file is ours by its record or, for one of before it held that, by its tensors' names. */
function mayBeOwn({ metadata, tensors }: TensorFile): boolean {
  return metadata.record !== undefined || [...tensors.keys()].every((name) => OWN_TENSOR.test(name));
}

/**
 * The JSON beside another program's weights; null for what is none, as most of their readers need it not.
 * @throws Failure `adapter/no-config` where it is PEFT's, which its reader needs.
 */
function parsed({ name, bytes }: NamedBytes): unknown {
  try {
    return JSON.parse(textOf(bytes));
  } catch {
    if (!PEFT_CONFIG.test(name)) return null;
    throw new Failure({
      code: 'adapter/no-config',
      what: 'It is not valid JSON, so nothing is known of its adapter, such as its scale.',
      where: name,
      cure: 'Use the adapter_config.json that PEFT wrote with the weights; it may have been cut off on its way.',
    });
  }
}

/** @throws Failure `adapter/incomplete`. */
async function ownPair({ weights, json, there }: ChosenFiles): Promise<AdapterPair> {
  const own = weights && ((await ownJson(weights)) ?? json);
  if (weights && own) return withoutUntrained({ json: own, weights });
  if (json && PEFT_CONFIG.test(json.name)) {
    throw new Failure({
      code: 'adapter/incomplete',
      what: 'It is the config of a PEFT adapter, and the adapter’s weights are not among the files.',
      where: json.name,
      cure: 'Choose adapter_model.safetensors (or adapter_model.bin) together with it, or the folder that holds both.',
    });
  }
  throw new Failure({
    code: 'adapter/incomplete',
    what: weights
      ? 'It holds no record, and its adapter.json is missing.'
      : 'There is no adapter.safetensors among the files.',
    ...(there && { where: there.name }),
    cure: 'Choose adapter.safetensors and adapter.json together, the very folder in which they lie, or the zip that holds both.',
  });
}

interface ChosenFiles {
  readonly weights: NamedBytes | null;
  readonly json: NamedBytes | null;
  /** Any of the files, for messages. */
  readonly there: NamedBytes | null;
}

const SAFETENSORS = /\.safetensors$/i;
/** What PyTorch writes; beside an adapter also the state of its training, which is not called after it. */
const PICKLE = /\.(bin|pth?|ckpt)$/i;
const JSON_FILE = /\.json$/i;
/** What PEFT calls the JSON beside its weights. */
const PEFT_CONFIG = /(^|\/)adapter_config\.json$/i;
const NAMED_ADAPTER = /(^|\/)adapter[^/]*$/i;

/** Finds the files. @throws Failure `adapter/several`, `data/…` for a broken zip. */
async function chooseAdapterFiles(inputs: readonly InputFile[]): Promise<ChosenFiles> {
  const found: InputFile[] = [];
  for (const input of inputs) {
    if (/\.zip$/i.test(input.path)) found.push(...(await unzip(input.path, await input.bytes())));
    else found.push(input);
  }
  const all = (pattern: RegExp) => found.filter(({ path }) => pattern.test(path));
  const preferred = (files: readonly InputFile[]) => {
    const named = files.filter(({ path }) => NAMED_ADAPTER.test(path));
    return named.length > 0 ? named : files;
  };
  const safetensors = all(SAFETENSORS);
  const [weights, otherWeights] = safetensors.length > 0 ? safetensors : preferred(all(PICKLE));
  // A run's folder holds other JSON files too.
  const [json, otherJson] = preferred(all(JSON_FILE));
  const extra = otherWeights ?? otherJson;
  if (extra) {
    throw new Failure({
      code: 'adapter/several',
      what: 'There is more than one adapter among the files.',
      where: extra.path,
      cure: 'Import one adapter at a time: its weights and the JSON that was saved with them.',
    });
  }
  const read = async (file: InputFile | undefined) =>
    file ? { name: file.path, bytes: await file.bytes() } : null;
  const chosen = { weights: await read(weights), json: await read(json) };
  return { ...chosen, there: chosen.weights ?? chosen.json };
}

/** Whether a zip has an adapter's weights by their usual name, and no image. */
export async function isAdapterZip(zip: ZipSource, name: string): Promise<boolean> {
  const { files } = await readZip(zip, name);
  return (
    files.some(({ path }) => /(^|\/)adapter(_model)?\.(safetensors|bin)$/i.test(path)) &&
    !files.some(({ path }) => isImageName(nameParts(path)))
  );
}

async function unzip(path: string, bytes: Uint8Array): Promise<InputFile[]> {
  const { files, refusals } = await readZip(bytes, path);
  const [refused] = refusals;
  if (files.length === 0 && refused) {
    const { code, reason, file, cure } = refused;
    throw new Failure({ code, what: reason, where: file, cure });
  }
  return files.map((file) => ({ ...file, path: `${path}/${file.path}` }));
}

/** The scale at which an adapter was trained; whole where it says nothing else. */
export function scaleOfAdapter({ training }: Pick<Adapter, 'training'>): Scale {
  const { scale } = training;
  return typeof scale === 'number' && Number.isInteger(scale) && scale > 0 ? scale : 'whole';
}
