import * as v from 'valibot';
import type { LazyFile } from '../lazy-file.ts';
import { limits } from '../limits.ts';
import { notice, refusal } from '../outcome.ts';
import { uncounted } from '../pairing/words.ts';
import type { ClassTable } from '../reading/class-table.ts';
import type { Refusal, Split } from '../types.ts';
import type { RunsFile } from './run-order.ts';
import type { AnnotatedObject } from './shape.ts';

/** How an annotation file says which image it means. */
export interface ImageReference {
  /** Path or name with its extension, relative to the annotation file or to wherever the set lay before. */
  readonly name?: string;
  /**
   * Paths without extension, from the top of the drop, tried in turn when the name leads nowhere; then the same in
   * whatever folder.
   */
  readonly stems?: readonly string[];
  /**
   * Whether a stem is right where the name is of another image: of a file for each image, which is renamed with it while
   * the name in it stays.
   */
  readonly prefersStems?: boolean;
  /** Names of folders above the image and the beginning of its name, joined by underscores. */
  readonly joined?: string;
  /** A folder whose only image is meant when nothing else leads anywhere. */
  readonly onlyImageOf?: string;
}

/** What an annotation file says of one image. */
export interface AnnotatedImage {
  readonly reference: ImageReference;
  /** Size in pixels of the image that was annotated, where the file says it. */
  readonly width?: number;
  readonly height?: number;
  readonly objects: readonly AnnotatedObject[];
  /** Whether coordinates are shares of width and height, 0–1, instead of pixels. */
  readonly isRelative?: boolean;
  /** Whether there were objects of which none can be used: the image then has no mask at all. */
  readonly isUnusable?: boolean;
  /** The image itself, for when it is not among the files. */
  readonly embedded?: () => Promise<Uint8Array>;
  /** What a person knows as the annotation file, where it is not the file that was read. */
  readonly shownAs?: string;
  /** The file of runs that it is of, where that does not say how these are counted. */
  readonly runs?: RunsFile;
}

/** Width or height of an image. */
export const imageSide = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(limits.side));

/** A file that may hold annotations, with what it holds taken apart when it is asked for. */
export interface AnnotationSource {
  readonly path: string;
  readonly folder: string;
  readonly extension: string;
  readonly bytes: Uint8Array;
  /** The start of the text. */
  readonly head: string;
  /** UTF-8, without its byte order mark. */
  readonly text: string;
  /** The text as JSON; undefined when it is none. */
  readonly json: unknown;
  /** Another file of the drop, by its path from the top. */
  file(path: string): LazyFile | undefined;
  /** Every path of the drop. */
  paths(): Iterable<string>;
  /** Whether the drop has the image that is meant. */
  hasImage(reference: ImageReference): boolean;
}

/** Images of a split. */
export interface ListedSplit {
  readonly split: Split;
  readonly images: readonly ImageReference[];
}

/** What a format makes of a file. */
export interface AnnotationContent {
  readonly images: readonly AnnotatedImage[];
  /** Classes in the order of their numbers, those included that no object has. */
  readonly classNames?: readonly string[];
  /** Names of values of mask files in this folder and below. */
  readonly maskClassNames?: ReadonlyMap<number, string>;
  /** Names of colours of mask files in this folder and below. */
  readonly classTable?: ClassTable;
  /** Images that are of a split, as the file says or its name. */
  readonly splits?: readonly ListedSplit[];
  /** A file that says of which set its images are, with those of all files that name it. */
  readonly setFile?: string;
  /** Other files that were read for this. */
  readonly used?: readonly string[];
  readonly remarks?: readonly Refusal[];
}

/** One format of annotation files: a record of the registry. */
export interface AnnotationFormat {
  readonly id: string;
  /** As people call it. */
  readonly name: string;
  readonly extensions: readonly string[];
  /** Set where its files only name the classes of masks. */
  readonly onlyNames?: true;
  /** Set where published sets have it, and no tool that a person exports from. */
  readonly onlyOfSets?: true;
  /** Whether a file is of this format, by what it holds. */
  recognises(source: AnnotationSource): boolean;
  /** @throws Failure when the file cannot be used at all. */
  read(source: AnnotationSource): AnnotationContent | Promise<AnnotationContent>;
}

/** Collects what was wrong with single objects of a file, so that each kind is said once, with its count. */
export class ObjectFaults {
  private readonly byKind = new Map<string, { kind: string; count: number; first: string; cure: string }>();

  /** @param kind what is wrong, worded to follow "3 objects: "; its numbers are those of the first. @param which the first one, as a person finds it. */
  add(kind: string, which: string, cure: string): void {
    const known = this.byKind.get(uncounted(kind));
    if (known) known.count++;
    else this.byKind.set(uncounted(kind), { kind, count: 1, first: which, cure });
  }

  /** @param isAll whether nothing else of the file could be used: then it is refused. */
  remarks(path: string, isAll: boolean): Refusal[] {
    return [...this.byKind.values()].map(({ kind, count, first, cure }) => {
      const which = count === 1 ? `${first}` : `${count} objects, the first being ${first}`;
      return (isAll ? refusal : notice)('data/annotation-object', path, `Left out: ${which}: ${kind}.`, cure);
    });
  }
}

/** The largest coordinate that is taken for one, in pixels. */
const FARTHEST = 1e7;

/** Points x, y, x, y, … of a ring or line, or what is wrong with them. */
export function pointsOf(values: unknown, least = 3): Float64Array | string {
  if (!Array.isArray(values)) return 'its points are no list';
  const isNested = Array.isArray(values[0]);
  const points = new Float64Array(isNested ? 2 * values.length : values.length);
  for (let i = 0; i < points.length; i++) {
    const value: unknown = isNested ? values[i >> 1]?.[i & 1] : values[i];
    if (typeof value !== 'number' || !(Math.abs(value) <= FARTHEST)) {
      return `one of its coordinates is ${JSON.stringify(value)?.slice(0, 20) ?? 'missing'}`;
    }
    points[i] = value;
  }
  if (points.length % 2 === 1) return `it has ${points.length} coordinates, an odd number`;
  return points.length < 2 * least ? `it has ${points.length / 2} points, fewer than ${least}` : points;
}

/** The rings of a polygon, or what is wrong with the first that is none. */
export function ringsOf(values: readonly unknown[]): Float64Array[] | string {
  const rings: Float64Array[] = [];
  for (const ring of values) {
    const points = pointsOf(ring);
    if (typeof points === 'string') return points;
    rings.push(points);
  }
  return rings;
}

/** How a sentence ends on a shape that is none. */
export const NO_AREA = 'has no area';

/** Where JSON is not as it should be, and how. */
export function issueText(issue: v.BaseIssue<unknown>): string {
  return `${v.getDotPath(issue) ?? 'top'}: ${issue.message}`;
}
