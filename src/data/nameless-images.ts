import { formatOf } from './decode/sniff.ts';
import { isImageName, nameParts } from './file-names.ts';
import { type LazyFile, readBytes } from './lazy-file.ts';

/** Files of a folder that are opened, and the largest one, bytes: a scanner writes all files of a folder alike. */
const OPENED = 3;
const MOST_BYTES = 64 * 2 ** 20;

/**
 * Paths of images whose names have no extension, or a number for one, as scanners write DICOM files (`IM0002`,
 * `1.2.840.113`): all such files of a folder, where one of the first few is an image by its content.
 */
export async function namelessImages(files: Iterable<LazyFile>): Promise<ReadonlySet<string>> {
  const folders = new Map<string, LazyFile[]>();
  for (const file of files) {
    const parts = nameParts(file.path);
    if (isImageName(parts) || !/^\d*$/.test(parts.extension)) continue;
    const folder = parts.folders.join('/');
    const known = folders.get(folder);
    if (known) known.push(file);
    else folders.set(folder, [file]);
  }
  const images = new Set<string>();
  for (const own of folders.values()) {
    if (await hasImage(own.slice(0, OPENED))) for (const { path } of own) images.add(path);
  }
  return images;
}

async function hasImage(files: readonly LazyFile[]): Promise<boolean> {
  for (const file of files) {
    const bytes = await readBytes(file, MOST_BYTES);
    if (bytes.ok && formatOf(bytes.value) !== undefined) return true;
  }
  return false;
}
