/** Masks that leave Segment: saved as a file, or kept for Export. */
import { create } from 'zustand';
import type { KeptMask } from '../../worker/protocol.ts';
import { callEngine } from './engine-link.ts';
import { saveFile } from './files.ts';
import { Latest } from './latest.ts';
import { notifyFailure, notifySuccess } from './notices.ts';
import { shownAnswer } from './segment.ts';

export const useKeptMasks = create<{ readonly kept: readonly KeptMask[] }>()(() => ({ kept: [] }));

const set = useKeptMasks.setState;
const latest = new Latest();

export async function saveMask(): Promise<void> {
  const answer = shownAnswer();
  if (!answer) return;
  const result = await callEngine('segment.maskPng', {
    predictionId: answer.prediction.predictionId,
    candidate: answer.candidate,
  });
  if (result.ok) saveFile(result.value);
  else notifyFailure(result.error);
}

export async function keepMask(): Promise<void> {
  const answer = shownAnswer();
  if (!answer) return;
  const result = await callEngine('segment.keep', {
    predictionId: answer.prediction.predictionId,
    candidate: answer.candidate,
  });
  if (!result.ok) {
    notifyFailure(result.error);
    return;
  }
  latest.accept(result.value.id);
  set((state) => ({ kept: [...state.kept, result.value] }));
  notifySuccess(`The mask of ${result.value.imageName} is on the Export page.`);
}

export async function loadKeptMasks(): Promise<void> {
  const asked = latest.ask();
  const result = await callEngine('segment.kept', {});
  if (!result.ok) {
    notifyFailure(result.error);
    return;
  }
  set(({ kept }) => ({ kept: latest.acceptList('kept', asked, result.value, kept) ?? kept }));
}

export async function deleteKeptMask(id: string): Promise<void> {
  const result = await callEngine('segment.deleteKept', { id });
  if (!result.ok) {
    notifyFailure(result.error);
    return;
  }
  latest.accept(id);
  set((state) => ({ kept: state.kept.filter((mask) => mask.id !== id) }));
}
