import * as v from 'valibot';
import { nameParts } from '../file-names.ts';
import { notice, refusal } from '../outcome.ts';
import type { Refusal } from '../types.ts';
import { decoded } from './address-text.ts';
import {
  type AnnotatedImage,
  type AnnotationContent,
  type AnnotationFormat,
  type AnnotationSource,
  imageSide,
  issueText,
  NO_AREA,
  ObjectFaults,
  pointsOf,
} from './annotation-format.ts';
import { listed } from './image-remarks.ts';
import { countsOfBrush } from './run-lengths.ts';
import { type AnnotatedObject, polygon, type Shape, scaledShape, turnedRectangle } from './shape.ts';

const region = v.looseObject({
  id: v.optional(v.unknown()),
  type: v.optional(v.string()),
  original_width: v.optional(v.unknown()),
  original_height: v.optional(v.unknown()),
  value: v.record(v.string(), v.unknown()),
});
type Region = v.InferOutput<typeof region>;

/** Label Studio: the tasks of a project in one JSON, or JSON-MIN. */
export const labelStudio: AnnotationFormat = {
  id: 'label-studio',
  name: 'Label Studio',
  extensions: ['json'],
  recognises: ({ json }) => {
    const tasks = tasksOf(json);
    const [first] = tasks;
    if (!first) return false;
    if (!isWithAnnotations(first)) return imageOfTask(first) !== undefined && 'annotator' in first;
    // Other tools' lists of annotations hold no results.
    const annotations = tasks.flatMap(({ annotations: own, completions, predictions }) =>
      [own, completions, predictions].flatMap((list: unknown) =>
        Array.isArray(list) ? (list as unknown[]) : [],
      ),
    );
    return annotations.length === 0
      ? 'data' in first
      : annotations.every((each) => isTask(each) && 'result' in each);
  },
  read: readLabelStudio,
};

type Task = Readonly<Record<string, unknown>>;

const isTask = (value: unknown): value is Task =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function tasksOf(json: unknown): Task[] {
  const list = Array.isArray(json) ? json : [json];
  const [first] = list;
  // An image that is an object is another tool's, as of V7.
  const hasImage = isTask(first) && 'image' in first && !isTask(first.image);
  return isTask(first) && ('data' in first || hasImage) ? list.filter(isTask) : [];
}

const CURE = 'Outline it with a polygon or a brush in Label Studio.';

function readLabelStudio({ json, path }: AnnotationSource): AnnotationContent {
  const faults = new ObjectFaults();
  const tasks = tasksOf(json);
  const images = tasks.map((task, i) => readTask(task, nameOfTask(task, i), faults));
  return {
    images,
    remarks: [
      ...faults.remarks(
        path,
        images.every(({ isUnusable }) => isUnusable),
      ),
      ...remarksOnAnnotators(tasks, path),
    ],
  };
}

const nameOfTask = (task: Task, i: number) => `task ${String(task.id ?? i + 1)}`;

/** Tasks that nobody annotated, though a model did, and those of which one annotation of several is taken. */
function remarksOnAnnotators(tasks: readonly Task[], path: string): Refusal[] {
  const named = (is: (task: Task) => boolean) =>
    tasks.flatMap((task, i) => (is(task) ? [nameOfTask(task, i)] : []));
  const several = named((task) => annotationsOf(task).length > 1);
  const predicted = named(
    (task) => isSkipped(task) && Array.isArray(task.predictions) && task.predictions.length > 0,
  );
  const remarks: Refusal[] = [];
  if (several.length > 0)
    remarks.push(
      notice(
        'data/annotation-several',
        path,
        `${several.length} of its ${tasks.length} tasks have several annotations, of which the first that outlines something is taken: ${listed(several)}.`,
        'Delete the annotations that are not meant in Label Studio, and export again.',
      ),
    );
  if (predicted.length > 0) {
    const all = predicted.length === tasks.length;
    remarks.push(
      (all ? refusal : notice)(
        'data/annotation-predictions',
        path,
        `Nobody annotated ${predicted.length} of its ${tasks.length} tasks; what a model predicted for them is not read: ${listed(predicted)}.`,
        'Accept the predictions as annotations in Label Studio (Create Annotations From Predictions), and export again.',
      ),
    );
  }
  return remarks;
}

function readTask(task: Task, which: string, faults: ObjectFaults): AnnotatedImage {
  const regions = regionsOf(task);
  const named = new Map<unknown, string>();
  for (const each of regions) {
    const parsed = v.safeParse(region, each);
    const name = parsed.success ? labelOf(parsed.output) : undefined;
    if (parsed.success && name !== undefined) named.set(parsed.output.id, name);
  }
  const objects: AnnotatedObject[] = [];
  let shapes = 0;
  let size: { readonly width: number; readonly height: number } | undefined;
  for (const each of regions) {
    // What connects two regions is none itself.
    if (isTask(each) && each.type === 'relation') continue;
    const parsed = v.safeParse(region, each);
    if (!parsed.success) {
      shapes++;
      faults.add(issueText(parsed.issues[0]), which, CURE);
      continue;
    }
    const shape = shapeOf(parsed.output);
    if (shape === undefined) continue;
    shapes++;
    if (typeof shape === 'string') {
      faults.add(shape, which, CURE);
      continue;
    }
    size = { width: Number(parsed.output.original_width), height: Number(parsed.output.original_height) };
    const className = labelOf(parsed.output) ?? named.get(parsed.output.id);
    const isBox = kindOf(parsed.output) === 'rectangle' && !parsed.output.value.rotation;
    objects.push({ shape, ...(className === undefined ? {} : { className }), ...(isBox ? { isBox } : {}) });
  }
  const name = nameOfImage(task);
  return {
    reference: { name, stems: [withoutCode(name)] },
    ...size,
    objects,
    isUnusable: (shapes > 0 && objects.length === 0) || isSkipped(task),
  };
}

/** A task that nobody has annotated yet says nothing of its image. */
function isSkipped(task: Task): boolean {
  return isWithAnnotations(task) && annotationsOf(task).length === 0;
}

/** Whether a task lists annotations; in JSON-MIN the regions are fields of the task. */
const isWithAnnotations = ({ annotations, completions, predictions }: Task) =>
  [annotations, completions, predictions].some(Array.isArray);

type Annotation = Task & { readonly result: readonly unknown[] };

/** What people annotated of a task and did not cancel. */
function annotationsOf(task: Task): Annotation[] {
  const list = task.annotations ?? task.completions;
  if (!Array.isArray(list)) return [];
  return list.filter(
    (each: unknown): each is Annotation =>
      isTask(each) && each.was_cancelled !== true && Array.isArray(each.result),
  );
}

/** Whether an annotation says where something is. */
const hasRegions = ({ result }: Annotation) =>
  result.some((each) => isTask(each) && isTask(each.value) && 'original_width' in each);

/** The regions of the first annotation that has some: one that is empty is that of a person who passed the task over. */
function regionsOf(task: Task): readonly unknown[] {
  if (isWithAnnotations(task)) {
    const all = annotationsOf(task);
    return (all.find(hasRegions) ?? all[0])?.result ?? [];
  }
  return Object.values(task).flatMap((field) =>
    Array.isArray(field) && field.some((each) => isTask(each) && 'original_width' in each)
      ? field.map((each: unknown) => (isTask(each) && !('value' in each) ? { ...each, value: each } : each))
      : [],
  );
}

function imageOfTask(task: Task): string | undefined {
  const data = isTask(task.data) ? task.data : task;
  const texts = Object.entries(data).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  const image =
    texts.find(([key]) => /^(image|img|photo|picture)/i.test(key)) ??
    texts.find(([, text]) => /\.(png|jpe?g|tiff?|webp|bmp)(\?|$)/i.test(text));
  return image?.[1];
}

/** `/data/upload/3/1a2b3c4d-leaf.png` and `/data/local-files/?d=leaves/leaf.png` as `leaf.png`. */
function nameOfImage(task: Task): string {
  const text = imageOfTask(task) ?? '';
  const local = /[?&]d=([^&]+)/.exec(text)?.[1] ?? text;
  const plain = decoded(local);
  if (/^https?:/i.test(plain)) return plain;
  const { folders, file } = nameParts(plain);
  return folders.includes('upload') ? file : plain;
}

/** The stem without the code that an upload puts before a name. */
const withoutCode = (name: string) => nameParts(name).stem.replace(/^[0-9a-f]{6,8}-(?=.)/i, '');

const KINDS = ['rectangle', 'ellipse', 'polygon', 'brush', 'keypoint', 'vector'] as const;

/** `polygonlabels` and `polygon` are both polygons; JSON-MIN says it by the names of the fields alone. */
function kindOf({ type = '', value }: Region): (typeof KINDS)[number] | undefined {
  const named = KINDS.find((kind) => type === kind || type === `${kind}labels`);
  if (named || type !== '') return named;
  if ('points' in value) return 'polygon';
  if ('rle' in value) return 'brush';
  if ('radiusX' in value) return 'ellipse';
  return 'width' in value && 'height' in value ? 'rectangle' : 'keypoint';
}

function labelOf({ type = '', value }: Region): string | undefined {
  const fields = [type, 'labels', ...Object.keys(value).filter((key) => key.endsWith('labels'))];
  for (const field of fields) {
    const list = value[field];
    if (Array.isArray(list) && typeof list[0] === 'string') return list[0];
  }
  return undefined;
}

/** The shape of a region in pixels, undefined when it is none (a choice, a label), or what is wrong with it. */
function shapeOf(of: Region): Shape | string | undefined {
  const kind = kindOf(of);
  if (kind === undefined) return undefined;
  const { value } = of;
  const [width, height] = [of.original_width, of.original_height];
  if (!v.is(imageSide, width) || !v.is(imageSide, height)) return 'the size of its image is missing';
  const numbers = (...fields: readonly string[]) =>
    pointsOf(
      fields.map((field) => value[field]),
      1,
    );
  const angle = typeof value.rotation === 'number' ? (value.rotation * Math.PI) / 180 : 0;
  // Percent of the sides.
  const scale = { x: width / 100, y: height / 100 };
  switch (kind) {
    case 'polygon': {
      const points = pointsOf(value.points);
      return typeof points === 'string' ? points : scaledShape(polygon(points), scale.x, scale.y);
    }
    case 'rectangle': {
      const values = numbers('x', 'y', 'width', 'height');
      if (typeof values === 'string') return values;
      const [x = 0, y = 0, across = 0, down = 0] = values.map(
        (each, i) => each * (i % 2 === 0 ? scale.x : scale.y),
      );
      return turnedRectangle({ x, y, width: across, height: down }, angle, { x, y });
    }
    case 'ellipse': {
      const values = numbers('x', 'y', 'radiusX', 'radiusY');
      if (typeof values === 'string') return values;
      const [x = 0, y = 0, radiusX = 0, radiusY = 0] = values.map(
        (each, i) => each * (i % 2 === 0 ? scale.x : scale.y),
      );
      return { kind: 'ellipse', x, y, radiusX, radiusY, angle };
    }
    case 'brush': {
      if (!Array.isArray(value.rle)) return 'its brush has no run lengths';
      const counts = countsOfBrush(value.rle, width * height);
      if (typeof counts === 'string') return counts;
      return { kind: 'runs', counts, order: 'rows', x: 0, y: 0, width, height };
    }
    case 'keypoint':
    case 'vector':
      return `a ${kind} ${NO_AREA}`;
  }
}
