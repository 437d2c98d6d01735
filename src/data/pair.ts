import { isImageName, isJunk, type NameParts, nameParts } from './file-names.ts';
import { type FileRole, type MarkedStem, markedStem, roleOfFolder, unmarkedImageStem } from './naming.ts';
import { sortedByName } from './natural-order.ts';
import { refusal } from './outcome.ts';
import type { ImageFile, Refusal, SampleFiles } from './types.ts';

/** The files of one dataset, in natural order of their names. Paths are as given, but for `\` and leading `./`. */
export interface PairedDataset {
  readonly name: string;
  /** Folder that holds the dataset, `''` for the top. */
  readonly root: string;
  readonly samples: readonly SampleFiles[];
}

export interface Pairing {
  readonly datasets: readonly PairedDataset[];
  readonly refusals: readonly Refusal[];
}

export interface PairOptions {
  /** Name of a dataset that lies at the top of what was dropped. Default `dataset`. */
  readonly topName?: string;
}

/**
 * Finds the datasets in a flat list of files, by names alone.
 *
 * - A folder with `images/` is a dataset; its masks lie in `masks/`, and may lie in `instances/` and `labels/`
 *   (several usual names are known, in any case). A folder with images of its own and `masks/` but no `images/` is
 *   one too.
 * - Any other folder with images (or an `images/` alone) is a dataset whose masks are recognised by a word at either
 *   end of their names (`_mask`, `-gt`, `mask_` …) or, failing that, by being a PNG or TIFF beside a JPEG of the same
 *   name.
 * - An image belongs to the mask of the same name, whatever the extension, with or without such a word.
 *
 * Images without a mask are kept. Masks without an image, second masks, and files that are not images are refused,
 * each with its reason. Time is linear in the number of files but for the sorting.
 */
export function pairFiles(files: readonly ImageFile[], options: PairOptions = {}): Pairing {
  const refusals: Refusal[] = [];
  const images: NameParts[] = [];
  const seen = new Set<string>();
  for (const { path } of files) {
    const parts = nameParts(path);
    if (isJunk(parts) || seen.has(parts.path)) continue;
    seen.add(parts.path);
    if (isImageName(parts)) images.push(parts);
    else refusals.push(notAnImage(parts));
  }
  const groups = groupByRoot(images);
  const datasets: PairedDataset[] = [];
  const names = new Set<string>();
  for (const root of sortedByName([...groups.keys()], (key) => key)) {
    const group = groups.get(root);
    if (!group) continue;
    const samples = pairGroup(group, refusals);
    if (samples.length > 0) {
      datasets.push({ name: nameFor(root, options.topName ?? 'dataset', names), root, samples });
    }
  }
  return { datasets, refusals: sortedByName(refusals, (r) => r.file) };
}

/** A file and where it lies in its dataset. */
interface Placed {
  readonly parts: NameParts;
  /** Folders between the role's folder (or the root) and the file, with a slash at the end. */
  readonly under: string;
}

interface Group {
  readonly byRole: Readonly<Record<FileRole, Placed[]>>;
  /** Images that lie in the root itself. */
  readonly plain: Placed[];
}

function groupByRoot(images: readonly NameParts[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  const groupAt = (root: string) => {
    let group = groups.get(root);
    if (!group) {
      group = { byRole: { images: [], masks: [], instances: [], labels: [] }, plain: [] };
      groups.set(root, group);
    }
    return group;
  };
  for (const parts of images) {
    const at = parts.folders.findLastIndex((folder) => roleOfFolder(folder) !== undefined);
    const role = roleOfFolder(parts.folders[at] ?? '');
    if (role === undefined) {
      groupAt(parts.folders.join('/')).plain.push({ parts, under: '' });
    } else {
      const under = parts.folders
        .slice(at + 1)
        .map((folder) => `${folder}/`)
        .join('');
      groupAt(parts.folders.slice(0, at).join('/')).byRole[role].push({ parts, under });
    }
  }
  return groups;
}

function pairGroup({ byRole, plain }: Group, refusals: Refusal[]): SampleFiles[] {
  const hasMasks = byRole.masks.length + byRole.instances.length + byRole.labels.length > 0;
  if (!hasMasks) return pairPlain([...byRole.images, ...plain], refusals);
  if (byRole.images.length === 0) return pairRoles({ ...byRole, images: plain }, refusals);
  for (const { parts } of plain) {
    refusals.push(
      refusal(
        'data/outside-folders',
        parts.path,
        'The image lies beside the images folder, not in it.',
        'Move it into images/ or masks/, or drop it alone.',
      ),
    );
  }
  return pairRoles(byRole, refusals);
}

/** One folder for all: the words in the names tell masks from images. */
function pairPlain(plain: readonly Placed[], refusals: Refusal[]): SampleFiles[] {
  const marked = new Map<Placed, MarkedStem>();
  const unmarked: Placed[] = [];
  for (const file of plain) {
    const mark = markedStem(file.parts.stem);
    if (mark) marked.set(file, mark);
    else unmarked.push(file);
  }
  const byKey = imageIndex(unmarked);
  const pairsUp = [...marked].some(([file, { rest }]) => byKey.has(keyOf(file, rest)));
  if (marked.size > 0 && (pairsUp || unmarked.length === 0) && !isPhotosOnly(marked, unmarked)) {
    const of = (role: MarkedStem['role']) =>
      [...marked].filter(([, mark]) => mark.role === role).map(([file]) => file);
    return pairRoles(
      { images: unmarked, masks: of('masks'), instances: of('instances'), labels: [] },
      refusals,
    );
  }
  // Words do not mark masks here, so a name with such a word is an image's; a PNG beside a JPEG may still be its mask.
  const photos = new Set(
    plain.filter(({ parts }) => isJpegName(parts)).map((file) => keyOf(file, file.parts.stem)),
  );
  const isMask = (file: Placed) => isMaskFormat(file.parts) && photos.has(keyOf(file, file.parts.stem));
  const masks = plain.filter(isMask);
  const images = plain.filter((file) => !isMask(file));
  return pairRoles({ images, masks, instances: [], labels: [] }, refusals);
}

/** A folder where every name holds a word for masks and all are JPEGs: images of masks, not masks of images. */
function isPhotosOnly(marked: ReadonlyMap<Placed, MarkedStem>, unmarked: readonly Placed[]): boolean {
  return unmarked.length === 0 && [...marked.keys()].every(({ parts }) => isJpegName(parts));
}

const isJpegName = ({ extension }: NameParts) => ['jpg', 'jpeg', 'jpe', 'jfif'].includes(extension);
const isMaskFormat = ({ extension }: NameParts) => ['png', 'tif', 'tiff'].includes(extension);

interface Building {
  readonly name: string;
  readonly image: string;
  mask?: string;
  instances?: string;
  labels?: string;
}

function pairRoles(
  byRole: Readonly<Record<FileRole, readonly Placed[]>>,
  refusals: Refusal[],
): SampleFiles[] {
  const images = sortedByName(byRole.images, ({ under, parts }) => under + parts.file);
  const samples = new Map<Placed, Building>();
  const taken = new Map<string, Placed>();
  for (const file of images) {
    const key = keyOf(file, file.parts.stem);
    const other = taken.get(key);
    if (other) {
      refusals.push(
        refusal(
          'data/same-name',
          file.parts.path,
          `Another image has the same name: ${other.parts.file}.`,
          'Rename one of the two, and its mask with it.',
        ),
      );
      continue;
    }
    taken.set(key, file);
    samples.set(file, { name: file.under + file.parts.file, image: file.parts.path });
  }
  const index = imageIndex([...samples.keys()]);
  const claim = (role: Exclude<FileRole, 'images'>, field: 'mask' | 'instances' | 'labels') => {
    for (const file of sortedByName(byRole[role], ({ parts }) => parts.path)) {
      const image = findImage(file, index);
      const sample = image && samples.get(image);
      if (!sample) refusals.push(noImage(file.parts, role));
      else if (sample[field] !== undefined) refusals.push(secondMask(file.parts, sample.name, sample[field]));
      else sample[field] = file.parts.path;
    }
  };
  claim('masks', 'mask');
  claim('instances', 'instances');
  claim('labels', 'labels');
  return [...samples.values()];
}

/** Equal for names that look equal: in any case, and whether accents are composed or decomposed. */
const keyOf = (file: Placed, stem: string) => (file.under + stem).normalize('NFC').toLowerCase();

/** Images by every key that a mask may name them by; the plain name wins over the name without a word. */
function imageIndex(images: readonly Placed[]): Map<string, Placed> {
  const index = new Map<string, Placed>();
  const add = (key: string, file: Placed) => {
    if (!index.has(key)) index.set(key, file);
  };
  for (const file of images) add(keyOf(file, file.parts.stem), file);
  for (const file of images) add(keyOf(file, file.parts.file), file);
  for (const file of images) {
    const bare = unmarkedImageStem(file.parts.stem);
    if (bare) add(keyOf(file, bare), file);
  }
  return index;
}

function findImage(file: Placed, index: ReadonlyMap<string, Placed>): Placed | undefined {
  const { stem } = file.parts;
  const exact = index.get(keyOf(file, stem));
  if (exact) return exact;
  const mark = markedStem(stem);
  if (!mark) return undefined;
  // `a.jpg_mask.png` names its image with the extension.
  return index.get(keyOf(file, mark.rest));
}

function nameFor(root: string, topName: string, taken: Set<string>): string {
  const folders = root === '' ? [topName] : root.split('/');
  let name = (folders[folders.length - 1] as string).replace(/(?<=.)\.zip$/i, '');
  for (let up = folders.length - 2; taken.has(name) && up >= 0; up--) name = `${folders[up]}/${name}`;
  for (let copy = 2; taken.has(name); copy++) name = `${folders.join('/')} (${copy})`;
  taken.add(name);
  return name;
}

function notAnImage({ path, extension }: NameParts): Refusal {
  const what = extension === '' ? 'a file without an extension' : `a .${extension} file`;
  return refusal(
    'data/not-an-image',
    path,
    `This is ${what}, not an image.`,
    'Ignore this if it is only a note; images must be PNG, JPEG, TIFF or WebP.',
  );
}

function noImage({ path }: NameParts, role: Exclude<FileRole, 'images'>): Refusal {
  const what = { masks: 'mask', instances: 'instance map', labels: 'label map' }[role];
  return refusal(
    'data/mask-without-image',
    path,
    `No image has the same name as this ${what}.`,
    'Add its image, or give both the same name.',
  );
}

function secondMask({ path }: NameParts, image: string, first: string): Refusal {
  return refusal(
    'data/second-mask',
    path,
    `The image ${image} already has a mask: ${first}.`,
    'Keep one of the two; to mark several objects, give each its own number in one mask.',
  );
}
