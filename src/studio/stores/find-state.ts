/** What was found of the open image and of datasets, and what the engine looks for now. */
import * as v from 'valibot';
import { create } from 'zustand';
import { settingsSchema } from '../../config/field.ts';
import { FIND_FIELDS, type FindSettings, type FindThresholds, findDefaults } from '../../config/find.ts';
import { isSameObject } from '../../data/labels/runs.ts';
import type { LabelObject } from '../../data/labels/types.ts';
import type {
  Calibration,
  FindJob,
  FindQuality,
  FoundDataset,
  FoundObject,
  Progress,
  Result,
  SplitName,
  ToldClasses,
} from '../../worker/protocol.ts';
import { CANCELLED } from '../../worker/protocol.ts';
import { useEdit } from './edit-history.ts';
import { keepInTab } from './kept.ts';
import { notifyFailure } from './notices.ts';
import { selectAskedVariant, selectVariant, useSegment } from './segment.ts';
import { useSession } from './session.ts';

/** What the engine does now, if anything. */
export type FindWork = 'image' | 'folder' | 'quality' | 'calibration';

export interface FindState {
  readonly settings: FindSettings;
  /** The {@link shownModel} with which a person chose thresholds, which then stay whatever model is shown; null as long as no one did. */
  readonly chosenWith: string | null;
  /** The dataset whose labelled images show what is looked for, where the settings ask for likeness. */
  readonly taughtBy: string | null;
  /** Objects that wait to be accepted or rejected; the chosen one is worked on. */
  readonly objects: readonly FoundObject[];
  readonly chosen: number;
  /** Set where thresholds can be moved without asking the model again. */
  readonly searchId: string | null;
  /** Which model was asked by that search, as {@link askedModel} says it. */
  readonly searchedBy: string | null;
  /** Whether the objects have a likeness, which thresholds can be moved by. */
  readonly isAlike: boolean;
  /** Whether anything was looked for in the open image. */
  readonly isSearched: boolean;
  /** What the model that found the objects is called, with the run's name. */
  readonly foundBy: string;
  readonly work: FindWork | null;
  readonly progress: Progress | null;
  /** Thresholds that leave something where these leave nothing; null too where the model answered nothing. */
  readonly looser: FindThresholds | null;
  /** Objects that pass the thresholds, whatever became of them. */
  readonly passing: number;
  /** Of these the ones that are left out, since the image has them as labels. */
  readonly labelled: number;
  /** How the classes of what was found were told. */
  readonly classes: ToldClasses | null;
  /** What was found in datasets. */
  readonly folders: readonly FoundDataset[];
  /** Datasets to search besides that of the open image. */
  readonly further: readonly string[];
  /** A search of datasets that was not finished. */
  readonly job: FindJob | null;
  /** Both are shown as long as what they were measured with, {@link measuredWith}, is the same. */
  readonly quality: { readonly split: SplitName; readonly result: FindQuality; readonly by: string } | null;
  /** By which images the thresholds were chosen. */
  readonly calibration: (Calibration & { readonly by: string }) | null;
}

/** A model that finds its first objects should not keep a laptop busy for minutes. */
const POINTS = 16;
/** What covers more of an image is taken for its background. */
const MOST_AREA = 0.5;

/** Nothing was looked for in the open image. */
export const NOTHING = {
  objects: [],
  chosen: 0,
  searchId: null,
  searchedBy: null,
  isAlike: false,
  isSearched: false,
  foundBy: '',
  looser: null,
  passing: 0,
  labelled: 0,
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
  chosenWith: null,
  taughtBy: null,
  work: null,
  progress: null,
  folders: [],
  further: [],
  job: null,
  quality: null,
  calibration: null,
}));

/** The settings as the engine is asked with them, and where it learns what is looked for. */
export const selectAsked = ({
  settings,
  taughtBy,
}: FindState): { readonly settings: FindSettings; readonly taughtBy?: string } =>
  settings.likeness > 0 && taughtBy !== null ? { settings, taughtBy } : { settings };

const set = useFind.setState;
let controller: AbortController | null = null;

/** Stops what the engine does; what was found of a dataset is kept. */
export function cancelFinding(): void {
  controller?.abort();
}

/** Asks the engine for one thing at a time, with progress and a way out; a failure is said. */
export async function working<T>(
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

/** The dataset of the open image; null for a file of none. */
export function openDataset(): string | null {
  const { source } = useSegment.getState();
  return source?.kind === 'sample' ? source.datasetId : null;
}

/**
 * Objects of the open image that a person decided on, by {@link keyOf}: rejected or accepted ones, and classes that were given.
 * Accepted ones by the id that they have as labels too, for what is undone is to be reviewed again.
 */
export const decided = {
  gone: new Set<string>(),
  classes: new Map<string, number>(),
  accepted: new Map<string, FoundObject>(),
};

/** Nothing is decided of what was found anew. */
export function forgetDecided(): void {
  for (const each of Object.values(decided)) each.clear();
}

/** Tells an object of an image from the others, by its pixels. */
export const keyOf = ({ box, area, point }: FoundObject): string => [...box, area, ...point].join(' ');

/** What is to be reviewed of what was found in the open image: all but what is labelled there already. */
export function toReview(found: readonly FoundObject[]): Pick<FindState, 'objects' | 'labelled'> {
  const objects = notLabelled(found, useEdit.getState().objects);
  return { objects, labelled: found.length - objects.length };
}

/** Found objects that are not among an image's labels. */
export const notLabelled = (
  found: readonly FoundObject[],
  labels: readonly LabelObject[],
): readonly FoundObject[] =>
  found.filter(({ runs }) => !labels.some((label) => isSameObject(runs, label.runs)));

function onModel({ model }: ReturnType<typeof useSession.getState>): void {
  const { chosenWith, settings } = useFind.getState();
  if (chosenWith !== null) return;
  // Points are asked for by hand whatever the model.
  const { pointsPerSide, cropLayers } = settings;
  set({ settings: { ...defaultsOf(model?.hash ?? null), pointsPerSide, cropLayers } });
}
useSession.subscribe((now, before) => {
  if (now.model !== before.model) onModel(now);
});
set({ settings: defaultsOf(useSession.getState().model?.hash ?? null) });
keepInTab(useFind, 'find', {
  settings: settingsSchema(FIND_FIELDS),
  chosenWith: v.nullable(v.string()),
  taughtBy: v.nullable(v.string()),
  further: v.array(v.string()),
});
onModel(useSession.getState());

/** Names the base model or the run that is shown. */
export function shownModel(): string {
  const variant = selectVariant(useSegment.getState());
  const runId = variant.kind === 'run' ? variant.runId : null;
  return JSON.stringify([runId, useSession.getState().model?.hash]);
}

/** Names the model that a search asks now, with its run. */
export const askedModel = (): string =>
  JSON.stringify([selectAskedVariant(useSegment.getState()), useSession.getState().model?.hash]);

/** Names what figures of finding are measured with: the settings, the dataset, and the model with its run. */
export const measuredWith = (): string =>
  JSON.stringify([
    useFind.getState().settings,
    openDataset(),
    selectVariant(useSegment.getState()),
    useSession.getState().model?.hash,
  ]);

function dropOutdated(): void {
  const { quality, calibration } = useFind.getState();
  if (!quality && !calibration) return;
  const now = measuredWith();
  if (quality && quality.by !== now) set({ quality: null });
  if (calibration && calibration.by !== now) set({ calibration: null });
}
useFind.subscribe((now, before) => {
  if (now.settings !== before.settings) dropOutdated();
});
useSegment.subscribe(dropOutdated);
useSession.subscribe(dropOutdated);
