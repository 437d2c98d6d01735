/** All objects of the open image, and of its dataset: what was found, what of it is shown, and what a person made of it. */
import { create } from 'zustand';
import { FIND_FIELDS, type FindSettings, type FindThresholds, findDefaults } from '../../config/find.ts';
import type {
  Calibration,
  FindFolderRequest,
  FindJob,
  FindQuality,
  FoundDataset,
  FoundObject,
  OpenedImage,
  Progress,
  Result,
  SampleRef,
  Scale,
  SplitName,
  ToldClasses,
  Variant,
} from '../../worker/protocol.ts';
import { CANCELLED } from '../../worker/protocol.ts';
import { plural } from '../format/format.ts';
import { useDatasets } from './datasets.ts';
import { callEngine } from './engine-link.ts';
import { useLabels } from './labels.ts';
import { Latest } from './latest.ts';
import { announce, notifyFailure, notifySuccess } from './notices.ts';
import { addFound } from './objects.ts';
import { openImage } from './open-image.ts';
import { useRuns } from './runs.ts';
import { selectVariant, useSegment } from './segment.ts';
import { useSession } from './session.ts';

/** What the engine does now, if anything. */
export type FindWork = 'image' | 'folder' | 'quality' | 'calibration';

interface FindState {
  readonly settings: FindSettings;
  /** Whether a person chose the settings, which then stay whatever model is opened. */
  readonly isOwn: boolean;
  /** Objects that wait to be accepted or rejected; the chosen one is worked on. */
  readonly objects: readonly FoundObject[];
  readonly chosen: number;
  /** Set where thresholds can be moved without asking the model again. */
  readonly searchId: string | null;
  /** Whether anything was looked for in the open image. */
  readonly isSearched: boolean;
  readonly work: FindWork | null;
  readonly progress: Progress | null;
  /** Thresholds that leave something where these leave nothing; null too where the model answered nothing. */
  readonly looser: FindThresholds | null;
  /** Objects that pass the thresholds, whatever became of them. */
  readonly passing: number;
  /** How the classes of what was found were told. */
  readonly classes: ToldClasses | null;
  /** What was found in datasets. */
  readonly folders: readonly FoundDataset[];
  /** Datasets to search besides that of the open image. */
  readonly further: readonly string[];
  /** A search of datasets that was not finished. */
  readonly job: FindJob | null;
  readonly quality: { readonly split: SplitName; readonly result: FindQuality } | null;
  /** By which images the thresholds were chosen. */
  readonly calibration: Calibration | null;
}

/** A model that finds its first objects should not keep a laptop busy for minutes. */
const POINTS = 16;
/** What covers more of an image is taken for its background. */
const MOST_AREA = 0.5;

const NOTHING = {
  objects: [],
  chosen: 0,
  searchId: null,
  isSearched: false,
  looser: null,
  passing: 0,
  classes: null,
} as const;

/** Defaults of the open model, but for what a person looks at at once: one object once, and no background. */
const defaultsOf = (hash: string | null): FindSettings => {
  const defaults = findDefaults(hash);
  const maxArea = Math.min(defaults.maxArea, MOST_AREA);
  return { ...defaults, pointsPerSide: POINTS, maskOverlap: 0.7, maxArea };
};

export const useFind = create<FindState>()(() => ({
  ...NOTHING,
  settings: defaultsOf(null),
  isOwn: false,
  work: null,
  progress: null,
  folders: [],
  further: [],
  job: null,
  quality: null,
  calibration: null,
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
  set({ calibration: null });
  await applySettings({ ...get().settings, [name]: within }, !SAMPLING.has(name));
}

/** Lowers the thresholds to what the model's surest masks have. */
export async function loosen(): Promise<void> {
  const { looser, settings } = get();
  if (looser) await applySettings({ ...settings, ...looser });
}

/** Looks again at twice as many points a side, where the model answered nothing. */
export async function searchFiner(): Promise<void> {
  const { settings } = get();
  await changeFindSetting('pointsPerSide', 2 * settings.pointsPerSide);
  await findAll();
}

/** @param chooses whether thresholds changed, by which objects are chosen anew. */
async function applySettings(settings: FindSettings, chooses = true): Promise<void> {
  set({ settings, isOwn: true });
  const { searchId } = get();
  if (searchId === null || !chooses) return;
  const asked = latest.replace('select');
  const result = await callEngine('find.select', { searchId, settings });
  if (!latest.isCurrent('select', asked) || get().searchId !== searchId) return;
  if (!result.ok) {
    set({ searchId: null });
    notifyFailure(result.error);
    return;
  }
  // What was rejected stays so, as far as it is the same, and so do classes that a person gave.
  const objects = result.value.objects
    .filter((object) => !rejected.has(keyOf(object)))
    .map((object) => withClass(object, given.get(keyOf(object))));
  set({
    objects,
    looser: result.value.looser,
    passing: result.value.objects.length,
    chosen: Math.min(get().chosen, Math.max(0, objects.length - 1)),
  });
}

/** Objects of this image that were rejected or accepted, by their pixels. */
const rejected = new Set<string>();
/** Classes that a person gave to found objects, by their pixels. */
const given = new Map<string, number>();

function withClass(object: FoundObject, classValue: number | undefined): FoundObject {
  if (classValue === undefined) return object;
  const { classConfidence: _, ...rest } = object;
  return { ...rest, classValue };
}

/** Gives the chosen object a class. */
export function classifyFound(classValue: number): void {
  const { objects, chosen } = get();
  const object = objects[chosen];
  const known = useLabels.getState().classes.find(({ value }) => value === classValue);
  if (!object || !known) return;
  given.set(keyOf(object), classValue);
  set({ objects: objects.with(chosen, withClass(object, classValue)) });
  announce(`Class ${known.name}.`);
}
const keyOf = ({ box, area, point }: FoundObject): string => [...box, area, ...point].join(' ');

/** Finds all objects of the open image. */
export async function findAll(): Promise<void> {
  const { image } = useSegment.getState();
  if (!image || get().work) return;
  const { settings } = get();
  const variant = selectVariant(useSegment.getState());
  const request = {
    imageId: image.imageId,
    variant,
    settings,
    scale: scaleOf(variant),
    datasetId: openDataset(),
  };
  const result = await working('image', (options) => callEngine('find.run', request, options));
  if (useSegment.getState().image !== image || !result.ok) return;
  rejected.clear();
  given.clear();
  const { objects, searchId, looser, classes } = result.value;
  set({ objects, searchId, looser, passing: objects.length, classes, isSearched: true, chosen: 0 });
  announce(`${plural(objects.length, 'object')} found.`);
}

/** Includes a dataset in the search of whole datasets, or leaves it out. */
export function toggleFurther(datasetId: string): void {
  const { further } = get();
  set({
    further: further.includes(datasetId) ? further.filter((id) => id !== datasetId) : [...further, datasetId],
  });
}

/** Finds all objects of all images of the open image's dataset and of those that were chosen. */
export async function findInFolders(): Promise<void> {
  const datasetId = openDataset();
  if (datasetId === null) return;
  const there = new Set(useDatasets.getState().datasets.map(({ id }) => id));
  const further = get().further.filter((id) => id !== datasetId && there.has(id));
  const variant = selectVariant(useSegment.getState());
  await search({ datasetIds: [datasetId, ...further], variant, settings: get().settings });
}

/** Goes on with the search that was paused, or that a closed tab ended. */
export async function resumeJob(): Promise<void> {
  const { job } = get();
  if (job) await search(job);
}

async function search(request: FindFolderRequest): Promise<void> {
  if (get().work) return;
  const result = await working('folder', (options) => callEngine('find.folder', request, options));
  if (result.ok) {
    const count = result.value.reduce(
      (sum, { samples }) => sum + samples.reduce((own, { objectCount }) => own + objectCount, 0),
      0,
    );
    notifySuccess(`${plural(count, 'object')} found. Review them, image by image.`);
  }
  await refreshFolders();
}

/** Says how well the known objects of a split's images are found. */
export async function measureFinding(split: SplitName): Promise<void> {
  const datasetId = openDataset();
  if (datasetId === null || get().work) return;
  const { settings } = get();
  const variant = selectVariant(useSegment.getState());
  set({ quality: null });
  const result = await working('quality', (options) =>
    callEngine('find.quality', { datasetId, variant, settings, split }, options),
  );
  if (result.ok) set({ quality: { split, result: result.value } });
}

/** Chooses the thresholds by labelled images. */
export async function calibrate(): Promise<void> {
  const datasetId = openDataset();
  if (datasetId === null || get().work) return;
  const { settings } = get();
  const variant = selectVariant(useSegment.getState());
  const result = await working('calibration', (options) =>
    callEngine('find.calibrate', { datasetId, variant, settings }, options),
  );
  if (!result.ok) return;
  set({ calibration: result.value });
  if (result.value) await applySettings(result.value.settings);
  else announce('No object is known by which thresholds could be chosen.');
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
  if (object && addFound([object])) drop([object]);
}

/** Makes all objects that are left the image's, the best above, and says that the image was looked at. */
export function acceptAllFound(): void {
  const { objects } = get();
  const ascending = objects.toSorted((a, b) => a.predictedIou - b.predictedIou);
  if (addFound(ascending)) drop(objects);
}

/** Leaves out all objects that are left, and says that the image was looked at. */
export function rejectAllFound(): void {
  drop(get().objects);
}

function drop(gone: readonly FoundObject[]): void {
  for (const object of gone) rejected.add(keyOf(object));
  const objects = get().objects.filter((object) => !gone.includes(object));
  set({ objects, chosen: Math.min(get().chosen, Math.max(0, objects.length - 1)) });
  announce(
    objects.length === 0 ? 'No object is left to review.' : `${plural(objects.length, 'object')} left.`,
  );
  if (objects.length === 0) void markReviewed();
}

/** Images in which objects were found that no one looked at, those of the open image's dataset first. */
export function imagesToReview({ folders }: Pick<FindState, 'folders'>): readonly SampleRef[] {
  const first = openDataset();
  return folders
    .toSorted((a, b) => Number(b.datasetId === first) - Number(a.datasetId === first))
    .flatMap(({ datasetId, samples }) =>
      samples.flatMap(({ sampleId, isReviewed }) => (isReviewed ? [] : [{ datasetId, sampleId }])),
    );
}

/** Opens the next image to review. */
export async function reviewNext(): Promise<void> {
  await markReviewed();
  const { source } = useSegment.getState();
  const waiting = imagesToReview(get());
  const at = waiting.findIndex(
    (ref) =>
      source?.kind === 'sample' && ref.sampleId === source.sampleId && ref.datasetId === source.datasetId,
  );
  // One that was left with objects is passed over, and comes again after the others.
  const next = waiting[(at + 1) % waiting.length];
  if (next) await openImage({ kind: 'sample', ...next });
}

/** The open image counts as looked at once nothing of it is left. */
async function markReviewed(): Promise<void> {
  const { folders, objects, isSearched } = get();
  const { source } = useSegment.getState();
  if (source?.kind !== 'sample' || !isSearched || objects.length > 0) return;
  const { sampleId, datasetId } = source;
  const folder = folders.find((each) => each.datasetId === datasetId);
  if (!folder?.samples.some((sample) => sample.sampleId === sampleId && !sample.isReviewed)) return;
  const result = await callEngine('find.reviewed', { datasetId, sampleId });
  if (!result.ok) notifyFailure(result.error);
  else set({ folders: get().folders.map((each) => (each.datasetId === datasetId ? result.value : each)) });
}

/** Shows what was found in datasets, and whether a search waits to go on. */
async function refreshFolders(): Promise<void> {
  const asked = latest.replace('folders');
  const { datasets } = useDatasets.getState();
  const [, ...found] = await Promise.all([
    refreshJob(),
    ...datasets.map(({ id }) => callEngine('find.found', { datasetId: id })),
  ]);
  if (!latest.accept('folders', asked)) return;
  set({
    folders: found.flatMap((each) => (each.ok && each.value.found ? [each.value.found] : [])),
  });
  await showStored();
}

/** A search goes on with the model that it was begun with. */
async function refreshJob(): Promise<void> {
  const asked = latest.replace('job');
  const result = await callEngine('find.job', {});
  if (latest.accept('job', asked) && result.ok) set({ job: result.value.job });
}

/** Objects of the open image that were found with its dataset and not looked at. */
async function showStored(): Promise<void> {
  const { folders, isSearched } = get();
  const { source, image } = useSegment.getState();
  if (isSearched || source?.kind !== 'sample') return;
  const { datasetId, sampleId } = source;
  const folder = folders.find((each) => each.datasetId === datasetId);
  if (!folder?.samples.some((sample) => sample.sampleId === sampleId && !sample.isReviewed)) return;
  const result = await callEngine('find.image', { datasetId, sampleId });
  if (!result.ok || useSegment.getState().image !== image || get().isSearched) return;
  const { objects } = result.value;
  set({ objects, passing: objects.length, chosen: 0, isSearched: true });
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

function onModel({ model }: ReturnType<typeof useSession.getState>): void {
  if (!get().isOwn) set({ settings: defaultsOf(model?.hash ?? null) });
}
useSession.subscribe((now, before) => {
  if (now.model === before.model) return;
  onModel(now);
  void refreshJob();
});
onModel(useSession.getState());

let shown: OpenedImage | null = null;
useSegment.subscribe(({ image }) => {
  if (image === shown) return;
  shown = image;
  rejected.clear();
  given.clear();
  latest.replace('select');
  if (get().work === 'image') cancelFinding();
  set({ ...NOTHING, quality: null });
  if (image) void showStored();
});

/** The datasets that were listed when what was found in them was read last. */
let listed = '';
function onDatasets({ loaded, datasets }: ReturnType<typeof useDatasets.getState>): void {
  const now = JSON.stringify(datasets.map(({ id }) => id));
  if (!loaded || now === listed) return;
  listed = now;
  void refreshFolders();
}
useDatasets.subscribe(onDatasets);
onDatasets(useDatasets.getState());
