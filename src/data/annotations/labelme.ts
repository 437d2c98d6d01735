import * as v from 'valibot';
import { textOf } from '../../config/text-of.ts';
import { nameParts } from '../file-names.ts';
import { limits } from '../limits.ts';
import { refuse } from '../outcome.ts';
import {
  type AnnotationContent,
  type AnnotationFormat,
  type AnnotationSource,
  imageSide,
  issueText,
  NO_AREA,
  ObjectFaults,
  pointsOf,
} from './annotation-format.ts';
import { groupedObjects } from './grouped-objects.ts';
import { bytesOfBase64, shapeOfPng } from './mask-png.ts';
import { parseJson } from './parse-json.ts';
import { polygon, rectangle, type Shape } from './shape.ts';

const outline = v.object({
  shapes: v.array(v.unknown()),
  imagePath: v.optional(v.nullable(v.string())),
  imageData: v.optional(v.nullable(v.string())),
  imageWidth: v.optional(v.unknown()),
  imageHeight: v.optional(v.unknown()),
});

const entry = v.looseObject({
  label: v.optional(v.nullable(v.string())),
  points: v.unknown(),
  shape_type: v.optional(v.nullable(v.string()), 'polygon'),
  group_id: v.optional(v.nullable(v.union([v.number(), v.string()]))),
  mask: v.optional(v.nullable(v.string())),
});

type Entry = v.InferOutput<typeof entry>;

/** LabelMe marks pixels that take no part by this label. */
const IGNORE = '__ignore__';

/** LabelMe (and X-AnyLabeling): one JSON for each image. */
export const labelme: AnnotationFormat = {
  id: 'labelme',
  name: 'LabelMe',
  extensions: ['json'],
  recognises: ({ json }) =>
    typeof json === 'object' &&
    json !== null &&
    'shapes' in json &&
    Array.isArray(json.shapes) &&
    ('imagePath' in json || 'imageData' in json || 'imageHeight' in json),
  read: readLabelme,
};

function readLabelme(source: AnnotationSource): AnnotationContent {
  const { json, path } = source;
  const parsed = v.safeParse(outline, json);
  if (!parsed.success) {
    const what = `This LabelMe file is not as LabelMe writes it (${issueText(parsed.issues[0])}).`;
    throw refuse('data/annotation-damaged', path, what, 'Save it again in LabelMe.');
  }
  const { shapes, imagePath, imageData, imageWidth: width, imageHeight: height } = parsed.output;
  const faults = new ObjectFaults();
  const found = shapes.flatMap((json, i) => {
    const one = v.safeParse(entry, json);
    const which = `shapes[${i}]`;
    const shape = one.success ? shapeOf(one.output) : issueText(one.issues[0]);
    if (typeof shape === 'string' || !one.success) {
      const label = one.success ? ` (${one.output.label ?? 'no label'})` : '';
      faults.add(String(shape), which + label, 'Outline it with a polygon in LabelMe, or delete it.');
      return [];
    }
    const { label, group_id: group, shape_type: type } = one.output;
    return [
      {
        shape,
        ...(label == null || label === IGNORE ? {} : { className: label }),
        ...(label === IGNORE ? { isIgnored: true } : {}),
        ...(type === 'rectangle' ? { isBox: true } : {}),
        group: group ?? undefined,
      },
    ];
  });
  const { stem } = nameParts(path);
  const isUnusable = shapes.length > 0 && found.length === 0;
  const hasSize = v.is(imageSide, width) && v.is(imageSide, height);
  return {
    images: [
      {
        reference: {
          ...(imagePath ? { name: imagePath } : {}),
          stems: [source.folder === '' ? stem : `${source.folder}/${stem}`],
          prefersStems: true,
        },
        ...(hasSize ? { width, height } : {}),
        objects: groupedObjects(found),
        isUnusable,
        ...(imageData ? { embedded: () => embeddedImage(source) } : {}),
      },
    ],
    remarks: faults.remarks(path, isUnusable),
  };
}

function shapeOf(shape: Entry): Shape | string {
  const type = shape.shape_type ?? 'polygon';
  switch (type) {
    case 'polygon':
    case 'rotation':
    case 'quadrilateral': {
      const points = pointsOf(shape.points);
      return typeof points === 'string' ? points : polygon(points);
    }
    case 'rectangle': {
      const points = pointsOf(shape.points, 2);
      if (typeof points === 'string') return points;
      const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = points;
      return points.length === 4 ? rectangle(x0, y0, x1, y1) : polygon(points);
    }
    case 'oriented_rectangle': {
      // Three corners, or all four.
      const points = pointsOf(shape.points);
      if (typeof points === 'string') return points;
      const [x0 = 0, y0 = 0, x1 = 0, y1 = 0, x2 = 0, y2 = 0] = points;
      const fourth = [x0 + x2 - x1, y0 + y2 - y1];
      return polygon(points.length === 6 ? Float64Array.of(...points, ...fourth) : points);
    }
    case 'circle': {
      const points = pointsOf(shape.points, 2);
      if (typeof points === 'string') return points;
      const [x = 0, y = 0, edgeX = 0, edgeY = 0] = points;
      const radius = Math.hypot(edgeX - x, edgeY - y);
      return { kind: 'ellipse', x, y, radiusX: radius, radiusY: radius, angle: 0 };
    }
    case 'line':
    case 'linestrip': {
      const points = pointsOf(shape.points, 2);
      const width = statedWidth(shape);
      if (typeof points === 'string') return points;
      return width === undefined ? `a ${type} without a width ${NO_AREA}` : { kind: 'stroke', points, width };
    }
    case 'mask':
      return maskShape(shape);
    default:
      return `a ${type} ${NO_AREA}`;
  }
}

const WIDTH_FIELDS = ['width', 'line_width', 'lineWidth', 'linewidth', 'stroke_width', 'thickness'];

/** The width of a line in pixels, from a field of the shape, its flags or attributes, or "width: 5" in its description. */
function statedWidth(shape: Entry): number | undefined {
  for (const from of [shape, shape.flags, shape.attributes]) {
    if (typeof from !== 'object' || from === null) continue;
    for (const field of WIDTH_FIELDS) {
      const value: unknown = Reflect.get(from, field);
      const width = typeof value === 'string' ? Number.parseFloat(value) : value;
      if (typeof width === 'number' && width > 0 && width <= limits.side) return width;
    }
  }
  const said = /width\s*[:=]\s*(\d+(?:\.\d+)?)/i.exec(String(shape.description ?? ''));
  return said && Number(said[1]) > 0 && Number(said[1]) <= limits.side ? Number(said[1]) : undefined;
}

/** A small PNG of the mask, whose first pixel lies at the first point. */
function maskShape({ points, mask }: Entry): Shape | string {
  const corners = pointsOf(points, 1);
  if (typeof corners === 'string') return corners;
  const png = mask ? bytesOfBase64(mask) : undefined;
  if (!png) return 'its mask is missing or damaged';
  const [x = 0, y = 0] = corners;
  return shapeOfPng(png, Math.round(x), Math.round(y));
}

/** Read again when it is asked for, so that it is not kept. */
async function embeddedImage(source: AnnotationSource): Promise<Uint8Array> {
  const { path } = source;
  const bytes = await source.file(path)?.bytes();
  const json: unknown = parseJson(textOf(bytes ?? new Uint8Array()));
  const parsed = v.safeParse(v.object({ imageData: v.string() }), json);
  const image = parsed.success ? bytesOfBase64(parsed.output.imageData) : undefined;
  if (image) return image;
  throw refuse(
    'data/annotation-damaged',
    path,
    'The image inside this LabelMe file (imageData) is damaged.',
    'Drop the image itself together with it.',
  );
}
