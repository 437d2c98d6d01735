/** What of a config tells the datasets of a run apart. */
import type { MopeftConfig } from '../config/mopeft.ts';
import { gateFormById } from './gates/registry.ts';

/** Name of the graph input that says which dataset is asked for of each image, [B, D], see {@link datasetRows}. */
export const DATASET_INPUT = 'dataset';

/** Whether the masks of an image depend on the dataset that is asked for. */
export function tellsDatasetsApart({ token = false, ...config }: MopeftConfig): boolean {
  return token || encodesByDataset(config);
}

/** Whether the embedding of an image does. */
function encodesByDataset({ gate, methods }: Pick<MopeftConfig, 'gate' | 'methods'>): boolean {
  return Object.keys(methods).length > 0 && gateFormById(gate).varies === 'by-dataset';
}

/** The config for datasets of these names, each once; as it is where it tells none apart. */
export function forDatasets(config: MopeftConfig, names: readonly string[]): MopeftConfig {
  const { datasets: _, ...rest } = config;
  return tellsDatasetsApart(config) ? { ...rest, datasets: names } : rest;
}

/** How many datasets a config tells apart, at least 1 where it can; 0 where it tells none apart. */
export function datasetCount(config: MopeftConfig): number {
  return tellsDatasetsApart(config) ? Math.max(1, config.datasets?.length ?? 0) : 0;
}

/** Rows of {@link DATASET_INPUT}: for each index 1 there and 0 elsewhere. */
export function datasetRows(indices: readonly number[], count: number): Float32Array {
  const rows = new Float32Array(indices.length * count);
  indices.forEach((index, row) => {
    if (index < 0 || index >= count) throw new RangeError(`there is no dataset ${index} of ${count}`);
    rows[row * count + index] = 1;
  });
  return rows;
}
