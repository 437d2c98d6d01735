import * as v from 'valibot';
import { withoutExtension } from '../file-names.ts';
import {
  type AnnotationContent,
  type AnnotationFormat,
  type AnnotationSource,
  imageSide,
  issueText,
  ObjectFaults,
  pointsOf,
} from './annotation-format.ts';
import { type PlacedObject, polygon } from './shape.ts';

const outline = v.object({
  annotation: v.object({
    filename: v.string(),
    imsize: v.optional(v.unknown()),
    object: v.array(v.unknown()),
  }),
});

const entry = v.object({
  name: v.string(),
  parts: v.optional(v.object({ part_level: v.number() })),
  polygon: v.object({ x: v.array(v.number()), y: v.array(v.number()) }),
});

/** ADE20K in full: a JSON for each image, with the outlines of its objects and of their parts, which are left out. */
export const ade20k: AnnotationFormat = {
  id: 'ade20k',
  name: 'ADE20K',
  extensions: ['json'],
  onlyOfSets: true,
  recognises: ({ json }) => v.is(outline, json),
  read: readAde,
};

function readAde({ json, path }: AnnotationSource): AnnotationContent {
  const { annotation } = v.parse(outline, json);
  const faults = new ObjectFaults();
  let wholes = 0;
  const objects = annotation.object.flatMap((one, i): PlacedObject[] => {
    const parsed = v.safeParse(entry, one);
    if (parsed.success && (parsed.output.parts?.part_level ?? 0) > 0) return [];
    wholes++;
    const points = parsed.success ? ringOf(parsed.output.polygon) : issueText(parsed.issues[0]);
    if (typeof points === 'string' || !parsed.success) {
      faults.add(String(points), `object[${i}]`, 'Download the file again.');
      return [];
    }
    return [{ shape: polygon(points), className: parsed.output.name }];
  });
  const isUnusable = wholes > 0 && objects.length === 0;
  const size = v.safeParse(v.looseTuple([imageSide, imageSide]), annotation.imsize);
  return {
    images: [
      {
        reference: { name: annotation.filename, stems: [withoutExtension(path)], prefersStems: true },
        ...(size.success ? { height: size.output[0], width: size.output[1] } : {}),
        objects,
        isUnusable,
      },
    ],
    remarks: faults.remarks(path, isUnusable),
  };
}

const ringOf = ({ x, y }: v.InferOutput<typeof entry>['polygon']) =>
  x.length === y.length ? pointsOf(x.flatMap((one, i) => [one, y[i]])) : 'it has not as many x as y';
