import { sortedByName } from '../natural-order.ts';
import { notice, refusal } from '../outcome.ts';
import type { Refusal, SampleFiles, Split } from '../types.ts';
import type { Peek } from './appearance.ts';
import type { Assignment, Claim } from './assign.ts';
import { type ClassMask, chooseMasks } from './choose.ts';
import { componentOf, isSplitOnly, shapeOf, sharedStart, splitOfFolders } from './folders.ts';
import { push } from './match.ts';
import { boundariesOf, type Series, type SeriesFile } from './series.ts';
import { lookOf, namesPartOfSet, tokensOf, uncounted } from './words.ts';

export interface PairedSample extends SampleFiles {
  /** Masks of one class each; together they are the labels. */
  readonly classMasks?: readonly ClassMask[];
}

/** The files of one dataset, in natural order of their names. */
export interface PairedDataset {
  readonly name: string;
  /** Folder that holds the dataset, `''` for the top. */
  readonly root: string;
  readonly classNames?: ReadonlyMap<number, string>;
  readonly samples: readonly PairedSample[];
}

/** One-image folders from which on they are cases of one dataset, whatever their images are called. */
const MANY = 4;
/** Folders told apart by a number alone from which on they are, however many images each has; fewer where a word says so. */
const NUMBERED = 3;
const NUMBERED_PARTS = 2;

interface DatasetOptions {
  readonly topName: string;
  readonly peek: Peek;
  readonly together: readonly string[];
  readonly sets: readonly (readonly string[])[];
}

/**
 * The datasets of a drop. A dataset's folder is the innermost one that holds images and their masks; folders for a split
 * and folders of one image each count as part of what they lie in.
 * @param options.together folders that each hold one dataset; the outermost counts.
 * @param options.sets paths of images that are of one dataset, whatever their folders.
 */
export async function datasetsOf(
  { images, claims }: Assignment,
  { topName, peek, together, sets }: DatasetOptions,
): Promise<{ readonly datasets: readonly PairedDataset[]; readonly refusals: readonly Refusal[] }> {
  const roots = joinSets(rootsOf(images, claims), sets);
  const settled = together.toSorted((a, b) => a.length - b.length);
  const groups = new Map<string, Series[]>();
  for (const series of images) {
    const path = `${series.folders.join('/')}/`;
    const root =
      settled.find((folder) => folder === '' || path.startsWith(`${folder}/`)) ?? roots.get(series) ?? '';
    const known = groups.get(root);
    if (known) known.push(series);
    else groups.set(root, [series]);
  }
  const ofSeries = new Map<Series, Claim[]>();
  for (const claim of claims) {
    const known = ofSeries.get(claim.image.series);
    if (known) known.push(claim);
    else ofSeries.set(claim.image.series, [claim]);
  }
  const names = new Set<string>();
  const datasets: PairedDataset[] = [];
  const refusals: Refusal[] = [];
  for (const root of sortedByName([...groups.keys()], (path) => path)) {
    const all = groups.get(root) ?? [];
    const own = all.flatMap((series) => ofSeries.get(series) ?? []);
    const choice = await chooseMasks(own, peek);
    const kept = imagesOf(all, root, ofSeries, refusals);
    const used = own.filter(({ image }) => choice.files.has(image.file.parts.path));
    refusals.push(...choice.refusals, ...remarksOf(used, kept));
    const samples = kept.map(({ file, name }): PairedSample => {
      const split = splitOfFolders(file.parts.folders);
      return {
        name,
        image: file.parts.path,
        ...choice.files.get(file.parts.path),
        ...(split ? { split } : {}),
      };
    });
    if (samples.length === 0) continue;
    const { classNames } = choice;
    const isSplit = new Set(samples.map(({ split }) => split)).size > 1;
    datasets.push({
      name: nameFor(root, topName, names),
      root,
      ...(classNames ? { classNames } : {}),
      samples: isSplit ? samples : samples.map(({ split: _, ...sample }) => sample),
    });
  }
  return { datasets, refusals };
}

function rootsOf(images: readonly Series[], claims: readonly Claim[]): ReadonlyMap<Series, string> {
  const depths = new Map<Series, number>();
  for (const { mask, image } of claims) {
    const { folders } = image.series;
    const depth = sharedStart(folders, mask.series.folders);
    depths.set(image.series, Math.min(depth, depths.get(image.series) ?? folders.length));
  }
  const roots = new Map<Series, string[]>();
  /** The folders of the images in a dataset's folder, and that folder. */
  const sides = new Map<string, string[]>();
  const shapes = new Map<string, string[]>();
  for (const [series, depth] of depths) {
    const root = withoutSplits(series.folders.slice(0, depth));
    roots.set(series, root);
    if (series.folders.length > root.length) {
      sides.set(anySplit(series.folders.slice(0, root.length + 1)).join('/'), root);
      shapes.set(shapeOf(anySplit(series.folders)), root);
    }
  }
  for (const series of images) {
    if (roots.has(series)) continue;
    const { folders } = series;
    const alike = anySplit(folders);
    let root = shapes.get(shapeOf(alike));
    for (let n = folders.length; n > 0 && !root; n--) root = sides.get(alike.slice(0, n).join('/'));
    roots.set(series, root ?? outOfRoles(folders));
  }
  const paths = new Map([...joinSplits(roots)].map(([series, root]) => [series, root.join('/')] as const));
  return joinAllCases(paths);
}

/** Folders with one name for every split: what lies in `test/` belongs where `train/` does. */
const anySplit = (folders: readonly string[]) => folders.map((name) => (isSplitOnly(name) ? '*' : name));

/**
 * `train/rural`, `train/urban` and `val/rural` become the folder of `train` and `val`; so do `cracks_train` and `cracks_val`.
 */
function joinSplits(roots: ReadonlyMap<Series, readonly string[]>): ReadonlyMap<Series, readonly string[]> {
  const splits = new Map<string, Set<Split>>();
  const placesOf = (root: readonly string[]) =>
    root.flatMap((name, at) => {
      const { split, unsplit } = componentOf(name);
      const outer = root.slice(0, at);
      return split ? [{ outer, key: [...outer, unsplit].join('/'), split }] : [];
    });
  for (const root of roots.values())
    for (const { key, split } of placesOf(root)) splits.set(key, (splits.get(key) ?? new Set()).add(split));
  const joined = (root: readonly string[]) =>
    placesOf(root).find(({ key }) => (splits.get(key)?.size ?? 0) > 1)?.outer ?? root;
  return new Map([...roots].map(([series, root]) => [series, joined(root)]));
}

function withoutSplits(folders: readonly string[]): string[] {
  const end = folders.findLastIndex((name) => !isSplitOnly(name)) + 1;
  return folders.slice(0, end);
}

/** The folder that holds `images/`, `train/` or `train/images/`. */
function outOfRoles(folders: readonly string[]): string[] {
  const isOuter = (name: string) => !isSplitOnly(name) && componentOf(name).meaning?.role !== 'image';
  return folders.slice(0, folders.findLastIndex(isOuter) + 1);
}

/** A folder that may hold a case of a dataset: a patient, a sequence, an image with all that belongs to it. */
interface Case {
  readonly root: string;
  readonly files: readonly SeriesFile[];
  /** Whether its images are called after it. */
  readonly isNamed: boolean;
  /** Its name without numbers, where it has one. */
  readonly shape: string | undefined;
}

function caseOf(root: string, files: readonly SeriesFile[]): Case {
  const folder = lookOf(root.slice(root.lastIndexOf('/') + 1));
  const [only] = files.length === 1 ? files : [];
  const isNamed = only
    ? only.bare?.startsWith('/') || folder.includes(only.stem) || only.stem.includes(folder)
    : files.every(({ stem }) => stem.startsWith(folder));
  return { root, files, isNamed, shape: /\p{N}/u.test(folder) ? uncounted(folder) : undefined };
}

/** Which of the folders that lie side by side are cases of one dataset. */
function casesAmong(all: readonly Case[]): readonly Case[] {
  if (all.length < 2) return [];
  // `discs/discs_1`, `discs/discs_2` and `bars/bars_1` are two datasets; a case of several images has a number.
  if (all.every(({ isNamed, files, shape }) => isNamed && (files.length === 1 || shape !== undefined)))
    return all;
  const ones = all.filter(({ files }) => files.length === 1);
  const [first] = ones;
  const areAlike = ones.every(
    ({ files, shape }) =>
      shape !== undefined && shape === first?.shape && files[0]?.stem === first.files[0]?.stem,
  );
  if (ones.length >= MANY || (ones.length > 1 && (areAlike || ones.every(({ isNamed }) => isNamed))))
    return ones;
  const counts = new Map<string | undefined, number>();
  for (const { shape } of all) counts.set(shape, (counts.get(shape) ?? 0) + 1);
  const least = (shape: string) => (namesPartOfSet(tokensOf(shape)) ? NUMBERED_PARTS : NUMBERED);
  return all.filter(({ shape }) => shape !== undefined && (counts.get(shape) ?? 0) >= least(shape));
}

/** Joins cases, then those that these make in turn: the clips of videos, then the videos. */
function joinAllCases(roots: ReadonlyMap<Series, string>): ReadonlyMap<Series, string> {
  const joined = joinCases(roots);
  const isDone = [...joined].every(([series, root]) => root === roots.get(series));
  return isDone ? joined : joinAllCases(joined);
}

/**
 * Folders side by side become one dataset where they are cases: they hold one image each and are many; their images are
 * called after them, one in each or with a number in the folder's name; or nothing but a number tells them apart and they are
 * several or hold one image of one name each.
 */
function joinCases(roots: ReadonlyMap<Series, string>): ReadonlyMap<Series, string> {
  const byRoot = new Map<string, SeriesFile[]>();
  for (const [{ files }, root] of roots) {
    const known = byRoot.get(root);
    if (known) known.push(...files);
    else byRoot.set(root, [...files]);
  }
  const byParent = new Map<string, Case[]>();
  for (const [root, files] of byRoot) {
    if (root === '') continue;
    const parent = root.slice(0, Math.max(0, root.lastIndexOf('/')));
    const cases = byParent.get(parent) ?? [];
    byParent.set(parent, cases);
    cases.push(caseOf(root, files));
  }
  const joined = new Map<string, string>();
  for (const [parent, cases] of byParent) {
    for (const { root } of casesAmong(cases)) joined.set(root, withoutSplits(parent.split('/')).join('/'));
  }
  return new Map([...roots].map(([series, root]) => [series, joined.get(root) ?? root]));
}

/** Folders whose images one set holds become one dataset, in the innermost folder that holds them all. */
function joinSets(
  roots: ReadonlyMap<Series, string>,
  sets: readonly (readonly string[])[],
): ReadonlyMap<Series, string> {
  const rootOf = new Map<string, string>();
  if (sets.length > 0) {
    for (const [{ files }, root] of roots) for (const { parts } of files) rootOf.set(parts.path, root);
  }
  const joined = new Map<string, string>();
  const now = (root: string): string => {
    const next = joined.get(root);
    return next === undefined ? root : now(next);
  };
  for (const set of sets) {
    const own = [...new Set(set.flatMap((path) => rootOf.get(path) ?? []).map(now))];
    if (own.length < 2) continue;
    const [first = [], ...others] = own.map((root) => root.split('/'));
    const shared = others.reduce((n, other) => Math.min(n, sharedStart(first, other)), first.length);
    const outer = withoutSplits(first.slice(0, shared)).join('/');
    // Where the outer folder is itself joined to one further out, that one holds all.
    const to = now(outer);
    for (const root of own) if (root !== to) joined.set(root, to);
  }
  return joined.size === 0 ? roots : new Map([...roots].map(([series, root]) => [series, now(root)]));
}

interface NamedImage {
  readonly file: SeriesFile;
  readonly name: string;
}

/** The images of a dataset with the names of their samples, in order; those that cannot be told apart are refused. */
function imagesOf(
  all: readonly Series[],
  root: string,
  claims: ReadonlyMap<Series, readonly Claim[]>,
  refusals: Refusal[],
): NamedImage[] {
  const depth = root === '' ? 0 : root.split('/').length;
  const inFolders = all.some((series) => series.folders.length > depth && claims.has(series));
  const files = all.flatMap((series) => {
    if (series.folders.length > depth || !inFolders || claims.has(series)) return series.files;
    refusals.push(...series.files.map(({ parts }) => outsideFolders(parts.path)));
    return [];
  });
  const isRole = (name: string) => componentOf(name).meaning?.role === 'image';
  const short = ({ parts }: SeriesFile) =>
    [...parts.folders.slice(depth).filter((name) => !isRole(name)), parts.file].join('/');
  const long = ({ parts }: SeriesFile) => [...parts.folders.slice(depth), parts.file].join('/');
  const hasTwo = new Set(files.map(short)).size < files.length;
  const nameOfSample = hasTwo ? long : short;
  const taken = new Map<string, string>();
  const kept: NamedImage[] = [];
  for (const each of sortedByName(
    files.map((file) => ({ file, name: nameOfSample(file) })),
    ({ name }) => name,
  )) {
    const key = `${each.file.parts.folders.join('/')}\n${each.file.stem}`;
    const other = taken.get(key);
    if (other !== undefined) refusals.push(sameName(each.file.parts.path, other));
    else {
      taken.set(key, each.file.parts.file);
      kept.push(each);
    }
  }
  return kept;
}

/** What was understood without a name that says it. */
function remarksOf(claims: readonly Claim[], kept: readonly NamedImage[]): Refusal[] {
  const remarks: Refusal[] = [];
  const only = claims.find(({ isOnlyImage }) => isOnlyImage);
  if (only && kept.length === 1) {
    remarks.push(
      notice(
        'data/only-image',
        only.file.parts.path,
        `Its name is not that of ${only.image.file.parts.path}; it was taken for its mask because there is no other image.`,
        'Give both the same name, or add the image that it belongs to.',
      ),
    );
  }
  const sharing = sharingAMask(claims, kept);
  const [first] = sharing;
  if (first) {
    const others = sharing.length - 1;
    const more =
      others === 0 ? '' : ` So ${others === 1 ? 'has 1 more image' : `have ${others} more images`}.`;
    remarks.push(
      notice(
        'data/shared-mask',
        first.file.parts.path,
        `It has no mask of its own: ${first.mask.file.parts.path} would fit its name too, and was taken for the mask of ${first.mask.image.file.parts.path}.${more}`,
        'If they are channels of one image, save them as one image of several channels; else give every mask the name of its image.',
      ),
    );
  }
  return remarks;
}

/**
 * Images without a mask that the mask of another one would fit: it is called as theirs begin (`a` or `a_seg`, and `a_0001`),
 * its name follows from theirs by a rule as good, or all in their folder are called as those in the folder of the other.
 */
function sharingAMask(claims: readonly Claim[], kept: readonly NamedImage[]) {
  const keyOf = ({ parts }: SeriesFile, stem: string) => `${parts.folders.join('/')}\n${stem}`;
  const masks = new Map<string, Claim>();
  const rivalled = new Map<string, Claim>();
  for (const claim of claims) {
    const { file, image, rivals } = claim;
    // Of `a_seg` beside `a` nothing is open.
    const core = file.bare === image.file.stem ? [] : (file.bare ?? []);
    for (const name of [file.stem].concat(core)) masks.set(keyOf(image.file, name), claim);
    for (const rival of rivals) rivalled.set(rival.file.parts.path, claim);
  }
  const labelled = new Set(claims.map(({ image }) => image.file));
  const twins = twinsOf(claims, kept);
  return kept.flatMap(({ file }) => {
    if (labelled.has(file)) return [];
    const begun = boundariesOf(file.stem).flatMap(
      ({ end }) => masks.get(keyOf(file, file.stem.slice(0, end))) ?? [],
    );
    const mask = begun[0] ?? rivalled.get(file.parts.path) ?? twins.get(file);
    return mask ? [{ file, mask }] : [];
  });
}

/**
 * The masks of images called as those of a folder beside theirs, in which none has one: `nir/a_1` of `rgb/a_1`. Names that
 * are numbers alone may be of anything.
 */
function twinsOf(claims: readonly Claim[], kept: readonly NamedImage[]): ReadonlyMap<SeriesFile, Claim> {
  const folders = new Map<string, SeriesFile[]>();
  for (const { file } of kept) push(folders, file.parts.folders.join('/'), file);
  const masks = new Map<string, Map<string, Claim>>();
  for (const claim of claims) {
    const folder = claim.image.file.parts.folders.join('/');
    masks.set(folder, (masks.get(folder) ?? new Map()).set(claim.image.file.stem, claim));
  }
  const outer = (folder: string) => folder.slice(0, Math.max(0, folder.lastIndexOf('/')));
  const twins = new Map<SeriesFile, Claim>();
  for (const [folder, files] of folders) {
    if (folder === '' || masks.has(folder) || !files.every(({ stem }) => /\p{L}/u.test(stem))) continue;
    for (const [other, byStem] of masks) {
      if (outer(other) !== outer(folder) || !files.every(({ stem }) => byStem.has(stem))) continue;
      for (const file of files) {
        const claim = byStem.get(file.stem);
        if (claim) twins.set(file, claim);
      }
    }
  }
  return twins;
}

function outsideFolders(path: string): Refusal {
  return refusal(
    'data/outside-folders',
    path,
    'The image lies beside the images folder, not in it.',
    'Move it into images/ or masks/, or drop it alone.',
  );
}

function sameName(path: string, other: string): Refusal {
  return refusal(
    'data/same-name',
    path,
    `Another image has the same name: ${other}.`,
    'Rename one of the two, and its mask with it.',
  );
}

function nameFor(root: string, topName: string, taken: Set<string>): string {
  const own = root === '' ? [] : root.split('/');
  // In `crack/imgs/` images and masks lie together: it is the crack that tells it from others.
  const named = outOfRoles(own);
  const folders = named.length > 0 ? named : own.length > 0 ? own : [topName];
  let name = (folders[folders.length - 1] ?? topName).replace(/(?<=.)\.zip$/i, '');
  for (let up = folders.length - 2; taken.has(name) && up >= 0; up--) name = `${folders[up]}/${name}`;
  for (let copy = 2; taken.has(name); copy++) name = `${folders.join('/')} (${copy})`;
  taken.add(name);
  return name;
}
