/** A drop that was looked at and waits to be imported, with what a person changed of how its masks are read. */
import { create } from 'zustand';
import { plural } from '../../config/words.ts';
import type { DatasetPreview, DatasetSettings, DropPreview, DroppedFile } from '../../worker/protocol.ts';
import { showImport, whileImporting } from './datasets.ts';
import { callEngine } from './engine-link.ts';
import { filesTurns } from './import-turns.ts';
import { Latest } from './latest.ts';
import { announce, notifyFailure } from './notices.ts';

interface DropPreviewState {
  readonly preview: DropPreview | null;
  /** What was changed, by the dataset's index in the drop; what is absent is as it was found. */
  readonly settings: Readonly<Record<number, DatasetSettings>>;
}

/** Nothing is changed. */
export const AS_FOUND: DatasetSettings = {};

const NOTHING: DropPreviewState = { preview: null, settings: {} };

export const useDropPreview = create<DropPreviewState>()(() => NOTHING);

const set = useDropPreview.setState;
const latest = new Latest();

/** Longer side of a preview's images. */
const SIZE = 320;

/**
 * Looks at dropped files and shows how they would be imported, once a drop before them was imported or discarded; images with
 * nothing to choose are imported at once.
 */
export async function previewFiles(files: readonly DroppedFile[]): Promise<void> {
  const name = nameOfDrop(files);
  if (!(await filesTurns.take(name))) return;
  const result = await whileImporting(name, `Reading ${plural(files.length, 'file')}`, (options) =>
    callEngine('data.preview', { files, size: SIZE }, options),
  );
  if (!result?.ok) return filesTurns.end();
  const preview = result.value;
  set({ preview, settings: {} });
  if (preview.datasets.every(hasNothingToChoose)) await importPreview();
  else
    announce(
      `${plural(preview.datasets.length, 'dataset')} found. Check how the masks are read, then import.`,
    );
}

const hasNothingToChoose = ({ maskedCount, channels }: DatasetPreview): boolean =>
  maskedCount === 0 && channels === null;

/** Reads the masks of one dataset of the drop by other settings. */
export async function changeSettings(index: number, settings: DatasetSettings): Promise<void> {
  const { preview } = useDropPreview.getState();
  if (!preview) return;
  const { dropId } = preview;
  set((state) => ({ settings: { ...state.settings, [index]: settings } }));
  const key = `${dropId} ${index}`;
  const asked = latest.replace(key);
  const result = await callEngine('data.previewWith', { dropId, index, settings, size: SIZE });
  if (!result.ok) {
    if (latest.isCurrent(key, asked)) notifyFailure(result.error);
    return;
  }
  const now = useDropPreview.getState().preview;
  if (now?.dropId !== dropId || !latest.accept(key, asked)) {
    release(result.value);
    return;
  }
  const datasets = now.datasets.map((dataset) => (dataset.index === index ? result.value : dataset));
  set({ preview: { ...now, datasets } });
  now.datasets.filter((dataset) => dataset.index === index).forEach(release);
}

/** Asks again what the open model would see. */
export async function refreshPreview(): Promise<void> {
  const { preview, settings } = useDropPreview.getState();
  const datasets = preview?.datasets ?? [];
  await Promise.all(datasets.map(({ index }) => changeSettings(index, settings[index] ?? AS_FOUND)));
}

/** Of the folder or file that was dropped, or how many files. */
function nameOfDrop(files: readonly DroppedFile[]): string {
  const [first = '', ...others] = new Set(files.map(({ path }) => path.split('/')[0] ?? path));
  return others.length > 0 ? plural(files.length, 'file') : first;
}

/**
 * Imports the drop as it is shown, once no other import runs. On failure or when cancelled, the drop is forgotten; what was
 * finished stays.
 */
export async function importPreview(): Promise<void> {
  const { preview, settings } = useDropPreview.getState();
  if (!preview) return;
  const { dropId } = preview;
  set(NOTHING);
  const result = await whileImporting(filesTurns.name, 'Importing', (options) =>
    callEngine('data.import', { dropId, settings }, options),
  );
  preview.datasets.forEach(release);
  if (result?.ok) showImport(result.value);
  if (!result) await forget(dropId);
  filesTurns.end();
}

/** Forgets the drop; nothing of it was stored. */
export async function discardPreview(): Promise<void> {
  const { preview } = useDropPreview.getState();
  if (!preview) return;
  set(NOTHING);
  preview.datasets.forEach(release);
  await forget(preview.dropId);
  filesTurns.end();
}

async function forget(dropId: string): Promise<void> {
  const result = await callEngine('data.discard', { dropId });
  if (!result.ok) notifyFailure(result.error);
}

function release({ samples }: DatasetPreview): void {
  for (const { image, objects } of samples) {
    image.close();
    objects.close();
  }
}
