/** The stroke that is being painted or erased. It becomes a step when it ends. */
import { create } from 'zustand';
import { withMask } from '../../data/labels/objects.ts';
import { boxOf, subtract, unite } from '../../data/labels/runs.ts';
import { type Point, strokeRuns } from '../../data/labels/shapes.ts';
import { type LabelObject, NO_RUNS, type Runs } from '../../data/labels/types.ts';
import { doStep, useEdit } from './edit-history.ts';
import { selectObjects, useLabels } from './labels.ts';
import { announce } from './notices.ts';
import { acceptCandidate, chosenObject, lockedRuns, NOT_KEPT, newObject, objectAt } from './objects.ts';
import { useSegment } from './segment.ts';
import { useTools } from './tools.ts';

export interface Stroke {
  /** The object with what was painted so far. */
  readonly object: LabelObject;
  /** What the last movement may have changed, pixels of the image. */
  readonly part: readonly [x0: number, y0: number, x1: number, y1: number];
}

interface BrushState {
  readonly stroke: Stroke | null;
}

export const useBrush = create<BrushState>()(() => ({ stroke: null }));

const set = useBrush.setState;

let erases = false;
let locked: Runs = NO_RUNS;

/**
 * Begins at a point: on the object that is chosen, or, after prompts, on the mask that they gave. With neither, the
 * brush makes an object and the eraser takes the one under it.
 */
export function startStroke(at: Point, isErasing: boolean): void {
  if (!useLabels.getState().ref) {
    announce(NOT_KEPT);
    return;
  }
  acceptCandidate();
  const chosen = chosenObject() ?? (isErasing ? objectAt(at) : null);
  if (chosen?.locked) {
    announce('This object is locked.');
    return;
  }
  if (!chosen && isErasing) {
    announce('There is no object to erase here.');
    return;
  }
  erases = isErasing;
  locked = isErasing ? NO_RUNS : lockedRuns();
  const object = chosen ?? newObject(NO_RUNS, { kind: 'drawn' });
  set({ stroke: { object, part: [0, 0, 0, 0] } });
  stroke(at, at);
}

export function stroke(from: Point, to: Point): void {
  const { stroke: now } = useBrush.getState();
  const { image } = useSegment.getState();
  if (!now || !image) return;
  const painted = strokeRuns([from, to], useTools.getState().radius, image);
  const part = boxOf(painted, image.width);
  if (!part) return;
  const { object } = now;
  const runs = erases
    ? subtract(object.runs, painted)
    : unite(object.runs, locked.length > 0 ? subtract(painted, locked) : painted);
  set({ stroke: { object: { ...object, runs }, part } });
}

export function endStroke(): void {
  const { stroke: now } = useBrush.getState();
  if (!now) return;
  set({ stroke: null });
  const { object } = now;
  const { objects } = useEdit.getState();
  const before = objects.find(({ id }) => id === object.id);
  if (object.runs === (before?.runs ?? NO_RUNS)) return;
  const isGone = object.runs.length === 0;
  doStep({
    title: erases ? 'Eraser' : 'Brush',
    objects: before ? withMask(objects, object.id, () => object.runs) : [...objects, object],
  });
  if (isGone) announce('The object was erased.');
  else selectObjects([object.id]);
}

export function cancelStroke(): void {
  set({ stroke: null });
}
