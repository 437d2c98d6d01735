import * as v from 'valibot';
import { limits } from '../limits.ts';
import {
  type AnnotatedImage,
  type AnnotationContent,
  type AnnotationFormat,
  type AnnotationSource,
  imageSide,
  NO_AREA,
  ObjectFaults,
  pointsOf,
} from './annotation-format.ts';
import { type GroupedObject, groupedObjects } from './grouped-objects.ts';
import { checkedCounts } from './run-lengths.ts';
import { polygon, type Shape, turnedRectangle } from './shape.ts';
import { childrenOf, elementsAt, numberOf, textOf, type XmlElement, xmlRoot } from './xml.ts';

/** CVAT for images 1.1: `<annotations>` with an `<image>` for each image. */
export const cvatXml: AnnotationFormat = {
  id: 'cvat-xml',
  name: 'CVAT XML',
  extensions: ['xml'],
  recognises: ({ head }) => /<annotations[\s>]/.test(head),
  read: readCvat,
};

const CURE = 'Outline it with a polygon or a mask in CVAT.';

function readCvat(source: AnnotationSource): AnnotationContent {
  const root = xmlRoot(source);
  const faults = new ObjectFaults();
  const images = childrenOf(root, 'image').map((image) => readImage(image, faults));
  const tracks = childrenOf(root, 'track').length;
  if (tracks > 0) {
    faults.add(
      `${tracks} tracks of a video`,
      'the whole file',
      'Export the video as "CVAT for images 1.1", with its frames as images.',
    );
  }
  return {
    images,
    classNames: classNamesOf(root),
    remarks: faults.remarks(
      source.path,
      images.every(({ isUnusable }) => isUnusable),
    ),
  };
}

/** `<meta><task|job|project><labels><label><name>`. */
function classNamesOf(root: XmlElement): string[] {
  const about = childrenOf(root, 'meta').flatMap((meta) => childrenOf(meta));
  const labels = about.flatMap((each) => elementsAt(each, 'labels', 'label'));
  return labels.flatMap((label) => textOf(label, 'name') || []);
}

/** Elements of an image that say something of all of it and not where something is. */
const NO_SHAPES = ['tag'];

function readImage(image: XmlElement, faults: ObjectFaults): AnnotatedImage {
  const { name = '' } = image.attributes;
  const [width, height] = [numberOf(image, 'width'), numberOf(image, 'height')];
  const elements = childrenOf(image).filter((element) => !NO_SHAPES.includes(element.name));
  const objects = elements.flatMap((element): GroupedObject[] => {
    const shape = shapeOf(element);
    if (typeof shape === 'string') {
      faults.add(shape, `a ${element.name} of ${name}`, CURE);
      return [];
    }
    const { label, group_id: group = '0' } = element.attributes;
    return [
      {
        shape,
        ...(label === undefined ? {} : { className: label }),
        ...(element.name === 'box' ? { isBox: true } : {}),
        group: group === '0' ? undefined : group,
      },
    ];
  });
  return {
    reference: { name },
    ...(isSide(width) && isSide(height) ? { width, height } : {}),
    objects: groupedObjects(objects),
    isUnusable: elements.length > 0 && objects.length === 0,
  };
}

const isSide = (value: number) => v.is(imageSide, value);

function shapeOf(element: XmlElement): Shape | string {
  const numbers = (...names: readonly string[]) =>
    pointsOf(
      names.map((name) => numberOf(element, name)),
      1,
    );
  const angle = ((numberOf(element, 'rotation') || 0) * Math.PI) / 180;
  switch (element.name) {
    case 'polygon': {
      const points = pointsOf(coordinates(element.attributes.points ?? ''));
      return typeof points === 'string' ? points : polygon(points);
    }
    case 'box': {
      const corners = numbers('xtl', 'ytl', 'xbr', 'ybr');
      if (typeof corners === 'string') return corners;
      const [x = 0, y = 0, x1 = 0, y1 = 0] = corners;
      const middle = { x: (x + x1) / 2, y: (y + y1) / 2 };
      return turnedRectangle({ x, y, width: x1 - x, height: y1 - y }, angle, middle);
    }
    case 'ellipse': {
      const values = numbers('cx', 'cy', 'rx', 'ry');
      if (typeof values === 'string') return values;
      const [x = 0, y = 0, radiusX = 0, radiusY = 0] = values;
      return { kind: 'ellipse', x, y, radiusX, radiusY, angle };
    }
    case 'mask':
      return maskShape(element);
    default:
      return `a ${element.name} ${NO_AREA}`;
  }
}

/** `x,y;x,y` as numbers. */
const coordinates = (text: string) => (text.trim() === '' ? [] : text.split(/[;,]/).map(Number));

/** Run lengths by rows, background first, of the pixels from left and top on. */
function maskShape(element: XmlElement): Shape | string {
  const [x, y, width, height] = ['left', 'top', 'width', 'height'].map((name) => numberOf(element, name));
  if (![x, y].every(Number.isInteger) || !isSide(width ?? 0) || !isSide(height ?? 0)) {
    return 'the place or size of its mask is missing';
  }
  const [left = 0, top = 0, across = 0, down = 0] = [x, y, width, height];
  if (across * down > limits.pixels) return `its mask is ${across} × ${down} pixels`;
  const counts = checkedCounts(coordinates(element.attributes.rle ?? ''), across * down);
  if (typeof counts === 'string') return counts;
  return { kind: 'runs', counts, order: 'rows', x: left, y: top, width: across, height: down };
}
