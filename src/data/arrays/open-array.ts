/** Files of arrays as the images and masks that they hold. */
import { pagePath } from '../decode/pages.ts';
import { checkSize, truncated } from '../decode/size-check.ts';
import { type FileParts, type LazyFile, openParts } from '../lazy-file.ts';
import { limits } from '../limits.ts';
import { refuse } from '../outcome.ts';
import { classPages } from './class-planes.ts';
import { PYTHON_OBJECTS } from './element-type.ts';
import { layoutOf } from './layout.ts';
import { notNumbers } from './not-numbers.ts';
import { extentOf, isNpy, MOST_NPY_HEAD, readNpyHeader } from './npy-header.ts';
import { pickledMasks } from './pickled-masks.ts';
import { pageFile, type StoredArray } from './stored-array.ts';

/**
 * The files that stand in the place of one that holds an array: itself where it is one image or mask, one for each page of a
 * stack, and of Cellpose's `_seg.npy` its masks. Only heads are read; the rest is when a file is.
 * @throws Failure naming the file when it holds none.
 */
export async function openArray(file: LazyFile): Promise<readonly LazyFile[]> {
  const parts = await openParts(file);
  const head = await parts.read(0, Math.min(parts.size, MOST_NPY_HEAD));
  if (!isNpy(head)) throw noArray(parts);
  const { type, shape, isFortran, start } = readNpyHeader(head, parts.name);
  if (type === PYTHON_OBJECTS) return await objectsOf(await pickledMasks(parts, start), parts.name);
  if (typeof type === 'string') throw notNumbers(type, parts.name);
  if (start + extentOf(type, shape) > parts.size) throw truncated(parts.name, 'NumPy');
  const pages = await pagesOfArray(
    {
      type,
      shape,
      isFortran,
      read: async (offset, length) => (await openParts(file)).read(start + offset, length),
    },
    parts.name,
  );
  const [first] = pages;
  return pages.length === 1 && !first?.fields ? [file] : pages;
}

/** A file for each image of an array. @throws Failure naming `path`. */
async function pagesOfArray(array: StoredArray, path: string): Promise<readonly LazyFile[]> {
  const layout = layoutOf(array.shape, path);
  const { pages } = layout;
  if (pages === 0 || pages > limits.stackPages)
    throw refuse(
      'data/array-shape',
      path,
      `This array says that it holds ${pages} images; 1 to ${limits.stackPages} can be read.`,
      'Save it in parts: np.save("part1.npy", array[:1000]) and so on.',
    );
  checkSize(path, layout.width, layout.height);
  const pathOf = (page: number) => (pages === 1 ? path : pagePath(path, page, 'npy'));
  if (layout.areClasses) return classPages(array, layout, pathOf, path);
  return Array.from({ length: pages }, (_, page) => pageFile(array, layout, page, pathOf(page)));
}

/** Files whose values are numbers of objects, whatever their names say. */
const objectsOf = async (array: StoredArray, path: string): Promise<LazyFile[]> =>
  (await pagesOfArray(array, path)).map((page) => ({ ...page, fields: { instances: page } }));

const noArray = ({ name, size }: FileParts) =>
  refuse(
    size === 0 ? 'data/empty-file' : 'data/not-an-image',
    name,
    size === 0 ? 'The file is empty (0 bytes).' : 'By its name this is an array of NumPy, and it holds none.',
    'Copy or save it again; renaming a file does not change what it holds.',
  );
