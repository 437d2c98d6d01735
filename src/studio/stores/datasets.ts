/** The datasets on this device, and the import under way. */
import { create } from 'zustand';
import type {
  AnswerOf,
  BrokenDataset,
  DatasetInfo,
  DroppedFile,
  Failure,
  Progress,
  Result,
  SampleInfo,
  SplitOrder,
} from '../../worker/protocol.ts';
import { plural } from '../format/format.ts';
import { ask } from './engine-link.ts';
import { speak, tellDone, tellFailure } from './notices.ts';
import { refreshStorage } from './session.ts';

interface DatasetsState {
  readonly loaded: boolean;
  readonly datasets: readonly DatasetInfo[];
  /** What is stored of datasets that cannot be opened. */
  readonly broken: readonly BrokenDataset[];
  readonly samples: Readonly<Record<string, readonly SampleInfo[]>>;
  readonly importing: { readonly progress: Progress; readonly cancel: () => void } | null;
  /** What the last import could not use. */
  readonly refusals: readonly Failure[];
}

export const useDatasets = create<DatasetsState>()(() => ({
  loaded: false,
  datasets: [],
  broken: [],
  samples: {},
  importing: null,
  refusals: [],
}));

const set = useDatasets.setState;

export async function loadDatasets(): Promise<void> {
  const [whole, broken] = await Promise.all([ask('data.list', {}), ask('data.broken', {})]);
  set({
    loaded: true,
    ...(whole.ok && { datasets: whole.value }),
    ...(broken.ok && { broken: broken.value }),
  });
  if (!whole.ok) tellFailure(whole.error);
  else if (!broken.ok) tellFailure(broken.error);
}

export function addFiles(files: readonly DroppedFile[]): Promise<void> {
  return runImport(`Reading ${plural(files.length, 'file')}`, (options) =>
    ask('data.addFiles', { files }, options),
  );
}

export function addDemo(): Promise<void> {
  return runImport('Drawing three small domains', (options) => ask('data.addDemo', {}, options));
}

/** One import at a time; its progress and refusals are shown on the Data page. */
async function runImport(
  label: string,
  start: (options: {
    signal: AbortSignal;
    onProgress: (progress: Progress) => void;
  }) => Promise<Result<AnswerOf<'data.addFiles'>>>,
): Promise<void> {
  if (useDatasets.getState().importing) {
    tellFailure({
      code: 'busy',
      what: 'Another import is still running.',
      cure: 'Wait until it has finished, or cancel it on the Data page.',
    });
    return;
  }
  const controller = new AbortController();
  const cancel = (): void => controller.abort();
  const show = (progress: Progress): void => set({ importing: { progress, cancel } });
  show({ done: 0, total: 0, label });
  set({ refusals: [] });
  const result = await start({ signal: controller.signal, onProgress: show });
  set({ importing: null });
  if (!result.ok) {
    tellFailure(result.error);
    await loadDatasets();
    return;
  }
  const { datasets, refusals } = result.value;
  set((state) => ({
    refusals,
    datasets: [
      ...state.datasets.filter((old) => !datasets.some((fresh) => fresh.id === old.id)),
      ...datasets,
    ],
    samples: without(
      state.samples,
      datasets.map((dataset) => dataset.id),
    ),
  }));
  speak(
    `${plural(datasets.length, 'dataset')} added, ${plural(refusals.length, 'file')} refused or in need of a look.`,
  );
  void refreshStorage();
}

export async function renameDataset(datasetId: string, name: string): Promise<void> {
  replace(await ask('data.rename', { datasetId, name }));
}

export async function setSplitOrder(datasetId: string, order: SplitOrder): Promise<void> {
  replace(await ask('data.setSplitOrder', { datasetId, order }));
  set((state) => ({ samples: without(state.samples, [datasetId]) }));
}

export async function deleteDataset(datasetId: string): Promise<void> {
  const result = await ask('data.delete', { datasetId });
  if (!result.ok) {
    tellFailure(result.error);
    return;
  }
  const gone = useDatasets.getState().datasets.find((dataset) => dataset.id === datasetId);
  set((state) => ({
    datasets: state.datasets.filter((dataset) => dataset.id !== datasetId),
    broken: state.broken.filter((dataset) => dataset.id !== datasetId),
    samples: without(state.samples, [datasetId]),
  }));
  tellDone(`${gone?.name ?? 'The dataset'} was deleted from this device.`);
  void refreshStorage();
}

/** Fetches a dataset's samples once. */
export async function loadSamples(datasetId: string): Promise<void> {
  if (useDatasets.getState().samples[datasetId]) return;
  const result = await ask('data.samples', { datasetId });
  if (result.ok) set((state) => ({ samples: { ...state.samples, [datasetId]: result.value } }));
  else tellFailure(result.error);
}

function replace(result: Result<DatasetInfo>): void {
  if (!result.ok) {
    tellFailure(result.error);
    return;
  }
  set((state) => ({
    datasets: state.datasets.map((dataset) => (dataset.id === result.value.id ? result.value : dataset)),
  }));
}

function without<T>(record: Readonly<Record<string, T>>, keys: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));
}
