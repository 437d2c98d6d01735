import { sortedByName } from '../natural-order.ts';
import type { Refusal } from '../types.ts';
import { type Appearance, overlapOf, type Peek, together } from './appearance.ts';
import type { Claim } from './assign.ts';
import {
  alreadyHas,
  fieldOfViewLeft,
  previewLeft,
  secondMask,
  takenAlike,
  takenApart,
  takenAsClasses,
} from './choose-remarks.ts';
import { areClassesAlike, classesApart, isClassFolders, type Kind, kindsOf, nameOfClass } from './kinds.ts';
import { type MaskField, namesAnnotator, tokensOf } from './words.ts';

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

/** From this flatness on a file is a mask; below the other, beside one that is, it is a preview. */
const FLAT = 0.8;
const PREVIEW = 0.5;
/** Share of an image that a field of view covers at least. */
const WIDE = 0.4;
/** Intersection over union from which two masks are of one thing, drawn twice, and below which of two. */
const SAME = 0.5;
const OTHER = 0.2;
/** … and from which those of one sort may stand for the other where an image has no other. */
const ALIKE = 0.7;

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
    const classes: Kind[] = [];
    for (const kinds of rivalsOf(kindsOf(claims.filter(({ mask }) => mask.field === field)))) {
      const asides = kinds.filter((kind) => insteadOf(kind).length > 0);
      refusals.push(...asides.map((kind) => previewLeft(kind, insteadOf(kind))));
      const rivals = kinds.filter((kind) => !asides.includes(kind));
      const settled = await settle(rivals, peek);
      refusals.push(...settled.refusals);
      const [only] = settled.used;
      if (settled.used.length > 1 && classes.length === 0 && !classNames && mayBeClasses) {
        classes.push(...settled.used);
      } else if (only) {
        for (const other of settled.used.slice(1)) refusals.push(secondMask(other, only));
        alone.push(only);
      }
    }
    if (classes.length > 0) {
      const more = alone.filter((kind) => areClassesAlike([...classes, kind]));
      alone.splice(0, alone.length, ...alone.filter((kind) => !more.includes(kind)));
      classNames = takeAsClasses([...classes, ...more], of);
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

/**
 * Of several masks of the same images: the better ones; of those that are as good, classes, or the first sort. Where another
 * sort is nearly the same, one with a file for each object is taken, and the other stands in for it; where it is not and has more than twice the images, it is taken.
 */
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
  const [kept, ...besides] = open;
  if (!kept || besides.length === 0) return { used: open, refusals };
  const overlap = largestOverlap(open, looks, overlapBesides);
  const areFolders = isClassFolders(open);
  const isClasses = overlap === undefined ? areFolders : areFolders ? overlap < SAME : overlap < OTHER;
  if (
    isClasses &&
    !open.some(({ folders, affix }) => namesAnnotator(tokensOf([...folders, affix].join(' '))))
  ) {
    if (!areFolders) refusals.push(takenAsClasses(open));
    return { used: open, refusals };
  }
  const standsIn =
    !areFolders && besides.every((kind) => (largestOverlap([kept, kind], looks) ?? 0) >= ALIKE);
  const most = open.toSorted((a, b) => b.byImage.size - a.byImage.size)[0] ?? kept;
  const ofObjects = open.find(({ byImage }) => [...byImage.values()].some((claims) => claims.length > 1));
  const all = 2 * kept.byImage.size >= most.byImage.size ? kept : most;
  const first = standsIn ? (ofObjects ?? kept) : all;
  let used = first;
  for (const kind of open.filter((each) => each !== first)) {
    leave(kind, secondMask(kind, used, standsIn));
    if (standsIn) used = { ...used, byImage: new Map([...kind.byImage, ...used.byImage]) };
  }
  return { used: [used], refusals };
}

/** Images that are looked at, and at most where kinds are empty in the first ones. */
const LOOKED_AT = 2;
const MOST_LOOKED_AT = 6;
/** Files of one image that are looked at, where each has an object. */
const MOST_PARTS = 16;

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
      const parts: Appearance[] = [];
      for (const { file } of (byImage.get(image) ?? []).slice(0, MOST_PARTS)) {
        const part = await peek(file.parts.path);
        if (part) parts.push(part);
      }
      const look = together(parts);
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
  of: (a: Appearance, b: Appearance) => number = overlapOf,
): number | undefined {
  let most: number | undefined;
  for (const [k, a] of kinds.entries()) {
    for (const b of kinds.slice(k + 1)) {
      for (const [i, look] of (looks.get(a) ?? []).entries()) {
        const other = looks.get(b)?.[i];
        // An empty mask says nothing of where the others are.
        if (look && other && look.share > 0 && other.share > 0) most = Math.max(most ?? 0, of(look, other));
      }
    }
  }
  return most;
}

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

/** The overlap of two masks; none where one lies within the other and is far smaller, as a cup within its disc. */
function overlapBesides(a: Appearance, b: Appearance): number {
  const overlap = overlapOf(a, b);
  const [inner, outer] = a.share < b.share ? [a, b] : [b, a];
  return overlap < SAME && isInside(inner, outer) ? 0 : overlap;
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
