import { basename, resolve } from 'node:path';
import { isZipName, nameParts } from '../data/file-names.ts';
import type { ReadingChanges } from '../data/reading/reading.ts';
import { type FolderDataset, openFolderDataset } from '../engine/datasets.ts';
import { type OpenModel, openModel } from '../engine/model.ts';
import { readRunAdapter } from '../engine/run/adapter-files.ts';
import { RunFiles } from '../engine/run/run-files.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Adapter } from '../peft/adapter-file.ts';
import { droppedFiles, folderFiles, modelSources } from './input-files.ts';
import { openNodeGpu } from './node-gpu.ts';
import { NodeStore } from './node-store.ts';

/** A device and the model that a command names: a safetensors file or a folder. */
export async function openCliModel(path: string): Promise<{ readonly gpu: Gpu; readonly model: OpenModel }> {
  const sources = await modelSources(path);
  const gpu = await openNodeGpu();
  return { gpu, model: await openModel(gpu, sources) };
}

/** The files of a run that lies in a folder. */
export function runFolder(path: string): RunFiles {
  return new RunFiles(new NodeStore(resolve(path)), '');
}

/** The weights of a run, checked against the model. */
export function openAdapter(run: string, model: OpenModel): Promise<Adapter> {
  return readRunAdapter(runFolder(run), model);
}

/** A data folder or a zip of one as a dataset; what was left out is said on the error stream. */
export async function openData(
  path: string,
  changes: ReadingChanges = {},
): Promise<FolderDataset['dataset']> {
  const name = basename(resolve(path));
  const { dataset, refusals } = isZipName(nameParts(name))
    ? await openFolderDataset((await droppedFiles([path])).files, name.replace(/\.zip$/i, ''), changes)
    : await openFolderDataset(await folderFiles(path), name, changes);
  for (const { file, reason, cure } of refusals) console.error(`${path}: ${file}: ${reason} ${cure}`);
  return dataset;
}
