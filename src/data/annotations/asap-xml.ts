import { withoutExtension } from '../file-names.ts';
import {
  type AnnotationContent,
  type AnnotationFormat,
  type AnnotationSource,
  NO_AREA,
  ObjectFaults,
  pointsOf,
} from './annotation-format.ts';
import { type PlacedObject, polygon, type Shape } from './shape.ts';
import { elementsAt, numberOf, type XmlElement, xmlRoot } from './xml.ts';

/** ASAP: outlines in pixels of the whole slide, a file for each image, of the image's name (Camelyon). */
export const asapXml: AnnotationFormat = {
  id: 'asap-xml',
  name: 'ASAP XML',
  extensions: ['xml'],
  recognises: ({ head }) => /<ASAP_Annotations[\s>]/.test(head),
  read: readAsap,
};

const CURE = 'Draw it in ASAP as a polygon or spline.';

/** What an outline's group is called that is in none. */
const NO_GROUP = 'None';

function readAsap(source: AnnotationSource): AnnotationContent {
  const annotations = elementsAt(xmlRoot(source), 'Annotations', 'Annotation');
  const faults = new ObjectFaults();
  const objects = annotations.flatMap((one, i): PlacedObject[] => {
    const shape = shapeOf(one);
    if (typeof shape === 'string') {
      faults.add(shape, one.attributes.Name?.trim() || `annotation ${i + 1}`, CURE);
      return [];
    }
    const group = one.attributes.PartOfGroup?.trim() || NO_GROUP;
    return [{ shape, ...(group === NO_GROUP ? {} : { className: group }) }];
  });
  const isUnusable = annotations.length > 0 && objects.length === 0;
  return {
    images: [{ reference: { stems: [withoutExtension(source.path)] }, objects, isUnusable }],
    remarks: faults.remarks(source.path, isUnusable),
  };
}

const AREAS = ['Polygon', 'Spline', 'Rectangle'];

function shapeOf(annotation: XmlElement): Shape | string {
  const { Type: type = 'Polygon' } = annotation.attributes;
  if (!AREAS.includes(type)) return `a ${type} ${NO_AREA}`;
  const points = pointsOf(
    elementsAt(annotation, 'Coordinates', 'Coordinate')
      .toSorted((a, b) => numberOf(a, 'Order') - numberOf(b, 'Order') || 0)
      .flatMap((one) => [numberOf(one, 'X'), numberOf(one, 'Y')]),
  );
  return typeof points === 'string' ? points : polygon(points);
}
