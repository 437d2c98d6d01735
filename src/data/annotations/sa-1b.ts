import * as v from 'valibot';
import { isRecord } from '../../config/is-record.ts';
import { withoutExtension } from '../file-names.ts';
import { refuse } from '../outcome.ts';
import {
  type AnnotationContent,
  type AnnotationFormat,
  type AnnotationSource,
  imageSide,
  issueText,
  ObjectFaults,
} from './annotation-format.ts';
import { shapeOfSegmentation } from './coco.ts';
import type { PlacedObject } from './shape.ts';

const outline = v.object({
  image: v.object({
    file_name: v.optional(v.string(), ''),
    width: v.optional(v.unknown()),
    height: v.optional(v.unknown()),
  }),
  annotations: v.array(v.unknown()),
});

/** SA-1B (Segment Anything): a JSON for each image, with its masks as COCO's run lengths; and the list alone, as SAM's `amg.py` writes it. */
export const sa1b: AnnotationFormat = {
  id: 'sa-1b',
  name: 'SA-1B',
  extensions: ['json'],
  onlyOfSets: true,
  recognises: ({ json }) =>
    isRecord(json)
      ? isRecord(json.image) &&
        'file_name' in json.image &&
        Array.isArray(json.annotations) &&
        json.annotations.every(hasSegmentation)
      : Array.isArray(json) &&
        json.length > 0 &&
        json.every((one) => hasSegmentation(one) && !('image_id' in one)),
  read: readSa1b,
};

const hasSegmentation = (one: unknown): one is { readonly segmentation: unknown } =>
  isRecord(one) && 'segmentation' in one;

function readSa1b({ json, path }: AnnotationSource): AnnotationContent {
  const parsed = v.safeParse(outline, Array.isArray(json) ? { image: {}, annotations: json } : json);
  if (!parsed.success) {
    const what = `This file is not as those of SA-1B are (${issueText(parsed.issues[0])}).`;
    throw refuse('data/annotation-damaged', path, what, 'Download it again.');
  }
  const { image, annotations } = parsed.output;
  const faults = new ObjectFaults();
  const objects = annotations.flatMap((one, i): PlacedObject[] => {
    const shape = hasSegmentation(one) ? shapeOfSegmentation(one.segmentation) : undefined;
    if (shape !== undefined && typeof shape !== 'string') return [{ shape }];
    faults.add(shape ?? 'it has no segmentation', `annotations[${i}]`, 'Write its mask as COCO does.');
    return [];
  });
  const isUnusable = annotations.length > 0 && objects.length === 0;
  const { file_name: name, width, height } = image;
  return {
    images: [
      {
        reference: {
          ...(name ? { name } : {}),
          stems: [withoutExtension(path)],
          prefersStems: true,
        },
        ...(v.is(imageSide, width) && v.is(imageSide, height) ? { width, height } : {}),
        objects,
        isUnusable,
      },
    ],
    remarks: faults.remarks(path, isUnusable),
  };
}
