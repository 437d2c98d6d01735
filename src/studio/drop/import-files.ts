/** Opens dropped or chosen files as a project, models, adapters, an image to segment, or datasets. */

import type { DroppedFile } from '../../worker/protocol.ts';
import { previewFiles } from '../stores/drop-preview.ts';
import { callEngine } from '../stores/engine-link.ts';
import { takeFound } from '../stores/find-folders.ts';
import { notifyFailure, notifySuccess } from '../stores/notices.ts';
import { openImage } from '../stores/open-image.ts';
import { openPage, usePage } from '../stores/page.ts';
import { takeProject } from '../stores/project.ts';
import { addRun } from '../stores/runs.ts';
import { openModelFiles } from '../stores/session.ts';
import { sortFiles } from './sort-files.ts';

export async function importFiles(files: readonly DroppedFile[]): Promise<void> {
  if (files.length === 0) {
    notifyFailure({
      code: 'no-data',
      what: 'No files were dropped.',
      cure: 'Drop image files, a folder, a zip, a SAM model, an adapter or a project.',
    });
    return;
  }
  const others = await withoutAdapterZips(await withoutFound(await takeProject(files)));
  if (others.length === 0) return;
  const sorted = await sortFiles(others);
  for (const model of sorted.models) await openModelFiles(model);
  for (const adapter of sorted.adapters) await importAdapter(adapter);
  const only = sorted.data.length === 1 ? sorted.data[0] : undefined;
  if (only && usePage.getState().page === 'segment' && isImage(only)) {
    await openImage({ kind: 'file', file: only.file });
  } else if (sorted.data.length > 0) {
    openPage('data');
    await previewFiles(sorted.data);
  }
}

/** Leaves out results of `mopeft find`, which are kept for review. */
async function withoutFound(files: readonly DroppedFile[]): Promise<readonly DroppedFile[]> {
  if (!files.some(({ path }) => /(^|\/)found\.jsonl$/.test(path))) return files;
  return takeFound(files);
}

/** Imports the adapters that came as zips. */
async function withoutAdapterZips(files: readonly DroppedFile[]): Promise<readonly DroppedFile[]> {
  const left: DroppedFile[] = [];
  for (const file of files) {
    const isZip = /\.zip$/i.test(file.path);
    const result = isZip ? await callEngine('output.isAdapterZip', { file }) : null;
    if (result?.ok && result.value.isAdapter) await importAdapter([file]);
    else left.push(file);
  }
  return left;
}

/** A single image dropped on the Segment page is opened there. */
function isImage({ path }: DroppedFile): boolean {
  return /\.(png|jpe?g|webp|tiff?|bmp|gif)$/i.test(path);
}

export async function importAdapter(files: readonly DroppedFile[]): Promise<void> {
  const result = await callEngine('output.importAdapter', { files });
  if (!result.ok) {
    notifyFailure(result.error);
    return;
  }
  addRun(result.value);
  const { name, understood: [what = ''] = [] } = result.value;
  notifySuccess(`${name} was imported. Choose it on the Segment page. ${what}`.trimEnd());
}
