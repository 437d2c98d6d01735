import * as v from 'valibot';
import {
  type AnnotatedImage,
  type AnnotationContent,
  type AnnotationFormat,
  type AnnotationSource,
  issueText,
  ObjectFaults,
  ringsOf,
} from './annotation-format.ts';
import { firstOfLines, jsonLines } from './json-lines.ts';
import type { PlacedObject } from './shape.ts';

const line = v.object({ id: v.string(), annotations: v.array(v.unknown()) });
const outlines = v.object({ type: v.optional(v.nullable(v.string())), coordinates: v.array(v.unknown()) });

/** HuBMAP's `polygons.jsonl`: in each line an image by its id, with the rings of its objects. */
export const hubmap: AnnotationFormat = {
  id: 'hubmap',
  name: 'HuBMAP JSON lines',
  extensions: ['jsonl', 'ndjson'],
  onlyOfSets: true,
  recognises: ({ text }) => {
    const first = v.safeParse(line, firstOfLines(text));
    return first.success && first.output.annotations.every((one) => v.is(outlines, one));
  },
  read: readHubmap,
};

const CURE = 'Write it as [[[x, y], [x, y], …]] in pixels of its image.';

function readHubmap({ text, path }: AnnotationSource): AnnotationContent {
  const faults = new ObjectFaults();
  const images = jsonLines(text).flatMap(({ number, json }): AnnotatedImage[] => {
    const parsed = v.safeParse(line, json);
    if (!parsed.success) {
      faults.add(
        `it is damaged (${issueText(parsed.issues[0])})`,
        `line ${number}`,
        'Download the file again.',
      );
      return [];
    }
    const { id, annotations } = parsed.output;
    const objects = annotations.flatMap((one, i): PlacedObject[] => {
      const object = objectOf(one);
      if (typeof object !== 'string') return [object];
      faults.add(object, `annotation ${i + 1} of ${id}`, CURE);
      return [];
    });
    return [
      { reference: { stems: [id] }, objects, isUnusable: annotations.length > 0 && objects.length === 0 },
    ];
  });
  return {
    images,
    remarks: faults.remarks(
      path,
      images.every(({ isUnusable }) => isUnusable),
    ),
  };
}

function objectOf(json: unknown): PlacedObject | string {
  const parsed = v.safeParse(outlines, json);
  if (!parsed.success) return issueText(parsed.issues[0]);
  const { type, coordinates } = parsed.output;
  const rings = ringsOf(coordinates);
  if (typeof rings === 'string') return rings;
  if (rings.length === 0) return 'its coordinates are missing';
  return { shape: { kind: 'polygon', rings }, ...(type ? { className: type } : {}) };
}
