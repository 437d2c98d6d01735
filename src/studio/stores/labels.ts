/** The labels of the open image on this device: its status, its dataset's classes, and saving after every step. */
import * as v from 'valibot';
import { create } from 'zustand';
import type { ImageLabels, LabelClass, LabelStatus } from '../../data/labels/types.ts';
import type { FailureRecord, OpenedLabels, SampleRef } from '../../worker/protocol.ts';
import { showDataset, useDatasets } from './datasets.ts';
import { resetEdit, useEdit } from './edit-history.ts';
import { callEngine } from './engine-link.ts';
import { keepInTab } from './kept.ts';
import { Latest } from './latest.ts';
import { announce, dismissFailure, notifyFailure, notifyWarning } from './notices.ts';

interface LabelsState {
  /** The open image; null where it is a file of no dataset, whose objects are not kept. */
  readonly ref: SampleRef | null;
  readonly status: LabelStatus;
  readonly classes: readonly LabelClass[];
  /** Of the next object. */
  readonly classValue: number;
  /** Ids of the objects that are chosen; the last one is worked on. */
  readonly selected: readonly string[];
  readonly saved: 'saved' | 'saving' | 'failed';
}

export const useLabels = create<LabelsState>()(() => ({
  ref: null,
  status: 'unlabelled',
  classes: [],
  classValue: 1,
  selected: [],
  saved: 'saved',
}));

keepInTab(useLabels, 'labels', { classValue: v.number() });

const set = useLabels.setState;
const get = useLabels.getState;

/** What was opened or saved last, but for what the steps since then changed. */
let base: Pick<ImageLabels, 'revision' | 'width' | 'height'> = { revision: 0, width: 0, height: 0 };

/** Whether steps wait to be saved. */
let isStale = false;
let saving: Promise<void> | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
/** Changes of classes, by their dataset. */
const latest = new Latest();
/** Why the last save failed; null where it did not. */
let failure: FailureRecord | null = null;
/** Whether no one asked for the save that is under way. */
let isRetry = false;

/** Shows the labels of the image that is opened; those of the one before must be saved. */
export function showLabels(ref: SampleRef | null, opened: OpenedLabels | null): void {
  const { labels, history, classes = [], remark } = opened ?? {};
  clearTimeout(timer);
  isStale = false;
  failure = null;
  base = labels ?? { revision: 0, width: 0, height: 0 };
  const { classValue } = get();
  const isKnown = classes.some(({ value }) => value === classValue);
  // While there is no image, steps are not saved.
  set({ ref: null });
  resetEdit({
    ...(labels && { objects: labels.objects, ignored: labels.ignored }),
    ...(history && { history }),
  });
  set({
    ref,
    status: labels?.status ?? 'unlabelled',
    classes,
    classValue: isKnown ? classValue : (classes[0]?.value ?? 1),
    selected: [],
    saved: 'saved',
  });
  if (remark) notifyFailure(remark);
}

export function selectObjects(ids: readonly string[]): void {
  set({ selected: ids });
}

/** Chooses an object, in addition to others or else alone. Choosing it again lets it go. */
export function toggleObject(id: string, adds: boolean): void {
  const { selected } = get();
  const others = selected.filter((other) => other !== id);
  if (selected.includes(id)) set({ selected: adds ? others : [] });
  else set({ selected: adds ? [...selected, id] : [id] });
}

const STATUS_WORDS: Readonly<Record<LabelStatus, string>> = {
  unlabelled: 'unlabelled',
  'in-work': 'in work',
  done: 'done',
};
export const statusWords = (status: LabelStatus): string => STATUS_WORDS[status];

/** Whether the image is labelled to its end: only then it is trained on. */
export async function setStatus(status: LabelStatus): Promise<void> {
  if (!get().ref || get().status === status) return;
  set({ status });
  announce(`This image is ${statusWords(status)}.`);
  await saveLabels();
}

export async function setClasses(classes: readonly LabelClass[]): Promise<void> {
  const { ref } = get();
  if (!ref) return;
  const { datasetId } = ref;
  const before = get().classes;
  const asked = latest.replace(datasetId);
  set({ classes });
  const result = await callEngine('labels.setClasses', { datasetId, classes });
  // An earlier change has no say once another was made.
  if (get().ref?.datasetId === datasetId && latest.isCurrent(datasetId, asked))
    set({ classes: result.ok ? result.value : before });
  if (!result.ok) notifyFailure(result.error);
}

/** Milliseconds after which prompts alone are saved; objects are saved at once. */
const PROMPTS_DELAY = 800;
/** Milliseconds after which a save is tried again for which the storage had no room. */
const RETRY_DELAY = 5000;

useEdit.subscribe((now, before) => {
  if (now.history === before.history || !get().ref) return;
  if (now.objects === before.objects && now.ignored === before.ignored) {
    isStale = true;
    clearTimeout(timer);
    timer = setTimeout(() => void saveLabels(), PROMPTS_DELAY);
    return;
  }
  const ids = new Set(now.objects.map(({ id }) => id));
  set(({ selected, status }) => ({
    selected: selected.every((id) => ids.has(id)) ? selected : selected.filter((id) => ids.has(id)),
    status: status === 'unlabelled' && now.objects.length > 0 ? 'in-work' : status,
  }));
  void saveLabels();
});

/** Saves what the image's labels are now; one save runs at a time. */
function saveLabels(): Promise<void> {
  clearTimeout(timer);
  isStale = true;
  saving ??= saveStale().finally(() => {
    saving = null;
  });
  return saving;
}

/** Saves what waits to be saved. @returns whether all is saved; if not, the failure was shown. */
export async function flushLabels(): Promise<boolean> {
  if (isStale) await saveLabels();
  else await saving;
  return !isStale;
}

/** Whether anything was drawn that is not stored yet. */
export const hasUnsavedLabels = (): boolean => isStale || saving !== null;

async function saveStale(): Promise<void> {
  while (isStale) {
    const { ref, status } = get();
    isStale = false;
    // A dataset that was deleted meanwhile takes its labels along.
    if (!ref || isDeleted(ref)) return;
    set({ saved: 'saving' });
    const { objects, ignored, history } = useEdit.getState();
    const labels = { ...base, status, objects, ignored };
    const result = await callEngine('labels.save', { ...ref, labels, history, baseRevision: base.revision });
    if (!result.ok) {
      if (result.error.code === 'labels/other-revision') await takeOther(ref);
      else fail({ where: ref.sampleId, ...result.error });
      return;
    }
    if (failure) dismissFailure(failure);
    failure = null;
    base = { ...base, revision: result.value.revision };
    if (result.value.dataset) showDataset(result.value.dataset);
  }
  set({ saved: 'saved' });
}

/** Keeps what was not saved on the page, and tries again by itself where there may be room by then. */
function fail(error: FailureRecord): void {
  failure = error;
  isStale = true;
  set({ saved: 'failed' });
  if (!isRetry) notifyFailure(error);
  if (!error.code.startsWith('storage/')) return;
  clearTimeout(timer);
  timer = setTimeout(() => {
    isRetry = true;
    void saveLabels().finally(() => {
      isRetry = false;
    });
  }, RETRY_DELAY);
}

/** Whether an image's dataset is there no more. */
export function isDeleted({ datasetId }: Pick<SampleRef, 'datasetId'>): boolean {
  const { loaded, datasets } = useDatasets.getState();
  return loaded && !datasets.some(({ id }) => id === datasetId);
}

/** Shows what another tab saved of the open image, unless something is about to be saved here, which then finds out. */
export async function followLabels(): Promise<void> {
  const { ref } = get();
  if (!ref || hasUnsavedLabels() || isDeleted(ref)) return;
  const opened = await callEngine('labels.open', ref);
  if (!opened.ok || get().ref !== ref || hasUnsavedLabels()) return;
  if (opened.value.labels.revision === base.revision) return;
  showLabels(ref, opened.value);
  announce('The labels of this image were changed in another tab, and are shown as they were saved there.');
}

/** A step here was made on labels that another tab has changed since: what it saved is shown. */
async function takeOther(ref: SampleRef): Promise<void> {
  const opened = await callEngine('labels.open', ref);
  if (!opened.ok) {
    fail({ where: ref.sampleId, ...opened.error });
    return;
  }
  showLabels(ref, opened.value);
  notifyWarning(
    'This image was labelled in another tab. Its labels are shown as they were saved there; your last step here was not kept.',
  );
}

/** Has the browser ask before a page is left whose labels could not be saved. */
export function askBeforeLeaving(leaving: Pick<Event, 'preventDefault'>): void {
  if (get().saved === 'failed') leaving.preventDefault();
}
if (typeof window !== 'undefined') window.addEventListener('beforeunload', askBeforeLeaving);

// The tab may be about to close. The engine's worker finishes what it was sent.
if (typeof document !== 'undefined') {
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') void flushLabels();
  });
}
