/** Labels as the masks of a dataset: an instance map and a class map, and how these are read again. */
import { encodeRows } from './encode-large-png.ts';
import { fillRuns } from './labels/runs.ts';
import { type ImageLabels, MOST_OBJECTS } from './labels/types.ts';
import { refuse } from './outcome.ts';
import { type DatasetReading, type MaskReading, TRANSPARENT } from './reading/reading.ts';

/** What the class map's pixels are: 8 or 16 bits of grey, or colours of 24 where a class has a larger value. */
export type ClassSamples = 'grey' | 'colour';

/** Value of pixels that take no part, in maps of 16 bits. */
const IGNORED_16 = MOST_OBJECTS + 1;
/** Class values of masks that were read by their colours are 65536·R + 256·G + B. */
const LARGEST_CLASS = 0xff_ffff;

export interface LabelMaps {
  /**
   * Grey PNG of 8 bits, or of 16 where values or pixels that take no part need them: 0, the objects' places in the list from
   * 1, and 65,535 for what takes no part.
   */
  readonly instances: Uint8Array;
  /** PNG as `samples` says: each pixel has its object's class. */
  readonly classes: Uint8Array;
  readonly samples: ClassSamples;
  /** Of the objects that have a pixel, in the order of the list. */
  readonly objects: readonly { readonly classValue: number; readonly area: number }[];
}

/**
 * The masks of an image.
 * @param path the image, for failures.
 * @throws Failure `labels/too-many-objects`, `labels/class-too-large`.
 */
export async function labelMaps(
  { width, height, objects, ignored }: Pick<ImageLabels, 'width' | 'height' | 'objects' | 'ignored'>,
  path: string,
): Promise<LabelMaps> {
  if (objects.length > MOST_OBJECTS) {
    throw refuse(
      'labels/too-many-objects',
      path,
      `The image has ${objects.length} objects, and a mask holds ${MOST_OBJECTS} at most.`,
      'Delete or merge objects.',
    );
  }
  const largest = objects.reduce((most, { classValue }) => Math.max(most, classValue), 0);
  if (largest > LARGEST_CLASS) {
    throw refuse(
      'labels/class-too-large',
      path,
      `Objects have the class ${largest}, and a mask holds classes up to ${LARGEST_CLASS}.`,
      'Give these objects another class.',
    );
  }
  const ids = new Uint16Array(width * height);
  fillRuns(ignored, ids, IGNORED_16);
  objects.forEach(({ runs }, i) => {
    fillRuns(runs, ids, i + 1);
  });
  const samples = largest > MOST_OBJECTS ? 'colour' : 'grey';
  const classOf = Uint32Array.from([0, ...objects.map(({ classValue }) => classValue)]);
  const areas = areasOf(ids, objects.length);
  const size = { width, height };
  const grey = (most: number, sampleOf: (id: number) => number): Promise<Uint8Array> => {
    const depth = most > 255 || ignored.length > 0 ? 16 : 8;
    return encodeRows({ ...size, depth, channels: 1 }, (y, row) => {
      for (let x = 0, at = y * width; x < width; x++, at++) {
        const id = ids[at] as number;
        if (id === 0) continue;
        if (depth === 8) row.setUint8(x, sampleOf(id));
        else row.setUint16(2 * x, id === IGNORED_16 ? IGNORED_16 : sampleOf(id));
      }
    });
  };
  return {
    instances: await grey(objects.length, (id) => id),
    classes:
      samples === 'grey'
        ? await grey(largest, (id) => classOf[id] as number)
        : await encodeRows({ ...size, depth: 8, channels: 4 }, (y, row) => {
            // Background is black, what takes no part is transparent.
            for (let x = 0, at = y * width; x < width; x++, at++) {
              const id = ids[at] as number;
              if (id !== IGNORED_16) row.setUint32(4 * x, (classOf[id] as number) * 256 + 255);
            }
          }),
    samples,
    objects: objects.flatMap(({ classValue }, i) => {
      const area = areas[i + 1] ?? 0;
      return area > 0 ? [{ classValue, area }] : [];
    }),
  };
}

function areasOf(ids: Uint16Array, count: number): Float64Array {
  const areas = new Float64Array(count + 1);
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as number;
    if (id > 0 && id < IGNORED_16) areas[id] = (areas[id] as number) + 1;
  }
  return areas;
}

const plain = (samples: ClassSamples, meaning: MaskReading['meaning']): MaskReading => ({
  samples,
  background: 0,
  ignored: [samples === 'grey' ? IGNORED_16 : TRANSPARENT],
  levels: null,
  threshold: null,
  meaning,
  zeroLabel: 0,
  transparentUnder: samples === 'grey' ? null : 128,
});

/** How the masks of {@link labelMaps} are read. */
export const labelledReading = (samples: ClassSamples): DatasetReading => ({
  instances: plain('grey', 'objects'),
  labels: plain(samples, 'classes'),
});
