/** A reading as JSON, in which NaN is the word "nan". */
import * as v from 'valibot';
import type { DatasetReading, MaskReading } from './reading.ts';

const value = v.union([
  v.pipe(v.number(), v.finite()),
  v.pipe(
    v.literal('nan'),
    v.transform(() => Number.NaN),
  ),
]);
const values = v.pipe(v.array(value), v.maxLength(4096), v.readonly());

const maskReading = v.object({
  samples: v.picklist(['grey', 'palette', 'colour', 'alpha', 'channels']),
  background: v.nullable(value),
  ignored: values,
  levels: v.nullable(v.pipe(v.array(value), v.maxLength(32), v.readonly())),
  threshold: v.nullable(v.pipe(v.number(), v.finite())),
  meaning: v.picklist(['foreground', 'classes', 'objects']),
  classStep: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(2))),
  zeroLabel: v.pipe(v.number(), v.integer(), v.minValue(0)),
  transparentUnder: v.nullable(v.pipe(v.number(), v.finite())),
});

/** A dataset's reading in a file. */
export const ReadingSchema = v.object({
  masks: v.exactOptional(maskReading),
  labels: v.exactOptional(maskReading),
  instances: v.exactOptional(maskReading),
});

/** The opposite of {@link ReadingSchema}. */
export function readingJson({
  masks,
  labels,
  instances,
}: DatasetReading): v.InferInput<typeof ReadingSchema> {
  return {
    ...(masks && { masks: roleJson(masks) }),
    ...(labels && { labels: roleJson(labels) }),
    ...(instances && { instances: roleJson(instances) }),
  };
}

function roleJson(reading: MaskReading): v.InferInput<typeof maskReading> {
  const { background, ignored, levels } = reading;
  return {
    ...reading,
    background: background === null ? null : word(background),
    ignored: ignored.map(word),
    levels: levels === null ? null : levels.map(word),
  };
}

const word = (of: number): number | 'nan' => (Number.isNaN(of) ? 'nan' : of);
