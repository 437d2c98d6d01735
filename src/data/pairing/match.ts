import { sortedByName } from '../natural-order.ts';
import { bareOf, sharedStart, splitOfFolders, wordsOf } from './folders.ts';
import { relate } from './relation.ts';
import type { Series, SeriesFile } from './series.ts';
import { lookOf, stackOf } from './words.ts';

/** An image that masks may be matched with. */
export interface ImageEntry {
  readonly file: SeriesFile;
  readonly series: Series;
}

/** A mask file and the image that it belongs to. */
export interface Match {
  readonly file: SeriesFile;
  readonly image: ImageEntry;
  /** Set when the names do not say it: it is the only image there. */
  readonly isOnlyImage: boolean;
  /** Other images that the name fits just as well. */
  readonly rivals: readonly ImageEntry[];
}

export interface SeriesMatch {
  readonly matches: readonly Match[];
  readonly unmatched: readonly SeriesFile[];
}

/** Images of one name that are compared at most: as many folders may hold a `0.png`. */
const COMPARED = 400;

/** Names as a tool exports brush strokes: by its task's number, without the name of the image. */
export const hasNoImageName = (stem: string) => /^task-\d+-annotation-\d+-by-\d+-tag-/.test(stem);

/** The images of a drop, by their names and by the folders that they lie under. */
export class ImageIndex {
  private readonly byPlace = new Map<string, ImageEntry[]>();
  private readonly byName = new Map<string, ImageEntry[]>();
  private readonly under = new Map<string, Series[]>();
  private readonly cases = new Set<Series>();

  /** @param masks that images are sought for. */
  constructor(all: readonly Series[], masks: readonly Series[]) {
    for (const series of all) {
      const place = placeOf(series.folders);
      for (const file of series.files) {
        const entry = { file, series };
        for (const name of new Set([file.stem, lookOf(file.parts.file), file.bare ?? file.stem])) {
          push(this.byPlace, `${place}\n${name}`, entry);
          push(this.byName, name, entry);
        }
      }
      for (let n = 0; n <= series.folders.length; n++)
        push(this.under, series.folders.slice(0, n).join('/'), series);
    }
    const beside = new Map<string, Series[]>();
    for (const series of masks) push(beside, series.folders.slice(0, -1).join('/'), series);
    for (const group of beside.values())
      if (this.areCases(group)) for (const one of group) this.cases.add(one);
  }

  /**
   * Whether folders side by side hold the masks of an image each, though their files are called as images are:
   * `truth/000/000.png` and `truth/001/000.png` of `000.png` and `001.png`. Each is called after an image, and by their names
   * one image would have those of several.
   */
  private areCases(group: readonly Series[]): boolean {
    if (group.length < 2 || !group.every((series) => this.byFolder(series))) return false;
    const folders = new Map<string, string>();
    let isShared = false;
    for (const series of group) {
      const folder = series.folders.join('/');
      for (const file of series.files) {
        const image = this.byNames(series, file)?.image.file.parts.path;
        if (image === undefined) continue;
        isShared ||= (folders.get(image) ?? folder) !== folder;
        folders.set(image, folder);
      }
    }
    return isShared;
  }

  /**
   * Finds the image of every file of a series of masks: by name, then by a rule between the names, then by a name that
   * several images have, then the only one.
   */
  match(masks: Series): SeriesMatch {
    const matches: Match[] = [];
    const open = new Map<SeriesFile, Best>();
    let unmatched: SeriesFile[] = [];
    const isCase = this.cases.has(masks);
    for (const file of masks.files) {
      const best = isCase ? undefined : this.byNames(masks, file);
      if (best?.rivals.length === 0) matches.push({ file, ...best, isOnlyImage: false });
      else unmatched.push(file);
      if (best) open.set(file, best);
    }
    const ofFolder = matches.length === 0 && open.size === 0 ? this.byFolder(masks) : undefined;
    if (ofFolder && (isCase || !this.isCounted(masks))) {
      matches.push(...unmatched.map((file) => ({ file, ...ofFolder, isOnlyImage: false })));
      unmatched = [];
    }
    if (matches.length < unmatched.length) {
      const more = this.byRule(
        masks,
        unmatched.filter(({ stem }) => !hasNoImageName(stem)),
      );
      const found = new Set(more.map(({ file }) => file));
      matches.push(...more);
      unmatched = unmatched.filter((file) => !found.has(file));
    }
    for (const file of unmatched) {
      const best = open.get(file);
      if (best) matches.push({ file, ...best, isOnlyImage: false });
    }
    return { matches, unmatched: unmatched.filter((file) => !open.has(file)) };
  }

  /** The image of the same name whose folder is most like the mask's. */
  private byNames(masks: Series, { stem, cores }: SeriesFile): Best | undefined {
    const place = placeOf(masks.folders);
    const names = [stem, ...cores, stackOf(stem) ?? stem];
    for (const name of names) {
      const here = this.byPlace.get(`${place}\n${name}`);
      if (here) return bestOf(here, name, masks.folders);
    }
    for (const name of names) {
      const best = bestOf((this.byName.get(name) ?? []).slice(0, COMPARED), name, masks.folders);
      if (best) return best;
    }
    return undefined;
  }

  /** The image that the masks' folder is called after, as `masks/a/0.png` and `masks/a/1.png` of `a.png`. */
  private byFolder({ folders, files }: Series): Best | undefined {
    const name = lookOf(folders.at(-1) ?? '');
    const images = (this.byName.get(name) ?? []).filter(
      ({ series }) => series.files.length > 1 || files.length > 1,
    );
    return bestOf(images.slice(0, COMPARED), name, folders.slice(0, -1));
  }

  /** Whether a folder of masks is called `0`, and their names lead to several images: it only counts. */
  private isCounted(masks: Series): boolean {
    if (!/^\p{N}+$/u.test(masks.folders.at(-1) ?? '')) return false;
    const named = this.byRule(masks, masks.files).filter(({ isOnlyImage }) => !isOnlyImage);
    return new Set(named.map(({ image }) => image)).size > 1;
  }

  /** The images by a rule between their names and those of the masks, with their words for masks or without them. */
  private byRule(masks: Series, files: readonly SeriesFile[]): Match[] {
    const near = this.nearest(masks);
    const images = namesOf(near);
    const [only] = near.length === 1 && near[0]?.files.length === 1 ? images.values() : [];
    const hasCores = files.some(({ cores }) => cores.length > 0);
    const namings = [
      ({ stem }: SeriesFile) => stem,
      ...(hasCores ? [({ stem, cores }: SeriesFile) => cores[0] ?? stem] : []),
    ];
    const [best] = namings
      .map((nameOf) => ({ nameOf, rule: relate([...new Set(files.map(nameOf))], [...images.keys()]) }))
      .sort((a, b) => (b.rule?.images.size ?? 0) - (a.rule?.images.size ?? 0));
    const { nameOf, rule } = best ?? {};
    return files.flatMap((file): Match[] => {
      const name = nameOf?.(file) ?? file.stem;
      const image = images.get(rule?.images.get(name) ?? '') ?? only;
      const rivals = [...(rule?.rivals.get(name) ?? [])].flatMap((other) => images.get(other) ?? []);
      return image ? [{ file, image, isOnlyImage: rule === undefined, rivals }] : [];
    });
  }

  /** The series of images in the nearest folder above the masks that has any, with the folders most like theirs. */
  private nearest(masks: Series): Series[] {
    for (let n = masks.folders.length; n >= 0; n--) {
      const all = (this.under.get(masks.folders.slice(0, n).join('/')) ?? []).slice(0, COMPARED);
      const rated = all.map((series) => ({ series, score: likeness(masks.folders, series.folders) }));
      const best = Math.max(...rated.map(({ score }) => score));
      const near = rated.filter(({ score }) => score === best && score > Number.NEGATIVE_INFINITY);
      if (near.length > 0) return near.map(({ series }) => series);
    }
    return [];
  }
}

/** Adds to the list of a key. */
export function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

const placeOf = (folders: readonly string[]) => bareOf(folders).join('/');

/** The images of some series by their names, and by shorter ones that no other of them has. */
function namesOf(all: readonly Series[]): ReadonlyMap<string, ImageEntry> {
  const names = new Map<string, ImageEntry>();
  const entries = all.flatMap((series) => series.files.map((file) => ({ file, series })));
  for (const entry of entries) if (!names.has(entry.file.stem)) names.set(entry.file.stem, entry);
  const shorter = new Map<string, Set<string>>();
  for (const { file } of entries) {
    const stems = file.bare === undefined ? undefined : (shorter.get(file.bare) ?? new Set());
    if (file.bare !== undefined && stems) shorter.set(file.bare, stems.add(file.stem));
  }
  for (const entry of entries) {
    const { bare } = entry.file;
    if (bare !== undefined && shorter.get(bare)?.size === 1 && !names.has(bare)) names.set(bare, entry);
  }
  return names;
}

type Best = Pick<Match, 'image' | 'rivals'>;

/** Of the images of a name that in the folder most like the masks', before others that one whose whole name it is. */
function bestOf(images: readonly ImageEntry[], name: string, masks: readonly string[]): Best | undefined {
  let best: ImageEntry[] = [];
  let most = Number.NEGATIVE_INFINITY;
  for (const image of images) {
    const score = likeness(masks, image.series.folders) + (image.file.stem === name ? WHOLE : 0);
    if (score > most) [best, most] = [[image], score];
    else if (score === most) best.push(image);
  }
  const [image, ...others] = sortedByName(best, ({ file }) => file.parts.path);
  return most === Number.NEGATIVE_INFINITY || !image
    ? undefined
    : { image, rivals: others.filter(({ file }) => file.stem !== image.file.stem) };
}

/** Less than folders of another name or depth make. */
const WHOLE = 0.5;

/** How alike two folders are but for the words of their roles; minus infinity when they are of different splits. */
function likeness(masks: readonly string[], images: readonly string[]): number {
  const [a, b] = [splitOfFolders(masks), splitOfFolders(images)];
  if (a && b && a !== b) return Number.NEGATIVE_INFINITY;
  const own = wordsOf(masks);
  const other = wordsOf(images);
  const both = own.filter((name) => other.includes(name)).length;
  return 1000 * both - 10 * (own.length + other.length - 2 * both) + sharedStart(masks, images);
}
