/** Which masks are of one sort, and which sorts are classes by the names of their folders. */
import { sortedByName } from '../natural-order.ts';
import type { Claim } from './assign.ts';
import { componentOf, differenceOf, inAnyCase } from './folders.ts';
import { push } from './match.ts';
import { withoutZeros } from './relation.ts';
import { boundariesOf } from './series.ts';
import { isNumber, lookOf, namesAnnotator, splitOfTokens, tokensOf, uncounted } from './words.ts';

/** Masks of one sort: of one affix, in folders that lie alike beside those of their images. */
export interface Kind {
  readonly name: string;
  readonly folders: readonly string[];
  readonly affix: string;
  readonly isAside: boolean;
  readonly isSaid: boolean;
  readonly byImage: Map<string, Claim[]>;
}

/** The sorts of some masks. */
export function kindsOf(claims: readonly Claim[]): Kind[] {
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

/** The first file of a kind, for which the others stand. */
export function firstOf({ byImage }: Kind): { readonly path: string; readonly image: string } {
  for (const [image, [claim]] of byImage) if (claim) return { path: claim.file.parts.path, image };
  return { path: '', image: '' };
}

/** Folders for a class each, in the folder of the masks: `masks/leaf` and `masks/stem`. */
export const isClassFolders = (kinds: readonly Kind[]) =>
  kinds.every(
    ({ folders, affix }) => folders.length > 1 && affix === '' && classOf(folders.at(-1) ?? '') !== '',
  ) &&
  kinds.length > 1 &&
  new Set(kinds.map(({ folders }) => folders.slice(0, -1).join('/'))).size === 1;

/** Whether sorts lie beside each other as classes do: in a folder each, or in one with an ending each. */
export const areClassesAlike = (kinds: readonly Kind[]) =>
  isClassFolders(kinds) ||
  (kinds.every(({ affix }) => affix !== '') &&
    new Set(kinds.map(({ folders }) => folders.join('/'))).size === 1);

/**
 * Folders of masks that have a name beyond the words for masks, none for a split or for who drew them, where these are of other
 * images of the same folders, and none is called after one: `masks/car` and `masks/road`. None where there are not several.
 */
export function classesApart(kinds: readonly Kind[]): readonly Kind[] {
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

/** What a sort is called as a class, beside the others. */
export function nameOfClass({ folders, affix }: Kind, all: readonly Kind[]): string {
  const own = classOf(folders.at(-1) ?? '');
  const isByAffix = new Set(all.map((kind) => kind.affix)).size > 1;
  const word = affix.replace(/^[\s_.-]+/, '');
  return isByAffix || own === '' ? classOf(word) || word || folders.join('/') : own;
}
