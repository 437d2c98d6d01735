/** Archives of NumPy's arrays (.npz) as the images and masks that they hold. Source: numpy.lib.npyio. */
import { decodeNpy } from '../decode/npy.ts';
import { nameParts } from '../file-names.ts';
import { joinAlike } from '../join-alike.ts';
import { type LazyFile, openParts, readBytes } from '../lazy-file.ts';
import { limits } from '../limits.ts';
import { attempt, refusal, refuse, valueOrThrow } from '../outcome.ts';
import {
  hasMeaning,
  isRoleWord,
  type MaskField,
  meaningOf,
  splitOfTokens,
  tokensOf,
  uncounted,
} from '../pairing/words.ts';
import type { ReadProgress, Refusal, Split } from '../types.ts';
import { readZip } from '../zip.ts';
import { layoutOf, shapeText } from './layout.ts';
import { isNpy, MOST_NPY_HEAD, type NpyHeader, readNpyHeader } from './npy-header.ts';
import { openArray } from './open-array.ts';

/** An array of an archive. */
interface Member extends Pick<NpyHeader, 'type' | 'shape'> {
  readonly name: string;
  readonly file: LazyFile;
}

const ZIP_LIMITS = {
  entries: limits.archiveArrays,
  entryBytes: limits.fileBytes,
  totalBytes: limits.zipBytes,
};

/** What the name of an array says. */
interface Role {
  readonly field: 'image' | MaskField;
  readonly split: Split | undefined;
}

interface Named extends Role {
  readonly member: Member;
}

/**
 * Puts the files that archives stand for among those of a drop, each of one array: for `a.npz` its images as `a.npy` and
 * their masks as `a_mask.npy` (or `a_labels.npy`, `a_instances.npy`), by the names of the arrays; in a folder for each
 * split where these say one. An array that is alone is as an `a.npy` would be. What is no pixels (spacings, boxes) is
 * passed over beside others. Nothing is held: an archive is read again for each of its arrays.
 * @param found the drop by path, which gets them.
 * @returns what is said of archives.
 */
export async function openArchives(
  archives: readonly LazyFile[],
  found: Map<string, LazyFile>,
  onProgress: (progress: ReadProgress) => void = () => undefined,
): Promise<Refusal[]> {
  const refusals: Refusal[] = [];
  for (const [i, archive] of archives.entries()) {
    const opened = await attempt(archive.path, () => openArchive(archive, refusals));
    if (!opened.ok) refusals.push(opened.refusal);
    else {
      const taken = opened.value.find(({ path }) => found.has(path));
      if (taken) refusals.push(sameName(archive.path, taken.path));
      else for (const file of opened.value) found.set(file.path, file);
    }
    onProgress({ done: i + 1, total: archives.length, file: archive.path });
  }
  return joinAlike(refusals, alike);
}

/** Archives of a set hold arrays of the same names: their shapes and their own names, which the cures have, may differ. */
const alike = ({ code, reason }: Refusal) => [code, uncounted(reason)].join('\n');

/** @throws Failure naming the archive when it cannot be told what it holds. */
async function openArchive(archive: LazyFile, refusals: Refusal[]): Promise<LazyFile[]> {
  const content = await readZip(await openParts(archive), archive.path, ZIP_LIMITS);
  if (content.refusals.length > 0) {
    refusals.push(...content.refusals);
    return [];
  }
  const members: Member[] = [];
  for (const file of content.files) {
    const member = await openMember(file, archive);
    if (member) members.push(member);
  }
  return filesOf(members, archive.path);
}

async function openMember(entry: LazyFile, archive: LazyFile): Promise<Member | undefined> {
  const { extension } = nameParts(entry.path);
  if (extension !== 'npy') return undefined;
  const file = { ...entry, path: `${archive.path}/${entry.path}` };
  const parts = await openParts(file);
  const head = await parts.read(0, Math.min(parts.size, MOST_NPY_HEAD));
  if (!isNpy(head)) return undefined;
  return { ...readNpyHeader(head, file.path), name: entry.path.replace(/\.npy$/i, ''), file };
}

async function filesOf(members: readonly Member[], archive: string): Promise<LazyFile[]> {
  const pixels = members.filter(isOfPixels);
  const named = members.flatMap((member): Named[] => {
    const role = roleOf(member.name);
    return role && (isOfPixels(member) || member.type === OBJECTS) ? [{ member, ...role }] : [];
  });
  const [alone] = pixels;
  if (!alone && named.length === 0) throw noPixels(members, archive);
  if (alone && pixels.length === 1 && named.every(({ member, split }) => member === alone && !split))
    return [placed({ member: alone, field: named[0]?.field ?? 'image', split: undefined }, archive)];
  if (named.length === 0) throw unclear(members, named, archive);
  const splits = [...new Set(named.map(({ split }) => split))];
  for (const split of splits) {
    const group = named.filter((each) => each.split === split);
    const images = group.filter(({ field }) => field === 'image');
    const masks = group.filter(({ field }) => field !== 'image');
    const [image, mask] = [images[0]?.member, masks[0]?.member];
    if (!image || images.length > 1 || masks.length > 1) throw unclear(members, named, archive);
    if (group.some(({ member }) => member.type === OBJECTS)) throw ofObjects(image, mask, archive);
    if (mask) await checkPair(image, mask, archive);
  }
  return named.map((each) => placed(each, archive, named.length > 1));
}

const OBJECTS = 'Python objects';

/** Whether an array has rows and columns; a number for each image, as of what it shows, may lie along two axes too. */
const isOfPixels = ({ type, shape }: Member) =>
  typeof type !== 'string' && shape.filter((size) => size !== 1).length > 1;

/** What single letters and `data` say in archives, and nowhere else. */
const ONLY_HERE: Readonly<Record<string, Role['field']>> = { x: 'image', data: 'image', y: 'mask' };

/** What a name says that has words for a role and for a split and no others: `gts`, `X_train`, but not `img_embeddings`. */
function roleOf(name: string): Role | undefined {
  const tokens = tokensOf(name);
  const split = splitOfTokens(tokens);
  const words = tokens.filter((token) => splitOfTokens([token]) === undefined);
  const [word] = words;
  const field = words.length === 1 && word ? ONLY_HERE[word.text] : undefined;
  if (field) return { field, split };
  const meaning = words.every(hasMeaning) ? meaningOf(words) : undefined;
  if (meaning?.role === undefined || meaning.isAside) return undefined;
  return { field: meaning.role === 'image' ? 'image' : meaning.field, split };
}

/**
 * An array as a file beside the others of its archive's folder.
 * @param isOfSeveral whether images and masks lie in the archive, so that its name says neither.
 */
function placed({ member, field, split }: Named, archive: string, isOfSeveral = false): LazyFile {
  const { folders, stem } = nameParts(archive);
  const tokens = tokensOf(stem);
  const said = meaningOf(tokens);
  const rest = tokens.filter((token) => !isRoleWord(token)).map(({ text }) => text);
  const saysOther = isOfSeveral && (said?.role === 'mask' || said?.isAside);
  const name = saysOther ? rest.join('_') || 'image' : stem;
  const mark = field === 'image' || (!isOfSeveral && said?.role === 'mask') ? '' : `_${field}`;
  return { ...member.file, path: [...folders, ...(split ? [split] : []), `${name}${mark}.npy`].join('/') };
}

/** Pages that are looked at to see what the values of masks are. */
const LOOKED_AT = 8;

/** @throws Failure where masks are not of the images beside them, or are two in one. */
async function checkPair(image: Member, mask: Member, archive: string): Promise<void> {
  const [{ pages }, own] = [layoutOf(image.shape, image.file.path), layoutOf(mask.shape, mask.file.path)];
  const load = loading(archive);
  if (pages !== own.pages && pages !== 1)
    throw refuse(
      'data/array-shape',
      archive,
      `${textOf(image)} is taken for ${pages} images and ${textOf(mask)} for ${own.pages === 1 ? 'one mask' : `${own.pages} masks`}, so they cannot be paired.`,
      `Move the axes to images, rows, columns (and channels). Where the first one of ${image.name} is of channels, in Python: ${load}images=np.moveaxis(a["${image.name}"], 0, -1), masks=a["${mask.name}"]).`,
    );
  if (own.channels !== 2) return;
  for (const page of (await openArray(mask.file)).slice(0, LOOKED_AT)) {
    const { data } = await decodeNpy(valueOrThrow(await readBytes(page)), page.path);
    if (data.every((value) => value <= 1)) continue;
    throw refuse(
      'data/array-shape',
      archive,
      `${textOf(mask)} has two numbers of objects for each pixel, as TissueNet has of whole cells and of nuclei, and one can be learned at a time.`,
      `In Python, keep the first or (with 1:) the second: ${load}images=a["${image.name}"], masks=a["${mask.name}"][..., :1]).`,
    );
  }
}

const sameName = (archive: string, path: string): Refusal =>
  refusal(
    'data/same-name',
    archive,
    `One of its arrays is taken as ${path}, and another file has that name.`,
    'Rename one of the two.',
  );

/** The beginning of a line of Python that saves some of an archive as another one. */
const loading = (archive: string) =>
  `a = np.load("${fileOf(archive)}"); np.savez_compressed("new_${fileOf(archive)}", `;

const fileOf = (path: string) => nameParts(path).file;

const textOf = ({ name, shape, type }: Member) =>
  `${name} (${typeof type === 'string' ? type : shape.length === 0 ? 'one value' : shapeText(shape)})`;

/** Arrays that are named in a message. */
const NAMED = 8;

function listed(members: readonly Member[]): string {
  const more = members.length > NAMED ? ` and ${members.length - NAMED} more` : '';
  return `${members.slice(0, NAMED).map(textOf).join(', ')}${more}`;
}

function noPixels(members: readonly Member[], archive: string) {
  if (members.length > 0)
    return refuse(
      'data/array-no-image',
      archive,
      `It holds ${listed(members)}: no rows and columns of pixels.`,
      'Nothing is missing if it says nothing of objects; else save a number for each pixel, of the size of the image.',
    );
  return refuse(
    'data/not-an-image',
    archive,
    'By its name this is an archive of NumPy arrays, and it holds none.',
    'Save it again with np.savez_compressed; renaming a file does not change what it holds.',
  );
}

function unclear(members: readonly Member[], named: readonly Named[], archive: string) {
  const others = members.filter((each) => isOfPixels(each) && !named.some(({ member }) => member === each));
  const image = named.find(({ field }) => field === 'image')?.member ?? others.shift();
  const mask = named.find(({ field }) => field !== 'image')?.member ?? others.shift();
  const kept = [image && `images=a["${image.name}"]`, mask && `masks=a["${mask.name}"]`];
  return refuse(
    'data/array-names',
    archive,
    `It holds ${listed(members)}, and which of them are images and which masks cannot be told by their names.`,
    `Nothing is missing if they are neither; else name them in Python: ${loading(archive)}${kept.filter(Boolean).join(', ')}).`,
  );
}

/** Images of several sizes, which NumPy keeps as pickled objects. */
function ofObjects(image: Member, mask: Member | undefined, archive: string) {
  const [names, arrays, keys] = mask
    ? ['(x, m)', `zip(a["${image.name}"], a["${mask.name}"])`, 'image=x, mask=m']
    : ['x', `a["${image.name}"]`, 'image=x'];
  return refuse(
    'data/array-type',
    archive,
    `It holds ${listed(mask ? [image, mask] : [image])}: as Python objects, which are not read.`,
    `Where you trust its source, save each image alone in Python: a = np.load("${fileOf(archive)}", allow_pickle=True); [np.savez_compressed(f"{i}.npz", ${keys}) for i, ${names} in enumerate(${arrays})].`,
  );
}
