/** The review of found objects: one after the other is accepted, rejected or given a class. */
import { scoreOf } from '../../config/find.ts';
import { plural } from '../../config/words.ts';
import type { FoundObject, SampleRef } from '../../worker/protocol.ts';
import { type EditState, useEdit } from './edit-history.ts';
import { callEngine } from './engine-link.ts';
import { keepLeft, leftKept } from './find-left.ts';
import { decided, type FindState, keyOf, notLabelled, openDataset, useFind } from './find-state.ts';
import { announce, notifyFailure } from './notices.ts';
import { addFound } from './objects.ts';
import { openImage } from './open-image.ts';
import { useSegment } from './segment.ts';

const set = useFind.setState;
const get = useFind.getState;

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
  const { objects, chosen, foundBy } = get();
  const object = objects[chosen];
  if (object) accept([object], foundBy);
}

/** Makes all objects that are left the image's, the best above, and says that the image was looked at. */
export function acceptAllFound(): void {
  const { objects, foundBy } = get();
  const ascending = objects.toSorted((a, b) => scoreOf(a) - scoreOf(b));
  accept(ascending, foundBy);
}

function accept(found: readonly FoundObject[], foundBy: string): void {
  const ids = addFound(found, foundBy);
  if (!ids) return;
  for (const [i, object] of found.entries()) {
    const id = ids[i];
    if (typeof id === 'string') decided.accepted.set(id, object);
  }
  drop(found);
}

/** What was accepted is to be reviewed again once that is undone, until it is done again. */
useEdit.subscribe((now, before) => {
  // Another image, or another step.
  if (now.history.entries !== before.history.entries) return;
  const acceptedOnlyIn = ({ objects }: EditState, other: EditState): FoundObject[] => {
    const others = new Set(other.objects.map(({ id }) => id));
    return objects.flatMap(({ id }) => (others.has(id) ? [] : (decided.accepted.get(id) ?? [])));
  };
  if (now.history.index < before.history.index) takeBack(acceptedOnlyIn(before, now));
  else drop(acceptedOnlyIn(now, before));
});

function takeBack(found: readonly FoundObject[]): void {
  if (found.length === 0) return;
  for (const object of found) decided.gone.delete(keyOf(object));
  const { objects, chosen } = get();
  set({ objects: objects.toSpliced(chosen, 0, ...found) });
  keepLeft();
}

/** Leaves out all objects that are left, and says that the image was looked at. */
export function rejectAllFound(): void {
  drop(get().objects);
}

function drop(gone: readonly FoundObject[]): void {
  if (gone.length === 0) return;
  for (const object of gone) decided.gone.add(keyOf(object));
  const objects = get().objects.filter((object) => !gone.includes(object));
  set({ objects, chosen: Math.min(get().chosen, Math.max(0, objects.length - 1)) });
  announce(
    objects.length === 0 ? 'No object is left to review.' : `${plural(objects.length, 'object')} left.`,
  );
  if (objects.length === 0) void markReviewed();
  else keepLeft();
}

/** Images in which objects were found that no one looked at, those of the open image's dataset first. */
export function imagesToReview({ folders }: Pick<FindState, 'folders'>): readonly SampleRef[] {
  const first = openDataset();
  return folders
    .toSorted((a, b) => Number(b.datasetId === first) - Number(a.datasetId === first))
    .flatMap(({ datasetId, samples }) =>
      samples.flatMap(({ sampleId, isReviewed, objectCount }) =>
        isReviewed || objectCount === 0 ? [] : [{ datasetId, sampleId }],
      ),
    );
}

/** Opens the next image to review; those whose objects are all labelled by now count as looked at. */
export async function reviewNext(): Promise<void> {
  await markReviewed();
  const { source } = useSegment.getState();
  const waiting = imagesToReview(get());
  const at = waiting.findIndex(
    (ref) =>
      source?.kind === 'sample' && ref.sampleId === source.sampleId && ref.datasetId === source.datasetId,
  );
  // One that was left with objects is passed over, and comes again after the others.
  for (const next of [...waiting.slice(at + 1), ...waiting.slice(0, at + 1)]) {
    if (await hasLeft(next)) {
      await openImage({ kind: 'sample', ...next });
      return;
    }
    await setReviewed(next);
  }
  announce('No image is left to review.');
}

/** Whether anything that was found of an image is not labelled; also where that cannot be read, which opening it says. */
async function hasLeft(ref: SampleRef): Promise<boolean> {
  const [found, opened] = await Promise.all([callEngine('find.image', ref), callEngine('labels.open', ref)]);
  if (!found.ok || !opened.ok) return true;
  return notLabelled(found.value.waiting?.objects ?? [], opened.value.labels.objects).length > 0;
}

/** The open image counts as looked at once nothing of it is left. */
async function markReviewed(): Promise<void> {
  const { objects, isSearched } = get();
  const { source } = useSegment.getState();
  if (source?.kind !== 'sample' || !isSearched || objects.length > 0) return;
  const { sampleId, datasetId } = source;
  await leftKept();
  await setReviewed({ datasetId, sampleId });
}

async function setReviewed(ref: SampleRef): Promise<void> {
  const result = await callEngine('find.reviewed', ref);
  if (!result.ok) {
    notifyFailure(result.error);
    return;
  }
  const { found } = result.value;
  if (found) set({ folders: get().folders.map((each) => (each.datasetId === ref.datasetId ? found : each)) });
}
