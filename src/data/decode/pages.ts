import { nameParts } from '../file-names.ts';
import { type LazyFile, readBytes } from '../lazy-file.ts';
import { valueOrThrow } from '../outcome.ts';
import { isGzip, isNifti, niftiWindow, openNifti, writeNiftiSlice } from './nifti.ts';
import { isTiff } from './sniff.ts';
import { tiffPages, writeTiffPage } from './tiff-pages.ts';

/** A file of several images that was opened. */
interface Stack {
  readonly pages: number;
  readonly extension: string;
  /** A page as a file of its own. */
  write(page: number): Uint8Array;
}

/** Opened stacks, so that page after page does not read the whole file again while memory allows. */
const opened = new WeakMap<LazyFile, WeakRef<Stack>>();

/**
 * The images of a file: itself where it holds one or none that can be read (decoding says why), else a file for each
 * page of a stack, `cells page 2.tif` of `cells.tif`. A slice of a NIfTI volume
 * is a page too. The pages' bytes are made when they are asked for, from the whole
 * file, which is let go when memory is short.
 */
export async function pagesOf(file: LazyFile): Promise<readonly LazyFile[]> {
  const stack = await openStack(file).catch(() => undefined);
  if (!stack || stack.pages < 2) return [file];
  const { pages, extension } = stack;
  return Array.from({ length: pages }, (_, page) => ({
    path: pagePath(file.path, page, extension),
    size: Math.ceil(file.size / pages),
    bytes: async () => (await openStack(file)).write(page),
  }));
}

/** The path of a page of a stack. @param page from 0. */
export function pagePath(path: string, page: number, extension: string): string {
  const { folders, stem } = nameParts(path);
  return [...folders, `${stem} page ${page + 1}.${extension}`].join('/');
}

async function openStack(file: LazyFile): Promise<Stack> {
  const kept = opened.get(file)?.deref();
  if (kept) return kept;
  const read = await readBytes(file);
  const bytes = valueOrThrow(read);
  const stack = await stackOf(bytes, file.path);
  opened.set(file, new WeakRef(stack));
  return stack;
}

async function stackOf(bytes: Uint8Array, file: string): Promise<Stack> {
  if (isNifti(bytes) || isGzip(bytes)) {
    const volume = await openNifti(bytes, file);
    let window: ReturnType<typeof niftiWindow> | null = null;
    return {
      pages: volume.slices,
      extension: 'nii',
      write: (slice) => {
        if (window === null) window = niftiWindow(volume);
        return writeNiftiSlice(volume, slice, window);
      },
    };
  }
  if (!isTiff(bytes)) return { pages: 1, extension: '', write: () => bytes };
  const pages = tiffPages(bytes, file);
  return {
    pages: pages.length,
    extension: 'tif',
    write: (page) => writeTiffPage(bytes, pages[page] ?? [], file),
  };
}
