import { basename, resolve } from 'node:path';
import { type FolderDataset, openFolderDataset } from '../engine/datasets.ts';
import { type OpenModel, openModel } from '../engine/model.ts';
import { readRunAdapter } from '../engine/run/adapter-files.ts';
import { RunFiles } from '../engine/run/run-files.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Adapter } from '../peft/adapter-file.ts';
import { folderFiles, modelSources } from './input-files.ts';
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

/** A data folder as a dataset; what was left out is said on the error stream. */
export async function openData(folder: string): Promise<FolderDataset['dataset']> {
  const { dataset, refusals } = await openFolderDataset(await folderFiles(folder), basename(resolve(folder)));
  for (const { file, reason, cure } of refusals) console.error(`${folder}: ${file}: ${reason} ${cure}`);
  return dataset;
}
