import { withoutExtension } from '../file-names.ts';
import { refuse } from '../outcome.ts';
import {
  type AnnotationContent,
  type AnnotationFormat,
  type AnnotationSource,
  ObjectFaults,
  pointsOf,
} from './annotation-format.ts';
import { polygon, type Shape, union } from './shape.ts';
import { childrenOf, textOf, type XmlElement, xmlRoot } from './xml.ts';

/** Pascal VOC's `<annotation>` with a box for each object, and the outlines that LabelMe's web version and Roboflow put there. */
export const vocXml: AnnotationFormat = {
  id: 'voc-xml',
  name: 'VOC XML',
  extensions: ['xml'],
  recognises: ({ head }) => /<annotation[\s>]/.test(head),
  read: readVoc,
};

function readVoc(source: AnnotationSource): AnnotationContent {
  const root = xmlRoot(source);
  const objects = childrenOf(root, 'object').filter((object) => textOf(object, 'deleted') !== '1');
  const outlined = objects.filter((object) => childrenOf(object, 'polygon').length > 0);
  if (outlined.length === 0) {
    // Beside the masks of VOC these boxes say nothing new.
    if (hasMasks(source)) return { images: [] };
    throw refuse(
      'data/annotation-boxes',
      source.path,
      `This VOC file holds ${objects.length === 1 ? 'a box' : `${objects.length} boxes`} and no outline: a box does not say which pixels are the object.`,
      'Give each object an outline, as a mask in SegmentationClass and SegmentationObject or as a polygon.',
    );
  }
  const faults = new ObjectFaults();
  const found = outlined.flatMap((object, i) => {
    const shape = shapeOf(object);
    const name = textOf(object, 'name');
    if (typeof shape !== 'string') return [{ shape, ...(name ? { className: name } : {}) }];
    faults.add(shape, `object ${i + 1}${name ? ` (${name})` : ''}`, 'Outline it again.');
    return [];
  });
  const name = textOf(root, 'filename');
  const stem = withoutExtension(source.path);
  return {
    images: [
      {
        reference: { ...(name ? { name } : {}), stems: [stem] },
        objects: found,
        isUnusable: found.length === 0,
      },
    ],
    remarks: faults.remarks(source.path, found.length === 0),
  };
}

/** The polygons of an object as one shape, or what is wrong with the first bad one. */
function shapeOf(object: XmlElement): Shape | string {
  const shapes: Shape[] = [];
  for (const each of childrenOf(object, 'polygon')) {
    const points = pointsOf(outlineOf(each));
    if (typeof points === 'string') return points;
    shapes.push(polygon(points));
  }
  return union(shapes);
}

/** `<pt><x>1</x><y>2</y></pt> …` of LabelMe, or `<x1>1</x1><y1>2</y1><x2> …` of Roboflow. */
function outlineOf(outline: XmlElement): number[] {
  const points = childrenOf(outline, 'pt');
  if (points.length > 0) return points.flatMap((point) => [coordinate(point, 'x'), coordinate(point, 'y')]);
  const numbers = childrenOf(outline).flatMap(({ name }) => /^x(\d+)$/.exec(name)?.[1] ?? []);
  const inOrder = numbers.sort((a, b) => Number(a) - Number(b));
  return inOrder.flatMap((n) => [coordinate(outline, `x${n}`), coordinate(outline, `y${n}`)]);
}

const coordinate = (of: XmlElement, name: string) => Number.parseFloat(textOf(of, name) ?? '');

function hasMasks(source: AnnotationSource): boolean {
  for (const path of source.paths()) if (/(^|\/)Segmentation(Class|Object)[^/]*\//i.test(path)) return true;
  return false;
}
