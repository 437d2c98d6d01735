import { openArray } from '../arrays/open-array.ts';
import { pagesOf } from '../decode/pages.ts';
import { isArrayName, nameParts } from '../file-names.ts';
import { joinAlike } from '../join-alike.ts';
import type { LazyFile } from '../lazy-file.ts';
import { sortedByName } from '../natural-order.ts';
import { attempt, notice } from '../outcome.ts';
import type { Refusal } from '../types.ts';
import { uncounted } from './words.ts';

/** TIFFs that are opened to see whether they are stacks; of more only those much larger than most, and the first ones. */
const OPENED = 200;
const LARGER = 1.5;

/** A drop with the pages of its stacks in their place. */
export interface Unstacked {
  readonly files: readonly LazyFile[];
  readonly remarks: readonly Refusal[];
}

/** Puts a file for each page in the place of every TIFF or array of several images; see `pagesOf` for their names. */
export async function unstack(files: readonly LazyFile[]): Promise<Unstacked> {
  const tiffs = sortedByName(
    files.filter(({ path }) => ['tif', 'tiff', 'nii', 'nii.gz'].includes(nameParts(path).extension)),
    ({ path }) => path,
  );
  const sizes = tiffs.map(({ size }) => size).sort((a, b) => a - b);
  const usual = sizes[Math.floor(sizes.length / 2)] ?? 0;
  const likely =
    tiffs.length <= OPENED ? tiffs : tiffs.filter(({ size }, i) => i < OPENED / 2 || size > LARGER * usual);
  const pages = new Map<LazyFile, readonly LazyFile[]>();
  const stacks = new Map<string, { first: LazyFile; pages: number; count: number }>();
  const add = (file: LazyFile, own: readonly LazyFile[]) => {
    pages.set(file, own);
    if (own.length < 2) return;
    const folder = nameParts(file.path).folders.join('/');
    const known = stacks.get(folder);
    if (known) known.count++;
    else stacks.set(folder, { first: file, pages: own.length, count: 1 });
  };
  for (const file of likely.slice(0, OPENED)) {
    const own = await pagesOf(file);
    if (own.length > 1) add(file, own);
  }
  const refused: Refusal[] = [];
  for (const file of files.filter(({ path }) => isArrayName(nameParts(path)))) {
    const opened = await attempt(file.path, () => openArray(file));
    if (opened.ok) add(file, opened.value);
    else {
      pages.set(file, []);
      refused.push(opened.refusal);
    }
  }
  return {
    files: files.flatMap((file) => pages.get(file) ?? [file]),
    remarks: [...[...stacks.values()].map(isStack), ...joinAlike(refused, alikeArrays)],
  };
}

/** Arrays that nobody can use lie beside each other in sets: their values differ, not why. */
const alikeArrays = ({ code, reason, cure }: Refusal) => [code, uncounted(reason), cure].join('\n');

function isStack({ first, pages, count }: { first: LazyFile; pages: number; count: number }): Refusal {
  const others =
    count === 1 ? '' : ` So ${count === 2 ? 'is 1 more file' : `are ${count - 1} more files`} beside it.`;
  return notice(
    'data/stack',
    first.path,
    `The file is a stack of ${pages} pages, and each is taken by itself: with the page of the same number where the other file has pages too, else as a mask of one object.${others}`,
    'If its pages are channels of one image or a volume to be seen as one, save what is to be seen as an image of one page.',
  );
}
