import { withoutExtension } from '../file-names.ts';
import { refuse } from '../outcome.ts';
import {
  type AnnotationContent,
  type AnnotationFormat,
  type AnnotationSource,
  NO_AREA,
  ObjectFaults,
  pointsOf,
} from './annotation-format.ts';
import { parseCsv, TABLES } from './csv.ts';
import { type PlacedObject, polygon, type Shape } from './shape.ts';

/** What a layer's name adds to that of its image. */
const LAYER = /[ _-]*(shapes?|annotations?|labels?|rois?|polygons?|outlines?|masks?)$/i;

/** CSV of a layer of napari: shapes (`index,shape-type,vertex-index,axis-0,axis-1`), or points, which are no outlines. */
export const napariCsv: AnnotationFormat = {
  id: 'napari-csv',
  name: 'napari CSV',
  extensions: TABLES,
  recognises: ({ head }) => {
    const [header = []] = parseCsv(head);
    const names = namesOf(header);
    return names.includes('index') && names.includes('axis-0') && names.includes('axis-1');
  },
  read: readNapari,
};

const namesOf = (header: readonly string[]) => header.map((name) => name.trim());

/** A shape, and its corners in every axis, the last two of which are down and to the right. */
interface Corners {
  readonly type: string;
  readonly points: number[][];
}

function readNapari({ text, path, folder }: AnnotationSource): AnnotationContent {
  const [header = [], ...rows] = parseCsv(text);
  const names = namesOf(header);
  const [index, type] = [names.indexOf('index'), names.indexOf('shape-type')];
  if (type < 0)
    throw refuse(
      'data/annotation-boxes',
      path,
      'This is a points layer of napari: a point does not say which pixels are the object.',
      'Outline objects in a shapes layer, or paint them in a labels layer and save that as TIFF.',
    );
  const axes = names.flatMap((name, at) => (/^axis-\d+$/.test(name) ? [at] : []));
  const shapes = new Map<string, Corners>();
  for (const row of rows) {
    const key = (row[index] ?? '').trim();
    if (key === '') continue;
    const known = shapes.get(key) ?? { type: (row[type] ?? '').trim(), points: [] };
    shapes.set(key, known);
    known.points.push(axes.map((at) => numberOf(row[at])));
  }
  const planes = new Set(
    [...shapes.values()].flatMap(({ points }) => points.map((one) => one.slice(0, -2).join())),
  );
  if (planes.size > 1)
    throw refuse(
      'data/annotation-planes',
      path,
      'These shapes of napari lie in several planes of a stack, and which image each belongs to is not told here.',
      'Convert the shapes layer to a labels layer and save it as a TIFF stack of as many pages as the image, called as the image in a folder masks/.',
    );
  const faults = new ObjectFaults();
  const objects = [...shapes].flatMap(([key, corners]): PlacedObject[] => {
    const shape = shapeOf(corners);
    if (typeof shape !== 'string')
      return [{ shape, ...(corners.type === 'rectangle' ? { isBox: true } : {}) }];
    faults.add(shape, `shape ${key}`, 'Draw it as a polygon in napari.');
    return [];
  });
  const isUnusable = shapes.size > 0 && objects.length === 0;
  const stem = withoutExtension(path);
  const reference = { stems: [stem, stem.replace(LAYER, '')], onlyImageOf: folder };
  return { images: [{ reference, objects, isUnusable }], remarks: faults.remarks(path, isUnusable) };
}

const numberOf = (text = '') => (text.trim() === '' ? Number.NaN : Number(text));

function shapeOf({ type, points }: Corners): Shape | string {
  // Whole numbers are the middles of pixels in napari.
  const outline = pointsOf(
    points.map((one) => [(one.at(-1) ?? Number.NaN) + 0.5, (one.at(-2) ?? Number.NaN) + 0.5]),
  );
  switch (type) {
    case 'polygon':
    case 'rectangle':
      return typeof outline === 'string' ? outline : polygon(outline);
    case 'ellipse':
      if (typeof outline === 'string') return outline;
      return outline.length === 8 ? ellipseIn(outline) : `it has ${outline.length / 2} corners in place of 4`;
    default:
      return `a ${type || 'shape without a type'} ${NO_AREA}`;
  }
}

/** The ellipse in a rectangle, turned or not, by its four corners in their order. */
function ellipseIn(corners: Float64Array): Shape {
  const [x0 = 0, y0 = 0, x1 = 0, y1 = 0, x2 = 0, y2 = 0] = corners;
  return {
    kind: 'ellipse',
    x: (x0 + x2) / 2,
    y: (y0 + y2) / 2,
    radiusX: Math.hypot(x1 - x0, y1 - y0) / 2,
    radiusY: Math.hypot(x2 - x1, y2 - y1) / 2,
    angle: Math.atan2(y1 - y0, x1 - x0),
  };
}
