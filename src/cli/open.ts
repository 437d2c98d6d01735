import { basename, resolve } from 'node:path';
import type { ModelChoices } from '../config/model-choices.ts';
import type { Dataset } from '../data/dataset.ts';
import { isZipName, nameParts } from '../data/file-names.ts';
import { scaleSentence, suggestScale } from '../data/object-sizes.ts';
import type { ReadingChanges } from '../data/reading/reading.ts';
import { MAX_CROP, MIN_CROP } from '../data/reading/settings.ts';
import type { Scale } from '../data/types.ts';
import { type FolderDataset, openFolderDataset } from '../engine/datasets.ts';
import { chooseKernels } from '../engine/kernel-choice.ts';
import { type OpenModel, openModel } from '../engine/model.ts';
import {
  readIncomingAdapter,
  readRunAdapter,
  scaleOfAdapter,
  understoodOf,
} from '../engine/run/adapter-files.ts';
import { commonScale, RunFiles } from '../engine/run/run-files.ts';
import type { SplitOf } from '../engine/run/run-types.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Adapter } from '../peft/adapter-file.ts';
import type { WeightPrecision } from '../sam/halves.ts';
import { adapterInputs } from './adapter-inputs.ts';
import { numberFlag } from './arguments.ts';
import { droppedFiles, folderFiles, modelSources } from './input-files.ts';
import { modelCache } from './model-cache.ts';
import { withFlags } from './model-flags.ts';
import { openNodeGpu } from './node-gpu.ts';
import { NodeStore } from './node-store.ts';
import { expectFree, makeFolder } from './write-files.ts';

/** A device and the model that a command names: a file of weights or a folder. What was assumed is said on the error stream. */
export async function openCliModel(
  path: string,
  choices: ModelChoices = {},
  precision: WeightPrecision = 'f32',
): Promise<{ readonly gpu: Gpu; readonly model: OpenModel }> {
  const sources = await modelSources(path);
  const gpu = await openNodeGpu();
  await chooseKernels(gpu, modelCache());
  const model = await openModel(gpu, sources, { choices, precision });
  for (const { where, what, cure } of model.remarks.map(withFlags))
    console.error(`${where ?? path}: ${what} ${cure}`);
  return { gpu, model };
}

/**
 * A store in a folder that is made now, so that nothing is computed in vain.
 * @throws Failure `cli/out-exists`, `cli/folder-in-use`, `cli/not-written`.
 */
export async function newFolder(path: string): Promise<NodeStore> {
  await expectFree(path, 'Name a new folder.');
  await makeFolder(path);
  return new NodeStore(resolve(path));
}

/** The files of a run that lies in a folder. */
export function runFolder(path: string): RunFiles {
  return new RunFiles(new NodeStore(resolve(path)), '');
}

/**
 * The weights of a run, or of an adapter's file, folder or zip, checked against the model; what was understood of another
 * program's is said on the error stream.
 */
export async function openAdapter(path: string, model: OpenModel): Promise<Adapter> {
  const inputs = await adapterInputs(path);
  const hasWeights = inputs.some(({ path: name }) => !/\.json$/i.test(name));
  if (!hasWeights && (await runFolder(path).isDecided())) return readRunAdapter(runFolder(path), model);
  const { adapter } = await readIncomingAdapter(inputs, model);
  for (const sentence of understoodOf(adapter)) console.error(`${path}: ${sentence}`);
  return adapter;
}

/**
 * The scale at which an adapter's training saw a dataset, by its name, or all of its datasets; null where these differ, and without
 * an adapter. A run says it of each.
 * @param path the adapter's.
 */
export async function trainedScale(
  path: string | undefined,
  adapter: Pick<Adapter, 'training'> | null,
  dataset: string,
): Promise<Scale | null> {
  if (path === undefined || !adapter) return null;
  const run = runFolder(path);
  if (!(await run.isDecided())) return scaleOfAdapter(adapter);
  const { datasets } = await run.readConfig();
  const own = datasets.find(({ name }) => name === dataset);
  return own ? (own.scale ?? 'whole') : commonScale(datasets);
}

/**
 * How a run split a dataset, by the name that people call it; null where it knows none of this name, or the path is no run's.
 * Runs of the studio and of Python have keys of their own for it.
 */
export async function trainedSplit(path: string, dataset: string): Promise<SplitOf | null> {
  const run = runFolder(path);
  if (!(await run.isDecided())) return null;
  const { datasets } = await run.readConfig();
  const own = datasets.find(({ name }) => name === dataset);
  return (own && (await run.readSplit())[own.key]) ?? null;
}

/** A data folder or a zip of one as a dataset; what was left out is said on the error stream. */
export async function openData(path: string, changes: ReadingChanges = {}): Promise<FolderDataset> {
  const name = basename(resolve(path));
  const opened = isZipName(nameParts(name))
    ? await openFolderDataset((await droppedFiles([path])).files, name.replace(/\.zip$/i, ''), changes)
    : await openFolderDataset(await folderFiles(path), name, changes);
  for (const { file, reason, cure } of opened.refusals) console.error(`${path}: ${file}: ${reason} ${cure}`);
  return opened;
}

/**
 * The value of --scale: `whole`, or the side of crops in pixels; null when it is not given.
 * @throws Failure `cli/arguments`.
 */
export function scaleFlag(text: string | undefined, usage: string): Scale | null {
  if (text === undefined || text === 'whole') return text ?? null;
  return numberFlag(text, 'scale', usage, { min: MIN_CROP, max: MAX_CROP, integer: true }) ?? null;
}

/**
 * A dataset at the scale that was chosen, by a flag or for the dataset, else at the one at which a model sees its objects
 * well, which is said where it is not whole.
 */
export function atScale({ dataset, sizes }: FolderDataset, flag: Scale | null, size: number): Dataset {
  const chosen = flag ?? dataset.scale;
  if (chosen !== undefined) return { ...dataset, scale: chosen };
  const scale = suggestScale(sizes, size);
  if (scale !== 'whole')
    console.error(
      `${dataset.name}: ${scaleSentence(sizes, scale, size)} So it is seen in crops (--scale whole sees whole images).`,
    );
  return { ...dataset, scale };
}
