import { sortedByName } from '../natural-order.ts';
import { notice, refusal } from '../outcome.ts';
import type { Refusal } from '../types.ts';
import { type Appearance, overlapOf, type Peek } from './appearance.ts';
import type { Claim } from './assign.ts';
import { componentOf, differenceOf, inAnyCase } from './folders.ts';
import { push } from './match.ts';
import { withoutZeros } from './relation.ts';
import { boundariesOf } from './series.ts';
import {
  isNumber,
  lookOf,
  type MaskField,
  namesAnnotator,
  splitOfTokens,
  tokensOf,
  uncounted,
} from './words.ts';

/** The files that say where the objects of one image are. */
export interface ChosenFiles {
  mask?: string;
  instances?: string;
  labels?: string;
  objectMasks?: readonly string[];
  /** Masks of one class each; together they are the labels. */
  classMasks?: readonly ClassMask[];
}

export interface ClassMask {
  readonly label: number;
  readonly path: string;
}

export interface Choice {
  /** By the path of the image. */
  readonly files: ReadonlyMap<string, ChosenFiles>;
  readonly classNames?: ReadonlyMap<number, string>;
  readonly refusals: readonly Refusal[];
}

/** Masks of one sort: of one affix, in folders that lie alike beside those of their images. */
interface Kind {
  readonly name: string;
  readonly folders: readonly string[];
  readonly affix: string;
  readonly isAside: boolean;
  readonly isSaid: boolean;
  readonly byImage: Map<string, Claim[]>;
}

/** From this flatness on a file is a mask; below the other, beside one that is, it is a preview. */
const FLAT = 0.8;
const PREVIEW = 0.5;
/** Share of an image that a field of view covers at least. */
const WIDE = 0.4;
/** Intersection over union from which two masks are of one thing, drawn twice, and below which of two. */
const SAME = 0.5;
const OTHER = 0.2;

/** Which of the masks of each image are used, and as what; the images are those of one dataset. */
export async function chooseMasks(claims: readonly Claim[], peek: Peek): Promise<Choice> {
  const files = new Map<string, ChosenFiles>();
  const refusals: Refusal[] = [];
  const of = (image: string) => {
    const known = files.get(image) ?? {};
    files.set(image, known);
    return known;
  };
  let classNames: ReadonlyMap<number, string> | undefined;
  const plain = kindsOf(claims.filter(({ mask }) => mask.field !== 'mask' && !mask.isAside));
  const insteadOf = ({ isAside, byImage }: Kind) =>
    isAside ? plain.filter((kind) => [...kind.byImage.keys()].some((image) => byImage.has(image))) : [];
  for (const field of ['mask', 'instances', 'labels'] as const) {
    const mayBeClasses = !claims.some(({ mask }) => mask.field === 'labels' && field !== 'labels');
    const alone: Kind[] = [];
    for (const kinds of rivalsOf(kindsOf(claims.filter(({ mask }) => mask.field === field)))) {
      const asides = kinds.filter((kind) => insteadOf(kind).length > 0);
      refusals.push(...asides.map((kind) => previewLeft(kind, insteadOf(kind))));
      const rivals = kinds.filter((kind) => !asides.includes(kind));
      const settled = await settle(rivals, peek);
      refusals.push(...settled.refusals);
      const [only] = settled.used;
      if (settled.used.length > 1 && !classNames && mayBeClasses) {
        classNames = takeAsClasses(settled.used, of);
      } else if (only) {
        for (const other of settled.used.slice(1)) refusals.push(secondMask(other, only));
        alone.push(only);
      }
    }
    const apart = classesApart(alone);
    if (isClassFolders(apart) && !classNames && mayBeClasses) {
      classNames = takeAsClasses(apart, of);
      refusals.push(takenApart(apart));
    } else if (apart.length > 0) refusals.push(takenAlike(apart));
    for (const kind of alone)
      if (!classNames || !apart.includes(kind)) await takeKind(kind, field, of, peek, refusals);
  }
  return { files, ...(classNames ? { classNames } : {}), refusals };
}

function kindsOf(claims: readonly Claim[]): Kind[] {
  const kinds = new Map<string, Kind>();
  const ofSorts = filesOfSorts(claims);
  for (const claim of sortedByName(claims, ({ file }) => file.parts.path)) {
    const { series, isAside, isSaid } = claim.mask;
    const others = claim.image.series.folders;
    // Folders that both have, as a split's, are not what tells one sort from another.
    const folders = differenceOf(series.folders, others)
      .filter((name) => !others.includes(name))
      .map((name) => withoutCase(name, series.folders, claim.image.file.stem));
    // Nor is what their image ends with too: `manual1/01_dr` and `manual1/01_g` are of one sort.
    const own = series.affix === claim.image.series.affix ? '' : series.affix;
    const affix = ofSorts.get(claim) ?? own;
    const name = [...folders, affix === '' ? '' : `*${affix.replaceAll(' ', '_')}`].join('/');
    let kind = kinds.get(name);
    if (!kind) {
      kind = { name, folders, affix, isAside, isSaid, byImage: new Map() };
      kinds.set(name, kind);
    }
    const image = claim.image.file.parts.path;
    push(kind.byImage, image, claim);
  }
  return joinCounted([...kinds.values()]);
}

/** Kinds that a number in their folders tells apart become one where no image has two of them: folders that only count. */
function joinCounted(kinds: readonly Kind[]): Kind[] {
  const alike = new Map<string, Kind[]>();
  for (const kind of kinds) push(alike, lookOf(uncounted(kind.name)), kind);
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    const byImage = new Map(group.flatMap((kind) => [...kind.byImage]));
    const count = group.reduce((sum, kind) => sum + kind.byImage.size, 0);
    return first && byImage.size === count ? [{ ...first, byImage }] : group;
  });
}

/**
 * What the masks of files without a mark have beyond the names of their images (`0_hair` and `0_skin` of `0`), where it tells
 * sorts and not objects: it is no number, and the same in several images.
 */
function filesOfSorts(claims: readonly Claim[]): ReadonlyMap<Claim, string> {
  const sorts = new Map<Claim, string>();
  const groups = new Map<string, Claim[]>();
  for (const claim of claims.filter(({ mask }) => mask.series.affix === '')) {
    // Those of the folders of all cases are alike, as are those of a folder that only counts.
    const place = uncounted(claim.mask.series.folders.join('/'));
    push(groups, place, claim);
  }
  for (const group of groups.values()) {
    const endings = new Map<string, Claim[]>();
    for (const claim of group) push(endings, endingOf(claim), claim);
    const isShort = [...endings.keys()].every((ending) => ending.length < 2);
    if (endings.size < 2 || isShort || group.length < 2 * endings.size) continue;
    const from = sharedWords([...endings.keys()]);
    for (const [ending, own] of endings) for (const claim of own) sorts.set(claim, ending.slice(from));
  }
  return sorts;
}

/** What a mask's name has behind that of its image, without a number at its end; `''` where it does not begin with it. */
function endingOf({ file: { stem }, image }: Claim): string {
  const name = withoutZeros(image.file.stem);
  const at = boundariesOf(stem).find(({ end }) => withoutZeros(stem.slice(0, end)) === name);
  const ending = at ? stem.slice(at.next) : '';
  return ending.slice(0, tokensOf(ending).findLast((token) => !isNumber(token))?.end ?? 0);
}

/** Length of the whole words that all of some texts begin with. */
function sharedWords([first = '', ...others]: readonly string[]): number {
  let n = 0;
  while (n < first.length && others.every((other) => other[n] === first[n])) n++;
  return /^.*[\s_.-]/su.exec(first.slice(0, n))?.[0].length ?? 0;
}

/** A folder of one case as those of all cases are: `p1/p1_outline` of `p1.png` is `*_outline`. */
const withoutCase = (name: string, folders: readonly string[], stem: string) =>
  folders.some((folder) => lookOf(folder) === stem) && lookOf(name) !== stem ? inAnyCase(name, stem) : name;

/** Kinds that share images, together; each of the others alone. */
function rivalsOf(kinds: readonly Kind[]): Kind[][] {
  const groups: { kinds: Kind[]; images: Set<string> }[] = [];
  for (const kind of kinds) {
    const own = { kinds: [kind], images: new Set(kind.byImage.keys()) };
    for (const group of groups.filter(({ images }) => [...own.images].some((image) => images.has(image)))) {
      own.kinds.unshift(...group.kinds);
      for (const image of group.images) own.images.add(image);
      groups.splice(groups.indexOf(group), 1);
    }
    groups.push(own);
  }
  return groups.map((group) => group.kinds);
}

interface Settled {
  /** One, or several that are classes. */
  readonly used: readonly Kind[];
  readonly refusals: readonly Refusal[];
}

/** Of several masks of the same images: the better ones; of those that are alike, classes or the first. */
async function settle(kinds: readonly Kind[], peek: Peek): Promise<Settled> {
  const refusals: Refusal[] = [];
  let open = [...kinds];
  const leave = (kind: Kind, refused: Refusal) => {
    refusals.push(refused);
    open = open.filter((each) => each !== kind);
  };
  const plain = open.filter(({ isAside }) => !isAside);
  const said = plain.filter(({ isSaid }) => isSaid);
  const better = said.length > 0 ? said : plain;
  const [best] = better;
  if (best) {
    for (const kind of kinds.filter((each) => !better.includes(each)))
      leave(kind, kind.isAside ? previewLeft(kind, better) : secondMask(kind, best));
  }
  if (open.length < 2) return { used: open, refusals };
  const looks = await lookAt(open, peek);
  const flat = open.filter((kind) => looks.get(kind)?.some((look) => look && look.flatness >= FLAT));
  const isPreview = (kind: Kind) => looks.get(kind)?.some((look) => look && look.flatness < PREVIEW);
  if (flat.length > 0) for (const kind of open.filter(isPreview)) leave(kind, previewLeft(kind, flat));
  for (const kind of open) {
    const others = open.filter((each) => each !== kind);
    if (
      others.length > 0 &&
      isFieldOfView(
        looks.get(kind) ?? [],
        others.map((each) => looks.get(each) ?? []),
      )
    ) {
      leave(kind, fieldOfViewLeft(kind, others));
    }
  }
  const [first, ...others] = open;
  if (!first || others.length === 0) return { used: open, refusals };
  const overlap = largestOverlap(open, looks);
  const areFolders = isClassFolders(open);
  const isClasses = overlap === undefined ? areFolders : areFolders ? overlap < SAME : overlap < OTHER;
  if (
    isClasses &&
    !open.some(({ folders, affix }) => namesAnnotator(tokensOf(`${folders.at(-1) ?? ''} ${affix}`)))
  ) {
    if (!areFolders) refusals.push(takenAsClasses(open));
    return { used: open, refusals };
  }
  for (const kind of others) leave(kind, secondMask(kind, first));
  return { used: [first], refusals };
}

/** Images that are looked at, and at most where kinds are empty in the first ones. */
const LOOKED_AT = 2;
const MOST_LOOKED_AT = 6;

/** What the masks of a few images look like that have all kinds, or as many as any. */
async function lookAt(
  kinds: readonly Kind[],
  peek: Peek,
): Promise<ReadonlyMap<Kind, readonly (Appearance | undefined)[]>> {
  const counts = new Map<string, number>();
  for (const { byImage } of kinds)
    for (const image of byImage.keys()) counts.set(image, (counts.get(image) ?? 0) + 1);
  const most = Math.max(...counts.values());
  const images = [...counts].filter(([, count]) => count === most).slice(0, MOST_LOOKED_AT);
  const looks = new Map(kinds.map((kind) => [kind, [] as (Appearance | undefined)[]] as const));
  let isCompared = false;
  for (const [i, [image]] of images.entries()) {
    if (i >= LOOKED_AT && isCompared) break;
    let filled = 0;
    for (const [{ byImage }, own] of looks) {
      const path = byImage.get(image)?.[0]?.file.parts.path;
      const look = path === undefined ? undefined : await peek(path);
      if (look && look.share > 0) filled++;
      own.push(look);
    }
    isCompared ||= filled > 1;
  }
  return looks;
}

/** Wide, the same in every image, and around all that the other masks have. */
function isFieldOfView(
  own: readonly (Appearance | undefined)[],
  others: readonly (readonly (Appearance | undefined)[])[],
): boolean {
  const seen = own.filter((look) => look !== undefined);
  const [first, second] = seen;
  if (!first || seen.some(({ share }) => share < WIDE)) return false;
  if (second && overlapOf(first, second) < 0.9) return false;
  return others.every(
    (looks) =>
      looks.some((look) => look === undefined || look.share > 0) &&
      looks.every((look, i) => {
        const wide = own[i];
        return !look || !wide || (look.share < wide.share && isInside(look, wide));
      }),
  );
}

function isInside(inner: Appearance, outer: Appearance): boolean {
  const out = inner.foreground.filter((set, i) => set && !outer.foreground[i]).length;
  return out <= 0.05 * inner.foreground.filter(Boolean).length;
}

/** The largest overlap of two kinds in an image; undefined when nothing could be compared. */
function largestOverlap(
  kinds: readonly Kind[],
  looks: ReadonlyMap<Kind, readonly (Appearance | undefined)[]>,
): number | undefined {
  let most: number | undefined;
  for (const [k, a] of kinds.entries()) {
    for (const b of kinds.slice(k + 1)) {
      for (const [i, look] of (looks.get(a) ?? []).entries()) {
        const other = looks.get(b)?.[i];
        // An empty mask says nothing of where the others are.
        if (look && other && look.share > 0 && other.share > 0)
          most = Math.max(most ?? 0, overlapOf(look, other));
      }
    }
  }
  return most;
}

/** Folders for a class each, in the folder of the masks: `masks/leaf` and `masks/stem`. */
const isClassFolders = (kinds: readonly Kind[]) =>
  kinds.every(
    ({ folders, affix }) => folders.length > 1 && affix === '' && classOf(folders.at(-1) ?? '') !== '',
  ) &&
  kinds.length > 1 &&
  new Set(kinds.map(({ folders }) => folders.slice(0, -1).join('/'))).size === 1;

/**
 * Folders of masks that have a name beyond the words for masks, none for a split or for who drew them, where these are of other
 * images of the same folders, and none is called after one: `masks/car` and `masks/road`. None where there are not several.
 */
function classesApart(kinds: readonly Kind[]): readonly Kind[] {
  const places = (kind: Kind) =>
    [
      ...new Set(
        [...kind.byImage.values()].flatMap((all) => all.map(({ image }) => image.series.folders.join('/'))),
      ),
    ]
      .sort()
      .join('\n');
  const named = kinds.filter(({ folders, affix, isAside, byImage }) => {
    const name = lookOf(folders.at(-1) ?? '');
    if ([...byImage.values()].some((all) => all.some(({ image }) => image.file.stem === name))) return false;
    const tokens = tokensOf(folders.at(-1) ?? '');
    const isOther = splitOfTokens(tokens) !== undefined || namesAnnotator(tokens) || tokens.some(isNumber);
    return affix === '' && !isAside && !isOther && classOf(folders.at(-1) ?? '') !== '';
  });
  const isOne = named.length > 1 && new Set(named.map(places)).size === 1;
  return isOne ? named : [];
}

/** What a folder or an affix is called without the words for masks. */
const classOf = (folder: string) => {
  const { meaning, rest, name } = componentOf(folder);
  return meaning ? rest : name;
};

function takeAsClasses(
  kinds: readonly Kind[],
  of: (image: string) => ChosenFiles,
): ReadonlyMap<number, string> {
  const named = kinds.map((kind) => ({ kind, name: nameOfClass(kind, kinds) }));
  const names = new Map<number, string>();
  for (const [i, { kind, name }] of sortedByName(named, (each) => each.name).entries()) {
    const label = i + 1;
    names.set(label, name);
    for (const [image, claims] of kind.byImage) {
      const files = of(image);
      files.classMasks = [
        ...(files.classMasks ?? []),
        ...claims.map(({ file }) => ({ label, path: file.parts.path })),
      ];
    }
  }
  return names;
}

function nameOfClass({ folders, affix }: Kind, all: readonly Kind[]): string {
  const own = classOf(folders.at(-1) ?? '');
  const isByAffix = new Set(all.map((kind) => kind.affix)).size > 1;
  const word = affix.replace(/^[\s_.-]+/, '');
  return isByAffix || own === '' ? classOf(word) || word || folders.join('/') : own;
}

async function takeKind(
  kind: Kind,
  field: MaskField,
  of: (image: string) => ChosenFiles,
  peek: Peek,
  refusals: Refusal[],
): Promise<void> {
  const several = [...kind.byImage].filter(([, claims]) => claims.length > 1);
  const isTwice = await areDrawnTwice(
    several.map(([, claims]) => claims),
    peek,
  );
  for (const [image, claims] of kind.byImage) {
    const [first, ...others] = claims;
    if (!first) continue;
    const files = of(image);
    const path = first.file.parts.path;
    const isCopy = new Set(claims.map(({ file }) => file.stem)).size < claims.length;
    if (others.length > 0 && !isTwice && !isCopy && field !== 'labels') {
      files.objectMasks = [...(files.objectMasks ?? []), ...claims.map(({ file }) => file.parts.path)];
      continue;
    }
    files[field] = path;
    for (const { file } of others) refusals.push(alreadyHas(file.parts.path, image, path, 0));
  }
}

/** Whether the files of an image are of the same objects, drawn by several people. */
async function areDrawnTwice(several: readonly (readonly Claim[])[], peek: Peek): Promise<boolean> {
  for (const claims of several.slice(0, 2)) {
    const [a, b] = [
      await peek(claims[0]?.file.parts.path ?? ''),
      await peek(claims[1]?.file.parts.path ?? ''),
    ];
    if (a && b && overlapOf(a, b) > SAME) return true;
  }
  return false;
}

const imagesOf = ({ byImage }: Kind) => `${byImage.size} ${byImage.size === 1 ? 'image' : 'images'}`;

/** The first file of a kind, for which the others stand. */
function firstOf({ byImage }: Kind): { readonly path: string; readonly image: string } {
  for (const [image, [claim]] of byImage) if (claim) return { path: claim.file.parts.path, image };
  return { path: '', image: '' };
}

function alreadyHas(path: string, image: string, used: string, more: number, alone = ''): Refusal {
  const others = more === 0 ? '' : ` So have ${more} more ${more === 1 ? 'image' : 'images'}.`;
  return refusal(
    'data/second-mask',
    path,
    `The image ${image} already has a mask: ${used}.${others}${alone}`,
    'Drop the set again with only the one that is to be used; to mark several objects, give each its own number in one mask.',
  );
}

function secondMask(kind: Kind, used: Kind): Refusal {
  const both = [...kind.byImage].filter(([image]) => used.byImage.has(image));
  const [image, claims] = both[0] ?? [firstOf(kind).image, []];
  const path = claims[0]?.file.parts.path ?? firstOf(kind).path;
  const other = used.byImage.get(image)?.[0]?.file.parts.path ?? firstOf(used).path;
  const left = kind.byImage.size - both.length;
  const alone =
    left === 0 ? '' : ` ${left === 1 ? '1 image has' : `${left} images have`} only such a one, and no mask.`;
  return alreadyHas(path, image, other, Math.max(0, both.length - 1), alone);
}

function previewLeft(kind: Kind, used: readonly Kind[]): Refusal {
  const { path } = firstOf(kind);
  return refusal(
    'data/preview',
    path,
    `${kind.name} has ${imagesOf(kind)} that look like a preview or an aid, so ${used.map(({ name }) => name).join(', ')} is used instead.`,
    `If ${kind.name} holds the masks, drop the images with that folder alone.`,
  );
}

function fieldOfViewLeft(kind: Kind, used: readonly Kind[]): Refusal {
  const { path } = firstOf(kind);
  return refusal(
    'data/field-of-view',
    path,
    `${kind.name} looks like the field of view, as it covers most of every image alike, so ${used.map(({ name }) => name).join(', ')} is used for the masks.`,
    `If ${kind.name} holds the masks, drop the images with that folder alone.`,
  );
}

const namesOf = (kinds: readonly Kind[]) => kinds.map(({ name }) => name).join(' and ');

const takenApart = (kinds: readonly Kind[]): Refusal =>
  notice(
    'data/masks-as-classes',
    kinds.map((kind) => firstOf(kind).path)[0] ?? '',
    `${namesOf(kinds)} hold masks of different images, and each was taken as a class.`,
    'If they are of one kind, put all masks into one folder.',
  );

const takenAlike = (kinds: readonly Kind[]): Refusal =>
  notice(
    'data/masks-alike',
    kinds.map((kind) => firstOf(kind).path)[0] ?? '',
    `${namesOf(kinds)} hold masks of different images, and were read as of one kind.`,
    `If each is a class, put them into folders of one folder: ${kinds.map((kind) => `masks/${nameOfClass(kind, kinds)}/`).join(', ')}.`,
  );

function takenAsClasses(kinds: readonly Kind[]): Refusal {
  return notice(
    'data/masks-as-classes',
    firstOf(
      kinds[0] ?? { name: '', folders: [], affix: '', isAside: false, isSaid: false, byImage: new Map() },
    ).path,
    `${namesOf(kinds)} mark different places in the same images, so each was taken as a class.`,
    'If only one of them holds the masks, drop the images with that one alone.',
  );
}
