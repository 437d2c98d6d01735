/** Searches of whole datasets, which are kept with them. */

import { plural } from '../../config/words.ts';
import type { DroppedFile, FindFolderRequest, OpenedImage } from '../../worker/protocol.ts';
import { useDatasets } from './datasets.ts';
import { callEngine } from './engine-link.ts';
import { leftKept } from './find-left.ts';
import {
  cancelFinding,
  forgetDecided,
  NOTHING,
  openDataset,
  selectAsked,
  toReview,
  useFind,
  working,
} from './find-state.ts';
import { Latest } from './latest.ts';
import { notifyFailure, notifySuccess } from './notices.ts';
import { UNKNOWN_MODEL } from './objects.ts';
import { selectAskedVariant, useSegment } from './segment.ts';
import { useSession } from './session.ts';

const set = useFind.setState;
const get = useFind.getState;
const latest = new Latest();

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
  const variant = selectAskedVariant(useSegment.getState());
  await search({ datasetIds: [datasetId, ...further], variant, ...selectAsked(get()) });
}

/** Goes on with the search that was paused, or that a closed tab ended. */
export async function resumeJob(): Promise<void> {
  const { job } = get();
  if (job) await search(job);
}

async function search(request: FindFolderRequest): Promise<void> {
  if (get().work) return;
  await leftKept();
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

/**
 * Keeps what `mopeft find` wrote with the datasets that have its images, to be reviewed.
 * @returns the files that are no such results; their labels are the same objects in another form.
 */
export async function takeFound(files: readonly DroppedFile[]): Promise<readonly DroppedFile[]> {
  let left = files;
  for (const { path, file } of files) {
    if (!/(^|\/)found\.jsonl$/.test(path)) continue;
    const result = await callEngine('find.bring', { file });
    if (result.ok && !result.value.found) continue;
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    left = left.filter((other) => other.file !== file && !(folder && other.path.startsWith(folder)));
    if (!result.ok) notifyFailure(result.error);
    if (!result.ok || !result.value.found) continue;
    const { datasetId, samples } = result.value.found;
    const name = useDatasets.getState().datasets.find(({ id }) => id === datasetId)?.name ?? datasetId;
    const count = samples.reduce((sum, { objectCount }) => sum + objectCount, 0);
    notifySuccess(`${plural(count, 'object')} found in ${name}. Review them on the Segment page.`);
    await refreshFolders();
  }
  return left;
}

/** Shows what was found in datasets, and whether a search waits to go on. */
export async function refreshFolders(): Promise<void> {
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

/** Objects of the open image that wait to be reviewed. */
async function showStored(): Promise<void> {
  const { source, image } = useSegment.getState();
  if (get().isSearched || source?.kind !== 'sample') return;
  const { datasetId, sampleId } = source;
  await leftKept();
  const result = await callEngine('find.image', { datasetId, sampleId });
  if (!result.ok || useSegment.getState().image !== image || get().isSearched) return;
  const { waiting } = result.value;
  if (!waiting) return;
  const { objects, modelName } = waiting;
  const foundBy = modelName ?? UNKNOWN_MODEL;
  set({ ...toReview(objects), passing: objects.length, chosen: 0, isSearched: true, foundBy });
}

useSession.subscribe((now, before) => {
  if (now.model !== before.model) void refreshJob();
});

let shown: OpenedImage | null = null;
useSegment.subscribe(({ image }) => {
  if (image === shown) return;
  shown = image;
  forgetDecided();
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
