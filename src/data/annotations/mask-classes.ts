import { nameParts } from '../file-names.ts';
import { splitOfTokens, tokensOf } from '../pairing/words.ts';
import type { AnnotationFormat, AnnotationSource, ImageReference } from './annotation-format.ts';
import { parseCsv, TABLES } from './csv.ts';
import { labelledImage } from './yolo-rows.ts';

/** What these files say where a mask is meant to have nothing. */
const NO_CLASS = /^_*(background|ignore)_*$/i;

const LABEL_NAMES = /(^|\/)(label|class)_names\.txt$/i;
const MAY_BE_NAMES = /(^|\/)(labels|classes)\.txt$/i;

/**
 * LabelMe: `label_names.txt` beside label.png, or `class_names.txt` above the folders of a VOC set; also its `labels.txt` and a
 * `classes.txt`, where their first line says that they count from the background.
 */
export const labelNames: AnnotationFormat = {
  id: 'label-names',
  name: 'label_names.txt',
  extensions: ['txt'],
  onlyNames: true,
  recognises: ({ path, head }) =>
    LABEL_NAMES.test(path) ||
    (MAY_BE_NAMES.test(path) && NO_CLASS.test(head.split(/\r?\n/, 1)[0]?.trim() ?? '')),
  read({ text }) {
    const lines = text.split(/\r?\n/).map((line) => line.trim());
    // LabelMe counts what is ignored as -1.
    const from = /ignore/i.test(lines[0] ?? '') ? -1 : 0;
    const named = lines.map((name, line) => [line + from, name] as const);
    return {
      images: [],
      maskClassNames: new Map(named.filter(([, name]) => name !== '' && !NO_CLASS.test(name))),
    };
  },
};

/** Roboflow: `_classes.csv` beside its masks, a line `1, crack` for each value under `Pixel Value, Class`. */
export const maskClassesCsv: AnnotationFormat = {
  id: 'mask-classes-csv',
  name: '_classes.csv',
  extensions: TABLES,
  recognises: ({ path, head }) =>
    /(^|\/)_classes\.[ct]sv$/i.test(path) && /^\s*pixel value\s*[,;\t]/i.test(head),
  read({ text }) {
    const [, ...rows] = parseCsv(text);
    const named = rows.map(
      ([value = '', name = '']) => [Number(value.trim() || 'none'), name.trim()] as const,
    );
    return {
      images: [],
      maskClassNames: new Map(
        named.filter(([value, name]) => Number.isInteger(value) && name !== '' && !NO_CLASS.test(name)),
      ),
    };
  },
};

/** Lists of images, which say of which split these are but nothing of objects: those in `ImageSets/` of VOC, and text whose lines are names of images. */
export const imageLists: AnnotationFormat = {
  id: 'image-lists',
  name: 'lists of images',
  extensions: ['txt'],
  recognises: (source) => /(^|\/)ImageSets\/([^/]+\/)?[^/]+\.txt$/i.test(source.path) || listsImages(source),
  read: ({ path, folder, text }) => {
    const split = splitOfTokens(tokensOf(nameParts(path).stem));
    if (!split) return { images: [] };
    // Lists side by side are of one set.
    return {
      images: [],
      splits: [{ split, images: linesOf(text).map(listedImage) }],
      setFile: `${folder}/`,
    };
  },
};

const linesOf = (text: string) =>
  text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));

/** The image that a line of a list names; of several words the first, the others say of what class it is. */
function listedImage(line: string): ImageReference {
  const name = line.split(/[\s,;]/)[0] ?? line;
  return { name, stems: [name.replaceAll('\\', '/').replace(/^\.?\//, '')] };
}

/** Names of lists of which few images may be there: a part of the set was dropped. */
const LIST_NAME = /(^|[^a-z])(train(ing|val)?|val(id(ation)?)?|test(ing)?)([^a-z][^/]*)?\.txt$/i;

/**
 * Whether the lines of a text name images of the drop, most of them or, of a list called after a split, any; of a line of
 * several words the first. Rows of numbers are labels, as is what is called as an image is.
 */
function listsImages(source: AnnotationSource): boolean {
  if (source.hasImage(labelledImage(source))) return false;
  const lines = linesOf(source.head);
  // The head may end within a line.
  const whole = lines.length > 1 && source.text.length > source.head.length ? lines.slice(0, -1) : lines;
  if (whole.length === 0 || whole.some((line) => /^[-+.\d]+[\s,;]+[-+.\d]/.test(line))) return false;
  const isImage = (name: string) =>
    source.hasImage({ name, stems: [name.replaceAll('\\', '/').replace(/^\.?\//, '')] });
  const named = whole.filter((line) => isImage(line) || isImage(line.split(/[\s,;]/)[0] ?? '')).length;
  return named * 2 >= whole.length || (named > 0 && LIST_NAME.test(source.path));
}

/** nnU-Net: `dataset.json` whose `labels` are names with their value (version 2) or values with their name. */
export const nnunet: AnnotationFormat = {
  id: 'nnunet',
  name: 'nnU-Net dataset.json',
  extensions: ['json'],
  onlyNames: true,
  recognises: (source) => /(^|\/)dataset\.json$/i.test(source.path) && labelsOf(source).length > 0,
  read(source) {
    const labels = labelsOf(source).filter(([value, name]) => value > 0 && !NO_CLASS.test(name));
    return { images: [], maskClassNames: new Map(labels) };
  },
};

function labelsOf({ json }: AnnotationSource): (readonly [value: number, name: string])[] {
  if (typeof json !== 'object' || json === null || !('labels' in json)) return [];
  const { labels } = json;
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) return [];
  return Object.entries(labels).flatMap(([key, value]: [string, unknown]) => {
    if (Number.isInteger(value)) return [[Number(value), key] as const];
    return typeof value === 'string' && /^\d+$/.test(key) ? [[Number(key), value] as const] : [];
  });
}
