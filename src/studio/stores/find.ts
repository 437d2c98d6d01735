/** All objects of the open image, and of its dataset: what was found, what of it is shown, and what a person made of it. */
import { create } from 'zustand';
import type { FindSettings } from '../../config/find.ts';
import { FIND_FIELDS, parseFindSettings } from '../../config/find.ts';
import type {
  FindQuality,
  FoundDataset,
  FoundObject,
  OpenedImage,
  Progress,
  Result,
  Scale,
  Variant,
} from '../../worker/protocol.ts';
import { CANCELLED } from '../../worker/protocol.ts';
import { plural } from '../format/format.ts';
import { useDatasets } from './datasets.ts';
import { callEngine } from './engine-link.ts';
import { Latest } from './latest.ts';
import { announce, notifyFailure, notifySuccess } from './notices.ts';
import { addFound } from './objects.ts';
import { openImage } from './open-image.ts';
import { useRuns } from './runs.ts';
import { selectVariant, useSegment } from './segment.ts';

/** What the engine does now, if anything. */
export type FindWork = 'image' | 'folder' | 'quality';

interface FindState {
  readonly settings: FindSettings;
  /** Objects that wait to be accepted or rejected; the chosen one is worked on. */
  readonly objects: readonly FoundObject[];
  readonly chosen: number;
  /** Set where thresholds can be moved without asking the model again. */
  readonly searchId: string | null;
  /** Whether anything was looked for in the open image. */
  readonly isSearched: boolean;
  readonly work: FindWork | null;
  readonly progress: Progress | null;
  /** What was found in the dataset of the open image. */
  readonly folder: FoundDataset | null;
  readonly quality: FindQuality | null;
}

/** A model that finds its first objects should not keep a laptop busy for minutes. */
const POINTS = 16;

const NOTHING = { objects: [], chosen: 0, searchId: null, isSearched: false } as const;

export const useFind = create<FindState>()(() => ({
  ...NOTHING,
  settings: parseFindSettings({ pointsPerSide: POINTS, maskOverlap: 0.7 }),
  work: null,
  progress: null,
  folder: null,
  quality: null,
}));

const set = useFind.setState;
const get = useFind.getState;
const latest = new Latest();
let controller: AbortController | null = null;

/** Points where a crop makes for other answers; other settings choose among answers. */
const SAMPLING: ReadonlySet<keyof FindSettings> = new Set(['pointsPerSide', 'cropLayers']);

/** Changes a setting within its limits; thresholds choose anew among what was found. */
export async function changeFindSetting(name: keyof FindSettings, value: number): Promise<void> {
  const { kind, min, max } = FIND_FIELDS[name];
  if (!Number.isFinite(value)) return;
  const within = Math.min(max, Math.max(min, kind === 'integer' ? Math.round(value) : value));
  const settings = { ...get().settings, [name]: within };
  set({ settings });
  const { searchId } = get();
  if (searchId === null || SAMPLING.has(name)) return;
  const asked = latest.replace('select');
  const result = await callEngine('find.select', { searchId, settings });
  if (!latest.isCurrent('select', asked) || get().searchId !== searchId) return;
  if (!result.ok) {
    set({ searchId: null });
    notifyFailure(result.error);
    return;
  }
  // What was rejected stays so, as far as it is the same.
  const objects = result.value.objects.filter((object) => !rejected.has(keyOf(object)));
  set({ objects, chosen: Math.min(get().chosen, Math.max(0, objects.length - 1)) });
}

/** Objects of this image that were rejected or accepted, by their pixels. */
const rejected = new Set<string>();
const keyOf = ({ box, area, point }: FoundObject): string => [...box, area, ...point].join(' ');

/** Finds all objects of the open image. */
export async function findAll(): Promise<void> {
  const { image } = useSegment.getState();
  if (!image || get().work) return;
  const { settings } = get();
  const variant = selectVariant(useSegment.getState());
  const result = await working('image', (options) =>
    callEngine('find.run', { imageId: image.imageId, variant, settings, scale: scaleOf(variant) }, options),
  );
  if (useSegment.getState().image !== image || !result.ok) return;
  rejected.clear();
  const { objects, searchId } = result.value;
  set({ objects, searchId, isSearched: true, chosen: 0 });
  announce(`${plural(objects.length, 'object')} found.`);
}

/** Finds all objects of all images of the open image's dataset; goes on where it was paused. */
export async function findInFolder(): Promise<void> {
  const datasetId = openDataset();
  if (datasetId === null || get().work) return;
  const { settings } = get();
  const variant = selectVariant(useSegment.getState());
  const result = await working('folder', (options) =>
    callEngine('find.folder', { datasetIds: [datasetId], variant, settings }, options),
  );
  if (result.ok) {
    const count = result.value.reduce(
      (sum, { samples }) => sum + samples.reduce((own, { objectCount }) => own + objectCount, 0),
      0,
    );
    notifySuccess(`${plural(count, 'object')} found. Review them, image by image.`);
  }
  await refreshFolder();
}

/** Says how well the known objects of validation images are found. */
export async function measureFinding(): Promise<void> {
  const datasetId = openDataset();
  if (datasetId === null || get().work) return;
  const { settings } = get();
  const variant = selectVariant(useSegment.getState());
  set({ quality: null });
  const result = await working('quality', (options) =>
    callEngine('find.quality', { datasetId, variant, settings, split: 'validation' }, options),
  );
  if (result.ok) set({ quality: result.value });
}

/** Stops what the engine does; what was found of a dataset is kept. */
export function cancelFinding(): void {
  controller?.abort();
}

async function working<T>(
  work: FindWork,
  ask: (options: { signal: AbortSignal; onProgress: (progress: Progress) => void }) => Promise<Result<T>>,
): Promise<Result<T>> {
  const own = new AbortController();
  controller = own;
  set({ work, progress: { done: 0, total: 0, label: 'Preparing' } });
  const result = await ask({ signal: own.signal, onProgress: (progress) => set({ progress }) });
  set({ work: null, progress: null });
  if (!result.ok && result.error.code !== CANCELLED) notifyFailure(result.error);
  return result;
}

/** Chooses the object after or before the one that is chosen. */
export function chooseFound(step: 1 | -1): void {
  const { objects, chosen } = get();
  if (objects.length === 0) return;
  set({ chosen: (chosen + step + objects.length) % objects.length });
}

/** Leaves out the chosen object. */
export function rejectFound(): void {
  const { objects, chosen } = get();
  const object = objects[chosen];
  if (object) drop([object]);
}

/** Makes the chosen object one of the image's. */
export function acceptFound(): void {
  const { objects, chosen } = get();
  const object = objects[chosen];
  if (object && addFound([object.runs])) drop([object]);
}

/** Makes all objects that are left the image's, the best above, and says that the image was looked at. */
export async function acceptAllFound(): Promise<void> {
  const { objects } = get();
  const ascending = objects.toSorted((a, b) => a.predictedIou - b.predictedIou);
  if (!addFound(ascending.map(({ runs }) => runs))) return;
  drop(objects);
  await markReviewed();
}

/** Leaves out all objects that are left, and says that the image was looked at. */
export async function rejectAllFound(): Promise<void> {
  drop(get().objects);
  await markReviewed();
}

function drop(gone: readonly FoundObject[]): void {
  for (const object of gone) rejected.add(keyOf(object));
  const objects = get().objects.filter((object) => !gone.includes(object));
  set({ objects, chosen: Math.min(get().chosen, Math.max(0, objects.length - 1)) });
  announce(
    objects.length === 0 ? 'No object is left to review.' : `${plural(objects.length, 'object')} left.`,
  );
}

/** Opens the next image of the dataset whose objects no one looked at. */
export async function reviewNext(): Promise<void> {
  await markReviewed();
  const { folder } = get();
  const next = folder?.samples.find(({ isReviewed }) => !isReviewed);
  if (folder && next)
    await openImage({ kind: 'sample', datasetId: folder.datasetId, sampleId: next.sampleId });
}

/** The open image counts as looked at once nothing of it is left. */
async function markReviewed(): Promise<void> {
  const { folder, objects } = get();
  const { source } = useSegment.getState();
  if (!folder || source?.kind !== 'sample' || source.datasetId !== folder.datasetId) return;
  const { sampleId, datasetId } = source;
  const isOpen = folder.samples.some((sample) => sample.sampleId === sampleId && !sample.isReviewed);
  if (!isOpen || objects.length > 0) return;
  const result = await callEngine('find.reviewed', { datasetId, sampleId });
  if (result.ok) set({ folder: result.value });
  else notifyFailure(result.error);
}

/** Shows what was found of the dataset of the open image. */
async function refreshFolder(): Promise<void> {
  const datasetId = openDataset();
  const asked = latest.replace('folder');
  const result = datasetId === null ? null : await callEngine('find.found', { datasetId });
  if (!latest.isCurrent('folder', asked)) return;
  set({ folder: result?.ok ? result.value.found : null });
  await showStored();
}

/** Objects of the open image that were found with its dataset and not looked at. */
async function showStored(): Promise<void> {
  const { folder, isSearched } = get();
  const { source, image } = useSegment.getState();
  if (!folder || isSearched || source?.kind !== 'sample') return;
  const { datasetId, sampleId } = source;
  if (!folder.samples.some((sample) => sample.sampleId === sampleId && !sample.isReviewed)) return;
  const result = await callEngine('find.image', { datasetId, sampleId });
  if (!result.ok || useSegment.getState().image !== image || get().isSearched) return;
  set({ objects: result.value.objects, chosen: 0, isSearched: true });
}

/** The dataset of the open image; null for a file of none. */
function openDataset(): string | null {
  const { source } = useSegment.getState();
  return source?.kind === 'sample' ? source.datasetId : null;
}

/** How a run saw images, else how the dataset of the open image is seen. */
function scaleOf(variant: Variant): Scale {
  const run =
    variant.kind === 'run' ? useRuns.getState().runs.find(({ id }) => id === variant.runId) : undefined;
  const dataset = useDatasets.getState().datasets.find(({ id }) => id === openDataset());
  return run?.scale ?? dataset?.scale.chosen ?? 'whole';
}

let shown: OpenedImage | null = null;
useSegment.subscribe(({ image }) => {
  if (image === shown) return;
  shown = image;
  rejected.clear();
  latest.replace('select');
  if (get().work === 'image') cancelFinding();
  set({ ...NOTHING, quality: null });
  if (image) void refreshFolder();
});
