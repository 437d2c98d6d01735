import { seenSize } from './crops.ts';
import type { ImageRecord } from './preprocess.ts';
import { imageTransform } from './preprocess.ts';
import type { ObjectSizes, Scale } from './types.ts';

/** Which objects are too small to be trained on or measured. */
export interface ObjectLimit {
  /** Fewest pixels on the model's input, as the side of a square of that area; 0 sets no limit. */
  readonly minSize: number;
  /** Smallest share of the image, 0–1; 0 sets no limit. */
  readonly minArea: number;
}

/** How a model sees an image: the side of its input in pixels, and whether the sides' ratio is kept. */
export type ModelView = Pick<ImageRecord, 'size' | 'aspect'>;

/** The embedded model's. */
export const EMBEDDED_VIEW: ModelView = { size: 256, aspect: 'keep' };

/** Fewest pixels that an object of an image of that size must have, for a model that sees the whole image. */
export function leastArea(
  { minSize, minArea }: ObjectLimit,
  { width, height }: { readonly width: number; readonly height: number },
  view: ModelView,
): number {
  const { scaleX, scaleY } = imageTransform(width, height, view);
  return Math.max(minArea * width * height, (minSize * minSize) / (scaleX * scaleY));
}

/** Counts objects by their area and the size of their image. */
export class ObjectSizeCounts {
  private readonly bySize = new Map<string, { width: number; height: number; areas: Map<number, number> }>();

  add({ width, height }: { readonly width: number; readonly height: number }, areas: Iterable<number>): void {
    const key = `${width} ${height}`;
    const known = this.bySize.get(key) ?? { width, height, areas: new Map<number, number>() };
    for (const area of areas) known.areas.set(area, (known.areas.get(area) ?? 0) + 1);
    this.bySize.set(key, known);
  }

  /** Takes back what {@link add} counted. */
  remove(image: { readonly width: number; readonly height: number }, areas: Iterable<number>): void {
    const known = this.bySize.get(`${image.width} ${image.height}`)?.areas;
    for (const area of areas) {
      const left = (known?.get(area) ?? 0) - 1;
      if (left > 0) known?.set(area, left);
      else known?.delete(area);
    }
  }

  /** Counts what was counted before. */
  static of(sizes: ObjectSizes): ObjectSizeCounts {
    const counts = new ObjectSizeCounts();
    for (const { width, height, areas } of sizes)
      counts.bySize.set(`${width} ${height}`, { width, height, areas: new Map(areas) });
    return counts;
  }

  get sizes(): ObjectSizes {
    return [...this.bySize.values()].map(({ width, height, areas }) => ({
      width,
      height,
      areas: [...areas].sort(([a], [b]) => a - b),
    }));
  }
}

/**
 * The smallest objects that together hold no more than this share of all labelled pixels are specks: masks of thin leaves or
 * cracks leave hundreds of a pixel or two, by which the median would be (docs/measurements/scale.md).
 */
const SPECKS = 0.01;
/** Pixels that the median object should be wide where the model sees it: wider ones have hardly better masks. */
const GOOD_SIZE = 32;
/** Pixels from which it is seen well enough in whole images (docs/measurements/scale.md). */
const WIDE_ENOUGH = 24;
/** Sides of crops are multiples of this. */
const CROP_STEP = 32;
/** Crops of this share of an image's longer side are not worth it. */
const NEARLY_WHOLE = 0.8;

/** The longer side of the largest image, pixels; 0 without an image. */
export const longestSide = (sizes: ObjectSizes): number =>
  sizes.reduce((longest, { width, height }) => Math.max(longest, width, height), 0);

/**
 * How a dataset is best seen by a model: `whole` where the median object is at least 24 pixels wide on a model of `size`
 * pixels, or where crops in which it is 32 would hold most of the largest image; else the side of such crops.
 */
export function suggestScale(sizes: ObjectSizes, size: number): Scale {
  const medianWidth = median(sizes, () => 1);
  const seenWhole = medianSeen(sizes, 'whole', size);
  if (medianWidth === null || seenWhole === null || seenWhole >= WIDE_ENOUGH) return 'whole';
  const side = Math.max(CROP_STEP, CROP_STEP * Math.floor((medianWidth * size) / GOOD_SIZE / CROP_STEP));
  return side >= NEARLY_WHOLE * longestSide(sizes) ? 'whole' : side;
}

/** Pixels that the median object is wide on a model of `size` pixels; null where there is no object. */
function medianSeen(sizes: ObjectSizes, scale: Scale, size: number): number | null {
  return median(sizes, (image) => {
    const { width, height } = seenSize(image, scale);
    return size / Math.max(width, height);
  });
}

/** The median of objects' widths (the side of a square of the same area) times a factor of their image, without specks. */
function median(all: ObjectSizes, factorOf: (image: ObjectSizes[number]) => number): number | null {
  const sizes = withoutSpecks(all);
  const widths = sizes.flatMap((image) => {
    const factor = factorOf(image);
    return image.areas.map(([area, count]) => ({ width: Math.sqrt(area) * factor, count }));
  });
  widths.sort((a, b) => a.width - b.width);
  let left = countObjects(sizes) >> 1;
  for (const { width, count } of widths) {
    if (left < count) return width;
    left -= count;
  }
  return null;
}

function withoutSpecks(sizes: ObjectSizes): ObjectSizes {
  const areas = sizes.flatMap((image) => image.areas).toSorted(([a], [b]) => a - b);
  let most = SPECKS * areas.reduce((sum, [area, count]) => sum + area * count, 0);
  const least = areas.find(([area, count]) => {
    most -= area * count;
    return most < 0;
  });
  if (!least) return sizes;
  return sizes.map((image) => ({ ...image, areas: image.areas.filter(([area]) => area >= least[0]) }));
}

function countObjects(sizes: ObjectSizes): number {
  return sizes.reduce((sum, { areas }) => sum + areas.reduce((own, [, count]) => own + count, 0), 0);
}

/** "Where a model of 256 pixels sees whole images, …": how wide it sees objects; null where there is none. */
export function scaleSentence(sizes: ObjectSizes, scale: Scale, size: number): string | null {
  const whole = medianSeen(sizes, 'whole', size);
  const seen = medianSeen(sizes, scale, size);
  if (whole === null || seen === null) return null;
  const object =
    countObjects(withoutSpecks(sizes)) < countObjects(sizes) ? 'object without specks' : 'object';
  const sentence = `Where a model of ${size} pixels sees whole images, the median ${object} is ${pixels(whole)} wide`;
  return scale === 'whole'
    ? `${sentence}.`
    : `${sentence}; in crops of ${scale} pixels it is ${pixels(seen)}.`;
}

const pixels = (width: number): string => {
  const text = width.toFixed(width < 9.95 ? 1 : 0).replace(/\.0$/, '');
  return `${text} ${text === '1' ? 'pixel' : 'pixels'}`;
};

/**
 * "In crops of 320 pixels it would be 33, …", after {@link scaleSentence}: where the model should look closer than at a
 * scale; null where it need not.
 */
export function closerSentence(sizes: ObjectSizes, scale: Scale, size: number): string | null {
  const suggested = suggestScale(sizes, size);
  const now = scale === 'whole' ? longestSide(sizes) : scale;
  const seen = medianSeen(sizes, suggested, size);
  if (suggested === 'whole' || suggested > NEARLY_WHOLE * now || seen === null) return null;
  return `In crops of ${suggested} pixels it would be ${pixels(seen)}, which mostly gives better masks.`;
}

/** What to say of objects that are under `minSize` pixels wide where a model sees them; null when none is. */
export function smallObjectsRemark(
  sizes: ObjectSizes,
  scale: Scale,
  view: ModelView,
  minSize: number,
): { readonly what: string; readonly cure: string } | null {
  let small = 0;
  for (const image of sizes) {
    const least = leastArea({ minSize, minArea: 0 }, seenSize(image, scale), view);
    for (const [area, count] of image.areas) if (area < least) small += count;
  }
  if (small === 0) return null;
  const objects = countObjects(sizes);
  const which =
    small < objects
      ? `${small} of ${objects} objects ${small === 1 ? 'is' : 'are'}`
      : objects === 1
        ? 'The only object is'
        : `All ${objects} objects are`;
  const seen = scale === 'whole' ? 'that sees whole images' : `that sees crops of ${scale} pixels`;
  const smaller = smallerCrops(sizes, scale, view.size);
  return {
    what: `${which} under ${minSize} pixels wide on a model of ${view.size} pixels ${seen}: too small to train on or to measure.`,
    cure:
      smaller === null
        ? 'Nothing is to be done if they are specks; else lower "Smallest object" (--min-size).'
        : `If they matter, let the model see crops of ${smaller} pixels (The model sees; --scale ${smaller} on the command line).`,
  };
}

/** Crops in which objects are larger than at a scale; null where there are none worth it. */
function smallerCrops(sizes: ObjectSizes, scale: Scale, size: number): number | null {
  const suggested = suggestScale(sizes, size);
  const crops = suggested === 'whole' ? size : suggested;
  const now = scale === 'whole' ? longestSide(sizes) : scale;
  return crops < now ? crops : null;
}
