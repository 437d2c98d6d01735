/** How the runs of a file that does not say it are counted, told by what they draw: along rows or down columns, and from which number. */
import { areaOf, intersect } from '../labels/runs.ts';
import type { Runs } from '../labels/types.ts';
import { notice } from '../outcome.ts';
import type { RunOrder } from '../reading/reading.ts';
import type { Refusal } from '../types.ts';
import { type SeenRuns, standingOut } from './run-contrast.ts';
import type { AnnotatedObject } from './shape.ts';

/** A file of runs whose order it does not say; the same for all of its images. */
export interface RunsFile {
  readonly path: string;
  /** The order in which files like it mostly are, for when nothing tells it. */
  readonly usual: RunOrder;
  /** Whether each row is an object, and not a mask of all objects of its image and class. */
  readonly isOfObjects: boolean;
  /** Whether its runs count from 0, as a 0 among them says; else from 1, unless what they draw says otherwise. */
  readonly isFromZero: boolean;
}

/** How the runs of a file are counted, and how that is known. */
export interface FoundOrder {
  readonly order: RunOrder;
  readonly evidence: string;
  /** Pixels by which its runs lie further on than was read, as their numbers are from 0. */
  readonly shift: 0 | 1;
  /** What a row of the file is, and from where runs count. */
  readonly rows: string;
  /** What a person should look at; none where the order is certain. */
  readonly remarks: readonly Refusal[];
}

/** Outlines in one order that are at most so long, as a share of those in the other, are no chance. */
const CERTAIN = 0.8;

export const ORDER_WORDS: Readonly<Record<RunOrder, string>> = {
  rows: 'along the rows',
  columns: 'down the columns',
};

/** More standard deviations of a coin's tosses are no chance. */
const LEAST_DEVIATIONS = 3;

/** How the runs of a file are counted, by all of its images. */
export async function orderOf(file: RunsFile, images: readonly SeenRuns[]): Promise<FoundOrder> {
  const { path, usual, isOfObjects, isFromZero } = file;
  const known = byOutlines(images) ?? (await byContrast(images));
  const more = isFromZero ? 0 : brokenRuns(images, known?.order ?? usual);
  const shift = more >= LEAST_BROKEN ? 1 : 0;
  const what = isOfObjects
    ? `Each row of ${path} is an object, since images have several of one class.`
    : `A row of ${path} is the mask of an image or class, since none has two: pixels that touch are one object.`;
  const first =
    shift === 1
      ? ` Runs count from 0: counted from 1, ${more} of them would go on from the end of a line into the next.`
      : '';
  const rows = `${what}${first}`;
  if (known) return { ...known, shift, rows, remarks: [] };
  return { ...open(file, images), shift, rows };
}

/** What is taken where nothing tells the order. */
function open(
  { path, usual }: RunsFile,
  images: readonly SeenRuns[],
): Pick<FoundOrder, 'order' | 'evidence' | 'remarks'> {
  const other = otherOf(usual);
  const isSquare = images.every(({ width, height }) => width === height);
  const why = isSquare
    ? 'all images are square, so that both orders give the same shapes, one the mirror image of the other'
    : 'objects are about as compact in the other order';
  const what = `The runs are taken to go ${ORDER_WORDS[usual]}, as is usual, since the masks do not tell: ${why}.`;
  const cure = `Compare the objects with an image; if they lie mirrored or torn, choose ${ORDER_WORDS[other]} in the preview, with --runs ${other}, or with "runs": "${other}" in dataset.json.${isSquare ? '' : ' If they fit in neither order, drop the images in the size that was annotated.'}`;
  return {
    order: usual,
    evidence: what,
    remarks: [notice('data/annotation-run-order', path, what, cure)],
  };
}

/** As many runs more that go on into the next line are no chance. */
const LEAST_BROKEN = 3;

/**
 * How many runs more go on from the end of a line into the next when they are counted from 1, and not from 0: those of
 * objects at the edge where lines begin, if they are from 0. Below 0 if they are from 1.
 */
function brokenRuns(images: readonly SeenRuns[], order: RunOrder): number {
  let more = 0;
  for (const { objects, width, height } of images) {
    const line = order === 'rows' ? width : height;
    const isBroken = (start: number, end: number) =>
      Math.floor(start / line) !== Math.floor((end - 1) / line);
    for (const { shape } of objects) {
      if (shape.kind !== 'open-runs') continue;
      for (let i = 0; i < shape.runs.length; i += 2) {
        const start = shape.runs[i] as number;
        const end = start + (shape.runs[i + 1] as number);
        // Further on there is no pixel.
        if (end + 1 > width * height) return Number.NEGATIVE_INFINITY;
        more += Number(isBroken(start, end)) - Number(isBroken(start + 1, end + 1));
      }
    }
  }
  return more;
}

/** Objects with their runs further on. */
export const shifted = (objects: readonly AnnotatedObject[], by: 0 | 1): readonly AnnotatedObject[] =>
  by === 0
    ? objects
    : objects.map((object) => {
        const { shape } = object;
        if (shape.kind !== 'open-runs') return object;
        return { ...object, shape: { ...shape, runs: shape.runs.map((value, i) => value + ((i + 1) % 2)) } };
      });

interface KnownOrder {
  readonly order: RunOrder;
  readonly evidence: string;
}

const otherOf = (order: RunOrder): RunOrder => (order === 'rows' ? 'columns' : 'rows');

/**
 * Objects are patches: counted in the right order, the pixel that follows in the next line is mostly of the same object,
 * and outlines are short. In the wrong one the lines have another length, so that patches come apart.
 */
function byOutlines(images: readonly SeenRuns[]): KnownOrder | undefined {
  const outlines: Record<RunOrder, number> = { rows: 0, columns: 0 };
  for (const { objects, width, height } of images) {
    if (width === height) continue;
    for (const { shape } of objects) {
      if (shape.kind !== 'open-runs') continue;
      outlines.rows += changesBetweenLines(shape.runs, width);
      outlines.columns += changesBetweenLines(shape.runs, height);
    }
  }
  const order = outlines.rows < outlines.columns ? 'rows' : 'columns';
  const other = otherOf(order);
  if (outlines[order] === 0 || outlines[order] > CERTAIN * outlines[other]) return undefined;
  const factor = (outlines[other] / outlines[order]).toFixed(1);
  const evidence = `The runs go ${ORDER_WORDS[order]}: counted ${ORDER_WORDS[other]}, objects come apart, and their outlines are ${factor} times as long.`;
  return { order, evidence };
}

/** Objects look other than what is around them; where they do not belong, they do so by chance. */
async function byContrast(images: readonly SeenRuns[]): Promise<KnownOrder | undefined> {
  const counts = await standingOut(images);
  const order = counts.rows > counts.columns ? 'rows' : 'columns';
  const other = otherOf(order);
  const all = counts.rows + counts.columns;
  if (all === 0 || counts[order] - counts[other] < LEAST_DEVIATIONS * Math.sqrt(all)) return undefined;
  const evidence = `The runs go ${ORDER_WORDS[order]}: so ${counts[order]} of ${all} objects that were looked at stand out more from the image around them than ${ORDER_WORDS[other]}.`;
  return { order, evidence };
}

/** Pixels of which the one a line further on is unlike: in the object and out of it, or the other way round. */
function changesBetweenLines(runs: Runs, line: number): number {
  const shifted = runs.map((value, i) => (i % 2 === 0 ? value + line : value));
  return 2 * (areaOf(runs) - areaOf(intersect(runs, shifted)));
}
