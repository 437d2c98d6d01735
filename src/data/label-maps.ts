/** Labels as the masks of a dataset: an instance map and a class map, and how these are read again. */
import { encode } from 'fast-png';
import { fillRuns } from './labels/runs.ts';
import { type ImageLabels, MOST_OBJECTS } from './labels/types.ts';
import { refuse } from './outcome.ts';
import { type DatasetReading, type MaskReading, TRANSPARENT } from './reading/reading.ts';

/** What the class map's pixels are: 16 bits of grey, or colours of 24 where a class has a larger value. */
export type ClassSamples = 'grey' | 'colour';

/** Value of pixels that take no part, in maps of 16 bits. */
const IGNORED_16 = MOST_OBJECTS + 1;
/** Class values of masks that were read by their colours are 65536·R + 256·G + B. */
const LARGEST_CLASS = 0xff_ffff;

/** The masks of labelled images. They are compressed little: they are written while a person waits. */
const PNG = { zlib: { level: 1 } } as const;

export interface LabelMaps {
  /** PNG of 16 bits: 0, the objects' places in the list from 1, and 65,535 for what takes no part. */
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
export function labelMaps({ width, height, objects, ignored }: ImageLabels, path: string): LabelMaps {
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
  return {
    instances: encode({ width, height, channels: 1, depth: 16, data: ids }, PNG).slice(),
    classes: (samples === 'grey'
      ? encode({ width, height, channels: 1, depth: 16, data: greyClasses(ids, classOf) }, PNG)
      : encode({ width, height, channels: 4, depth: 8, data: colourClasses(ids, classOf) }, PNG)
    ).slice(),
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

function greyClasses(ids: Uint16Array, classOf: Uint32Array): Uint16Array {
  const out = new Uint16Array(ids.length);
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as number;
    if (id !== 0) out[i] = id === IGNORED_16 ? IGNORED_16 : (classOf[id] as number);
  }
  return out;
}

/** Background is black, what takes no part is transparent. */
function colourClasses(ids: Uint16Array, classOf: Uint32Array): Uint8Array {
  const out = new Uint8Array(4 * ids.length);
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as number;
    if (id === IGNORED_16) continue;
    const value = classOf[id] as number;
    out[4 * i] = value >> 16;
    out[4 * i + 1] = (value >> 8) & 255;
    out[4 * i + 2] = value & 255;
    out[4 * i + 3] = 255;
  }
  return out;
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
