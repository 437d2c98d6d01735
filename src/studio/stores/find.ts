/** Finds all objects of the open image, and the thresholds by which they are chosen. */
import { FIND_FIELDS, type FindSettings } from '../../config/find.ts';
import { plural } from '../../config/words.ts';
import type { FoundObject, Scale, SplitName, Variant } from '../../worker/protocol.ts';
import { useDatasets } from './datasets.ts';
import { callEngine } from './engine-link.ts';
import { keepLeft } from './find-left.ts';
import {
  askedModel,
  decided,
  forgetDecided,
  keyOf,
  measuredWith,
  openDataset,
  selectAsked,
  shownModel,
  toReview,
  useFind,
  working,
} from './find-state.ts';
import { flushLabels, useLabels } from './labels.ts';
import { Latest } from './latest.ts';
import { announce, notifyFailure } from './notices.ts';
import { modelName } from './objects.ts';
import { useRuns } from './runs.ts';
import { selectAskedVariant, useSegment } from './segment.ts';

const set = useFind.setState;
const get = useFind.getState;
const latest = new Latest();

/** Points where a crop makes for other answers; other settings choose among answers. */
const SAMPLING: ReadonlySet<keyof FindSettings> = new Set(['pointsPerSide', 'cropLayers']);

/** Changes a setting within its limits; thresholds choose anew among what was found. */
export async function changeFindSetting(name: keyof FindSettings, value: number): Promise<void> {
  const { kind, min, max } = FIND_FIELDS[name];
  if (!Number.isFinite(value)) return;
  const within = Math.min(max, Math.max(min, kind === 'integer' ? Math.round(value) : value));
  const settings = { ...get().settings, [name]: within };
  if (SAMPLING.has(name)) {
    set({ settings });
    return;
  }
  // Asked for by hand, likeness is learnt from the dataset that is open.
  if (name === 'likeness' && get().taughtBy === null) set({ taughtBy: openDataset() });
  await applySettings(settings);
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

/**
 * Thresholds that a person chose.
 * @param chooses whether objects are chosen anew by them; of a search that told no likeness none can be chosen by it.
 */
async function applySettings(settings: FindSettings, chooses = true): Promise<void> {
  set({ settings, chosenWith: shownModel() });
  const { searchId, isAlike } = get();
  if (searchId === null || !chooses || (settings.likeness > 0 && !isAlike)) return;
  const asked = latest.replace('select');
  const result = await callEngine('find.select', { searchId, settings });
  if (!latest.isCurrent('select', asked) || get().searchId !== searchId) return;
  if (!result.ok) {
    set({ searchId: null });
    notifyFailure(result.error);
    return;
  }
  // What was rejected stays so, as far as it is the same, and so do classes that a person gave.
  const left = result.value.objects
    .filter((object) => !decided.gone.has(keyOf(object)))
    .map((object) => withClass(object, decided.classes.get(keyOf(object))));
  const review = toReview(left);
  set({
    ...review,
    looser: result.value.looser,
    passing: result.value.objects.length,
    chosen: Math.min(get().chosen, Math.max(0, review.objects.length - 1)),
  });
  keepLeft();
}

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
  decided.classes.set(keyOf(object), classValue);
  set({ objects: objects.with(chosen, withClass(object, classValue)) });
  keepLeft();
  announce(`Class ${known.name}.`);
}

/** Finds all objects of the open image. */
export async function findAll(): Promise<void> {
  const { image } = useSegment.getState();
  if (!image || get().work) return;
  const variant = selectAskedVariant(useSegment.getState());
  const request = {
    imageId: image.imageId,
    variant,
    ...selectAsked(get()),
    scale: scaleOf(variant),
    datasetId: openDataset(),
  };
  const foundBy = modelName();
  const searchedBy = askedModel();
  const result = await working('image', (options) => callEngine('find.run', request, options));
  if (useSegment.getState().image !== image || !result.ok) return;
  forgetDecided();
  const { objects, searchId, looser, classes } = result.value;
  const review = toReview(objects);
  const passing = objects.length;
  const isAlike = request.settings.likeness > 0;
  set({
    ...review,
    searchId,
    searchedBy,
    isAlike,
    looser,
    passing,
    classes,
    foundBy,
    isSearched: true,
    chosen: 0,
  });
  keepLeft();
  const labelled = review.labelled > 0 ? `, ${review.labelled} of them labelled already` : '';
  announce(`${plural(passing, 'object')} found${labelled}.`);
}

/** Says how well the known objects of a split's images are found. */
export async function measureFinding(split: SplitName): Promise<void> {
  const datasetId = openDataset();
  if (datasetId === null || get().work) return;
  const asked = selectAsked(get());
  const variant = selectAskedVariant(useSegment.getState());
  set({ quality: null });
  const by = measuredWith();
  const result = await working('quality', (options) =>
    callEngine('find.quality', { datasetId, variant, split, ...asked }, options),
  );
  if (result.ok && measuredWith() === by) set({ quality: { split, result: result.value, by } });
}

/**
 * Chooses the thresholds by labelled images, and searches again where these ask for what the last search did not tell, or
 * another model was asked by it.
 */
export async function calibrate(): Promise<void> {
  const datasetId = openDataset();
  if (datasetId === null || get().work) return;
  // What was labelled last teaches too.
  if (!(await flushLabels())) return;
  const { settings } = get();
  const variant = selectAskedVariant(useSegment.getState());
  const by = measuredWith();
  const result = await working('calibration', (options) =>
    callEngine('find.calibrate', { datasetId, variant, settings }, options),
  );
  // Thresholds that were chosen for another model or dataset, or moved by hand meanwhile, stay.
  if (!result.ok || measuredWith() !== by) return;
  if (!result.value) {
    announce('No object is known by which thresholds could be chosen.');
    return;
  }
  set({ taughtBy: datasetId });
  const { searchId, searchedBy, isAlike } = get();
  const isOutdated = searchedBy !== askedModel() || (result.value.settings.likeness > 0 && !isAlike);
  const applied = applySettings(result.value.settings, !isOutdated);
  set({ calibration: { ...result.value, by: measuredWith() } });
  await applied;
  if (searchId !== null && isOutdated) await findAll();
}

/** How a run saw images, else how the dataset of the open image is seen. */
function scaleOf(variant: Variant): Scale {
  const run =
    variant.kind === 'run' ? useRuns.getState().runs.find(({ id }) => id === variant.runId) : undefined;
  const dataset = useDatasets.getState().datasets.find(({ id }) => id === openDataset());
  return run?.scale ?? dataset?.scale.chosen ?? 'whole';
}
