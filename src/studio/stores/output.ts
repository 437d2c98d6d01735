/** What goes out: a file is written where the person chooses, or downloaded where the browser has no such choice. */
import { create } from 'zustand';
import { plural } from '../../config/words.ts';
import type { CallOptions } from '../../worker/client.ts';
import type {
  ExportRequest,
  FailureRecord,
  LabelsRequest,
  Progress,
  ProjectRequest,
  Result,
} from '../../worker/protocol.ts';
import { bytes } from '../format/format.ts';
import { callEngine } from './engine-link.ts';
import { saveBlob } from './files.ts';
import { notifyFailure, notifySuccess } from './notices.ts';

export type OutputKind = 'labels' | 'model' | 'project';

interface OutputState {
  /** What is written now; null while nothing is. */
  readonly writing: { readonly what: OutputKind; readonly progress: Progress } | null;
  /** What the last file of labels could not hold, by its name; null where it held everything. */
  readonly lost: { readonly name: string; readonly remarks: readonly FailureRecord[] } | null;
}

export const useOutput = create<OutputState>()(() => ({ writing: null, lost: null }));

let running: AbortController | null = null;

export function cancelOutput(): void {
  running?.abort();
}

/** Writes labels. @param name of the file. */
export async function writeLabelFile(request: Omit<LabelsRequest, 'to'>, name: string): Promise<void> {
  const written = await write('labels', name, (to, options) =>
    callEngine('output.labels', { ...request, to }, options),
  );
  if (!written) return;
  const { images, objects, remarks } = written;
  if (remarks.length > 0) useOutput.setState({ lost: { name, remarks } });
  notifySuccess(`${plural(objects, 'object')} of ${plural(images, 'image')} went out as ${name}.`);
}

/** Writes a run in another program's form. @param name of the file. */
export async function writeModelFile(request: Omit<ExportRequest, 'to'>, name: string): Promise<void> {
  const written = await write('model', name, (to, options) =>
    callEngine('output.export', { ...request, to }, options),
  );
  if (written) notifySuccess(`The model went out as ${name}.`);
}

/** Writes a project. @param name of the file. */
export async function writeProjectFile(request: Omit<ProjectRequest, 'to'>, name: string): Promise<void> {
  const written = await write('project', name, (to, options) =>
    callEngine('project.write', { ...request, to }, options),
  );
  if (!written) return;
  const parts = [plural(request.datasetIds.length, 'dataset'), plural(request.runIds.length, 'run')];
  notifySuccess(`${parts.join(' and ')} (${bytes(written.bytes)}) went out as ${name}.`);
}

/** Writes one file at a time; null when it was not written, which is said. */
async function write<T extends { readonly file: Blob | null }>(
  what: OutputKind,
  name: string,
  call: (to: FileSystemFileHandle | null, options: CallOptions) => Promise<Result<T>>,
): Promise<T | null> {
  if (running) return null;
  const controller = new AbortController();
  running = controller;
  const show = (progress: Progress): void => useOutput.setState({ writing: { what, progress } });
  try {
    const to = await chosenFile(name);
    if (to === 'none') return null;
    show({ done: 0, total: 0, label: 'Starting' });
    if (what === 'labels') useOutput.setState({ lost: null });
    const result = await call(to, { signal: controller.signal, onProgress: show });
    if (!result.ok) {
      notifyFailure(result.error);
      return null;
    }
    if (result.value.file) saveBlob(result.value.file, name);
    return result.value;
  } finally {
    running = null;
    useOutput.setState({ writing: null });
  }
}

type SavePicker = (options: { readonly suggestedName: string }) => Promise<FileSystemFileHandle>;

/** Where the person wants a file: null where the browser cannot ask, `none` when the person wants it nowhere. */
async function chosenFile(suggestedName: string): Promise<FileSystemFileHandle | null | 'none'> {
  const picker: unknown = Reflect.get(globalThis, 'showSaveFilePicker');
  if (typeof picker !== 'function') return null;
  try {
    return await (picker as SavePicker).call(globalThis, { suggestedName });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return 'none';
    // Where the picker is there and not allowed, in a frame for instance, a download still is.
    return null;
  }
}
