import { refuse } from '../outcome.ts';
import {
  type AnnotationContent,
  type AnnotationFormat,
  type AnnotationSource,
  ObjectFaults,
  pointsOf,
} from './annotation-format.ts';
import { polygon } from './shape.ts';
import { childrenOf, textOf, type XmlElement, xmlRoot } from './xml.ts';

/** Pascal VOC's `<annotation>` with a box for each object, and the outlines that LabelMe's web version puts there. */
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
    const points = pointsOf(outlineOf(object));
    const name = textOf(object, 'name');
    if (typeof points !== 'string') return [{ shape: polygon(points), ...(name ? { className: name } : {}) }];
    faults.add(points, `object ${i + 1}${name ? ` (${name})` : ''}`, 'Outline it again.');
    return [];
  });
  const name = textOf(root, 'filename');
  const stem = source.path.replace(/\.[^./]*$/, '');
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

/** `<polygon><pt><x>1</x><y>2</y></pt> …`. */
function outlineOf(object: XmlElement): number[] {
  const points = childrenOf(object, 'polygon').flatMap((each) => childrenOf(each, 'pt'));
  return points.flatMap((point) => ['x', 'y'].map((axis) => Number.parseFloat(textOf(point, axis) ?? '')));
}

function hasMasks(source: AnnotationSource): boolean {
  for (const path of source.paths()) if (/(^|\/)Segmentation(Class|Object)[^/]*\//i.test(path)) return true;
  return false;
}
