/** Tables of class names and colours as JSON: classes of tools, and names with their colours. */
import { isRecord } from '../../config/is-record.ts';
import type { TableClass } from '../reading/class-table.ts';
import type { AnnotationFormat, AnnotationSource } from './annotation-format.ts';
import { colourOf } from './colour-value.ts';

/** Fields of a file that says where objects are, and names its classes beside that. */
const HOLDS_OBJECTS = ['images', 'annotations', 'objects', 'samples', 'items', 'shapes', 'dataset'];
const NAMES = ['name', 'title', 'label', 'class', 'class_name', 'className', 'readable', 'category'];
const COLOURS = ['color', 'colour', 'rgb', 'hex', 'color_rgb', 'class_color', 'rgb_color'];

/**
 * A table of classes by colour in a JSON: a list of classes with `title` or `name` and `color`, at its top (`classes.json`) or
 * under a field (`classes` of Supervisely's `meta.json`, `labels` of Mapillary), or colours by name (`{"leaf": [15, 138, 33]}`).
 */
export const colourJson: AnnotationFormat = {
  id: 'colour-json',
  name: 'table of colours',
  extensions: ['json'],
  onlyNames: true,
  recognises: (source) => classesOf(source).length > 0,
  read: (source) => ({
    images: [],
    classTable: { file: source.path, classes: classesOf(source), isUnordered: true },
  }),
};

function classesOf({ json }: AnnotationSource): readonly TableClass[] {
  if (Array.isArray(json)) return ofList(json);
  if (!isRecord(json) || HOLDS_OBJECTS.some((field) => Object.hasOwn(json, field))) return [];
  const listed = Object.values(json).find((value) => Array.isArray(value) && ofList(value).length > 0);
  if (Array.isArray(listed)) return ofList(listed);
  const entries = Object.entries(json);
  const classes = entries.flatMap(([key, value]) => classOf(key, value) ?? classOf(value, key) ?? []);
  return classes.length === entries.length ? classes : [];
}

/** The classes of a list; none where one of its entries is no class with a colour. */
function ofList(list: readonly unknown[]): readonly TableClass[] {
  const classes = list.flatMap((entry) => {
    if (!isRecord(entry)) return [];
    const [name] = NAMES.flatMap((field) => (typeof entry[field] === 'string' ? [entry[field]] : []));
    const [colour] = COLOURS.flatMap((field) => (entry[field] === undefined ? [] : [entry[field]]));
    return classOf(name, colour) ?? [];
  });
  return classes.length === list.length ? classes : [];
}

function classOf(name: unknown, value: unknown): TableClass | undefined {
  const colour = colourOf(value);
  return typeof name !== 'string' || name.trim() === '' || colour === undefined
    ? undefined
    : { name: name.trim(), colour };
}
