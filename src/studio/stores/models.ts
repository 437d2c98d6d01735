/** Every model that can be opened, and the download under way. */
import { create } from 'zustand';
import { TimeLeft } from '../../config/time-left.ts';
import type { ModelLibrary, Progress } from '../../worker/protocol.ts';
import { callEngine } from './engine-link.ts';
import { Latest } from './latest.ts';
import { announce, notifyFailure, notifySuccess } from './notices.ts';
import { openStoredModel } from './session.ts';

interface ModelsState {
  /** Null until it is known. */
  readonly library: ModelLibrary | null;
  readonly download: {
    readonly id: string;
    readonly progress: Progress;
    /** Seconds that this part still takes; null while that is not known. */
    readonly left: number | null;
    /** Bytes a second; null while that is not known. */
    readonly rate: number | null;
    readonly cancel: () => void;
  } | null;
}

export const useModels = create<ModelsState>()(() => ({ library: null, download: null }));

const set = useModels.setState;
const latest = new Latest();

export async function loadLibrary(): Promise<void> {
  const asked = latest.ask();
  const result = await callEngine('model.library', {});
  if (!latest.accept('library', asked)) return;
  if (result.ok) set({ library: result.value });
  else notifyFailure(result.error);
}

/** Downloads a model of the catalogue and opens it; one download at a time. */
export async function downloadAndOpen(id: string, label: string): Promise<void> {
  if (useModels.getState().download) return;
  const controller = new AbortController();
  const timeLeft = new TimeLeft();
  const show = (progress: Progress): void => {
    const left = timeLeft.of(progress, performance.now());
    const rate = left !== null && left > 0 ? (progress.total - progress.done) / left : null;
    set({ download: { id, progress, left, rate, cancel: () => controller.abort() } });
  };
  show({ done: 0, total: 0, label: `Asking for ${label}` });
  const result = await callEngine('model.download', { id }, { signal: controller.signal, onProgress: show });
  set({ download: null });
  await loadLibrary();
  if (result.ok) await openStoredModel(id);
  else if (controller.signal.aborted) announce('The download was stopped. What was downloaded is kept.');
  else notifyFailure(result.error);
}

/** Frees a downloaded model, or the dropped one for null. */
export async function freeModel(id: string | null, name: string): Promise<void> {
  const result = await callEngine('model.free', { id });
  if (result.ok) notifySuccess(`${name} was removed from this device.`);
  else notifyFailure(result.error);
  await loadLibrary();
}
