/** What lies beside the labels of a YOLO set: names of its classes, folders of its splits. */
import { load } from 'js-yaml';
import * as v from 'valibot';
import { textOf } from '../../config/text-of.ts';
import { type LazyFile, readBytes } from '../lazy-file.ts';
import type { Split } from '../types.ts';
import type { AnnotationSource, ImageReference } from './annotation-format.ts';

/** What the files of a set say of all its labels. */
export interface YoloSet {
  readonly names: readonly string[];
  readonly hasKeypoints: boolean;
  readonly used: readonly string[];
  /** The data.yaml that says which folders are of the set. */
  readonly file?: string;
  /** Folders of images from the top of the drop, or how they end, and the split that they are of. */
  readonly folders?: readonly { readonly folder: string; readonly split: Split }[];
}

/** The split of the folder that an image lies in, where a data.yaml says so. */
export function splitIn({ folders = [] }: YoloSet, { stems = [] }: ImageReference): Split | undefined {
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
export async function setOf(source: AnnotationSource): Promise<YoloSet> {
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
