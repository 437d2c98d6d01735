import {
  type AnnotationContent,
  type AnnotationFormat,
  ObjectFaults,
  pointsOf,
} from './annotation-format.ts';
import { type AnnotatedObject, polygon } from './shape.ts';
import { labelledImage } from './yolo-rows.ts';

/** What is said of the image, in front of the lines: `imagesource:GoogleEarth`, `gsd:0.146`. */
const HEAD = /^(imagesource|gsd|acquisition dates?)\s*:/i;
/** Four corners in pixels, a class, and how difficult it is. */
const ROW = /^\s*((?:-?\d+(?:\.\d+)?\s+){8})([\p{L}][^\s]*)(?:\s+[0-2])?\s*$/u;

const rowsOf = (text: string) =>
  text
    .split(/\r?\n/)
    .flatMap((line, i) => (line.trim() === '' || HEAD.test(line) ? [] : [{ line, number: i + 1 }]));

/** DOTA: a text file for each image in labelTxt/, a line for each object: the corners of a turned box and its class. */
export const dota: AnnotationFormat = {
  id: 'dota',
  name: 'DOTA',
  extensions: ['txt'],
  onlyOfSets: true,
  recognises: ({ head }) => ROW.test(rowsOf(head)[0]?.line ?? ''),
  read: (source): AnnotationContent => {
    const faults = new ObjectFaults();
    const rows = rowsOf(source.text);
    const objects = rows.flatMap(({ line, number }): AnnotatedObject[] => {
      const [, corners = '', className = ''] = ROW.exec(line) ?? [];
      const points = pointsOf(corners.trim().split(/\s+/).map(Number));
      if (className !== '' && typeof points !== 'string')
        return [{ shape: polygon(points), className, isBox: true }];
      faults.add('it has not eight numbers and a class', `line ${number}`, 'Download the file again.');
      return [];
    });
    const isUnusable = objects.length === 0;
    return {
      images: [{ reference: labelledImage(source), objects, isUnusable }],
      remarks: faults.remarks(source.path, isUnusable),
    };
  },
};
