/** Labels on their way out: the file is written where the person chooses, or downloaded where the browser has no such choice. */
import { create } from 'zustand';
import type { FailureRecord, LabelsRequest, Progress } from '../../worker/protocol.ts';
import { plural } from '../format/format.ts';
import { callEngine } from './engine-link.ts';
import { saveBlob } from './files.ts';
import { notifyFailure, notifySuccess } from './notices.ts';

interface LabelOutputState {
  /** Null while nothing is written. */
  readonly progress: Progress | null;
  /** What the last format could not hold. */
  readonly remarks: readonly FailureRecord[];
}

export const useLabelOutput = create<LabelOutputState>()(() => ({ progress: null, remarks: [] }));

let running: AbortController | null = null;

export function cancelLabelOutput(): void {
  running?.abort();
}

/** Writes labels; one output at a time. @param name of the file. */
export async function writeLabelFile(request: Omit<LabelsRequest, 'to'>, name: string): Promise<void> {
  if (running) return;
  const controller = new AbortController();
  running = controller;
  try {
    const to = await chosenFile(name);
    if (to === 'none') return;
    useLabelOutput.setState({ progress: { done: 0, total: 0, label: 'Starting' }, remarks: [] });
    const result = await callEngine(
      'output.labels',
      { ...request, to },
      {
        signal: controller.signal,
        onProgress: (progress) => useLabelOutput.setState({ progress }),
      },
    );
    if (!result.ok) {
      notifyFailure(result.error);
      return;
    }
    const { images, objects, file, remarks } = result.value;
    if (file) saveBlob(file, name);
    useLabelOutput.setState({ remarks });
    notifySuccess(`${plural(objects, 'object')} of ${plural(images, 'image')} went out as ${name}.`);
  } finally {
    running = null;
    useLabelOutput.setState({ progress: null });
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
