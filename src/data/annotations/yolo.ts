import { load } from 'js-yaml';
import * as v from 'valibot';
import { textOf } from '../../config/text-of.ts';
import { withoutExtension } from '../file-names.ts';
import { type LazyFile, readBytes } from '../lazy-file.ts';
import { notice, refusal, refuse } from '../outcome.ts';
import type { Split } from '../types.ts';
import {
  type AnnotationContent,
  type AnnotationFormat,
  type AnnotationSource,
  type ImageReference,
  ObjectFaults,
  pointsOf,
} from './annotation-format.ts';
import { type AnnotatedObject, polygon, rectangle } from './shape.ts';

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
    if (first === undefined) return /(^|\/)labels\//i.test(source.path) && source.hasImage(imageOf(source));
    // The head may end within a long line.
    const isWhole = source.head.length > first.length;
    if (!(isWhole ? ROW.test(first) : /^\s*\d+(?:[ \t]+[-+.\deE]+){4,}/.test(first))) return false;
    return (
      first
        .trim()
        .split(/\s+/)
        .slice(1, -1)
        .every((text) => Math.abs(Number(text)) <= 1.5) || source.hasImage(imageOf(source))
    );
  },
  read: readYolo,
};

/** The image of labels/x.txt is images/x, or lies beside it. */
function imageOf({ path }: AnnotationSource): ImageReference {
  const stem = withoutExtension(path);
  const folders = stem.split('/');
  const at = folders.findLastIndex((folder) => /^labels?$/i.test(folder));
  const inImages = ['images', 'image', 'imgs', 'JPEGImages'].map((name) => folders.with(at, name).join('/'));
  return { stems: at < 0 ? [stem] : [...inImages, stem] };
}

const OUTLINES = 'Export the set for segmentation, with the outline of each object on its line.';

async function readYolo(source: AnnotationSource): Promise<AnnotationContent> {
  const set = await setOf(source);
  if (set.hasKeypoints) {
    throw refuse(
      'data/annotation-key-points',
      source.path,
      'This YOLO set holds poses (kpt_shape), whose points have no area.',
      OUTLINES,
    );
  }
  if (holdsPoses(source.text)) {
    throw refuse(
      'data/annotation-key-points',
      source.path,
      'Its lines are boxes with key points (x, y and 0, 1 or 2 for each), whose points have no area.',
      OUTLINES,
    );
  }
  const faults = new ObjectFaults();
  const objects: AnnotatedObject[] = [];
  let boxes = 0;
  let outlines = 0;
  for (const [i, line] of source.text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const [label = Number.NaN, ...numbers] = line.trim().split(/\s+/).map(Number);
    const className =
      Number.isInteger(label) && label >= 0 ? (set.names[label] ?? `class ${label}`) : undefined;
    const points = pointsOf(numbers, numbers.length === 4 ? 2 : 3);
    if (className === undefined) faults.add('its class is no whole number', `line ${i + 1}`, OUTLINES);
    else if (typeof points === 'string') faults.add(points, `line ${i + 1}`, OUTLINES);
    else if (points.some((value) => Math.abs(value) > 2)) {
      faults.add(
        'its points are no shares of width and height (0 to 1)',
        `line ${i + 1}`,
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
  const isUnusable = outlines === 0 && source.text.trim() !== '';
  const split = splitIn(set, imageOf(source));
  const which = `${boxes === 1 ? 'A line is a box' : `${boxes} of its lines are boxes`} without an outline`;
  return {
    images: [{ reference: imageOf(source), objects, isRelative: true, isUnusable }],
    classNames: set.names,
    used: set.used,
    ...(set.file !== undefined && { setFile: set.file }),
    ...(split && { splits: [{ split, images: [imageOf(source)] }] }),
    remarks: [
      ...faults.remarks(source.path, isUnusable),
      ...(boxes === 0
        ? []
        : [
            isUnusable
              ? refusal(
                  'data/annotation-boxes',
                  source.path,
                  `${which}: a box does not say which pixels are the object.`,
                  OUTLINES,
                )
              : notice(
                  'data/annotation-boxes',
                  source.path,
                  `${which}: the pixels in them are ignored.`,
                  OUTLINES,
                ),
          ]),
    ],
  };
}

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

/**
 * Whether every line is a box and key points with their visibility: of an outline's shares not every third one is 0, 1
 * or 2, and none is 2.
 */
function holdsPoses(text: string): boolean {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  let isSeen = false;
  const areAlike = lines.every((line) => {
    const points = line.trim().split(/\s+/).slice(5).map(Number);
    const seen = points.filter((_, i) => i % 3 === 2);
    isSeen ||= seen.includes(2);
    return points.length > 0 && points.length % 3 === 0 && seen.every((value) => [0, 1, 2].includes(value));
  });
  return areAlike && isSeen;
}

/** What the files of a set say of all its labels. */
interface YoloSet {
  readonly names: readonly string[];
  readonly hasKeypoints: boolean;
  readonly used: readonly string[];
  /** The data.yaml that says which folders are of the set. */
  readonly file?: string;
  /** Folders of images from the top of the drop, or how they end, and the split that they are of. */
  readonly folders?: readonly { readonly folder: string; readonly split: Split }[];
}

/** The split of the folder that an image lies in, where a data.yaml says so. */
function splitIn({ folders = [] }: YoloSet, { stems = [] }: ImageReference): Split | undefined {
  return folders.find(({ folder }) =>
    stems.some((stem) => `/${stem.replace(/[^/]*$/, '')}`.includes(`/${folder}/`)),
  )?.split;
}

const dataYaml = v.object({
  names: v.union([v.array(v.unknown()), v.record(v.string(), v.unknown())]),
  kpt_shape: v.optional(v.unknown()),
  train: v.optional(v.unknown()),
  val: v.optional(v.unknown()),
  test: v.optional(v.unknown()),
});

/** What was read of a file that names classes; a set has thousands of labels, and they share it. */
const known = new WeakMap<LazyFile, Promise<YoloSet | undefined>>();

/** The names of the nearest data.yaml or classes.txt, from the folder of the labels upwards. */
async function setOf(source: AnnotationSource): Promise<YoloSet> {
  const folders = source.folder.split('/');
  for (let depth = folders.length; depth >= 0; depth--) {
    const folder = folders.slice(0, depth).join('/');
    for (const path of nameFiles(source, folder)) {
      const file = source.file(path);
      if (!file || path === source.path) continue;
      const reading = known.get(file) ?? readNames(file);
      known.set(file, reading);
      const set = await reading;
      if (set) return set;
    }
  }
  return { names: [], hasKeypoints: false, used: [] };
}

function nameFiles(source: AnnotationSource, folder: string): string[] {
  const prefix = folder === '' ? '' : `${folder}/`;
  const own = folder.replace(/.*\//, '');
  // Ultralytics calls it after the set: `coco8-seg.yaml` in the folder `coco8-seg` or beside it.
  const called = own === '' ? [] : [`${folder}.yaml`, `${folder}/${own}.yaml`];
  const usual = [
    'data.yaml',
    'data.yml',
    'dataset.yaml',
    'dataset.yml',
    'classes.txt',
    'obj.names',
    'names.txt',
  ];
  return [...usual.map((name) => prefix + name), ...called].filter((path) => source.file(path));
}

async function readNames(file: LazyFile): Promise<YoloSet | undefined> {
  const bytes = await readBytes(file, MOST_NAME_BYTES);
  if (!bytes.ok) return undefined;
  const text = textOf(bytes.value);
  if (!/\.ya?ml$/i.test(file.path)) {
    const names = text.split(/\r?\n/).map((line) => line.trim());
    while (names.at(-1) === '') names.pop();
    // Label Studio writes the names a second time beside them.
    const notes = file.path.replace(/[^/]*$/, 'notes.json');
    return { names, hasKeypoints: false, used: [file.path, notes] };
  }
  try {
    const parsed = v.safeParse(dataYaml, load(text));
    if (!parsed.success) return undefined;
    const { names, kpt_shape: keypoints, train, val, test } = parsed.output;
    // Lists of images say nothing of objects.
    const lists = [train, val, test].flatMap((at) =>
      typeof at === 'string' && /\.txt$/i.test(at) ? at : [],
    );
    const used = [file.path, ...lists.map((at) => file.path.replace(/[^/]*$/, at.replace(/^\.\//, '')))];
    const folders = [...foldersOf(train, 'train'), ...foldersOf(val, 'val'), ...foldersOf(test, 'test')];
    return {
      names: listOfNames(names),
      hasKeypoints: keypoints !== undefined,
      used,
      ...(folders.length > 0 && { file: file.path, folders }),
    };
  } catch {
    return undefined;
  }
}

/** The folders of a split, without what leads out of the set. */
function foldersOf(at: unknown, split: Split): { readonly folder: string; readonly split: Split }[] {
  const all: readonly unknown[] = Array.isArray(at) ? at : [at];
  return all.flatMap((path) => {
    if (typeof path !== 'string' || /\.txt$/i.test(path)) return [];
    const folder = path
      .split(/[\\/]/)
      .filter((name) => !['', '.', '..'].includes(name))
      .join('/');
    return folder === '' ? [] : [{ folder, split }];
  });
}

const MOST_NAME_BYTES = 4 * 2 ** 20;
/** Class numbers beyond are a mistake in the file. */
const MOST_CLASSES = 65_535;

function listOfNames(names: readonly unknown[] | Readonly<Record<string, unknown>>): string[] {
  if (Array.isArray(names)) return names.map(String);
  const out: string[] = [];
  for (const [key, name] of Object.entries(names)) {
    const label = Number(key);
    if (Number.isInteger(label) && label >= 0 && label < MOST_CLASSES) out[label] = String(name);
  }
  return Array.from(out, (name, label) => name ?? `class ${label}`);
}
