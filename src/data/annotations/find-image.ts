import { isImageName, type NameParts, nameParts } from '../file-names.ts';
import { componentOf, splitOfFolders } from '../pairing/folders.ts';
import { push } from '../pairing/match.ts';
import { splitOfTokens, tokensOf } from '../pairing/words.ts';
import type { Split } from '../types.ts';
import { decoded } from './address-text.ts';
import type { ImageReference } from './annotation-format.ts';

/** An image found, and how many parts of the name that was looked for agree with its path, the last ones. */
export interface FoundImage {
  readonly path: string;
  /** -1 where only the stem of the name agrees. */
  readonly agreeing: number;
  /** What its name does not say: the image has another extension, or is another than the one that is named. */
  readonly unlike?: 'extension' | 'name';
}

/** Equal for names that look equal: in any case, and whether accents are composed or decomposed. */
const keyOf = (text: string) => text.normalize('NFC').toLowerCase();

/** The images of a drop by the names that annotation files give them. */
export class ImageIndex {
  private readonly byName = new Map<string, NameParts[]>();
  private readonly byStem = new Map<string, NameParts[]>();
  private readonly byFolder = new Map<string, NameParts[]>();
  /** By the name of each folder above them. */
  private readonly below = new Map<string, NameParts[]>();

  constructor(paths: Iterable<string>) {
    for (const path of paths) {
      const parts = nameParts(path);
      if (!isImageName(parts)) continue;
      push(this.byName, keyOf(parts.file), parts);
      push(this.byStem, keyOf(parts.stem), parts);
      push(this.byFolder, parts.folders.join('/'), parts);
      for (const folder of new Set(parts.folders.map(keyOf))) push(this.below, folder, parts);
    }
  }

  /**
   * The image that is meant by an annotation file: of those with the name, the one whose folders agree best with the
   * folders before the name, then one of the split that the annotation file is of, then the one nearest to it; else one of
   * a stem that is given; else one of the name with another extension; else one of a joined name.
   * @param file the annotation file's path.
   * @returns undefined when there is none; several when it cannot be told which.
   */
  find(reference: ImageReference, file: string): FoundImage | readonly string[] | undefined {
    const { name, stems = [], prefersStems = false, joined, onlyImageOf } = reference;
    const near = placeOf(file);
    const wanted =
      name === undefined ? undefined : nameParts(/^https?:/i.test(name) ? name.replace(/[?#].*$/, '') : name);
    const named = wanted && best(these(this.byName, wanted.file), wanted.folders, near);
    const isOwn = stems.some((stem) => keyOf(stem.replace(/.*\//, '')) === keyOf(wanted?.stem ?? ''));
    if (named && (isOwn || !prefersStems)) return named;
    const byStem = this.findStem(stems, near);
    if (byStem) return named && 'path' in byStem ? { ...byStem, unlike: 'name' } : byStem;
    if (named) return named;
    // What has no extension of images may be part of the name.
    if (wanted && (wanted.extension === '' || isImageName(wanted))) {
      const found = best(these(this.byStem, wanted.stem), wanted.folders, near);
      if (found) return 'path' in found ? { ...found, agreeing: -1, unlike: 'extension' } : found;
    }
    const byFolder = joined === undefined ? undefined : this.findJoined(joined, near);
    if (byFolder) return byFolder;
    const only = onlyImageOf === undefined ? undefined : this.byFolder.get(onlyImageOf);
    return only?.length === 1 && only[0] ? { path: only[0].path, agreeing: 0 } : undefined;
  }

  private findStem(stems: readonly string[], near: Place) {
    for (const stem of stems) {
      const { named, folders } = this.withStem(stem);
      const here = named.filter((each) => keyOf(each.folders.join('/')) === keyOf(folders.join('/')));
      const found = best(here, folders, near);
      if (found) return found;
    }
    for (const stem of stems) {
      const { named, folders } = this.withStem(stem);
      const found = best(named, folders, near);
      if (found) return found;
    }
    return undefined;
  }

  /** `case1_day2_slice_3` is `slice_3_266_266.png` in a folder `case1_day2`, the longest name of a folder first. */
  private findJoined(joined: string, near: Place) {
    const key = keyOf(joined);
    for (let at = key.lastIndexOf('_'); at > 0; at = key.lastIndexOf('_', at - 1)) {
      const below = this.below.get(key.slice(0, at));
      const beginning = key.slice(at + 1);
      const isNamed = (stem: string) =>
        stem.startsWith(beginning) && !/^[\p{L}\d]/u.test(stem.slice(beginning.length));
      const found = best(below?.filter(({ stem }) => isNamed(keyOf(stem))) ?? [], [], near);
      if (found) return found;
    }
    return undefined;
  }

  private withStem(path: string): {
    readonly named: readonly NameParts[];
    readonly folders: readonly string[];
  } {
    const folders = path.split('/');
    const stem = folders.pop() ?? '';
    return { named: these(this.byStem, stem), folders };
  }
}

/** The images of a name, which may be written as in an address (`my%20image.jpg`). */
const these = (images: ReadonlyMap<string, readonly NameParts[]>, name: string) =>
  images.get(keyOf(name)) ?? images.get(keyOf(decoded(name))) ?? [];

function best(
  candidates: readonly NameParts[],
  wanted: readonly string[],
  near: Place,
): FoundImage | readonly string[] | undefined {
  if (candidates.length === 0) return undefined;
  const scored = candidates.map((parts) => ({
    parts,
    agreeing: sharedEnd(parts.folders, wanted),
    rank: rankOf(parts),
    isOther: isOfOther(parts, near),
    near: sharedStart(parts.folders, near.folders),
  }));
  scored.sort(
    (a, b) =>
      b.agreeing - a.agreeing || a.rank - b.rank || Number(a.isOther) - Number(b.isOther) || b.near - a.near,
  );
  const [first, second] = scored;
  if (!first) return undefined;
  const isTie =
    second?.agreeing === first.agreeing &&
    second.rank === first.rank &&
    second.isOther === first.isOther &&
    second.near === first.near;
  return isTie ? candidates.map(({ path }) => path) : { path: first.parts.path, agreeing: first.agreeing };
}

/** Where an annotation file lies, and the split that its name or its folder says. */
interface Place {
  readonly folders: readonly string[];
  readonly split: Split | undefined;
}

function placeOf(file: string): Place {
  const { folders, stem } = nameParts(file);
  return { folders, split: splitOfTokens(tokensOf(stem)) ?? splitOfFolders(folders) };
}

/** Whether an image is of another split than what is said of it. */
function isOfOther({ folders }: NameParts, { split }: Place): boolean {
  const own = split && splitOfFolders(folders);
  return own !== undefined && own !== split;
}

/** Folders of images before others, and folders of masks last. */
function rankOf({ folders }: NameParts): number {
  const roles = folders.flatMap((folder) => componentOf(folder).meaning?.role ?? []);
  if (roles.length === 0) return 1;
  return roles.at(-1) === 'image' ? 0 : 2;
}

function sharedEnd(a: readonly string[], b: readonly string[]): number {
  let shared = 0;
  while (
    shared < Math.min(a.length, b.length) &&
    keyOf(a.at(-1 - shared) ?? '') === keyOf(b.at(-1 - shared) ?? '')
  ) {
    shared++;
  }
  return shared;
}

function sharedStart(a: readonly string[], b: readonly string[]): number {
  let shared = 0;
  while (shared < Math.min(a.length, b.length) && keyOf(a[shared] ?? '') === keyOf(b[shared] ?? '')) shared++;
  return shared;
}
