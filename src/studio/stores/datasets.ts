/** The datasets on this device and the current import. */
import { create } from 'zustand';
import { TimeLeft } from '../../config/time-left.ts';
import { plural } from '../../config/words.ts';
import type {
  BrokenDataset,
  DatasetInfo,
  FailureRecord,
  ImportReport,
  Progress,
  RequestOf,
  Result,
  SampleInfo,
  Scale,
  SplitOrder,
} from '../../worker/protocol.ts';
import { leftOutOrToCheck } from '../format/left-out.ts';
import { callEngine } from './engine-link.ts';
import { importTurns, useImportTurns } from './import-turns.ts';
import { Latest } from './latest.ts';
import { announce, notifyFailure, notifyFirstFailure, notifySuccess } from './notices.ts';
import { tickDatasets, useSetup } from './setup.ts';

interface DatasetsState {
  readonly loaded: boolean;
  readonly datasets: readonly DatasetInfo[];
  /** What is stored of datasets that cannot be opened. */
  readonly broken: readonly BrokenDataset[];
  readonly samples: Readonly<Record<string, readonly SampleInfo[]>>;
  readonly importing: {
    /** Of what was dropped. */
    readonly name: string;
    readonly progress: Progress;
    /** Seconds that this part of the import still takes; null while that is not known. */
    readonly left: number | null;
    readonly cancel: () => void;
  } | null;
  /** What the last import could not use, and those that waited for it. */
  readonly refusals: readonly FailureRecord[];
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
const latest = new Latest();

export async function loadDatasets(): Promise<void> {
  const asked = latest.ask();
  const isFirst = !useDatasets.getState().loaded;
  const [listed, broken] = await Promise.all([callEngine('data.list', {}), callEngine('data.broken', {})]);
  const before = new Map(useDatasets.getState().datasets.map((each) => [each.id, JSON.stringify(each)]));
  set((state) => ({
    loaded: true,
    datasets:
      (listed.ok && latest.acceptList('datasets', asked, listed.value, state.datasets)) || state.datasets,
    broken: (broken.ok && latest.acceptList('broken', asked, broken.value, state.broken)) || state.broken,
  }));
  const { datasets, samples } = useDatasets.getState();
  for (const each of datasets)
    if (samples[each.id] && before.get(each.id) !== JSON.stringify(each)) void reloadSamples(each.id);
  notifyFirstFailure([listed, broken]);
  if (!isFirst || !listed.ok) return;
  const { datasetIds } = useSetup.getState();
  if (!listed.value.some(({ id }) => datasetIds.includes(id))) tickDatasets(newestOf(listed.value));
}

/** The id of the dataset that came last, of those that can be trained on; what a person most likely works on. */
function newestOf(datasets: readonly DatasetInfo[]): readonly string[] {
  const [newest] = datasets.filter(isTrainable).sort((a, b) => b.created - a.created);
  return newest ? [newest.id] : [];
}

const isTrainable = ({ split }: DatasetInfo): boolean => split.train > 0;

/** Draws datasets and adds them; their ids, none where that failed or was cancelled. */
export async function addDemo(which: RequestOf<'data.addDemo'>['which']): Promise<readonly string[]> {
  const result = await whileImporting('The demo', 'Drawing the demo images', (options) =>
    callEngine('data.addDemo', { which }, options),
  );
  if (!result?.ok) return [];
  showImport(result.value);
  return result.value.datasets.map(({ id }) => id);
}

/**
 * Runs an import, or a part of one, once no other is running, with its progress on the Data page. A failure is shown, and
 * the datasets that were stored before it are listed.
 * @param name of what was dropped.
 * @returns null where it was taken back while it waited.
 */
export async function whileImporting<T>(
  name: string,
  label: string,
  start: (options: { signal: AbortSignal; onProgress: (progress: Progress) => void }) => Promise<Result<T>>,
): Promise<Result<T> | null> {
  if (!(await importTurns.take(name))) return null;
  const controller = new AbortController();
  const cancel = (): void => controller.abort();
  const timeLeft = new TimeLeft();
  const show = (progress: Progress): void =>
    set({ importing: { name, progress, left: timeLeft.of(progress, performance.now()), cancel } });
  show({ done: 0, total: 0, label });
  const result = await start({ signal: controller.signal, onProgress: show });
  set({ importing: null });
  importTurns.end();
  if (!result.ok) {
    notifyFailure(result.error);
    await loadDatasets();
  }
  return result;
}

// What could not be used is shown until something comes that did not wait for it.
useImportTurns.subscribe((now, before) => {
  if (before.begun === 0 && now.begun > 0) set({ refusals: [] });
});

/** Lists the datasets that were imported and what was left out. */
export function showImport({ datasets, refusals }: ImportReport): void {
  for (const { id } of datasets) changeDataset(id);
  set((state) => ({
    refusals: [...state.refusals, ...refusals],
    datasets: [
      ...state.datasets.filter((old) => !datasets.some((fresh) => fresh.id === old.id)),
      ...datasets,
    ],
  }));
  tickDatasets(datasets.filter(isTrainable).map(({ id }) => id));
  announce(`${plural(datasets.length, 'dataset')} added, ${leftOutOrToCheck(refusals)}.`);
}

export async function renameDataset(datasetId: string, name: string): Promise<void> {
  const asked = latest.ask();
  replace(await callEngine('data.rename', { datasetId, name }), asked);
}

export async function setSplitOrder(datasetId: string, order: SplitOrder): Promise<void> {
  const asked = latest.ask();
  replace(await callEngine('data.setSplitOrder', { datasetId, order }), asked);
}

export async function setScale(datasetId: string, scale: Scale): Promise<void> {
  const asked = latest.ask();
  replace(await callEngine('data.setScale', { datasetId, scale }), asked);
}

export async function deleteDataset(datasetId: string): Promise<void> {
  const result = await callEngine('data.delete', { datasetId });
  if (!result.ok) {
    notifyFailure(result.error);
    return;
  }
  const deleted = find(datasetId);
  changeDataset(datasetId);
  set((state) => ({
    datasets: state.datasets.filter((dataset) => dataset.id !== datasetId),
    broken: state.broken.filter((dataset) => dataset.id !== datasetId),
  }));
  notifySuccess(`${deleted?.name ?? 'The dataset'} was deleted from this device.`);
}

/** Fetches a dataset's samples once. */
export async function loadSamples(datasetId: string): Promise<void> {
  if (useDatasets.getState().samples[datasetId]) return;
  const asked = latest.ask();
  const result = await callEngine('data.samples', { datasetId });
  if (!result.ok) notifyFailure(result.error);
  else if (latest.accept(samplesKey(datasetId), asked))
    set((state) => ({ samples: { ...state.samples, [datasetId]: result.value } }));
  // The dataset has changed since, or was deleted.
  else if (find(datasetId)) await loadSamples(datasetId);
}

/** Takes over what a change elsewhere made of a dataset. Its samples stay in view until they have come anew. */
export function showDataset(dataset: DatasetInfo): void {
  const { id } = dataset;
  const before = find(id);
  latest.accept(id);
  set((state) => ({ datasets: state.datasets.map((old) => (old.id === id ? dataset : old)) }));
  // Its first image that is done: what a person labels is what they want to train on.
  if (before && !isTrainable(before) && isTrainable(dataset)) tickDatasets([id]);
  if (useDatasets.getState().samples[id]) void reloadSamples(id);
}

async function reloadSamples(datasetId: string): Promise<void> {
  const asked = latest.ask();
  const result = await callEngine('data.samples', { datasetId });
  if (result.ok && latest.accept(samplesKey(datasetId), asked))
    set((state) => ({ samples: { ...state.samples, [datasetId]: result.value } }));
}

function find(id: string): DatasetInfo | undefined {
  return useDatasets.getState().datasets.find((dataset) => dataset.id === id);
}

function replace(result: Result<DatasetInfo>, asked: number): void {
  if (!result.ok) {
    notifyFailure(result.error);
    return;
  }
  const { id } = result.value;
  if (!latest.acceptChange(id, asked)) return;
  changeDataset(id);
  set((state) => ({
    datasets: state.datasets.map((dataset) => (dataset.id === id ? result.value : dataset)),
  }));
}

/** Makes pending answers about a dataset out of date and drops its samples. */
function changeDataset(id: string): void {
  latest.accept(id);
  latest.accept(samplesKey(id));
  set((state) => {
    const { [id]: _, ...samples } = state.samples;
    return { samples };
  });
}

const samplesKey = (datasetId: string): string => `samples ${datasetId}`;
