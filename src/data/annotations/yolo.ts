import { notice, refusal } from '../outcome.ts';
import type { Refusal } from '../types.ts';
import {
  type AnnotationContent,
  type AnnotationFormat,
  type AnnotationSource,
  ObjectFaults,
  pointsOf,
} from './annotation-format.ts';
import { type AnnotatedObject, polygon, rectangle } from './shape.ts';
import { holdsClassesAlone, holdsPoses, labelledImage, predictedBehind, rowsOf } from './yolo-rows.ts';
import { setOf, splitIn } from './yolo-set.ts';

const NUMBER = String.raw`[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?`;
/** A class and at least four numbers. */
const ROW = new RegExp(String.raw`^\s*\d+(?:\.0*)?(?:[ \t]+${NUMBER}){4,}\s*$`);

/** YOLO segmentation: a text file for each image, a line for each object: its class and points as shares of the sides. */
export const yolo: AnnotationFormat = {
  id: 'yolo',
  name: 'YOLO',
  extensions: ['txt'],
  recognises(source) {
    const first = source.head.split(/\r?\n/).find((line) => line.trim() !== '');
    if (first === undefined)
      return /(^|\/)labels\//i.test(source.path) && source.hasImage(labelledImage(source));
    if (holdsClassesAlone(first))
      return source.hasImage(labelledImage(source)) && holdsClassesAlone(source.text);
    // The head may end within a long line.
    const isWhole = source.head.length > first.length;
    if (!(isWhole ? ROW.test(first) : /^\s*\d+(?:[ \t]+[-+.\deE]+){4,}/.test(first))) return false;
    return (
      first
        .trim()
        .split(/\s+/)
        .slice(1, -1)
        .every((text) => Math.abs(Number(text)) <= 1.5) || source.hasImage(labelledImage(source))
    );
  },
  read: readYolo,
};

const OUTLINES = 'Export the set for segmentation, with the outline of each object on its line.';

async function readYolo(source: AnnotationSource): Promise<AnnotationContent> {
  const { text, path } = source;
  const set = await setOf(source);
  const reference = labelledImage(source);
  const split = splitIn(set, reference);
  const content = (
    objects: readonly AnnotatedObject[],
    isUnusable: boolean,
    remarks: readonly Refusal[],
  ): AnnotationContent => ({
    images: [{ reference, objects, isRelative: true, isUnusable }],
    classNames: set.names,
    used: set.used,
    ...(set.file !== undefined && { setFile: set.file }),
    ...(split && { splits: [{ split, images: [reference] }] }),
    remarks,
  });
  const refused = (code: string, reason: string) =>
    content([], true, [refusal(code, path, reason, OUTLINES)]);
  if (set.hasKeypoints)
    return refused(
      'data/annotation-key-points',
      'This YOLO set holds poses (kpt_shape), whose points have no area.',
    );
  if (holdsClassesAlone(text))
    return refused(
      'data/annotation-classes',
      'Its lines say classes alone, as of the whole image, and not which pixels are the object.',
    );
  const rows = rowsOf(text);
  if (holdsPoses(rows))
    return refused(
      'data/annotation-key-points',
      'Its lines are boxes with key points (x and y, and for each how well it is seen or not), whose points have no area.',
    );
  const behind = predictedBehind(rows);
  const faults = new ObjectFaults();
  const objects: AnnotatedObject[] = [];
  let boxes = 0;
  let outlines = 0;
  for (const { line, label, numbers } of rows) {
    const which = `line ${line}`;
    const shape = numbers.slice(0, numbers.length - behind);
    const className =
      Number.isInteger(label) && label >= 0 ? (set.names[label] ?? `class ${label}`) : undefined;
    const points = pointsOf(shape, shape.length === 4 ? 2 : 3);
    if (className === undefined) faults.add('its class is no whole number', which, OUTLINES);
    else if (typeof points === 'string') faults.add(points, which, OUTLINES);
    else if (points.some((value) => Math.abs(value) > 2)) {
      faults.add(
        'its points are no shares of width and height (0 to 1)',
        which,
        'Divide them by the size of the image.',
      );
    } else if (points.length === 4) {
      boxes++;
      const [x = 0, y = 0, width = 0, height = 0] = points;
      const [x0, y0] = [x - width / 2, y - height / 2];
      objects.push({ shape: rectangle(x0, y0, x0 + width, y0 + height), isIgnored: true });
    } else {
      outlines++;
      objects.push({ shape: polygon(points), className, ...(isRectangle(points) ? { isBox: true } : {}) });
    }
  }
  const isUnusable = outlines === 0 && rows.length > 0;
  return content(objects, isUnusable, [
    ...faults.remarks(path, isUnusable),
    ...(boxes > 0 ? [boxesOf(boxes, behind, isUnusable, path)] : []),
    ...(outlines > 0 && behind > 0 ? [predicted(behind, path)] : []),
  ]);
}

/** What is said of lines that are boxes. @param isAll whether nothing else of the file could be used. */
function boxesOf(count: number, behind: number, isAll: boolean, path: string): Refusal {
  const what = count === 1 ? 'A line is a box' : `${count} of its lines are boxes`;
  const more =
    behind === 0
      ? ''
      : behind === 1
        ? " and a model's confidence or an angle,"
        : ` and ${numbersBehind(behind)},`;
  return isAll
    ? refusal(
        'data/annotation-boxes',
        path,
        `${what}${more} without an outline: a box does not say which pixels are the object.`,
        OUTLINES,
      )
    : notice(
        'data/annotation-boxes',
        path,
        `${what}${more} without an outline: the pixels in them are ignored.`,
        OUTLINES,
      );
}

const numbersBehind = (behind: number) =>
  behind === 1 ? "a model's confidence" : "a model's confidence and the number of a track";

const predicted = (behind: number, path: string): Refusal =>
  notice(
    'data/annotation-predicted',
    path,
    `Behind the outline of each line is ${numbersBehind(behind)}: a model predicted them. They are taken as labels.`,
    'Look at the masks before you train on them and measure by them; else drop labels that a person made.',
  );

/** Share of a side by which the corners of a rectangle are rounded at most. */
const ROUNDED = 0.002;

/** Whether four points are a rectangle, upright or turned: in shares of two unequal sides a parallelogram. */
function isRectangle(points: Float64Array): boolean {
  if (points.length !== 8) return false;
  return [0, 1].every((axis) => {
    const [a = 0, b = 0, c = 0, d = 0] = [0, 2, 4, 6].map((at) => points[at + axis]);
    return Math.abs(a + c - b - d) <= ROUNDED;
  });
}
