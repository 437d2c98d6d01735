import type { Random } from '../config/random.ts';
import { hasForeground, type LabelRuns } from './label-runs.ts';
import type { ToneTable } from './preprocess.ts';
import type { Box, ObjectRegion } from './types.ts';
import { regionView, turnedView, type View, wholeView } from './view.ts';

/** What augmentation may do; every field can be switched off by its neutral value. */
export interface AugmentSettings {
  /** Mirror left–right and top–bottom, each with probability one half. */
  readonly flips: boolean;
  /** Turn by 0, 90, 180 or 270 degrees, each equally likely. */
  readonly quarterTurns: boolean;
  /** Smallest side of a crop as a share of the image's side, 0.1–1; 1 crops nothing. */
  readonly minCrop: number;
  /** Largest change of brightness as a share of 255, 0–1. */
  readonly brightness: number;
  /** Largest change of contrast about the image's mean, 0–1: the factor lies in [1 − c, 1 + c]. */
  readonly contrast: number;
}

/** One variant of an image: what of it is looked at and how, and by which table its values change. */
export interface Variant {
  readonly view: View;
  readonly tone: ToneTable | null;
}

/** Share of a crop's side that its object's middle keeps from its edges. */
const EDGE = 0.2;

/** Crops are drawn again while they hold no foreground, so often. */
const CROP_TRIES = 8;

/** Crops in which an image is seen at its own scale, each around one of its objects. */
export interface ObjectCrops {
  /** Pixels of the largest crop's side; the smallest is `minCrop` of it. */
  readonly side: number;
  readonly objects: readonly Pick<ObjectRegion, 'area' | 'box'>[];
}

/**
 * Draws a variant of an image. Equal states, labels, means and settings give equal variants.
 * @param labels of the image's size; @param mean of all values of the image, 0–255.
 * @param crops where the image is not seen whole; objects under `leastArea` pixels are not cropped to.
 */
export function drawVariant(
  labels: LabelRuns,
  mean: number,
  random: Random,
  settings: AugmentSettings,
  crops: (ObjectCrops & { readonly leastArea: number }) | null = null,
): Variant {
  const crop = crops
    ? drawObjectCrop(labels, random, settings.minCrop, crops)
    : drawCrop(labels, random, settings.minCrop);
  const [flipsX, flipsY] = settings.flips ? [random.chance(0.5), random.chance(0.5)] : [false, false];
  const turns = settings.quarterTurns ? random.integer(4) : 0;
  return { view: turnedView(crop, flipsX, flipsY, turns), tone: drawTone(mean, random, settings) };
}

/**
 * Names a variant that comes again: one of the eight ways to see the whole image in its own tone. Null for any other,
 * of which there are too many.
 * @param whole the image's size.
 */
export function repeatedVariant(
  { view, tone }: Variant,
  whole: Pick<View, 'width' | 'height'>,
): string | null {
  if (tone || view.width !== whole.width || view.height !== whole.height) return null;
  return [view.mirrorsX, view.mirrorsY, view.isTransposed].map(Number).join('');
}

/** Whether every variant of an image that is seen whole is one of those that {@link repeatedVariant} names. */
export function variantsRepeat({
  minCrop,
  brightness,
  contrast,
}: Pick<AugmentSettings, 'minCrop' | 'brightness' | 'contrast'>): boolean {
  return minCrop >= 1 && brightness === 0 && contrast === 0;
}

function drawCrop(labels: LabelRuns, random: Random, minCrop: number): View {
  const whole = wholeView(labels);
  if (minCrop >= 1) return whole;
  for (let attempt = 0; attempt < CROP_TRIES; attempt++) {
    const share = random.range(minCrop, 1);
    const width = Math.max(1, Math.round(labels.width * share));
    const height = Math.max(1, Math.round(labels.height * share));
    const x0 = random.integer(labels.width - width + 1);
    const y0 = random.integer(labels.height - height + 1);
    const crop = { ...whole, x0, y0, width, height };
    if (hasForeground(labels, crop)) return crop;
  }
  return whole;
}

/** A crop in which the middle of an object that is large enough lies anywhere but near the edges. */
function drawObjectCrop(
  labels: LabelRuns,
  random: Random,
  minCrop: number,
  { side, objects, leastArea }: ObjectCrops & { readonly leastArea: number },
): View {
  const large = objects.filter(({ area }) => area >= leastArea);
  const length = Math.max(1, Math.round(side * random.range(minCrop, 1)));
  const [width, height] = [Math.min(length, labels.width), Math.min(length, labels.height)];
  const whole: Box = [0, 0, labels.width, labels.height];
  const [x0, y0, x1, y1] = large[random.integer(Math.max(1, large.length))]?.box ?? whole;
  const start = (middle: number, own: number, limit: number) =>
    Math.max(0, Math.min(limit - own, Math.round(middle - own * random.range(EDGE, 1 - EDGE))));
  const left = start((x0 + x1) / 2, width, labels.width);
  const top = start((y0 + y1) / 2, height, labels.height);
  return regionView([left, top, left + width, top + height]);
}

/** Brightness and contrast by one table for all channels. */
function drawTone(mean: number, random: Random, { brightness, contrast }: AugmentSettings): ToneTable | null {
  if (brightness === 0 && contrast === 0) return null;
  const shift = random.range(-brightness, brightness) * 255;
  const factor = random.range(1 - contrast, 1 + contrast);
  return Uint8ClampedArray.from({ length: 256 }, (_, v) => (v - mean) * factor + mean + shift);
}
