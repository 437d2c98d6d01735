import { expect, it } from 'vitest';
import { blankPng, understoodDrop } from '../../testing/understood-drop.ts';

const IMAGE = blankPng(20, 16);
const square = (x: number, y: number, side: number) => [
  [x, y],
  [x + side, y],
  [x + side, y + side],
  [x, y + side],
];
const annotation = (name: string, type: string, group: string, points: readonly (readonly number[])[]) =>
  `<Annotation Name="${name}" Type="${type}" PartOfGroup="${group}" Color="#F4FA58"><Coordinates>${points
    .map(([x, y], i) => `<Coordinate Order="${i}" X="${x}" Y="${y}" />`)
    .join('')}</Coordinates></Annotation>`;
const file = (...annotations: readonly string[]) =>
  `<?xml version="1.0"?><ASAP_Annotations><Annotations>${annotations.join('')}</Annotations><AnnotationGroups><Group Name="Tumor" PartOfGroup="None" Color="#00ff00"><Attributes /></Group></AnnotationGroups></ASAP_Annotations>`;

it('reads the outlines of ASAP, of the image of its name, with their groups as classes', async () => {
  const { images, remarks } = await understoodDrop({
    'camelyon/images/tumor_001.tif': IMAGE,
    'camelyon/annotations/tumor_001.xml': file(
      annotation('Annotation 0', 'Polygon', 'Tumor', square(1, 1, 6)),
      annotation('Annotation 1', 'Spline', 'Stroma', square(9, 1, 4)),
      annotation('Annotation 2', 'Rectangle', 'None', square(9, 9, 3)),
    ),
  });
  expect(images).toEqual({
    'camelyon/images/tumor_001.tif': {
      objects: [
        ['Tumor', 36, [1, 1, 7, 7]],
        ['Stroma', 16, [9, 1, 13, 5]],
        ['unnamed', 9, [9, 9, 12, 12]],
      ],
      ignored: 0,
    },
  });
  expect(remarks).toEqual([]);
});

it('takes corners in their order, and names what has no area', async () => {
  const turned = file(annotation('a', 'Polygon', 'None', square(1, 1, 6)))
    .replace('Order="1"', 'Order="9"')
    .replace('Order="3"', 'Order="1"');
  const { images, remarks } = await understoodDrop({
    'a.png': IMAGE,
    'a.xml': turned,
    'b.png': IMAGE,
    'b.xml': file(
      annotation('b', 'Polygon', 'None', square(1, 1, 6)),
      annotation('spot', 'Dot', 'None', [[3, 3]]),
    ),
  });
  expect(Object.values(images).map((image) => image?.objects[0]?.[1])).toEqual([36, 36]);
  expect(remarks).toEqual(['notice data/annotation-object b.xml: Left out: spot: a Dot has no area.']);
});
