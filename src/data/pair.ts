import { isImageName, isJunk, isNote, type NameParts, nameParts } from './file-names.ts';
import { joinAlike, joinInFolders } from './join-alike.ts';
import { sortedByName } from './natural-order.ts';
import { notice, refusal } from './outcome.ts';
import type { Peek } from './pairing/appearance.ts';
import { assign } from './pairing/assign.ts';
import { datasetsOf, type PairedDataset } from './pairing/datasets.ts';
import { hasNoImageName } from './pairing/match.ts';
import { type MaskSeries, rolesOf } from './pairing/roles.ts';
import { type SeriesFile, seriesOf, withCases } from './pairing/series.ts';
import { stackOf } from './pairing/words.ts';
import type { ImageFile, Refusal } from './types.ts';
import { unreadFormat } from './unread-formats.ts';

export interface Pairing {
  readonly datasets: readonly PairedDataset[];
  readonly refusals: readonly Refusal[];
}

export interface PairOptions {
  /** Name of a dataset that lies at the top of what was dropped. Default `dataset`. */
  readonly topName?: string;
  /** Looks at a file where names do not decide; without it names alone decide. */
  readonly peek?: Peek;
  /** Folders of which each holds one dataset with all that is below. */
  readonly together?: readonly string[];
  /** Paths of images that something other than their folders says to be of one dataset. */
  readonly sets?: readonly (readonly string[])[];
  /** Paths of images whose names do not say so. */
  readonly known?: ReadonlySet<string>;
  /** Paths of masks that say themselves that they are some. */
  readonly masks?: ReadonlySet<string>;
}

/**
 * Finds the datasets in a flat list of files, by what names they share and by what folders. Paths of the result are as
 * given, but for `\` and leading `./`. In five steps, each a file of `pairing/`:
 *
 * 1. The files of a folder fall into series by what their names have beyond the name of another (`series.ts`).
 * 2. Each series holds images or masks: by words, else by what a few of its files look like (`roles.ts`).
 * 3. Every mask finds its image: by the same name in the folder most alike, else by a rule between the names
 *    (`match.ts`, `relation.ts`, `assign.ts`).
 * 4. Of several masks of an image those are chosen that mark objects (`choose.ts`).
 * 5. Images and masks become the samples of datasets (`datasets.ts`).
 *
 * Images without a mask are kept. Masks without an image, second masks, and files that are not images are refused,
 * each with its reason. Time is linear in the number of files but for the sorting.
 */
export async function pairFiles(files: readonly ImageFile[], options: PairOptions = {}): Promise<Pairing> {
  const {
    topName = 'dataset',
    peek = async () => undefined,
    together = [],
    sets = [],
    known: images,
    masks,
  } = options;
  const strays: Refusal[] = [];
  const folders = new Map<string, NameParts[]>();
  const seen = new Set<string>();
  for (const { path } of files) {
    const parts = nameParts(path);
    if (isJunk(parts) || seen.has(parts.path)) continue;
    seen.add(parts.path);
    if (!isImageName(parts) && !images?.has(parts.path)) {
      if (!isNote(parts)) strays.push(notAnImage(parts));
      continue;
    }
    const folder = parts.folders.join('/');
    const known = folders.get(folder);
    if (known) known.push(parts);
    else folders.set(folder, [parts]);
  }
  const series = withCases([...folders.values()].flatMap(seriesOf));
  const roles = await rolesOf(series, peek, masks);
  const assignment = assign(roles);
  const { datasets, refusals: more } = await datasetsOf(assignment, { topName, peek, together, sets });
  const stacks = new Set(
    assignment.images.flatMap((own) => own.files.flatMap(({ stem }) => stackOf(stem) ?? [])),
  );
  const alone = assignment.unmatched.map(({ file, mask }) => noImage(file, mask, stacks));
  const unmatched = joinInFolders(sortedByName(alone, ({ file }) => file));
  const unheeded = takenForImages(assignment.unheeded);
  const strayed = joinAlike(
    sortedByName(strays, ({ file }) => file),
    ({ code, reason, cure }) => [code, reason, cure].join('\n'),
  );
  const all = [...strayed, ...roles.remarks, ...more, ...unmatched, ...unheeded];
  return { datasets, refusals: sortedByName(all, ({ file }) => file) };
}

/** Extensions in which tools write what they know of images. */
const MAY_BE_ANNOTATIONS = new Set('json ndjson jsonl xml csv txt tsv yaml yml geojson roi svg'.split(' '));

/** What is said of a folder that is called as a format's files are, or of a zip of one. */
export const notRead = (path: string): Refusal =>
  notAnImage({ ...nameParts(path.replace(/\.zip$/i, '')), path });

function notAnImage({ path, extension }: NameParts): Refusal {
  const unread = unreadFormat(extension);
  if (unread)
    return refusal(
      'data/not-an-image',
      path,
      `This is a .${extension} file (${unread.what}), which is not read here.`,
      unread.cure,
    );
  if (/(^|\/)found\.jsonl$/.test(path)) {
    return refusal(
      'data/found',
      path,
      'This is what a search for objects found, to be reviewed in the studio, and no dataset there has all of its images in their sizes.',
      'Import the images first, by the names that they had in the search, then drop this file again. What was written beside it holds the same objects as labels.',
    );
  }
  const what = extension === '' ? 'a file without an extension' : `a .${extension} file`;
  const cure = MAY_BE_ANNOTATIONS.has(extension)
    ? 'Nothing is missing if it says nothing of objects; else export these as masks: a PNG for each image, with the same name, in masks/.'
    : 'Nothing is missing if it is only a note; images and masks must be PNG, JPEG, TIFF or another of the formats that are read.';
  return refusal('data/not-an-image', path, `This is ${what}, not an image.`, cure);
}

/** What is said of files called masks that no image fits: once for all that have the same word. */
function takenForImages(unheeded: readonly MaskSeries[]): Refusal[] {
  const byWord = new Map<string, string[]>();
  for (const { series } of unheeded) {
    const known = byWord.get(series.affix) ?? [];
    byWord.set(series.affix, [...known, ...series.files.map(({ parts }) => parts.path)]);
  }
  return [...byWord].flatMap(([word, paths]) => {
    const [first, ...others] = sortedByName(paths, (path) => path);
    if (first === undefined) return [];
    const more =
      others.length === 0
        ? ''
        : ` So ${others.length === 1 ? 'was 1 more file' : `were ${others.length} more files`}.`;
    return notice(
      'data/mask-word',
      first,
      `Its name says “${word}”, but no image has the rest of the name, so it was taken for an image.${more}`,
      'If these are masks, give each the name of its image, or put them into a folder called masks/.',
    );
  });
}

function noImage(
  { parts, stem }: SeriesFile,
  { field, isAside, isSaid }: MaskSeries,
  stacks: ReadonlySet<string>,
): Refusal {
  const what = { mask: 'mask', instances: 'instance map', labels: 'label map' }[field];
  if (hasNoImageName(stem)) {
    return refusal(
      'data/mask-without-image-name',
      parts.path,
      'The name of this brush export gives the number of its task, not the name of its image, so the two cannot be paired.',
      'Rename it to the name of its image (the task list shows which that is), with _0, _1 … for several objects.',
    );
  }
  if (stacks.has(stem)) {
    return refusal(
      'data/mask-of-stack',
      parts.path,
      `This is one ${what}, and the image of its name is a stack of several pages.`,
      'Save the masks of all pages as a stack of as many pages, or the page that this one belongs to as an image of its name.',
    );
  }
  if (isAside && !isSaid) {
    return refusal(
      'data/mask-without-image',
      parts.path,
      'Its name or its folder says a preview or an aid, and no image has the same name.',
      'Add its image; if it is one itself, put it into a folder called images/.',
    );
  }
  return refusal(
    'data/mask-without-image',
    parts.path,
    `No image has the same name as this ${what}.`,
    'Add its image, or give both the same name.',
  );
}
