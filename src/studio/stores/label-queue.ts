/** Which image of a dataset to label next, and why. */
import { create } from 'zustand';
import type { Progress, QueueEntry } from '../../worker/protocol.ts';
import { useDatasets } from './datasets.ts';
import { callEngine } from './engine-link.ts';
import { flushLabels, isDeleted, setStatus, useLabels } from './labels.ts';
import { Latest } from './latest.ts';
import { announce, notifyFailure } from './notices.ts';
import { acceptCandidate, closeOutline } from './objects.ts';
import { openImage } from './open-image.ts';
import { openPage } from './page.ts';
import { type SegmentState, selectAskedVariant, useSegment } from './segment.ts';

interface QueueState {
  readonly datasetId: string | null;
  /** What to label next comes first. */
  readonly entries: readonly QueueEntry[];
  /** Set while the model looks at the images to order them. */
  readonly ordering: { readonly progress: Progress; readonly cancel: () => void } | null;
}

export const useQueue = create<QueueState>()(() => ({ datasetId: null, entries: [], ordering: null }));

const set = useQueue.setState;
const get = useQueue.getState;
const latest = new Latest();

/** Lists a dataset's images by what is known of them, without computing anything. */
export async function loadQueue(datasetId: string): Promise<void> {
  const asked = latest.replace('queue');
  const variant = selectAskedVariant(useSegment.getState());
  const result = await callEngine('labels.queue', { datasetId, variant, onlyKnown: true });
  if (!latest.accept('queue', asked)) return;
  if (!result.ok) notifyFailure(result.error);
  set({ datasetId, entries: result.ok ? result.value : [] });
}

/** Lets the model that is shown look at all images, which takes a while, and orders them by what would help most. */
export async function orderQueue(datasetId: string): Promise<void> {
  if (get().ordering) return;
  const controller = new AbortController();
  const show = (progress: Progress): void =>
    set({ ordering: { progress, cancel: () => controller.abort() } });
  show({ done: 0, total: 0, label: 'Looking at the images' });
  const asked = latest.replace('queue');
  const variant = selectAskedVariant(useSegment.getState());
  const result = await callEngine(
    'labels.queue',
    { datasetId, variant },
    { signal: controller.signal, onProgress: show },
  );
  set({ ordering: null });
  if (!result.ok) {
    notifyFailure(result.error);
    // What was computed until then is kept.
    await loadQueue(datasetId);
    return;
  }
  if (!latest.accept('queue', asked)) return;
  set({ datasetId, entries: result.value });
  announce('The images are in their new order.');
}

const askedKey = (state: SegmentState): string => JSON.stringify([selectAskedVariant(state), state.bestStep]);

// Another model, or one that is asked for another dataset, has another order, as far as it has looked at the images.
useSegment.subscribe((now, before) => {
  const { datasetId, ordering } = get();
  const isOther = askedKey(now) !== askedKey(before);
  if (isOther && datasetId !== null && !ordering) void loadQueue(datasetId);
});

// What is done leaves the front of the queue at once.
useLabels.subscribe(({ ref, status }, before) => {
  if (!ref || (ref === before.ref && status === before.status) || ref.datasetId !== get().datasetId) return;
  const { entries } = get();
  if (entries.some((entry) => entry.sampleId === ref.sampleId && entry.status !== status)) {
    set({
      entries: entries.map((entry) => (entry.sampleId === ref.sampleId ? { ...entry, status } : entry)),
    });
  }
});

// A dataset that was deleted has no queue.
useDatasets.subscribe(() => {
  const { datasetId } = get();
  if (datasetId === null || !isDeleted({ datasetId })) return;
  latest.replace('queue');
  set({ datasetId: null, entries: [] });
});

/** The image to label after the open one; null where all are done. */
export function nextEntry(entries: readonly QueueEntry[], openId: string | undefined): QueueEntry | null {
  return entries.find(({ sampleId, status }) => status !== 'done' && sampleId !== openId) ?? null;
}

/** The image before or after the open one in the order of the queue, whatever its status. */
export async function openBeside(step: 1 | -1): Promise<void> {
  const { ref } = useLabels.getState();
  if (!ref) return;
  if (get().datasetId !== ref.datasetId) await loadQueue(ref.datasetId);
  const { entries } = get();
  const at = entries.findIndex(({ sampleId }) => sampleId === ref.sampleId);
  const next = entries[at + step];
  if (next) await openImage({ kind: 'sample', datasetId: ref.datasetId, sampleId: next.sampleId });
  else announce(step > 0 ? 'This is the last image.' : 'This is the first image.');
}

/** Accepts the mask that is shown, says that the image is labelled to its end, and opens the next one. */
export async function doneAndNext(): Promise<void> {
  const { ref } = useLabels.getState();
  if (!ref) return;
  acceptCandidate();
  closeOutline();
  await setStatus('done');
  if (!(await flushLabels())) return;
  if (get().datasetId !== ref.datasetId) await loadQueue(ref.datasetId);
  const next = nextEntry(get().entries, ref.sampleId);
  if (next) await openImage({ kind: 'sample', datasetId: ref.datasetId, sampleId: next.sampleId });
  else announce('All images of this dataset are done.');
}

/** Opens the editor on the image of a dataset that should be labelled next, or on one that was chosen. */
export async function labelDataset(datasetId: string, sampleId?: string): Promise<void> {
  openPage('segment');
  const loaded = loadQueue(datasetId);
  if (sampleId === undefined) await loaded;
  const { entries } = get();
  const id = sampleId ?? (nextEntry(entries, undefined) ?? entries[0])?.sampleId;
  if (id !== undefined) await openImage({ kind: 'sample', datasetId, sampleId: id });
}
