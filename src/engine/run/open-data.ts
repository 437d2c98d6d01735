import type { TrainConfig } from '../../config/train.ts';
import { threadData } from '../../train/data-port.ts';
import { CACHE_BYTES, localData, type TrainingData } from '../../train/training-data.ts';
import { trainingSet } from '../../train/training-set.ts';
import type { RunConfig } from './run-files.ts';
import type { RunDataset, RunParts } from './run-types.ts';

/** The datasets of a run's config, each as the run sees its images. */
export function scaledDatasets(
  { datasets: named }: Pick<RunConfig, 'datasets'>,
  datasets: readonly RunDataset[],
): RunDataset[] {
  return named.flatMap(({ key, scale = 'whole' }) => {
    const found = datasets.find((dataset) => dataset.key === key);
    return found ? [{ ...found, dataset: { ...found.dataset, scale } }] : [];
  });
}

/** The data of a run in a thread of its own, or in this one where none is given or none can be opened. */
export async function openData(
  {
    model,
    openDataThread,
    cacheBytes = CACHE_BYTES,
    observer,
  }: Pick<RunParts, 'model' | 'openDataThread' | 'cacheBytes' | 'observer'>,
  train: TrainConfig,
  datasets: readonly RunDataset[],
): Promise<TrainingData> {
  const sam = model.config;
  if (openDataThread) {
    const sets = datasets.map(({ key, split, dataset }) => ({ key, split, dataset }));
    try {
      return await threadData(openDataThread(), { sam, config: train, sets, cacheBytes });
    } catch {
      observer?.onNotice?.(
        'No thread could be opened to prepare images, so steps and clicks wait while images are decoded.',
      );
    }
  }
  const sets = datasets.map(({ key, split, dataset }) => trainingSet(key, dataset, split, sam, train));
  return localData(sam, train, sets, cacheBytes);
}
