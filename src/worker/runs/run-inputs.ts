/** What a run reads besides its settings: datasets with their splits, the run before it, and the device. */
import { Failure, toFailureRecord } from '../../config/failure.ts';
import { isLabelled } from '../../data/dataset.ts';
import { resumedDataset } from '../../engine/datasets.ts';
import { readRunAdapter } from '../../engine/run/adapter-files.ts';
import type { RunConfig, RunSplit } from '../../engine/run/run-files.ts';
import type { EarlierRun, RunDataset } from '../../engine/run/run-types.ts';
import { type Card, splitOfCard } from '../dataset-card.ts';
import type { CurrentModel, EngineState } from '../engine-state.ts';
import type { TrainSettings } from '../protocol.ts';
import type { RunRepository } from './run-repository.ts';

export class RunInputs {
  constructor(
    private readonly state: EngineState,
    private readonly repository: RunRepository,
  ) {}

  /**
   * The labelled images of a new run's datasets; those that an earlier run knew keep their part.
   * @throws Failure `run/no-datasets`, `data/…`.
   */
  async newDatasets(settings: TrainSettings): Promise<RunDataset[]> {
    return Promise.all(
      settings.datasetIds.map(async (id) => {
        const { dataset, card } = await this.state.datasets.openAnew(id).catch((error) => {
          throw datasetGone(error, settings.name, TAKE_OTHERS);
        });
        const split = card.split ?? (await this.splitOfLastRun(id));
        const parts = splitOfCard(dataset.samples.filter(isLabelled), { ...card, ...(split && { split }) });
        const { scale = dataset.scale } = settings;
        return {
          key: id,
          name: dataset.name,
          dataset: { ...dataset, ...(scale && { scale }) },
          split: parts,
        };
      }),
    );
  }

  /** Keeps the parts that images have in a run that begins. @throws Failure `run/no-datasets`, `data/…`. */
  async keepSplits(datasets: readonly RunDataset[]): Promise<void> {
    for (const { key, name, split } of datasets)
      await this.state.datasets.keepSplit(key, split).catch((error) => {
        throw datasetGone(error, name, TAKE_OTHERS);
      });
  }

  /** The part of each image in the last run on a dataset, of runs that were made before the dataset kept it. */
  private async splitOfLastRun(datasetId: string): Promise<Card['split']> {
    const records = await this.repository.list();
    const last = records.find(({ datasets }) => datasets.some(({ id }) => id === datasetId));
    const parts =
      last &&
      (
        await this.repository
          .filesOf(last.id)
          .readSplit()
          .catch(() => null)
      )?.[datasetId];
    if (!parts) return undefined;
    const named = (['train', 'val', 'test'] as const).flatMap((part) =>
      parts[part].map((name) => [name, part] as const),
    );
    return Object.fromEntries(named);
  }

  /** The datasets of a run that goes on, as it split them. @throws Failure `run/no-datasets`, `data/…`. */
  async resumedDatasets(config: Pick<RunConfig, 'datasets'>, split: RunSplit): Promise<RunDataset[]> {
    const datasets: RunDataset[] = [];
    for (const named of config.datasets) {
      const { dataset } = await this.state.datasets.openAnew(named.key).catch((error) => {
        throw datasetGone(error, named.name, USE_WEIGHTS);
      });
      const part = split[named.key];
      if (part) datasets.push(resumedDataset(named, dataset, part));
    }
    return datasets;
  }

  /** The run that another one is compared with: its weights, and the images that it was tested on; null when it is gone. */
  async earlierRun({ after }: TrainSettings, model: CurrentModel): Promise<EarlierRun | null> {
    const record = after === undefined ? null : await this.repository.find(after);
    if (!record || record.bestStep === null || record.modelHash !== model.info.hash) return null;
    const files = this.repository.filesOf(record.id);
    const split = await files.readSplit().catch(() => null);
    if (!split) return null;
    const tested = new Map(Object.entries(split).map(([key, { test }]) => [key, test]));
    return { name: record.name, tested, tuning: () => readRunAdapter(files, model.open) };
  }

  /** The GPU adapter, under which times are remembered. */
  deviceName(): string {
    const { vendor, architecture, description } = this.state.needGpu().info;
    return `${vendor} ${architecture} ${description}`;
  }
}

const TAKE_OTHERS = 'Start a run with other datasets; one that waits in the queue can be removed there.';
const USE_WEIGHTS = 'Use its best weights as they are, or start a new run.';

/** Importing the files again makes another dataset, so the cure that the storage names does not help a run. */
function datasetGone(error: unknown, where: string, cure: string): unknown {
  if (toFailureRecord(error).code !== 'data/half-saved') return error;
  return new Failure({
    code: 'run/no-datasets',
    what: 'A dataset of this run was deleted, and it cannot train without it.',
    where,
    cure,
  });
}
