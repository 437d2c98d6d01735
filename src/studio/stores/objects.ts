/** What is done to the objects of the open image, each as one step that can be undone. */

import { plural } from '../../config/words.ts';
import * as labels from '../../data/labels/objects.ts';
import { equalRuns, runsOfBitmap, subtract, uniteAll } from '../../data/labels/runs.ts';
import { movedRuns, type Point, polygonRuns } from '../../data/labels/shapes.ts';
import { cutAlong, filled, smoothed } from '../../data/labels/shaping.ts';
import type { LabelObject, ObjectOrigin, Runs } from '../../data/labels/types.ts';
import type { Candidate, FoundObject, ImageBox } from '../../worker/protocol.ts';
import { doStep, NO_PROMPTS, useEdit } from './edit-history.ts';
import { selectObjects, useLabels } from './labels.ts';
import { announce } from './notices.ts';
import { keepOutline, openOutline } from './outlines.ts';
import { setBox } from './prompts.ts';
import { useRuns } from './runs.ts';
import { shownAnswer, useSegment } from './segment.ts';
import { useSession } from './session.ts';
import { useTools } from './tools.ts';

const objects = (): readonly LabelObject[] => useEdit.getState().objects;
const selected = (): ReadonlySet<string> => new Set(useLabels.getState().selected);

/** The object that is worked on: of those that are chosen, the last. */
export function chosenObject(): LabelObject | undefined {
  const last = useLabels.getState().selected.at(-1);
  return objects().find(({ id }) => id === last);
}

/** Pixels that no new object may take. */
export const lockedRuns = (): Runs =>
  uniteAll(objects().flatMap(({ locked, runs }) => (locked ? [runs] : [])));

export const newObject = (runs: Runs, origin: ObjectOrigin): LabelObject =>
  labels.newObject(runs, useLabels.getState().classValue, origin);

/** Adds an object on top and chooses it. Pixels in locked objects stay theirs. */
function add(title: string, mask: Runs, origin: ObjectOrigin): boolean {
  const runs = subtract(mask, lockedRuns());
  if (runs.length === 0) {
    announce('The mask is empty: nothing was added.');
    return false;
  }
  const before = objects();
  const object = newObject(runs, origin);
  const prompts = origin.kind === 'clicked' ? { prompts: NO_PROMPTS } : {};
  doStep({ title, objects: [...before, object], ...prompts });
  selectObjects([object.id]);
  announce(`Object ${objects().length} added.${coveredWords(before)}`);
  return true;
}

/** Of objects that had pixels before and now are under others. */
function coveredWords(before: readonly LabelObject[]): string {
  const were = labels.covered(before);
  const now = [...labels.covered(objects())].filter((id) => !were.has(id));
  const names = now.map((id) => objects().findIndex((object) => object.id === id) + 1);
  if (names.length === 0) return '';
  return ` It covers ${names.length === 1 ? 'object' : 'objects'} ${names.join(', ')} entirely: delete one of them, or bring it to the front.`;
}

/** The origin of an object whose model's name was not kept. */
export const UNKNOWN_MODEL = 'unknown model';

/** The model that answers, with the run's name where it is tuned. */
export function modelName(): string {
  const { side, runId } = useSegment.getState();
  const run = side === 'tuned' ? useRuns.getState().runs.find(({ id }) => id === runId) : undefined;
  const name = useSession.getState().model?.name ?? UNKNOWN_MODEL;
  return run ? `${name}, ${run.name}` : name;
}

const runsOfMask = new WeakMap<Candidate, Runs>();

/** A candidate's mask as runs; computed once. */
export function candidateRuns(candidate: Candidate): Runs {
  const known = runsOfMask.get(candidate);
  if (known) return known;
  const runs = runsOfBitmap(candidate.mask);
  runsOfMask.set(candidate, runs);
  return runs;
}

/** The mask that is shown for the prompts becomes an object, and the prompts are cleared. */
export function acceptCandidate(): boolean {
  const answer = shownAnswer();
  const candidate = answer?.prediction.candidates[answer.candidate];
  if (!candidate || !useLabels.getState().ref) return false;
  return add('Add object', candidateRuns(candidate), { kind: 'clicked', model: modelName() });
}

/**
 * Found objects become the image's in one step; what locked objects have stays theirs. One without a class gets that of the
 * next object.
 * @param model that found them, with the run's name.
 * @returns the id of each as an object, null where others are locked over all of it; null where there is nowhere to keep them.
 */
export function addFound(
  found: readonly Pick<FoundObject, 'runs' | 'classValue' | 'predictedIou'>[],
  model: string,
): readonly (string | null)[] | null {
  if (!useLabels.getState().ref) {
    announce(NOT_KEPT);
    return null;
  }
  const locked = lockedRuns();
  const { classes, classValue: next } = useLabels.getState();
  const added = found.map(({ runs, classValue = next, predictedIou }) => {
    const left = subtract(runs, locked);
    // One that was removed since.
    const own = classes.some(({ value }) => value === classValue) ? classValue : next;
    const origin = { kind: 'found', model, score: predictedIou } as const;
    return left.length > 0 ? labels.newObject(left, own, origin) : null;
  });
  const kept = added.filter((object) => object !== null);
  if (kept.length > 0) doStep({ title: 'Accept found', objects: [...objects(), ...kept] });
  return added.map((object) => object?.id ?? null);
}

/** A box for an object of its own: what is shown for the prompts so far is accepted first. */
export async function addBox(box: ImageBox, isFurther: boolean): Promise<void> {
  if (isFurther) acceptCandidate();
  await setBox(box);
}

export function addPolygon(corners: readonly Point[]): void {
  const { image } = useSegment.getState();
  if (!image) return;
  if (useLabels.getState().ref) add('Polygon', polygonRuns([corners], image), { kind: 'drawn' });
  else announce(NOT_KEPT);
}

/** The polygon that is being drawn, if any is shown, becomes an object as far as it goes. */
export function closeOutline(): void {
  const corners = openOutline();
  if (corners.length < 3 || useTools.getState().tool !== 'polygon') return;
  keepOutline([]);
  addPolygon(corners);
}

/** Said where an object is drawn on a file of no dataset. */
export const NOT_KEPT = 'Objects are kept for images of a dataset. Add this file on the Data page.';

/** The topmost object at a point that is not hidden. */
export function objectAt({ x, y }: Point): LabelObject | null {
  const { image } = useSegment.getState();
  if (!image || x < 0 || y < 0 || x >= image.width || y >= image.height) return null;
  return labels.objectAt(objects(), Math.floor(y) * image.width + Math.floor(x));
}

/** Chooses the object after or before the one that is chosen, in the order of the list. */
export function selectNext(step: 1 | -1): void {
  const all = objects();
  const chosen = chosenObject();
  const at = chosen ? all.indexOf(chosen) + step : step > 0 ? 0 : -1;
  const next = all.at(at % all.length);
  if (!next) return;
  selectObjects([next.id]);
  announce(`Object ${all.indexOf(next) + 1} of ${all.length}: ${classNameOf(next)}.`);
}

function classNameOf({ classValue }: LabelObject): string {
  const { classes } = useLabels.getState();
  return classes.find(({ value }) => value === classValue)?.name ?? `class ${classValue}`;
}

/** The class of what is chosen, and of the next object. */
export function chooseClass(classValue: number): void {
  const known = useLabels.getState().classes.find(({ value }) => value === classValue);
  if (!known) return;
  useLabels.setState({ classValue });
  const isChanged = change('Class', (object) =>
    object.classValue === classValue ? object : { ...object, classValue },
  );
  if (!isChanged) announce(`Class ${known.name}.`);
}

export function toggleHidden(id: string): void {
  const isHidden = objects().some((object) => object.id === id && object.hidden);
  toggle(isHidden ? 'Show' : 'Hide', id, (object) => ({ ...object, hidden: !isHidden }));
}

export function toggleLocked(id: string): void {
  const isLocked = objects().some((object) => object.id === id && object.locked);
  toggle(isLocked ? 'Unlock' : 'Lock', id, (object) => ({ ...object, locked: !isLocked }));
}

function toggle(title: string, id: string, to: (object: LabelObject) => LabelObject): void {
  doStep({ title, objects: objects().map((object) => (object.id === id ? to(object) : object)) });
}

/** Returns false where nothing that can be deleted is chosen. */
export function deleteSelected(): boolean {
  const before = objects().length;
  if (!doStep({ title: 'Delete', objects: labels.removed(objects(), selected()) })) return false;
  announce(`${plural(before - objects().length, 'object')} deleted.`);
  return true;
}

/** The chosen objects become one. */
export function mergeSelected(): void {
  const before = objects().length;
  if (!doStep({ title: 'Merge', objects: labels.merged(objects(), selected()) })) return;
  announce(`${plural(before - objects().length + 1, 'object')} merged.`);
}

/** Parts of the chosen objects that do not touch become objects of their own. */
export function splitSelected(): void {
  const { image } = useSegment.getState();
  if (!image || selected().size === 0) return;
  const before = objects().length;
  const after = [...selected()].reduce((all, id) => labels.split(all, id, image.width), objects());
  if (doStep({ title: 'Split', objects: after }))
    announce(`Split off ${plural(after.length - before, 'object')}.`);
  else announce('It is in one piece. The tool Cut cuts it along a line.');
}

/** Cuts the chosen objects along a line; where none is chosen, those that it goes through. */
export function cutAt(line: readonly Point[]): void {
  const { image } = useSegment.getState();
  if (!image) return;
  const before = objects();
  const chosen = selected();
  const after = before.reduce((all, { id, hidden }) => {
    const isMeant = chosen.size > 0 ? chosen.has(id) : !hidden;
    return isMeant ? labels.split(all, id, image.width, (runs) => cutAlong(runs, line, image)) : all;
  }, before);
  if (doStep({ title: 'Cut', objects: after }))
    announce(`Split off ${plural(after.length - before.length, 'object')}.`);
  else announce('The line cuts no object in two: draw it from one side of the object to the other.');
}

/** The chosen objects get the pixels that they share with others. */
export function raiseSelected(): void {
  const after = labels.raised(objects(), selected());
  if (!doStep({ title: 'To front', objects: after })) return;
  announce(`To front: ${plural(selected().size, 'object')}.`);
}

/** Pixels by which a copy lies beside the original. */
const COPY_SHIFT = 8;

export function duplicateSelected(): void {
  const { image } = useSegment.getState();
  if (!image) return;
  const before = objects();
  const copies = labels
    .duplicated(before, selected())
    .slice(before.length)
    .map((copy) => ({ ...copy, runs: movedRuns(copy.runs, COPY_SHIFT, COPY_SHIFT, image) }))
    .filter(({ runs }) => runs.length > 0);
  if (!doStep({ title: 'Duplicate', objects: [...before, ...copies] })) return;
  selectObjects(copies.map(({ id }) => id));
  announce(`${plural(copies.length, 'object')} duplicated.`);
}

export function fillSelected(): void {
  const { image } = useSegment.getState();
  if (image) shape('Fill holes', (runs) => filled(runs, image.width));
}

/** Pixels on each side that a smoothed edge looks at. */
const SMOOTH_RADIUS = 2;

export function smoothSelected(): void {
  const { image } = useSegment.getState();
  if (image) shape('Smooth', (runs) => smoothed(runs, SMOOTH_RADIUS, image));
}

/** Changes the masks of what is chosen; one that would be empty stays as it is. */
function shape(title: string, to: (runs: Runs) => Runs): void {
  const isChanged = change(title, (object) => {
    const runs = to(object.runs);
    if (runs.length === 0 || equalRuns(runs, object.runs)) return object;
    return { ...object, runs, origin: labels.correctedOrigin(object.origin) };
  });
  if (!isChanged && selected().size > 0) announce(`${title}: nothing to change.`);
}

/** Changes what is chosen and not locked. @returns whether anything changed. */
function change(title: string, to: (object: LabelObject) => LabelObject): boolean {
  const chosen = selected();
  const after = objects().map((object) => (chosen.has(object.id) && !object.locked ? to(object) : object));
  if (!doStep({ title, objects: after })) return false;
  announce(`${title}: ${plural(chosen.size, 'object')}.`);
  return true;
}
