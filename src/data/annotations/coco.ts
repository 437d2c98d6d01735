import * as v from 'valibot';
import { isRecord } from '../../config/is-record.ts';
import { originOfText } from '../labels/origins.ts';
import { notice, refusal, refuse } from '../outcome.ts';
import type { Refusal } from '../types.ts';
import {
  type AnnotatedImage,
  type AnnotationContent,
  type AnnotationFormat,
  type AnnotationSource,
  imageSide,
  issueText,
  ObjectFaults,
  pointsOf,
} from './annotation-format.ts';
import { checkedCounts, countsOfText } from './run-lengths.ts';
import { type AnnotatedObject, polygon, rectangle, type Shape, union } from './shape.ts';

const id = v.union([v.number(), v.string()]);

const imageOutline = v.object({
  id,
  file_name: v.string(),
  width: v.optional(v.unknown()),
  height: v.optional(v.unknown()),
});

/** LVIS says by its address alone which image is meant. */
const withName = (image: unknown): unknown =>
  isRecord(image) ? { ...image, file_name: image.file_name ?? image.coco_url } : image;

/** The outline; annotations, which LIVECell has by their number, are checked one by one, so that a bad one does not cost the others. */
const outline = v.object({
  images: v.array(v.pipe(v.unknown(), v.transform(withName), imageOutline)),
  annotations: v.union([
    v.array(v.unknown()),
    v.pipe(
      v.record(v.string(), v.unknown()),
      v.transform((byNumber) => Object.values(byNumber)),
    ),
  ]),
  categories: v.optional(v.array(v.object({ id, name: v.string() })), []),
});

const annotation = v.object({
  image_id: id,
  category_id: v.optional(v.nullable(id)),
  segmentation: v.optional(v.unknown()),
  bbox: v.optional(v.unknown()),
  iscrowd: v.optional(v.unknown()),
  attributes: v.optional(v.unknown()),
  score: v.optional(v.unknown()),
  keypoints: v.optional(v.unknown()),
  caption: v.optional(v.unknown()),
});

/** What our own files say besides. */
const made = v.object({ origin: v.string() });

const runLengths = v.object({
  size: v.tuple([imageSide, imageSide]),
  counts: v.union([v.string(), v.array(v.unknown())]),
});

const box = v.tuple([v.number(), v.number(), v.number(), v.number()]);

/** COCO: `images`, `annotations` and `categories` in one JSON; segmentations are polygons or run lengths. */
export const coco: AnnotationFormat = {
  id: 'coco',
  name: 'COCO',
  extensions: ['json'],
  recognises: ({ json }) =>
    typeof json === 'object' &&
    json !== null &&
    'images' in json &&
    Array.isArray(json.images) &&
    ('annotations' in json || 'categories' in json),
  read: readCoco,
};

interface ImageEntry {
  readonly name: string;
  readonly width?: number;
  readonly height?: number;
  readonly objects: AnnotatedObject[];
  /** Whether an annotation of this image has an outline. */
  hasOutline: boolean;
  /** Whether an annotation of this image has none that can be used. */
  lacksOutline: boolean;
}

/** How many there are of something, and where the first one is. */
interface Tally {
  count: number;
  first: string;
}

/** Annotations without a segmentation, by what they have instead. */
type Lacking = Readonly<Record<(typeof KINDS)[number], Tally>>;

const KINDS = ['boxes', 'keypoints', 'captions'] as const;

function readCoco({ json, path }: AnnotationSource): AnnotationContent {
  if (isPanoptic(json)) {
    throw refuse(
      'data/annotation-panoptic',
      path,
      'This is COCO panoptic: its objects are colours in PNG files, and the file itself holds no outline.',
      'Convert it to COCO with segmentations (panopticapi does), or put the PNG files into a folder called instances and drop the set without this file: each colour is an object then.',
    );
  }
  const parsed = v.safeParse(outline, json);
  if (!parsed.success) {
    const what = `This COCO file is not as COCO is (${issueText(parsed.issues[0])}).`;
    throw refuse('data/annotation-damaged', path, what, 'Export it again as COCO with segmentations.');
  }
  const entries = new Map<string, ImageEntry>();
  for (const { id: key, file_name: name, width, height } of parsed.output.images) {
    const hasSize = v.is(imageSide, width) && v.is(imageSide, height);
    entries.set(String(key), {
      name,
      ...(hasSize ? { width, height } : {}),
      objects: [],
      hasOutline: false,
      lacksOutline: false,
    });
  }
  const inOrder = parsed.output.categories.toSorted((a, b) => Number(a.id) - Number(b.id) || 0);
  const names = new Map(inOrder.map((each) => [String(each.id), each.name]));
  const faults = new ObjectFaults();
  const crowds: Tally = { count: 0, first: '' };
  const areCrowdsObjects = areNoCrowds(parsed.output.annotations);
  const lacking: Lacking = {
    boxes: { count: 0, first: '' },
    keypoints: { count: 0, first: '' },
    captions: { count: 0, first: '' },
  };
  for (const [i, json] of parsed.output.annotations.entries()) {
    const one = v.safeParse(annotation, json);
    const entry = one.success && entries.get(String(one.output.image_id));
    if (!one.success) faults.add(issueText(one.issues[0]), `annotations[${i}]`, OUTLINES);
    else if (!entry) faults.add('its image_id is that of no image', `annotations[${i}]`, NO_IMAGE);
    else
      addObject(one.output, `annotations[${i}]`, { entry, names, faults, crowds, areCrowdsObjects, lacking });
  }
  const isUseless = ![...entries.values()].some(({ hasOutline }) => hasOutline);
  const areRelative = areShares(parsed.output.annotations);
  return {
    images: [...entries.values()].map((entry) => imageOf(entry, areRelative)),
    classNames: [...new Set(names.values())],
    remarks: [
      ...faults.remarks(path, isUseless),
      ...(crowds.count > 0 ? [crowdRemark(path, crowds, areCrowdsObjects)] : []),
      ...(areRelative ? [sharesRemark(path)] : []),
      ...KINDS.flatMap((kind) =>
        lacking[kind].count > 0 ? [lackingRemark(path, kind, lacking[kind], isUseless)] : [],
      ),
    ],
  };
}

/** Whether annotations are lists of segments, as in the panoptic form of COCO. */
function isPanoptic(json: unknown): boolean {
  return v.is(v.object({ annotations: v.pipe(v.array(v.unknown()), v.minLength(1)) }), json)
    ? json.annotations.every((one) => typeof one === 'object' && one !== null && 'segments_info' in one)
    : false;
}

/** Whether outlines are shares of width and height, as Azure's tools write them: none leaves the first pixel, and some end within it. */
function areShares(annotations: readonly unknown[]): boolean {
  let isWithin = false;
  for (const one of annotations) {
    const segmentation = isRecord(one) ? one.segmentation : null;
    if (isRecord(segmentation)) return false;
    for (const value of Array.isArray(segmentation) ? segmentation.flat() : []) {
      if (typeof value !== 'number') continue;
      if (value < 0 || value > 1) return false;
      isWithin ||= !Number.isInteger(value);
    }
  }
  return isWithin;
}

const isMarked = (iscrowd: unknown) => iscrowd === 1 || iscrowd === true;

/**
 * Whether what is marked as a crowd is an object like others: CVAT and Datumaro, which say of each whether it is occluded, mark
 * every mask so; and a set of nothing but crowds, several in an image, is none.
 */
function areNoCrowds(annotations: readonly unknown[]): boolean {
  const own = annotations.filter(isRecord);
  if (own.some(({ attributes }) => isRecord(attributes) && 'occluded' in attributes)) return true;
  const images = new Set(own.map(({ image_id: image }) => image));
  return own.length > images.size && own.every(({ iscrowd }) => isMarked(iscrowd));
}

function addObject(
  one: v.InferOutput<typeof annotation>,
  which: string,
  to: {
    readonly entry: ImageEntry;
    readonly names: ReadonlyMap<string, string>;
    readonly faults: ObjectFaults;
    readonly crowds: Tally;
    readonly areCrowdsObjects: boolean;
    readonly lacking: Lacking;
  },
): void {
  const { category_id: category, segmentation, bbox, iscrowd, attributes, score } = one;
  const { entry } = to;
  const shape = shapeOfSegmentation(segmentation);
  if (typeof shape === 'string') {
    to.faults.add(shape, which, OUTLINES);
    entry.lacksOutline = true;
  } else if (shape) {
    const isCrowd = isMarked(iscrowd);
    if (isCrowd) tally(to.crowds, entry.name);
    const isIgnored = isCrowd && !to.areCrowdsObjects;
    const className = category == null ? undefined : (to.names.get(String(category)) ?? `class ${category}`);
    const origin = originOfText(v.is(made, attributes) ? attributes.origin : null, score);
    entry.objects.push({
      shape,
      ...(className === undefined ? {} : { className }),
      isIgnored,
      ...(origin && { origin }),
    });
    entry.hasOutline = true;
  } else {
    // Where exactly the object is, nobody said: its pixels are neither background nor an object.
    tally(to.lacking[kindOf(one)], entry.name);
    const corners = v.is(box, bbox)
      ? pointsOf([bbox[0], bbox[1], bbox[0] + bbox[2], bbox[1] + bbox[3]], 2)
      : '';
    if (typeof corners !== 'string') {
      const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = corners;
      entry.objects.push({ shape: rectangle(x0, y0, x1, y1), isIgnored: true });
    }
    entry.lacksOutline = true;
  }
}

function tally(of: Tally, where: string): void {
  if (of.count++ === 0) of.first = where;
}

function kindOf({ bbox, keypoints, caption }: v.InferOutput<typeof annotation>): keyof Lacking {
  if (Array.isArray(keypoints)) return 'keypoints';
  return bbox === undefined && caption !== undefined ? 'captions' : 'boxes';
}

/** A segmentation, undefined when there is none, or what is wrong with it. */
export function shapeOfSegmentation(segmentation: unknown): Shape | string | undefined {
  if (segmentation == null || (Array.isArray(segmentation) && segmentation.length === 0)) return undefined;
  if (!Array.isArray(segmentation)) return shapeOfRunLengths(segmentation);
  const parts: Shape[] = [];
  // Some exporters leave out the outer list.
  for (const ring of typeof segmentation[0] === 'number' ? [segmentation] : segmentation) {
    const points = pointsOf(ring);
    if (typeof points === 'string') return points;
    parts.push(polygon(points));
  }
  return union(parts);
}

function shapeOfRunLengths(segmentation: unknown): Shape | string {
  const parsed = v.safeParse(runLengths, segmentation);
  if (!parsed.success) return `its run lengths are not as COCO has them (${issueText(parsed.issues[0])})`;
  const {
    size: [height, width],
    counts,
  } = parsed.output;
  const lengths = typeof counts === 'string' ? countsOfText(counts) : counts;
  if (!lengths) return 'the text of its run lengths is damaged';
  const checked = checkedCounts(lengths, width * height);
  if (typeof checked === 'string') return checked;
  return { kind: 'runs', counts: checked, order: 'columns', x: 0, y: 0, width, height };
}

function imageOf(
  { name, width, height, objects, hasOutline, lacksOutline }: ImageEntry,
  isRelative: boolean,
): AnnotatedImage {
  return {
    reference: { name },
    ...(width !== undefined && height !== undefined ? { width, height } : {}),
    objects,
    isRelative,
    isUnusable: lacksOutline && !hasOutline,
  };
}

const sharesRemark = (path: string): Refusal =>
  notice(
    'data/annotation-shares',
    path,
    'All its coordinates are from 0 to 1, so they were taken as shares of width and height.',
    'If they are pixels, draw the outlines anew: they all lie in the first one.',
  );

function crowdRemark(path: string, { count, first }: Tally, areObjects: boolean): Refusal {
  const marked = `${count} of its annotations mark a crowd (iscrowd 1), the first one in ${first}`;
  return areObjects
    ? notice(
        'data/annotation-crowd',
        path,
        `${marked}, as CVAT does with every mask: each is taken as an object.`,
        'Delete those that hold several objects at once, or outline each of these.',
      )
    : notice(
        'data/annotation-crowd',
        path,
        `${marked}: these pixels are ignored.`,
        'Outline each object of a crowd to use it.',
      );
}

/** What annotations without a segmentation are, why they are no outlines, and what becomes of them beside outlines. */
const LACKING: Readonly<Record<keyof Lacking, readonly [what: string, why: string, use: string]>> = {
  boxes: [
    'boxes without a segmentation',
    'a box does not say which pixels are the object',
    'the pixels in these boxes are ignored',
  ],
  keypoints: [
    'key points without a segmentation',
    'points do not say which pixels are the object',
    'the pixels in their boxes are ignored',
  ],
  captions: ['captions', 'a caption does not say where an object is', 'they are left out'],
};

function lackingRemark(
  path: string,
  kind: keyof Lacking,
  { count, first }: Tally,
  isUseless: boolean,
): Refusal {
  const [what, why, use] = LACKING[kind];
  const which = `${count} of its annotations are ${what}, the first one in ${first}`;
  const cure = kind === 'captions' ? 'Drop the file with the outlines, as instances_val2017.json.' : OUTLINES;
  return (isUseless ? refusal : notice)(
    'data/annotation-boxes',
    path,
    `${which}: ${isUseless ? why : use}.`,
    cure,
  );
}

const OUTLINES = 'Give each object an outline: polygons or run lengths in "segmentation".';
const NO_IMAGE = 'Add the image to "images", or delete the annotation.';
