import * as v from 'valibot';
import {
  type AnnotatedImage,
  type AnnotationContent,
  type AnnotationFormat,
  type AnnotationSource,
  issueText,
  NO_AREA,
  ObjectFaults,
  pointsOf,
} from './annotation-format.ts';
import { parseCsv, TABLES } from './csv.ts';
import { type AnnotatedObject, polygon, rectangle, type Shape } from './shape.ts';

const attributes = v.record(v.string(), v.unknown());
const region = v.object({ shape_attributes: attributes, region_attributes: v.optional(attributes, {}) });
const image = v.object({
  filename: v.string(),
  regions: v.optional(v.union([v.array(v.unknown()), v.record(v.string(), v.unknown())]), []),
});

const CURE = 'Outline it with a polygon in VIA.';

/** VGG Image Annotator: a project or its exported annotations, an entry for each image. */
export const viaJson: AnnotationFormat = {
  id: 'via-json',
  name: 'VIA',
  extensions: ['json'],
  recognises: ({ json }) => {
    const [first] = entriesOf(json);
    return typeof first === 'object' && first !== null && 'filename' in first && 'regions' in first;
  },
  read({ json, path }) {
    const faults = new ObjectFaults();
    const entries = entriesOf(json).flatMap((entry): Entry[] => {
      const parsed = v.safeParse(image, entry);
      if (!parsed.success) {
        faults.add(issueText(parsed.issues[0]), 'an image', 'Export the annotations from VIA again.');
        return [];
      }
      const { filename, regions } = parsed.output;
      return [[filename, Object.values(regions)]];
    });
    return contentOf(entries, faults, path);
  },
};

/** The same as CSV, a line for each region. */
export const viaCsv: AnnotationFormat = {
  id: 'via-csv',
  name: 'VIA CSV',
  extensions: TABLES,
  recognises: ({ head }) => head.includes('region_shape_attributes'),
  read(source) {
    const faults = new ObjectFaults();
    return contentOf([...regionsOfCsv(source)], faults, source.path);
  },
};

/** An image's name and its regions. */
type Entry = readonly [name: string, regions: readonly unknown[]];

function contentOf(entries: readonly Entry[], faults: ObjectFaults, path: string): AnnotationContent {
  const attributes = classAttributes(entries.flatMap(([, regions]) => regions));
  const images = entries.map(([name, regions]) => imageOf(name, regions, attributes, faults));
  const isUseless = images.every(({ isUnusable }) => isUnusable);
  return { images, remarks: faults.remarks(path, isUseless) };
}

function entriesOf(json: unknown): unknown[] {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return [];
  const metadata: unknown = Reflect.get(json, '_via_img_metadata') ?? json;
  return typeof metadata === 'object' && metadata !== null ? Object.values(metadata) : [];
}

function regionsOfCsv({ text }: AnnotationSource): Map<string, unknown[]> {
  const [header = [], ...rows] = parseCsv(text);
  const columns = header.map((name) => name.replace(/^#/, '').trim());
  const column = (row: readonly string[], name: string) => row[columns.indexOf(name)] ?? '';
  const regions = new Map<string, unknown[]>();
  for (const row of rows) {
    const name = column(row, 'filename');
    if (name === '') continue;
    const list = regions.get(name) ?? [];
    regions.set(name, list);
    const shape = parsedJson(column(row, 'region_shape_attributes'));
    // An image without regions has a line with `{}`.
    const isEmpty = typeof shape === 'object' && shape !== null && Object.keys(shape).length === 0;
    if (!isEmpty) {
      list.push({ shape_attributes: shape, region_attributes: parsedJson(column(row, 'region_attributes')) });
    }
  }
  return regions;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function imageOf(
  name: string,
  regions: readonly unknown[],
  attributes: readonly string[],
  faults: ObjectFaults,
): AnnotatedImage {
  const objects = regions.flatMap((json, i): AnnotatedObject[] => {
    const parsed = v.safeParse(region, json);
    const shape = parsed.success ? shapeOf(parsed.output.shape_attributes) : issueText(parsed.issues[0]);
    if (typeof shape === 'string' || !parsed.success) {
      faults.add(String(shape), `region ${i + 1} of ${name}`, CURE);
      return [];
    }
    const className = classOf(parsed.output.region_attributes, attributes);
    const isBox = parsed.output.shape_attributes.name === 'rect';
    return [{ shape, ...(className === undefined ? {} : { className }), ...(isBox ? { isBox } : {}) }];
  });
  return { reference: { name }, objects, isUnusable: regions.length > 0 && objects.length === 0 };
}

/** Attributes that say a class by their name, and those that number objects. */
const CLASS_NAME = /^(object[ _-]?)?(class|type|label|category)([ _-]?name)?$/i;
const NUMBER_NAME = /^((object|instance|region)[ _-]?)?(id|nr|no|number|index)$/i;

/**
 * The attributes of regions in the order in which they say its class: first those of such a name, then those whose texts
 * repeat, then those that are another in every region; numbers of objects last.
 */
function classAttributes(regions: readonly unknown[]): string[] {
  const texts = new Map<string, string[]>();
  for (const json of regions) {
    const parsed = v.safeParse(region, json);
    for (const [name, value] of Object.entries(parsed.success ? parsed.output.region_attributes : {})) {
      const text = textOf(value);
      if (text === undefined) continue;
      const known = texts.get(name);
      if (known) known.push(text);
      else texts.set(name, [text]);
    }
  }
  const rank = ([name, values]: readonly [string, readonly string[]]) => {
    if (CLASS_NAME.test(name)) return 0;
    if (NUMBER_NAME.test(name)) return 3;
    return new Set(values).size < values.length ? 1 : 2;
  };
  return [...texts].sort((a, b) => rank(a) - rank(b)).map(([name]) => name);
}

/** The first of the attributes with a text. */
function classOf(
  values: Readonly<Record<string, unknown>>,
  attributes: readonly string[],
): string | undefined {
  for (const name of attributes) {
    const text = textOf(values[name]);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** The text of an attribute, or its first option that is ticked. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim() || undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([, isTicked]) => isTicked === true)?.[0];
}

function shapeOf(shape: Readonly<Record<string, unknown>>): Shape | string {
  const numbers = (...fields: readonly string[]) =>
    pointsOf(
      fields.map((field) => shape[field]),
      1,
    );
  switch (shape.name) {
    case 'polygon': {
      const { all_points_x: xs, all_points_y: ys } = shape;
      if (!Array.isArray(xs) || !Array.isArray(ys)) return 'its points are no lists';
      const points = pointsOf(xs.flatMap((x: unknown, i): unknown[] => [x, ys[i]]));
      return typeof points === 'string' ? points : polygon(points);
    }
    case 'rect': {
      const values = numbers('x', 'y', 'width', 'height');
      if (typeof values === 'string') return values;
      const [x = 0, y = 0, width = 0, height = 0] = values;
      return rectangle(x, y, x + width, y + height);
    }
    case 'circle': {
      const values = numbers('cx', 'cy', 'r', 'r');
      if (typeof values === 'string') return values;
      const [x = 0, y = 0, radius = 0] = values;
      return { kind: 'ellipse', x, y, radiusX: radius, radiusY: radius, angle: 0 };
    }
    case 'ellipse': {
      const values = numbers('cx', 'cy', 'rx', 'ry');
      if (typeof values === 'string') return values;
      const [x = 0, y = 0, radiusX = 0, radiusY = 0] = values;
      return {
        kind: 'ellipse',
        x,
        y,
        radiusX,
        radiusY,
        angle: typeof shape.theta === 'number' ? shape.theta : 0,
      };
    }
    default:
      return `a ${String(shape.name)} ${NO_AREA}`;
  }
}
