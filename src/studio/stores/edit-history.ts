/** The prompts and objects of the open image, and every step that led to them, for undo and redo. */
import { create } from 'zustand';
import { applyChange, changeBetween, redone, undone, withChange } from '../../data/labels/changes.ts';
import {
  type LabelChange,
  type LabelHistory,
  type LabelObject,
  type LabelPrompts,
  NO_HISTORY,
  NO_RUNS,
  type Runs,
} from '../../data/labels/types.ts';

export interface EditState {
  readonly prompts: LabelPrompts;
  /** Later ones lie above. */
  readonly objects: readonly LabelObject[];
  /** Pixels that take no part. */
  readonly ignored: Runs;
  readonly history: LabelHistory;
}

export const NO_PROMPTS: LabelPrompts = { id: 0, points: [], box: null, region: null };

const START: EditState = { prompts: NO_PROMPTS, objects: [], ignored: NO_RUNS, history: NO_HISTORY };

export const useEdit = create<EditState>()(() => START);

const set = useEdit.setState;
const get = useEdit.getState;

let nextPromptId = 1;

/** Prompts with an id of their own, by which answers to them are told apart. */
export function newPrompts(prompts: Omit<LabelPrompts, 'id'>): LabelPrompts {
  return { ...prompts, id: nextPromptId++ };
}

/** Shows another image: its objects and the steps that were kept with it. */
export function resetEdit(opened: Partial<Omit<EditState, 'prompts'>> = {}): void {
  const state = { ...START, ...opened };
  const { entries, index } = state.history;
  for (const { prompts } of entries) {
    nextPromptId = Math.max(nextPromptId, (prompts?.after.id ?? 0) + 1, (prompts?.before.id ?? 0) + 1);
  }
  const changed = entries.slice(0, index).findLast(({ prompts }) => prompts)?.prompts?.after;
  // Steps that were let go may have set the prompts; the first one left knows them.
  const kept = entries.slice(index).find(({ prompts }) => prompts)?.prompts?.before;
  set({ ...state, prompts: changed ?? kept ?? NO_PROMPTS }, true);
}

/** What a step changes; left out is what stays. */
export interface Edit {
  /** What was done, in a word or two: "Brush". */
  readonly title: string;
  readonly prompts?: LabelPrompts;
  readonly objects?: readonly LabelObject[];
}

/** Does a step, after which what was undone cannot be done again. Returns false where nothing changes. */
export function doStep({ title, prompts, objects }: Edit): boolean {
  const { history, ...before } = get();
  const change = changeBetween(title, before, { ...before, objects: objects ?? before.objects });
  if (!change && !prompts) return false;
  const step: LabelChange = {
    ...(change ?? { title, objects: [] }),
    ...(prompts && { prompts: { before: before.prompts, after: prompts } }),
  };
  set({
    ...applyChange(before, step),
    prompts: prompts ?? before.prompts,
    history: withChange(history, step),
  });
  return true;
}

/** @returns the step that was undone; null where there is none. */
export function undoStep(): LabelChange | null {
  const state = get();
  const change = state.history.entries[state.history.index - 1];
  const result = undone(state, state.history);
  if (!change || !result) return null;
  set({ ...result.labels, history: result.history, prompts: change.prompts?.before ?? state.prompts });
  return change;
}

/** @returns the step that was done again; null where there is none. */
export function redoStep(): LabelChange | null {
  const state = get();
  const change = state.history.entries[state.history.index];
  const result = redone(state, state.history);
  if (!change || !result) return null;
  set({ ...result.labels, history: result.history, prompts: change.prompts?.after ?? state.prompts });
  return change;
}

/** The prompts that the given ones were made from; undefined where they are not of this image. */
export function promptsBefore({ id }: LabelPrompts): LabelPrompts | undefined {
  return get().history.entries.find(({ prompts }) => prompts?.after.id === id)?.prompts?.before;
}
