import * as v from 'valibot';
import { withoutExtension } from '../file-names.ts';
import { inflateBounded } from '../inflate.ts';
import {
  type AnnotationContent,
  type AnnotationFormat,
  type AnnotationSource,
  imageSide,
  issueText,
  NO_AREA,
  ObjectFaults,
  pointsOf,
  ringsOf,
} from './annotation-format.ts';
import { bytesOfBase64, shapeOfPng } from './mask-png.ts';
import { type PlacedObject, rectangle, type Shape } from './shape.ts';

const outline = v.object({
  size: v.object({ width: v.unknown(), height: v.unknown() }),
  tags: v.array(v.unknown()),
  objects: v.array(v.unknown()),
});

const entry = v.object({
  classTitle: v.string(),
  geometryType: v.optional(v.string(), 'polygon'),
  points: v.optional(v.unknown()),
  bitmap: v.optional(v.unknown()),
});

const points = v.object({ exterior: v.unknown(), interior: v.optional(v.array(v.unknown()), []) });
const bitmap = v.object({ data: v.string(), origin: v.tuple([v.number(), v.number()]) });

/** Supervisely: `ann/a.png.json` for `img/a.png`, also as Dataset Ninja gives out sets. */
export const supervisely: AnnotationFormat = {
  id: 'supervisely',
  name: 'Supervisely',
  extensions: ['json'],
  recognises: ({ json }) => v.is(outline, json),
  read: readSupervisely,
};

const CURE = 'Outline it with a polygon or a mask in Supervisely, or delete it.';

function readSupervisely({ json, path }: AnnotationSource): AnnotationContent {
  const { size, objects: all } = v.parse(outline, json);
  const faults = new ObjectFaults();
  const objects = all.flatMap((one, i): PlacedObject[] => {
    const parsed = v.safeParse(entry, one);
    const shape = parsed.success ? shapeOf(parsed.output) : issueText(parsed.issues[0]);
    if (typeof shape === 'string' || !parsed.success) {
      faults.add(String(shape), `objects[${i}]`, CURE);
      return [];
    }
    const { classTitle, geometryType } = parsed.output;
    return [{ shape, className: classTitle, ...(geometryType === 'rectangle' ? { isBox: true } : {}) }];
  });
  const isUnusable = all.length > 0 && objects.length === 0;
  const name = withoutExtension(path);
  const { width, height } = size;
  return {
    images: [
      {
        reference: { name: name.replace(/.*\//, ''), stems: [name, withoutExtension(name)] },
        ...(v.is(imageSide, width) && v.is(imageSide, height) ? { width, height } : {}),
        objects,
        isUnusable,
      },
    ],
    remarks: faults.remarks(path, isUnusable),
  };
}

function shapeOf(one: v.InferOutput<typeof entry>): Shape | string {
  switch (one.geometryType) {
    case 'polygon':
      return polygonOf(one.points);
    case 'rectangle': {
      const corners = v.is(points, one.points) ? pointsOf(one.points.exterior, 2) : 'its corners are missing';
      if (typeof corners === 'string') return corners;
      const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = corners;
      return rectangle(x0, y0, x1, y1);
    }
    case 'bitmap':
      return bitmapOf(one.bitmap);
    default:
      return `a ${one.geometryType} ${NO_AREA}`;
  }
}

function polygonOf(json: unknown): Shape | string {
  const parsed = v.safeParse(points, json);
  if (!parsed.success) return 'its points are missing';
  const rings = ringsOf([parsed.output.exterior, ...parsed.output.interior]);
  return typeof rings === 'string' ? rings : { kind: 'polygon', rings };
}

/** The largest PNG of one object, bytes. */
const MOST_BYTES = 64 * 2 ** 20;

/** A PNG that is packed once more. */
function bitmapOf(json: unknown): Shape | string {
  const parsed = v.safeParse(bitmap, json);
  const packed = parsed.success ? bytesOfBase64(parsed.output.data) : undefined;
  if (!parsed.success || !packed) return 'its mask is missing or damaged';
  const [x, y] = parsed.output.origin;
  try {
    return shapeOfPng(inflateBounded([packed], MOST_BYTES), Math.round(x), Math.round(y));
  } catch {
    return 'its mask is damaged';
  }
}
