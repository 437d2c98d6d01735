import { encodeMaskPng } from '../encode-png.ts';
import { nameParts } from '../file-names.ts';
import { boxedMask } from './boxed-mask.ts';
import type { LabelledImage, LabelledObject } from './label-set.ts';
import { NO_CLASS, type OutFormat, textFile } from './out-format.ts';
import { outlinedParts, type Ring } from './outlines.ts';

/** LabelMe's label of pixels that take no part. */
const IGNORE = '__ignore__';

/** LabelMe: polygons where they can say it, parts of one object in one group, and masks where there are holes. */
export const labelme: OutFormat = {
  id: 'labelme',
  label: 'LabelMe',
  help: 'A JSON beside each image: polygons to edit further, masks for objects with holes; for LabelMe and X-AnyLabeling.',
  files: ['a.json'],
  imageFolder: '',
  open: () => ({
    add: (image, { path, stem }) => [
      textFile(`${stem}.json`, `${JSON.stringify(labelmeJson(image, nameParts(path).file), null, 1)}\n`),
    ],
    finish: () => [],
  }),
};

function labelmeJson({ width, height, objects, ignored }: LabelledImage, imagePath: string) {
  const shapes = objects.flatMap((object, i) => shapesOf(object, i + 1, width));
  const noPart =
    ignored && ignored.length > 0 ? [maskShape({ runs: ignored, className: IGNORE }, width)] : [];
  return {
    version: '5.5.0',
    flags: {},
    shapes: [...noPart, ...shapes],
    imagePath,
    imageData: null,
    imageHeight: height,
    imageWidth: width,
  };
}

interface LabelmeShape extends ReturnType<typeof described> {
  readonly points: readonly (readonly number[])[];
  readonly group_id: number | null;
  readonly shape_type: 'polygon' | 'mask';
  /** A PNG in base64. */
  readonly mask: string | null;
}

function shapesOf(object: LabelledObject, group: number, width: number): LabelmeShape[] {
  const parts = outlinedParts(object.runs, width);
  if (parts.some(({ holes }) => holes.length > 0)) return [maskShape(object, width)];
  return parts.map(({ outer }) => ({
    ...described(object),
    points: pointsOf(outer),
    group_id: parts.length > 1 ? group : null,
    shape_type: 'polygon',
    mask: null,
  }));
}

function maskShape(object: LabelledObject, imageWidth: number): LabelmeShape {
  const { box, width, height, bits } = boxedMask(object.runs, imageWidth);
  const [x0, y0, x1, y1] = box;
  return {
    ...described(object),
    // LabelMe means the last pixels themselves, not where they end.
    points: [
      [x0, y0],
      [x1 - 1, y1 - 1],
    ],
    group_id: null,
    shape_type: 'mask',
    mask: base64Of(encodeMaskPng({ width, height, data: bits })),
  };
}

const described = ({ className = NO_CLASS, score, origin }: LabelledObject) => ({
  label: className,
  description: origin ?? '',
  flags: {},
  ...(score === undefined ? {} : { score }),
});

/** Pairs x, y. */
export const pointsOf = (ring: Ring): number[][] =>
  Array.from({ length: ring.length / 2 }, (_, i) => [ring[2 * i] as number, ring[2 * i + 1] as number]);

function base64Of(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}
