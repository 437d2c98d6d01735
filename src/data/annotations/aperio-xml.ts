import { withoutExtension } from '../file-names.ts';
import {
  type AnnotationContent,
  type AnnotationFormat,
  type AnnotationSource,
  NO_AREA,
  ObjectFaults,
  pointsOf,
} from './annotation-format.ts';
import { type PlacedObject, polygon, rectangle, type Shape } from './shape.ts';
import { childrenOf, elementsAt, numberOf, type XmlElement, xmlRoot } from './xml.ts';

/** Aperio ImageScope: `<Annotations>` with regions in pixels, a file for each image, of the image's name (MoNuSeg, MoNuSAC). */
export const aperioXml: AnnotationFormat = {
  id: 'aperio-xml',
  name: 'Aperio ImageScope XML',
  extensions: ['xml'],
  recognises: ({ head }) => /<Annotations[\s>]/.test(head),
  read: readAperio,
};

function readAperio(source: AnnotationSource): AnnotationContent {
  const layers = childrenOf(xmlRoot(source), 'Annotation');
  const faults = new ObjectFaults();
  let regionCount = 0;
  const objects = layers.flatMap((layer) => {
    const className = classOf(layer);
    const regions = elementsAt(layer, 'Regions', 'Region');
    regionCount += regions.length;
    return objectsOf(regions, faults).map(
      (shape): PlacedObject => ({ shape, ...(className === undefined ? {} : { className }) }),
    );
  });
  const isUnusable = regionCount > 0 && objects.length === 0;
  return {
    images: [{ reference: { stems: [withoutExtension(source.path)] }, objects, isUnusable }],
    remarks: faults.remarks(source.path, isUnusable),
  };
}

/** The name of a layer, or that of its attribute (MoNuSAC), which is called Description where nobody named it. */
function classOf(layer: XmlElement): string | undefined {
  const attributes = elementsAt(layer, 'Attributes', 'Attribute');
  const named = attributes.map(({ attributes: { Name, Value } }) => (Name === 'Description' ? Value : Name));
  return [layer.attributes.Name, ...named].map((name) => name?.trim()).find((name) => name);
}

/** The regions of a layer, those that are marked negative cut out of the one that they lie in. */
function objectsOf(regions: readonly XmlElement[], faults: ObjectFaults): Shape[] {
  const shapes: Shape[] = [];
  const holes: { readonly ring: Float64Array; readonly which: string }[] = [];
  for (const region of regions) {
    const which = `region ${region.attributes.Id ?? '?'}`;
    const shape = shapeOf(region);
    if (typeof shape === 'string') faults.add(shape, which, CURE);
    else if (numberOf(region, 'NegativeROA') !== 1) shapes.push(shape);
    else if (shape.kind === 'polygon') holes.push(...shape.rings.map((ring) => ({ ring, which })));
  }
  for (const { ring, which } of holes) {
    const at = shapes.findIndex((shape) => shape.kind === 'polygon' && isInside(ring, shape.rings[0]));
    const around = shapes[at];
    if (around?.kind === 'polygon') shapes[at] = { ...around, rings: [...around.rings, ring] };
    else faults.add('it is marked negative and lies in no other', which, CURE);
  }
  return shapes;
}

const CURE = 'Draw it in ImageScope with the pen tool.';

/** Numbers of `Type` in ImageScope. */
const ELLIPSE = 2;
const AREAS = [0, 1, ELLIPSE];

function shapeOf(region: XmlElement): Shape | string {
  const type = region.attributes.Type === undefined ? 0 : numberOf(region, 'Type');
  if (!AREAS.includes(type)) return `a line, arrow or ruler ${NO_AREA}`;
  const vertices = elementsAt(region, 'Vertices', 'Vertex');
  const points = pointsOf(
    vertices.flatMap((vertex) => [numberOf(vertex, 'X'), numberOf(vertex, 'Y')]),
    type === 0 ? 3 : 2,
  );
  if (typeof points === 'string') return points;
  if (type === 0 || (type !== ELLIPSE && points.length > 4)) return polygon(points);
  // Corners of the box around it.
  const xs = points.filter((_, i) => i % 2 === 0).toSorted();
  const ys = points.filter((_, i) => i % 2 === 1).toSorted();
  const [x0 = 0, x1 = 0, y0 = 0, y1 = 0] = [xs[0], xs.at(-1), ys[0], ys.at(-1)];
  if (type !== ELLIPSE) return rectangle(x0, y0, x1, y1);
  const [radiusX, radiusY] = [(x1 - x0) / 2, (y1 - y0) / 2];
  return { kind: 'ellipse', x: x0 + radiusX, y: y0 + radiusY, radiusX, radiusY, angle: 0 };
}

/** Whether the first point of a ring lies in another, by the even–odd rule. */
function isInside([x = 0, y = 0]: Float64Array, ring: Float64Array | undefined): boolean {
  if (!ring) return false;
  let inside = false;
  for (let i = 0, last = ring.length - 2; i < ring.length; last = i, i += 2) {
    const [ax, ay] = [ring[last] as number, ring[last + 1] as number];
    const [bx, by] = [ring[i] as number, ring[i + 1] as number];
    if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) inside = !inside;
  }
  return inside;
}
