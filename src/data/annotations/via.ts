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
import { parseCsv } from './csv.ts';
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
    const images = entriesOf(json).flatMap((entry): AnnotatedImage[] => {
      const parsed = v.safeParse(image, entry);
      if (!parsed.success) {
        faults.add(issueText(parsed.issues[0]), 'an image', 'Export the annotations from VIA again.');
        return [];
      }
      const { filename, regions } = parsed.output;
      return [imageOf(filename, Object.values(regions), faults)];
    });
    return contentOf(images, faults, path);
  },
};

/** The same as CSV, a line for each region. */
export const viaCsv: AnnotationFormat = {
  id: 'via-csv',
  name: 'VIA CSV',
  extensions: ['csv'],
  recognises: ({ head }) => head.includes('region_shape_attributes'),
  read(source) {
    const faults = new ObjectFaults();
    const regions = regionsOfCsv(source);
    const images = [...regions].map(([name, each]) => imageOf(name, each, faults));
    return contentOf(images, faults, source.path);
  },
};

function contentOf(images: readonly AnnotatedImage[], faults: ObjectFaults, path: string): AnnotationContent {
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

function imageOf(name: string, regions: readonly unknown[], faults: ObjectFaults): AnnotatedImage {
  const objects = regions.flatMap((json, i): AnnotatedObject[] => {
    const parsed = v.safeParse(region, json);
    const shape = parsed.success ? shapeOf(parsed.output.shape_attributes) : issueText(parsed.issues[0]);
    if (typeof shape === 'string' || !parsed.success) {
      faults.add(String(shape), `region ${i + 1} of ${name}`, CURE);
      return [];
    }
    const className = classOf(parsed.output.region_attributes);
    const isBox = parsed.output.shape_attributes.name === 'rect';
    return [{ shape, ...(className === undefined ? {} : { className }), ...(isBox ? { isBox } : {}) }];
  });
  return { reference: { name }, objects, isUnusable: regions.length > 0 && objects.length === 0 };
}

/** The first attribute with a text, or the first one that is ticked. */
function classOf(attributes: Readonly<Record<string, unknown>>): string | undefined {
  for (const value of Object.values(attributes)) {
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
    if (typeof value !== 'object' || value === null) continue;
    const ticked = Object.entries(value).find(([, isTicked]) => isTicked === true);
    if (ticked) return ticked[0];
  }
  return undefined;
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
