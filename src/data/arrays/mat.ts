/** MATLAB's files (.mat) as archives of arrays, and what only they have: lists of classes beside numbered objects. */
import { type LazyFile, readBytes } from '../lazy-file.ts';
import { valueOrThrow } from '../outcome.ts';
import { FEW, type Layout } from './layout.ts';
import { type MatArray, readMat } from './mat-file.ts';
import type { ArchiveFormat, Member } from './members.ts';
import { pageFile, type StoredArray } from './stored-array.ts';

export const mat: ArchiveFormat = {
  what: 'a file of MATLAB',
  cureOfNone: 'Save a map of each image in it, a number for each pixel, with save -v7.',
  loading: (file) => `a = scipy.io.loadmat("${file}")`,
  saved: (file) => file.replace(/\.mat$/i, '.npz'),
  open: async (archive) => (await arraysOf(archive)).map((array, i) => memberOf(array, i, archive)),
};

/** Opened files, so that one map after the other does not unpack all again while memory allows. */
const opened = new WeakMap<LazyFile, WeakRef<readonly MatArray[]>>();

async function arraysOf(archive: LazyFile): Promise<readonly MatArray[]> {
  const kept = opened.get(archive)?.deref();
  if (kept) return kept;
  const arrays = readMat(valueOrThrow(await readBytes(archive)), archive.path);
  opened.set(archive, new WeakRef(arrays));
  return arrays;
}

/** Holds no elements: the file is opened again when they are needed. */
function memberOf({ name, code, shape, type }: MatArray, index: number, archive: LazyFile): Member {
  const path = `${archive.path}/${name}.npy`;
  const layout = writtenAs(shape);
  if (typeof type === 'string' || !layout) {
    const what = typeof type === 'string' ? type : 'numbers along four axes or more';
    return { name, code, shape, type: what, file: { path, size: 0, bytes: async () => new Uint8Array() } };
  }
  const { height, width, channels } = layout;
  const stored: StoredArray = {
    type,
    shape,
    isFortran: true,
    read: async () => (await arraysOf(archive))[index]?.data ?? new Uint8Array(),
  };
  return {
    name,
    code,
    type,
    shape: channels === 1 ? [height, width] : [height, width, channels],
    file: pageFile(stored, layout, 0, path),
  };
}

/** The axes in the order in which NumPy has them: MATLAB's slices are last, its channels too. */
function writtenAs(shape: readonly number[]): Layout | undefined {
  const [height = 0, width = 0, depth = 1, ...others] = shape;
  if (others.length > 0) return undefined;
  const plane = { pages: 1, yAxis: 0, xAxis: 1, height, width };
  if (depth <= FEW) return { ...plane, channels: depth, channelAxis: 2 };
  return { pages: 1, height: depth, width: height, channels: width, yAxis: 2, xAxis: 0, channelAxis: 1 };
}
