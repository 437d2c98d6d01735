import { bareOf, sharedStart, splitOfFolders, wordsOf } from './folders.ts';
import { relate } from './relation.ts';
import type { Series, SeriesFile } from './series.ts';
import { stackOf } from './stacks.ts';
import { lookOf } from './words.ts';

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

  constructor(all: readonly Series[]) {
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
  }

  /** Finds the image of every file of a series of masks: by name, then by a rule between the names, then the only one. */
  match(masks: Series): SeriesMatch {
    const matches: Match[] = [];
    let unmatched: SeriesFile[] = [];
    for (const file of masks.files) {
      const image = this.byNames(masks, file);
      if (image) matches.push({ file, image, isOnlyImage: false });
      else unmatched.push(file);
    }
    const ofFolder = matches.length === 0 ? this.byFolder(masks) : undefined;
    if (ofFolder) {
      matches.push(...unmatched.map((file) => ({ file, image: ofFolder, isOnlyImage: false })));
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
    return { matches, unmatched };
  }

  /** The image of the same name whose folder is most like the mask's. */
  private byNames(masks: Series, { stem, cores }: SeriesFile): ImageEntry | undefined {
    const place = placeOf(masks.folders);
    const names = [stem, ...cores, stackOf(stem) ?? stem];
    for (const name of names) {
      const here = this.byPlace.get(`${place}\n${name}`);
      if (here) return bestOf(here, masks.folders);
    }
    for (const name of names) {
      const best = bestOf((this.byName.get(name) ?? []).slice(0, COMPARED), masks.folders);
      if (best) return best;
    }
    return undefined;
  }

  /** The image that the masks' folder is called after, as `masks/a/0.png` and `masks/a/1.png` of `a.png`. */
  private byFolder({ folders, files }: Series): ImageEntry | undefined {
    const name = lookOf(folders.at(-1) ?? '');
    const images = (this.byName.get(name) ?? []).filter(
      ({ series }) => series.files.length > 1 || files.length > 1,
    );
    return bestOf(images.slice(0, COMPARED), folders.slice(0, -1));
  }

  private byRule(masks: Series, files: readonly SeriesFile[]): Match[] {
    const near = this.nearest(masks);
    const images = new Map<string, ImageEntry>();
    for (const series of near) {
      for (const file of series.files) {
        for (const name of [file.stem, file.bare ?? file.stem]) {
          if (!images.has(name)) images.set(name, { file, series });
        }
      }
    }
    const [only] = near.length === 1 && near[0]?.files.length === 1 ? images.values() : [];
    const rule = relate([...new Set(files.map(({ stem }) => stem))], [...images.keys()]);
    return files.flatMap((file) => {
      const image = images.get(rule?.get(file.stem) ?? '') ?? only;
      return image ? [{ file, image, isOnlyImage: rule === undefined }] : [];
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

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

const placeOf = (folders: readonly string[]) => bareOf(folders).join('/');

function bestOf(images: readonly ImageEntry[], masks: readonly string[]): ImageEntry | undefined {
  let best: ImageEntry | undefined;
  let most = Number.NEGATIVE_INFINITY;
  for (const image of images) {
    const score = likeness(masks, image.series.folders);
    if (score > most) [best, most] = [image, score];
  }
  return best;
}

/** How alike two folders are but for the words of their roles; minus infinity when they are of different splits. */
function likeness(masks: readonly string[], images: readonly string[]): number {
  const [a, b] = [splitOfFolders(masks), splitOfFolders(images)];
  if (a && b && a !== b) return Number.NEGATIVE_INFINITY;
  const own = wordsOf(masks);
  const other = wordsOf(images);
  const both = own.filter((name) => other.includes(name)).length;
  return 1000 * both - 10 * (own.length + other.length - 2 * both) + sharedStart(masks, images);
}
