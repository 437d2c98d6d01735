/** What a person does with objects. Each gives a new list; objects that are locked stay as they are. */
import { equalRuns, hasPixel, subtract, uniteAll } from './runs.ts';
import { partsOf } from './shaping.ts';
import { type LabelObject, NO_RUNS, type ObjectOrigin, type Runs } from './types.ts';

type Objects = readonly LabelObject[];

/** A new object of a mask, above all others. */
export function newObject(
  runs: Runs,
  classValue: number,
  origin: ObjectOrigin,
  {
    id = crypto.randomUUID(),
    created = Date.now(),
  }: { readonly id?: string; readonly created?: number } = {},
): LabelObject {
  return { id, classValue, runs, origin, created, locked: false, hidden: false };
}

/** Who made an object once its mask was changed by hand. */
export function correctedOrigin(origin: ObjectOrigin): ObjectOrigin {
  switch (origin.kind) {
    case 'imported':
    case 'drawn':
      return { kind: 'drawn' };
    case 'clicked':
    case 'found':
    case 'corrected':
      return { kind: 'corrected', model: origin.model };
  }
}

/** With another mask, drawn by hand; an object without a pixel is gone. */
export function withMask(objects: Objects, id: string, change: (runs: Runs) => Runs): LabelObject[] {
  return objects.flatMap((object) => {
    if (object.id !== id || object.locked) return [object];
    const runs = change(object.runs);
    if (equalRuns(runs, object.runs)) return [object];
    return runs.length === 0 ? [] : [{ ...object, runs, origin: correctedOrigin(object.origin) }];
  });
}

/** Several objects as one, at the place and with the class of the uppermost; fewer than two change nothing. */
export function merged(objects: Objects, ids: ReadonlySet<string>): LabelObject[] {
  const chosen = objects.filter(({ id, locked }) => ids.has(id) && !locked);
  const top = chosen.at(-1);
  if (!top || chosen.length < 2) return [...objects];
  const one = { ...top, runs: uniteAll(chosen.map(({ runs }) => runs)), origin: correctedOrigin(top.origin) };
  return objects.flatMap((object) => {
    if (object === top) return [one];
    return chosen.includes(object) ? [] : [object];
  });
}

/**
 * An object as several: the first piece keeps its id, and the others stand above it.
 * @param pieces of its mask; by default its connected parts.
 */
export function split(
  objects: Objects,
  id: string,
  width: number,
  pieces: (runs: Runs) => readonly Runs[] = (runs) => partsOf(runs, width),
): LabelObject[] {
  return objects.flatMap((object) => {
    if (object.id !== id || object.locked) return [object];
    const [first, ...others] = pieces(object.runs);
    if (!first || others.length === 0) return [object];
    const origin = correctedOrigin(object.origin);
    return [
      { ...object, runs: first, origin },
      ...others.map((runs) => ({ ...object, runs, origin, id: crypto.randomUUID() })),
    ];
  });
}

/** Copies of objects, above all others, in their order. */
export function duplicated(objects: Objects, ids: ReadonlySet<string>): LabelObject[] {
  const copies = objects
    .filter(({ id }) => ids.has(id))
    .map((object) => ({ ...object, id: crypto.randomUUID(), locked: false }));
  return [...objects, ...copies];
}

export const removed = (objects: Objects, ids: ReadonlySet<string>): LabelObject[] =>
  objects.filter(({ id, locked }) => !ids.has(id) || locked);

/** Objects above all others, in their order; pixels in locked objects stay theirs, and one that is all in them stays where it is. */
export function raised(objects: Objects, ids: ReadonlySet<string>): LabelObject[] {
  const kept = uniteAll(objects.flatMap(({ locked, runs }) => (locked ? [runs] : [])));
  const [below, above]: [LabelObject[], LabelObject[]] = [[], []];
  for (const object of objects) {
    const runs = ids.has(object.id) && !object.locked ? subtract(object.runs, kept) : NO_RUNS;
    if (runs.length === 0) below.push(object);
    else above.push(equalRuns(runs, object.runs) ? object : { ...object, runs });
  }
  return [...below, ...above];
}

/** Ids of the objects whose every pixel is in objects above them: masks that are written do not have them. */
export function covered(objects: Objects): Set<string> {
  const isCovered = ({ runs }: LabelObject, at: number): boolean => {
    const [first] = runs;
    const above = objects.slice(at + 1);
    if (first === undefined || !above.some((object) => hasPixel(object.runs, first))) return false;
    let left = runs;
    for (const object of above) {
      left = subtract(left, object.runs);
      if (left.length === 0) return true;
    }
    return false;
  };
  return new Set(objects.filter(isCovered).map(({ id }) => id));
}

/** The uppermost object that is shown and has a pixel; null where there is none. */
export function objectAt(objects: Objects, pixel: number): LabelObject | null {
  return objects.findLast(({ runs, hidden }) => !hidden && hasPixel(runs, pixel)) ?? null;
}
