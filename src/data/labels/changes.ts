/** Steps of labelling, and undoing them. */
import { equalRuns } from './runs.ts';
import type {
  ImageLabels,
  LabelChange,
  LabelHistory,
  LabelObject,
  ObjectChange,
  PlacedObject,
  Runs,
} from './types.ts';

/** What can be undone. */
type Labels = Pick<ImageLabels, 'objects' | 'ignored'>;

/** Most steps that are kept, and most runs in all of them: some 16 MB. */
const MOST_STEPS = 200;
const MOST_NUMBERS = 4 * 2 ** 20;

/**
 * The step from one list of objects to another; null where nothing changed. Objects count as changed when they are other
 * values, whatever is in them.
 */
export function changeBetween(title: string, before: Labels, after: Labels): LabelChange | null {
  const stays = sameInOrder(before.objects, after.objects);
  const placed = (objects: readonly LabelObject[]): Map<string, PlacedObject> =>
    new Map(
      objects.flatMap((object, index) =>
        stays.has(object) ? [] : [[object.id, { index, object }] as const],
      ),
    );
  const [old, now] = [placed(before.objects), placed(after.objects)];
  const objects: ObjectChange[] = [...old].map(([id, place]) => ({
    before: place,
    after: now.get(id) ?? null,
  }));
  for (const [id, place] of now) if (!old.has(id)) objects.push({ before: null, after: place });
  const isIgnoredSame = equalRuns(before.ignored, after.ignored);
  if (objects.length === 0 && isIgnoredSame) return null;
  const ignored = { before: before.ignored, after: after.ignored };
  return { title, objects, ...(!isIgnoredSame && { ignored }) };
}

/** Objects that are in both lists, one after the other in the same order: taken from both ends. */
function sameInOrder(before: readonly LabelObject[], after: readonly LabelObject[]): Set<LabelObject> {
  const known = new Set(before);
  const common = new Set(after.filter((object) => known.has(object)));
  const a = before.filter((object) => common.has(object));
  const b = after.filter((object) => common.has(object));
  let [start, end] = [0, a.length];
  while (start < end && a[start] === b[start]) start++;
  while (end > start && a[end - 1] === b[end - 1]) end--;
  return new Set([...a.slice(0, start), ...a.slice(end)]);
}

/** Labels after a step. */
export function applyChange<L extends Labels>(labels: L, change: LabelChange): L {
  const gone = new Set(change.objects.flatMap(({ before }) => (before ? [before.object.id] : [])));
  const objects = labels.objects.filter(({ id }) => !gone.has(id));
  const added = change.objects.flatMap(({ after }) => (after ? [after] : []));
  for (const { index, object } of added.sort((a, b) => a.index - b.index)) objects.splice(index, 0, object);
  return { ...labels, objects, ignored: change.ignored?.after ?? labels.ignored };
}

/** The step back. */
export function inverted({ title, objects, ignored }: LabelChange): LabelChange {
  return {
    title,
    objects: objects.map(({ before, after }) => ({ before: after, after: before })),
    ...(ignored && { ignored: { before: ignored.after, after: ignored.before } }),
  };
}

/** History after a new step: what was undone is forgotten, and the oldest steps where there are too many. */
export function withChange({ entries, index }: LabelHistory, change: LabelChange): LabelHistory {
  const all = [...entries.slice(0, index), change];
  const seen = new Set<Runs>();
  let numbers = 0;
  let from = all.length;
  while (from > 0 && all.length - from < MOST_STEPS) {
    for (const runs of runsIn(all[from - 1] as LabelChange)) {
      if (!seen.has(runs)) numbers += runs.length;
      seen.add(runs);
    }
    // The last step can always be undone.
    if (numbers > MOST_NUMBERS && from < all.length) break;
    from--;
  }
  return { entries: all.slice(from), index: all.length - from };
}

function runsIn({ objects, ignored }: LabelChange): Runs[] {
  const own = objects.flatMap(({ before, after }) => [before, after]);
  return [...own.flatMap((place) => (place ? [place.object.runs] : [])), ...Object.values(ignored ?? {})];
}

/** Labels and history after the last step was undone; null where there is none. */
export function undone<L extends Labels>(
  labels: L,
  history: LabelHistory,
): { readonly labels: L; readonly history: LabelHistory } | null {
  const last = history.entries[history.index - 1];
  if (!last) return null;
  return { labels: applyChange(labels, inverted(last)), history: { ...history, index: history.index - 1 } };
}

/** Labels and history after the next step was done again; null where there is none. */
export function redone<L extends Labels>(
  labels: L,
  history: LabelHistory,
): { readonly labels: L; readonly history: LabelHistory } | null {
  const next = history.entries[history.index];
  if (!next) return null;
  return { labels: applyChange(labels, next), history: { ...history, index: history.index + 1 } };
}
