/** The engine's state: GPU, model, memory, storage and capabilities. */
import { create } from 'zustand';
import type {
  BootRequest,
  Capabilities,
  DroppedFile,
  FailureRecord,
  GpuReport,
  ModelChoices,
  ModelInfo,
  Progress,
} from '../../worker/protocol.ts';
import { callEngine } from './engine-link.ts';
import { Latest } from './latest.ts';
import { announce, notifyFailure, notifySuccess } from './notices.ts';

export interface StorageReport {
  /** Bytes that the browser allows in all. */
  readonly quota: number;
  /** Whether the browser promised not to clear it by itself; null if it does not say. */
  readonly persisted: boolean | null;
}

/** Why files were not opened, and what was chosen of them before. */
export interface ModelQuestion {
  readonly failure: FailureRecord;
  readonly files: readonly DroppedFile[];
  readonly choices: ModelChoices;
}

interface SessionState {
  readonly phase: 'starting' | 'ready' | 'failed';
  /** Why the engine could not start or has stopped. */
  readonly failure: FailureRecord | null;
  readonly gpu: GpuReport | null;
  /** Set while the device is lost. */
  readonly lost: FailureRecord | null;
  readonly capabilities: Capabilities | null;
  readonly model: ModelInfo | null;
  readonly modelFailure: FailureRecord | null;
  /** Why nothing can be stored; null when storage works. */
  readonly storageFailure: FailureRecord | null;
  readonly modelProgress: Progress | null;
  /** Files that were not opened because only the person can say how. */
  readonly modelQuestion: ModelQuestion | null;
  /** Whether the open model is shown because something of it should be looked at. */
  readonly modelShown: boolean;
  readonly deviceMemoryGiB: number | null;
  readonly storage: StorageReport | null;
  /** Whether a new version of the studio waits until all its tabs are closed. */
  readonly hasNewVersion: boolean;
}

export const useSession = create<SessionState>()(() => ({
  phase: 'starting',
  failure: null,
  gpu: null,
  lost: null,
  capabilities: null,
  model: null,
  modelFailure: null,
  storageFailure: null,
  modelProgress: null,
  modelQuestion: null,
  modelShown: false,
  deviceMemoryGiB: null,
  storage: null,
  hasNewVersion: false,
}));

const set = useSession.setState;
const latest = new Latest();

/** Whether training and segmentation are possible. */
export function selectCanCompute(state: SessionState): boolean {
  return state.gpu?.state === 'ready' && state.lost === null && state.model !== null;
}

export async function bootSession(request: BootRequest): Promise<void> {
  const result = await callEngine('boot', request);
  if (!result.ok) {
    set({ phase: 'failed', failure: result.error });
    return;
  }
  const { gpu } = result.value;
  set({ phase: 'ready', ...result.value });
  announce(
    gpu.state === 'ready'
      ? 'The studio is ready.'
      : 'WebGPU is missing. You can view data, but not train or segment.',
  );
}

export function failSession(failure: FailureRecord): void {
  set({ phase: 'failed', failure });
}

export function markDeviceLost(failure: FailureRecord): void {
  latest.accept('gpu');
  set({ lost: failure });
  announce(failure.what);
}

export function markNewVersion(): void {
  if (useSession.getState().hasNewVersion) return;
  set({ hasNewVersion: true });
  announce('A new version of the studio is ready.');
}

export async function recoverDevice(): Promise<void> {
  const asked = latest.ask();
  const result = await callEngine('gpu.recover', {});
  if (!result.ok) {
    notifyFailure(result.error);
    return;
  }
  if (!latest.accept('gpu', asked)) return;
  set({ gpu: result.value, lost: null });
  if (result.value.state === 'ready')
    notifySuccess('The GPU is connected again. An interrupted run can be resumed from its last checkpoint.');
}

/** Failures of files that a choice opens. */
const QUESTIONS = ['checkpoint/several-models', 'checkpoint/tuned', 'config/decoder-heads'];

/** Opens files as the model; where only the person can say how, asks by {@link SessionState.modelQuestion}. */
export async function openModelFiles(
  files: readonly DroppedFile[],
  choices: ModelChoices = {},
): Promise<void> {
  set({ modelQuestion: null });
  await openModel((onProgress) => callEngine('model.openFiles', { files, choices }, { onProgress }), {
    ask: (failure) => {
      if (!QUESTIONS.includes(failure.code)) return false;
      set({ modelQuestion: { failure, files, choices } });
      return true;
    },
  });
}

/** Opens the model again with other choices, such as another preprocessing. */
export async function changeModel(choices: ModelChoices): Promise<void> {
  const { modelShown } = useSession.getState();
  await openModel((onProgress) => callEngine('model.change', { choices }, { onProgress }), { modelShown });
}

export function forgetModelQuestion(): void {
  set({ modelQuestion: null });
}

export function hideModel(): void {
  set({ modelShown: false });
}

export async function openEmbeddedModel(id: string): Promise<void> {
  await openModel((onProgress) => callEngine('model.openEmbedded', { id }, { onProgress }));
}

export async function openStoredModel(id: string): Promise<void> {
  await openModel((onProgress) => callEngine('model.openStored', { id }, { onProgress }));
}

export async function openDroppedModel(): Promise<void> {
  await openModel((onProgress) => callEngine('model.openDropped', {}, { onProgress }));
}

async function openModel(
  open: (onProgress: (progress: Progress) => void) => ReturnType<typeof callEngine<'model.openFiles'>>,
  options: {
    /** Asks the person about a failure; whether it is such a question. */
    readonly ask?: (failure: FailureRecord) => boolean;
    /** Whether the model's card is shown afterwards; default: where there is something to look at. */
    readonly modelShown?: boolean;
  } = {},
): Promise<void> {
  const asked = latest.replace('progress');
  const showProgress = (modelProgress: Progress | null): void => {
    if (latest.accept('progress', asked)) set({ modelProgress });
  };
  showProgress({ done: 0, total: 0, label: 'Loading the model' });
  const result = await open(showProgress);
  showProgress(null);
  if (!result.ok) {
    if (!options.ask?.(result.error)) notifyFailure(result.error);
    return;
  }
  const model = result.value;
  const capabilities = await callEngine('capabilities', {});
  if (!latest.accept('model', asked)) return;
  set({
    model,
    modelFailure: null,
    modelShown: options.modelShown ?? model.remarks.length > 0,
    ...(capabilities.ok ? { capabilities: capabilities.value } : {}),
  });
  notifySuccess(`${model.name} is now the model.`);
}

/** Asks the browser not to clear the storage, and shows its answer. Firefox asks the person, whose answer may never come. */
export async function persistStorage(): Promise<void> {
  await showStorage();
  try {
    if (!(await navigator.storage.persisted())) await navigator.storage.persist();
  } catch {
    // Not every browser has this call; the report then says so.
  }
  await showStorage();
}

/** Shows how much may be stored, and whether the browser may clear it. */
export async function showStorage(): Promise<void> {
  set({ storage: await readStorage() });
}

async function readStorage(): Promise<StorageReport | null> {
  try {
    const { quota = 0 } = await navigator.storage.estimate();
    const persisted = await navigator.storage.persisted().catch(() => null);
    return { quota, persisted };
  } catch {
    return null;
  }
}
