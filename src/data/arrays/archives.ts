/** Files of several arrays (.npz, .mat) as the images and masks that they hold. */
import { decodeNpy } from '../decode/npy.ts';
import { nameParts } from '../file-names.ts';
import { joinAlike } from '../join-alike.ts';
import { type LazyFile, readBytes } from '../lazy-file.ts';
import { attempt, refuse, valueOrThrow } from '../outcome.ts';
import { push } from '../pairing/match.ts';
import { isRoleWord, meaningOf, tokensOf, uncounted } from '../pairing/words.ts';
import type { ReadProgress, Refusal } from '../types.ts';
import { formatOf } from './archive-formats.ts';
import {
  firstOfSeveral,
  loading,
  memberText,
  noPixels,
  ofObjects,
  ofOneObject,
  sameName,
  unclear,
} from './archive-messages.ts';
import { PYTHON_OBJECTS } from './element-type.ts';
import { layoutOf } from './layout.ts';
import {
  isOfPixels,
  isStack,
  type Named,
  roleOf,
  saysAside,
  withClasses,
  withoutIndices,
} from './member-roles.ts';
import type { Member } from './members.ts';
import { openArray } from './open-array.ts';

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
      `${memberText(image)} is taken for ${pages} images and ${memberText(mask)} for ${own.pages === 1 ? 'one mask' : `${own.pages} masks`}, so they cannot be paired.`,
      `Move the axes to images, rows, columns (and channels). Where the first one of ${image.name} is of channels, in Python: ${load}images=np.moveaxis(${image.code}, 0, -1), masks=${mask.code}).`,
    );
  if (own.channels !== 2) return;
  for (const page of (await openArray(mask.file)).slice(0, LOOKED_AT)) {
    const { data } = await decodeNpy(valueOrThrow(await readBytes(page)), page.path);
    if (data.every((value) => value <= 1)) continue;
    throw refuse(
      'data/array-shape',
      archive,
      `${memberText(mask)} has two numbers of objects for each pixel, as TissueNet has of whole cells and of nuclei, and one can be learned at a time.`,
      `In Python, keep the first or (with 1:) the second: ${load}images=${image.code}, masks=${mask.code}[..., :1]).`,
    );
  }
}
