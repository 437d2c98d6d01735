/** Files of several arrays (.npz, .mat) as the images and masks that they hold. */
import { decodeNpy } from '../decode/npy.ts';
import { type NameParts, nameParts } from '../file-names.ts';
import { joinAlike } from '../join-alike.ts';
import { type LazyFile, readBytes } from '../lazy-file.ts';
import { attempt, notice, refusal, refuse, valueOrThrow } from '../outcome.ts';
import { push } from '../pairing/match.ts';
import {
  hasMeaning,
  isRoleWord,
  type MaskField,
  meaningOf,
  splitOfTokens,
  type Token,
  tokensOf,
  uncounted,
} from '../pairing/words.ts';
import type { ReadProgress, Refusal, Split } from '../types.ts';
import { classMap } from './class-map.ts';
import { PYTHON_OBJECTS } from './element-type.ts';
import { FEW, layoutOf, shapeText } from './layout.ts';
import { mat } from './mat.ts';
import type { ArchiveFormat, Member } from './members.ts';
import { npz } from './npz.ts';
import { openArray } from './open-array.ts';

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

const FORMATS: Readonly<Record<string, ArchiveFormat>> = { npz, mat };

const formatOf = (path: string) => FORMATS[nameParts(path).extension] ?? npz;

/** Whether a file is one of several arrays by its name. */
export const isArchiveName = ({ extension }: NameParts) => Object.hasOwn(FORMATS, extension);

/** @throws Failure naming the archive when it cannot be told what it holds. */
async function openArchive(archive: LazyFile, refusals: Refusal[]): Promise<LazyFile[]> {
  const members = await formatOf(archive.path).open(archive, refusals);
  return members ? filesOf(members, archive.path, refusals) : [];
}

async function filesOf(
  members: readonly Member[],
  archive: string,
  refusals: Refusal[],
): Promise<LazyFile[]> {
  const pixels = members.filter(isOfPixels);
  const said = members.flatMap((member): Named[] => {
    const role = roleOf(member.name);
    return role && (isOfPixels(member) || member.type === PYTHON_OBJECTS) ? [{ member, ...role }] : [];
  });
  const named = withClasses(await oneOfEach(said, archive, refusals), members);
  const [alone] = pixels;
  if (!alone && named.length === 0) throw noPixels(members, archive);
  if (alone && pixels.length === 1 && named.length === 0)
    return [placed({ member: alone, field: 'image', split: undefined }, archive)];
  if (alone && pixels.length === 1 && named.length === 1 && named.every(({ split }) => !split))
    return named.map((each) => placed(each, archive));
  if (named.length === 0) throw unclear(members, named, archive);
  const others = pixels.filter(
    ({ name }) => !saysAside(name) && !said.some(({ member }) => member.name === name),
  );
  const splits = [...new Set(named.map(({ split }) => split))];
  for (const split of splits) {
    const group = named.filter((each) => each.split === split);
    const images = group.filter(({ field }) => field === 'image');
    const masks = group.filter(({ field }) => field !== 'image');
    const [image, mask] = [images[0]?.member, masks[0]?.member];
    const isAlone = images.length === 0 && others.length === 0 && !split;
    if ((!image && !isAlone) || images.length > 1 || !areOneMask(masks))
      throw unclear(members, named, archive);
    if (image && group.some(({ member }) => member.type === PYTHON_OBJECTS))
      throw ofObjects(image, mask, archive);
    if (image && mask) await checkPair(image, mask, archive);
  }
  const files = named.map((each) => placed(each, archive, named.length > 1));
  return named.some(({ member }) => isStack(member)) ? files : withFields(files, named);
}

/** Objects and their classes as one file, so that no folder's name says otherwise. */
function withFields(files: readonly LazyFile[], named: readonly Named[]): LazyFile[] {
  const of = (each: Named | undefined) => (each ? files[named.indexOf(each)] : undefined);
  return named.flatMap((each, i): LazyFile[] => {
    const file = files[i] as LazyFile;
    const objects = named.find(({ field, split }) => field === 'instances' && split === each.split);
    const instances = of(objects);
    if (each.field === 'labels' && instances) return [];
    const labels = of(named.find(({ field, split }) => field === 'labels' && split === each.split));
    return each === objects && instances && labels ? [{ ...file, fields: { instances, labels } }] : [file];
  });
}

const isStack = ({ type, shape, file }: Member) =>
  typeof type !== 'string' && layoutOf(shape, file.path).pages > 1;

/** Whether masks say what one would: a single one, or the objects and their classes. */
const areOneMask = (masks: readonly Named[]) =>
  masks.length < 2 ||
  (masks.length === 2 &&
    ['instances', 'labels'].every((field) => masks.some((each) => each.field === field)));

/** Of maps of one name in the elements of a cell or struct, as those of the annotators in BSDS500, the first. */
async function oneOfEach(named: readonly Named[], archive: string, refusals: Refusal[]): Promise<Named[]> {
  const byName = new Map<string, Named[]>();
  for (const each of named) push(byName, withoutIndices(each.member.name), each);
  const kept: Named[] = [];
  for (const [name, all] of byName) {
    const [first] = all;
    if (!first) continue;
    kept.push(first);
    if (all.length === 1) continue;
    const { data } = await decodeNpy(valueOrThrow(await readBytes(first.member.file)), archive);
    if (data.every((value) => value <= 1)) throw ofOneObject(name, all, archive);
    refusals.push(firstOfSeveral(name, all, archive));
  }
  return kept;
}

const withoutIndices = (name: string) => name.replace(/[({]\d+[)}]/g, '');

/** Numbered objects with a list of the class of each, beside them, as these and a map of classes. */
function withClasses(named: readonly Named[], members: readonly Member[]): readonly Named[] {
  const [objects, ...more] = named.filter(({ field }) => field === 'instances');
  if (!objects || more.length > 0 || isStack(objects.member) || named.some(({ field }) => field === 'labels'))
    return named;
  const { member } = objects;
  const parent = parentOf(member.name);
  const list = (words: RegExp) =>
    members.find((each) => isList(each) && parentOf(each.name) === parent && words.test(leafOf(each.name)));
  const classes = list(CLASS_LISTS);
  return classes
    ? [...named, { ...objects, field: 'labels', member: classMap(member, classes, list(ID_LISTS)) }]
    : named;
}

/** As HoVer-Net, Lizard and SBD call the list of the classes of objects, and that of their numbers. */
const CLASS_LISTS = /^(inst_?)?(class|type|categor)(e?s|y|ies)?$/i;
const ID_LISTS = /^(inst_?)?u?ids?$/i;

const isList = ({ type, shape }: Member) =>
  typeof type !== 'string' && shape.length === 2 && shape.filter((size) => size !== 1).length < 2;

const leafOf = (name: string) => name.slice(name.lastIndexOf('.') + 1);
const parentOf = (name: string) => name.slice(0, Math.max(0, name.lastIndexOf('.')));

/** Whether an array has rows and columns; lists of points and boxes have two axes too, and one of them is short. */
const isOfPixels = ({ type, shape }: Member) =>
  typeof type !== 'string' && shape.filter((size) => size > FEW).length > 1;

/** What single letters, `data` and `type` say in archives, and nowhere else. */
const ONLY_HERE: Readonly<Record<string, Role['field']>> = {
  x: 'image',
  data: 'image',
  y: 'mask',
  type: 'labels',
};

/**
 * What a name says that has words for a role and for a split and no others: `gts`, `X_train`, `inst_map`, but not
 * `img_embeddings`. Of an element of a struct its own name says it, but for what `GTinst` in front of it says.
 */
function roleOf(name: string): Role | undefined {
  const tokens = tokensOf(leafOf(name));
  const split = splitOfTokens(tokens);
  const words = tokens.filter((token) => splitOfTokens([token]) === undefined && !isFiller(token));
  const [word] = words;
  const field = words.length === 1 && word ? ONLY_HERE[word.text] : undefined;
  if (field) return { field, split };
  const meaning = words.every(hasMeaning) ? meaningOf(words) : undefined;
  if (meaning?.role === undefined || meaning.isAside) return undefined;
  if (meaning.role === 'image') return { field: 'image', split };
  return { field: /inst(ances?)?$/i.test(parentOf(name)) ? 'instances' : meaning.field, split };
}

const isFiller = (token: Token) => isRoleWord(token) && !hasMeaning(token);

const saysAside = (name: string) => meaningOf(tokensOf(leafOf(name)))?.isAside === true;

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
      `Move the axes to images, rows, columns (and channels). Where the first one of ${image.name} is of channels, in Python: ${load}images=np.moveaxis(${image.code}, 0, -1), masks=${mask.code}).`,
    );
  if (own.channels !== 2) return;
  for (const page of (await openArray(mask.file)).slice(0, LOOKED_AT)) {
    const { data } = await decodeNpy(valueOrThrow(await readBytes(page)), page.path);
    if (data.every((value) => value <= 1)) continue;
    throw refuse(
      'data/array-shape',
      archive,
      `${textOf(mask)} has two numbers of objects for each pixel, as TissueNet has of whole cells and of nuclei, and one can be learned at a time.`,
      `In Python, keep the first or (with 1:) the second: ${load}images=${image.code}, masks=${mask.code}[..., :1]).`,
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
const loading = (archive: string) => {
  const [format, file] = [formatOf(archive), fileOf(archive)];
  return `${format.loading(file)}; np.savez_compressed("${format.saved(file)}", `;
};

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
    `By its name this is ${formatOf(archive).what}, and it holds none.`,
    formatOf(archive).cureOfNone,
  );
}

function unclear(members: readonly Member[], named: readonly Named[], archive: string) {
  const others = members.filter((each) => isOfPixels(each) && !named.some(({ member }) => member === each));
  const image = named.find(({ field }) => field === 'image')?.member ?? others.shift();
  const mask = named.find(({ field }) => field !== 'image')?.member ?? others.shift();
  const kept = [image && `images=${image.code}`, mask && `masks=${mask.code}`];
  return refuse(
    'data/array-names',
    archive,
    `It holds ${listed(members)}, and which of them are images and which masks cannot be told by their names.`,
    `Nothing is missing if they are neither; else name them in Python: ${loading(archive)}${kept.filter(Boolean).join(', ')}).`,
  );
}

const firstOfSeveral = (name: string, all: readonly Named[], archive: string): Refusal =>
  notice(
    'data/array-first',
    archive,
    `It holds ${all.length} maps called ${name}, as of as many annotators, and the first is used.`,
    `To use another one, save it alone in Python: ${loading(archive)}masks=${all[1]?.member.code}), and leave this file out.`,
  );

function ofOneObject(name: string, all: readonly Named[], archive: string) {
  const codes = all.map(({ member }) => member.code).join(', ');
  return refuse(
    'data/array-names',
    archive,
    `It holds ${all.length} masks of one value called ${name}: of an object each, or of an annotator, which cannot be told.`,
    `In Python, make one map of those of objects: ${loading(archive)}instances=np.max([i * m for i, m in enumerate([${codes}], 1)], 0)).`,
  );
}

/** Images of several sizes, which NumPy keeps as pickled objects. */
function ofObjects(image: Member, mask: Member | undefined, archive: string) {
  const [names, arrays, keys] = mask
    ? ['(x, m)', `zip(${image.code}, ${mask.code})`, 'image=x, mask=m']
    : ['x', image.code, 'image=x'];
  return refuse(
    'data/array-type',
    archive,
    `It holds ${listed(mask ? [image, mask] : [image])}: as Python objects, which are not read.`,
    `Where you trust its source, save each image alone in Python: a = np.load("${fileOf(archive)}", allow_pickle=True); [np.savez_compressed(f"{i}.npz", ${keys}) for i, ${names} in enumerate(${arrays})].`,
  );
}
