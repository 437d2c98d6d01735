/** What the numbers of a YOLO file are: each line has a class and a box, an outline, key points, or nothing. */
import { withoutExtension } from '../file-names.ts';
import type { AnnotationSource, ImageReference } from './annotation-format.ts';

/** A line that is not empty. */
export interface YoloRow {
  /** From 1. */
  readonly line: number;
  /** NaN where it is no number. */
  readonly label: number;
  /** What is behind the class; NaN for what is no number. */
  readonly numbers: readonly number[];
}

/** The lines of a text. */
export const rowsOf = (text: string): readonly YoloRow[] =>
  text.split(/\r?\n/).flatMap((line, i) => {
    if (line.trim() === '') return [];
    const [label = Number.NaN, ...numbers] = line.trim().split(/\s+/).map(Number);
    return [{ line: i + 1, label, numbers }];
  });

/** The image of labels/x.txt, and of DOTA's labelTxt/x.txt, is images/x, or lies beside it. */
export function labelledImage({ path }: AnnotationSource): ImageReference {
  const stem = withoutExtension(path);
  const folders = stem.split('/');
  const at = folders.findLastIndex((folder) => /^labels?(Txt.*)?$/i.test(folder));
  const inImages = ['images', 'image', 'imgs', 'JPEGImages'].map((name) => folders.with(at, name).join('/'));
  return { stems: at < 0 ? [stem] : [...inImages, stem] };
}

/** A line of a class alone, with its probability or not, or of a probability and a name, as a classifier writes it. */
const CLASS_ONLY = /^\s*(\d+(\.0*)?(\s+[01]?\.\d+)?|[01]?\.\d+\s+\p{L}\S*)\s*$/u;

/** Whether every line has a class and nothing else. */
export function holdsClassesAlone(text: string): boolean {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  return lines.length > 0 && lines.every((line) => CLASS_ONLY.test(line));
}

/**
 * How many numbers a model has put behind the shape in every line: its confidence, the number of a track, or both in this
 * order.
 */
export function predictedBehind(rows: readonly YoloRow[]): number {
  const ends = rows.map(({ numbers }) => numbers.at(-1) ?? Number.NaN);
  if (rows.every(({ numbers: { length } }) => length >= 5 && length % 2 === 1)) return 1;
  const areCounts = ends.every((end) => Number.isInteger(end) && end >= 1);
  const areLong = rows.every(({ numbers: { length } }) => length >= 6 && length % 2 === 0);
  // No share is 2, and few objects are triangles that reach the lower edge.
  const isClear = ends.some((end) => end > 1) || rows.every(({ numbers }) => numbers.length === 6);
  const areShares = rows.every(({ numbers }) => Math.abs(numbers.at(-2) ?? 0) <= 1);
  return areLong && areCounts && areShares && isClear ? 2 : 0;
}

/** Numbers of a key point: with how well it is seen, or without. */
const STRIDES = [3, 2];

/** Whether every line is a box and key points, by their numbers or by where they lie. */
export const holdsPoses = (rows: readonly YoloRow[]): boolean =>
  STRIDES.some(
    (stride) =>
      rows.length > 0 &&
      rows.every(({ numbers: { length } }) => length > 4 && (length - 4) % stride === 0) &&
      ((stride === 3 && saySeen(rows)) || lieInBoxes(rows, stride)),
  );

/** Whether every third number is 0, 1 or 2, where that is none of an outline's: none of those is 2, and they are even. */
function saySeen(rows: readonly YoloRow[]): boolean {
  const seen = rows.map(({ numbers }) => numbers.slice(4).filter((_, i) => i % 3 === 2));
  const isOdd = rows.every(({ numbers }) => numbers.length % 2 === 1);
  return seen.every((own) => own.every((n) => [0, 1, 2].includes(n))) && (isOdd || seen.flat().includes(2));
}

/** Key points by which one tells that they lie in a box. */
const FEW = 3;
/** Share of a box by which key points may lie beside it. */
const BESIDE = 0.1;
/** Share of where key points reach that the middle of their box lies within: the first point of an outline is at its edge. */
const WITHIN = 0.2;

/** Whether the points behind a box lie in and around the middle of it, wherever there are some. */
function lieInBoxes(rows: readonly YoloRow[], stride: number): boolean {
  const told = rows.flatMap(({ numbers }) => {
    const points = numbers.slice(4);
    const axes = [0, 1].map((axis) => points.filter((_, i) => i % stride === axis));
    // What is not seen lies at 0, 0.
    const [xs = [], ys = []] = axes.map((own) => own.filter((_, i) => axes.some((each) => each[i] !== 0)));
    const [x = 0, y = 0, width = 0, height = 0] = numbers;
    return xs.length < FEW ? [] : [isAround(xs, x, width) && isAround(ys, y, height)];
  });
  return told.length > 0 && told.every(Boolean);
}

function isAround(values: readonly number[], middle: number, size: number): boolean {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const reach = (0.5 + BESIDE) * size;
  const within = WITHIN * (most - least);
  const isInBox = least >= middle - reach && most <= middle + reach;
  return isInBox && middle >= least + within && middle <= most - within;
}
