import { notice } from '../outcome.ts';
import type { Refusal } from '../types.ts';
import type { Appearance, Peek } from './appearance.ts';
import { componentOf, differenceOf, inAnyCase, isSplitOnly, shapeOf, sharedStart } from './folders.ts';
import { hasNoImageName } from './match.ts';
import { relate } from './relation.ts';
import { boundariesOf, isJpeg, type Series } from './series.ts';
import type { MaskField, NameMeaning } from './words.ts';

/** A series of masks. */
export interface MaskSeries {
  readonly series: Series;
  readonly field: MaskField;
  /** A preview, edges …: only used where there is nothing better. */
  readonly isAside: boolean;
  /** Set when only the names of its files, or less, say so: they are images where no image has their names. */
  readonly isUnsure: boolean;
  /** Whether a word says so, and not what its files look like. */
  readonly isSaid: boolean;
  /** Whether they look like photographs, of what only a word for previews and aids says to be none. */
  readonly isPhotos?: boolean;
}

export interface Roles {
  readonly images: readonly Series[];
  readonly masks: readonly MaskSeries[];
  readonly remarks: readonly Refusal[];
}

/** In masks this share of the pixels is as their neighbours and so much more than in their images; or less, but far more. */
const FLAT = 0.8;
const FLATTER = 0.05;
const RATHER_FLAT = 0.5;
const FAR_FLATTER = 0.3;
/** Files of a kind that are looked at. */
const LOOKED_AT = 3;
/** Names that are compared to see whether two folders have the same ones. */
const COMPARED = 8;
/** Neighbouring folders between whose names a rule is looked for. */
const NEIGHBOURS = 8;

/**
 * What every series holds. Words in the names come first, those nearest to the file before those of outer folders. A
 * series without such a word holds images, unless another one that may hold images has the same names and this one looks
 * much flatter: then a few files of both are looked at.
 * @param known paths of masks that say themselves that they are some.
 */
export async function rolesOf(
  all: readonly Series[],
  peek: Peek,
  known: ReadonlySet<string> = new Set(),
): Promise<Roles> {
  const totals = countFiles(all);
  const withDerived = new Set(
    all
      .filter(({ by, meaning }) => by === 'base' && meaning?.role === 'mask')
      .map(({ folders }) => folders.join('/')),
  );
  const masks: MaskSeries[] = [];
  const images: Series[] = [];
  const unknown: Series[] = [];
  for (const series of all) {
    if (series.files.every(({ parts }) => known.has(parts.path))) {
      masks.push({ series, field: 'instances', isAside: false, isUnsure: false, isSaid: true });
      continue;
    }
    const role = roleByWords(series, totals, withDerived);
    if (role === 'image') images.push(series);
    else if (role === undefined) unknown.push(series);
    else {
      const isOpen = role.isUnsure && role.isAside && !role.isSaid;
      const looks = isOpen ? await lookAt(series, peek) : [];
      const isPhotos = looks.length > 0 && middle(looks) < RATHER_FLAT;
      masks.push(isPhotos ? { ...role, isPhotos } : role);
    }
  }
  const remarks: Refusal[] = [];
  const decided = await lookAtRelated(unknown, images, peek, remarks);
  for (const series of unknown) {
    if (decided.has(series))
      masks.push({ series, field: 'mask', isAside: false, isUnsure: false, isSaid: false });
    else images.push(series);
  }
  return { images, masks, remarks };
}

/** @param withDerived folders with files that are called as others are, with a word for masks. */
function roleByWords(
  series: Series,
  totals: ReadonlyMap<string, number>,
  withDerived: ReadonlySet<string>,
): MaskSeries | 'image' | undefined {
  const { folders, meaning, by } = series;
  // A word in the name of all that there is tells no file from another.
  const telling = folders
    .map((name, i) => ({
      i,
      said: componentOf(name).meaning,
      path: (n: number) => folders.slice(0, n).join('/'),
    }))
    .filter(({ i, path }) => totals.get(path(i + 1)) !== totals.get(''));
  const last = telling.findLast(({ said }) => said?.role !== undefined);
  // Below a folder of masks, colours are those of a preview.
  const outer = telling.findLast(({ said }) => said?.role !== undefined && !isOfColours(said));
  const nearest = isOfColours(last?.said) && outer?.said?.role === 'mask' ? outer : last;
  // In `nuclei_with_masks/one/`, `a` is the image of `a_mask` whatever the outer folder is called.
  const isOuter = nearest?.i !== folders.length - 1 && by === 'folder' && withDerived.has(folders.join('/'));
  const folder = isOuter ? undefined : nearest?.said;
  if (isLoneMasks(series, totals) || series.files.every(({ stem }) => hasNoImageName(stem)))
    return { series, field: 'mask', isAside: false, isUnsure: false, isSaid: true };
  const isMaskFolder = folder?.role === 'mask';
  const isAside =
    (meaning?.isAside ?? false) ||
    telling.some(
      ({ i, said }) =>
        i >= (nearest?.i ?? 0) && said?.isAside && (said.role !== 'image' || nearest?.said?.role === 'mask'),
    );
  if (isMaskFolder && meaning?.role === 'image')
    return { series, field: folder.field, isAside, isUnsure: false, isSaid: true };
  if (meaning && meaning.role !== 'image') {
    const field =
      meaning.field === 'instances' || !isMaskFolder ? instancesOrMask(meaning.field) : folder.field;
    const isUnsure =
      !isMaskFolder &&
      (by === 'word' || by === 'inner' || folder?.role === 'image' || meaning.role === undefined);
    return { series, field, isAside, isUnsure, isSaid: meaning.role !== undefined };
  }
  if (by === 'extension' && !isMaskFolder)
    return { series, field: 'mask', isAside, isUnsure: true, isSaid: false };
  if (isMaskFolder) return { series, field: folder.field, isAside, isUnsure: false, isSaid: true };
  if (folder?.role === 'image') return 'image';
  // What is called by its colours, where no file has the rest of its name, may be the image of what lies beside it.
  const isColour = meaning?.role === 'image' && by === 'word';
  return isAside && !isColour ? { series, field: 'mask', isAside, isUnsure: true, isSaid: false } : undefined;
}

/** Whether a word for colours alone says images. */
const isOfColours = (said: NameMeaning | undefined) => said?.role === 'image' && said.isAside;

/** Whether a folder of masks is all that there is: what is in it is not to pass for images. */
function isLoneMasks({ folders, affix, files }: Series, totals: ReadonlyMap<string, number>): boolean {
  const folder = componentOf(folders.at(-1) ?? '');
  const isMasks = folder.meaning?.role === 'mask' && folder.rest === '' && affix === '';
  return isMasks && totals.get('') === files.length && !files.every(({ parts }) => isJpeg(parts));
}

/** `a_label.png` says that it is a mask, not that its values are classes. */
const instancesOrMask = (field: MaskField): MaskField => (field === 'instances' ? field : 'mask');

/** Files at or below every folder. */
function countFiles(all: readonly Series[]): Map<string, number> {
  const totals = new Map<string, number>();
  for (const { folders, files } of all) {
    for (let n = 0; n <= folders.length; n++) {
      const path = folders.slice(0, n).join('/');
      totals.set(path, (totals.get(path) ?? 0) + files.length);
    }
  }
  return totals;
}

/** Two series of the same names, and what each is one of: looked at once for all that are alike. */
interface Related {
  readonly own: Series;
  readonly ownKind: string;
  readonly other: Series;
  readonly otherKind: string;
}

async function lookAtRelated(
  unknown: readonly Series[],
  images: readonly Series[],
  peek: Peek,
  remarks: Refusal[],
): Promise<Set<Series>> {
  const open = new Set(unknown);
  const masks = new Set<Series>();
  const seen = new Map<string, Promise<readonly Appearance[]>>();
  const look = (kind: string, series: Series) => {
    const known = seen.get(kind) ?? lookAt(series, peek);
    seen.set(kind, known);
    return known;
  };
  const either = new Map<string, Related>();
  for (const related of relatedOf(unknown, images)) {
    const { own, ownKind, other, otherKind } = related;
    if (masks.has(own) || masks.has(other)) continue;
    const verdict =
      compare(await look(ownKind, own), await look(otherKind, other)) ?? compareNames(own, other);
    if (verdict === 'own') masks.add(own);
    else if (verdict === 'other' && open.has(other)) masks.add(other);
    else if (verdict === 'either') either.set([ownKind, otherKind].sort().join('\n'), related);
  }
  for (const { own, other } of either.values()) {
    // One file in each says too little to ask.
    const isOne = own.files.length === 1 || other.files.length === 1;
    if (!isOne && !masks.has(own) && !masks.has(other)) remarks.push(eitherIsMask(own, other));
  }
  return masks;
}

/** Which of two is the masks: by what a few files of each look like; undefined when none could be read. */
function compare(
  own: readonly Appearance[],
  other: readonly Appearance[],
): 'own' | 'other' | 'either' | 'neither' | undefined {
  if (own.length === 0 || other.length === 0) return undefined;
  const [a, b] = [middle(own), middle(other)];
  const [most, more] = [Math.max(a, b), Math.abs(a - b)];
  const isClear = (most >= FLAT && more >= FLATTER) || (most >= RATHER_FLAT && more >= FAR_FLATTER);
  if (isClear) return a > b ? 'own' : 'other';
  return most >= FLAT ? 'either' : 'neither';
}

const middle = (looks: readonly Appearance[]) =>
  looks.map(({ flatness }) => flatness).sort((a, b) => a - b)[Math.floor(looks.length / 2)] ?? 0;

/** PNGs beside JPEGs of the same names are masks, where nothing could be read. */
function compareNames(own: Series, other: Series): 'own' | 'other' | 'neither' {
  const [a, b] = [own, other].map(({ files }) => files.every(({ parts }) => isJpeg(parts)));
  return a === b ? 'neither' : a ? 'other' : 'own';
}

async function lookAt({ files }: Series, peek: Peek): Promise<readonly Appearance[]> {
  const some = [...new Set([0, Math.floor(files.length / 2), files.length - 1])].slice(0, LOOKED_AT);
  const looks: Appearance[] = [];
  for (const i of some) {
    const path = files[i]?.parts.path;
    const seen = path === undefined ? undefined : await peek(path);
    if (seen) looks.push(seen);
  }
  return looks;
}

/** Every unknown series with those of the same names that may hold the images, or the masks. */
function* relatedOf(unknown: readonly Series[], images: readonly Series[]): Generator<Related> {
  const byName = new Map<string, Series[]>();
  const byFolder = new Map<string, Series[]>();
  const byParent = new Map<string, Series[]>();
  const add = (map: Map<string, Series[]>, key: string, series: Series) => {
    const list = map.get(key);
    if (!list) map.set(key, [series]);
    else if (list.length < COMPARED * NEIGHBOURS) list.push(series);
  };
  for (const series of [...images, ...unknown]) {
    for (const { stem } of series.files) add(byName, stem, series);
    add(byFolder, series.folders.join('/'), series);
    add(byParent, series.folders.slice(0, -1).join('/'), series);
  }
  for (const own of unknown) {
    const here = (byFolder.get(own.folders.join('/')) ?? []).filter((other) => other !== own);
    const inCase = own.files.some(({ cores }) => cores.some((core) => core.startsWith('/')));
    if (own.by === 'base' || own.by === 'shape') {
      const place = (inCase ? own.folders.slice(0, -1) : own.folders).join('/');
      for (const other of here.filter(({ affix }) => own.by === 'shape' || affix === '')) {
        yield { own, ownKind: `${place}\n${own.affix}`, other, otherKind: `${place}\n${other.affix}` };
      }
      // What looks like two sorts in a folder, as `leaf_l` and `leaf_r`, may have its masks in another one.
      if (own.by === 'base' || inCase) continue;
    }
    const counts = new Map<Series, number>();
    const step = Math.max(1, Math.floor(own.files.length / COMPARED));
    let compared = 0;
    for (let i = 0; i < own.files.length; i += step, compared++) {
      for (const other of byName.get(own.files[i]?.stem ?? '') ?? [])
        counts.set(other, (counts.get(other) ?? 0) + 1);
    }
    const beside = own.folders.length > 0 ? (byParent.get(own.folders.slice(0, -1).join('/')) ?? []) : [];
    for (const other of new Set([...counts.keys(), ...(beside.length <= NEIGHBOURS ? beside : [])])) {
      if (other.folders === own.folders || other.folders.join('/') === own.folders.join('/')) continue;
      const related = inOtherFolder(own, other);
      if (!related) continue;
      if ((counts.get(other) ?? 0) * 2 >= compared || haveRule(own, other)) yield related;
      else if (isExtended(own, other)) yield asInAnyCase(related);
    }
  }
}

/** Undefined when nothing but a split or a number tells the folders of two series apart. */
function inOtherFolder(own: Series, other: Series): Related | undefined {
  if (shapeOf(own.folders) === shapeOf(other.folders)) return undefined;
  const [a, b] = [differenceOf(own.folders, other.folders), differenceOf(other.folders, own.folders)];
  const isSplit = (names: readonly string[]) => names.length > 0 && names.every(isSplitOnly);
  if (isSplit(a) && isSplit(b)) return undefined;
  const place = own.folders.slice(0, sharedStart(own.folders, other.folders)).join('/');
  return {
    own,
    ownKind: `${place}\n${a.join('/')}\n${own.affix}`,
    other,
    otherKind: `${place}\n${b.join('/')}\n${other.affix}`,
  };
}

function haveRule(own: Series, other: Series): boolean {
  const stems = ({ files }: Series) => files.slice(0, COMPARED * NEIGHBOURS).map(({ stem }) => stem);
  if (own.files.length < 2) return false;
  return relate(stems(own), stems(other)) !== undefined || relate(stems(other), stems(own)) !== undefined;
}

/** Whether the files of a folder are called as the only one of the folder beside it, with something behind. */
function isExtended(own: Series, { folders, files: [only, ...others] }: Series): boolean {
  const isBeside =
    own.folders.length > 1 && own.folders.slice(0, -1).join('/') === folders.slice(0, -1).join('/');
  return (
    isBeside &&
    only !== undefined &&
    others.length === 0 &&
    own.files.every(({ stem }) => boundariesOf(stem).some(({ end }) => stem.slice(0, end) === only.stem))
  );
}

/** Folders of a case, `p1/p1_photo` and `p1/p1_outline`, of the same kinds as those of all cases beside it. */
function asInAnyCase({ own, other }: Related): Related {
  const stem = other.files[0]?.stem ?? '';
  const kindOf = ({ folders, affix }: Series) =>
    [...folders.slice(0, -2), inAnyCase(folders.at(-1) ?? '', stem), affix].join('\n');
  return { own, ownKind: kindOf(own), other, otherKind: kindOf(other) };
}

function eitherIsMask(own: Series, other: Series): Refusal {
  const [a, b] = [own, other].map((series) => nameOf(series));
  return notice(
    'data/which-is-mask',
    own.files[0]?.parts.path ?? a ?? '',
    `${a} and ${b} have the same names, and either could be the masks of the other; both were taken as images.`,
    'Call the folder of the masks masks/ and that of the images images/.',
  );
}

/** How a series is called: its folder, with its affix. */
const nameOf = ({ folders, affix }: Series) =>
  `${folders.join('/')}/${affix === '' ? '' : affix.startsWith('.') ? `*${affix}` : `*${affix.replaceAll(' ', '_')}*`}`;
