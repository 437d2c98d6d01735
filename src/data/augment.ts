import type { Random } from '../config/random.ts';
import type { LabelMap, RgbImage } from './types.ts';

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

const DEFAULT_AUGMENT: AugmentSettings = {
  flips: true,
  quarterTurns: true,
  minCrop: 0.6,
  brightness: 0.1,
  contrast: 0.2,
};

export interface Augmented {
  readonly image: RgbImage;
  readonly labelMaps: readonly LabelMap[];
}

/** Crops are drawn again while they hold no foreground, so often. */
const CROP_TRIES = 8;

/**
 * Draws one variant of an image and, by the same geometry, of its label maps (all of the image's size). Equal states,
 * images, maps and settings give equal variants.
 */
export function augment(
  image: RgbImage,
  labelMaps: readonly LabelMap[],
  random: Random,
  settings: AugmentSettings = DEFAULT_AUGMENT,
): Augmented {
  let geometry = drawCrop(image, labelMaps[0], random, settings.minCrop);
  if (settings.flips) geometry = { ...geometry, flipX: random.chance(0.5), flipY: random.chance(0.5) };
  if (settings.quarterTurns) geometry = { ...geometry, turns: random.integer(4) };
  const toned = tone(image, random, settings);
  return {
    image: { ...view(toned.data, image.width, 3, geometry), channels: 3 },
    labelMaps: labelMaps.map((map) => view(map.data, map.width, 1, geometry)),
  };
}

interface Geometry {
  readonly x0: number;
  readonly y0: number;
  readonly width: number;
  readonly height: number;
  readonly flipX: boolean;
  readonly flipY: boolean;
  /** Quarter turns counter-clockwise, after the flips. */
  readonly turns: number;
}

function drawCrop(image: RgbImage, labels: LabelMap | undefined, random: Random, minCrop: number): Geometry {
  const whole = {
    x0: 0,
    y0: 0,
    width: image.width,
    height: image.height,
    flipX: false,
    flipY: false,
    turns: 0,
  };
  if (minCrop >= 1) return whole;
  for (let attempt = 0; attempt < CROP_TRIES; attempt++) {
    const share = random.range(minCrop, 1);
    const width = Math.max(1, Math.round(image.width * share));
    const height = Math.max(1, Math.round(image.height * share));
    const x0 = random.integer(image.width - width + 1);
    const y0 = random.integer(image.height - height + 1);
    const crop = { ...whole, x0, y0, width, height };
    if (!labels || hasForeground(labels, crop)) return crop;
  }
  return whole;
}

function hasForeground({ data, width }: LabelMap, crop: Geometry): boolean {
  for (let y = crop.y0; y < crop.y0 + crop.height; y++) {
    const from = y * width + crop.x0;
    for (let at = from; at < from + crop.width; at++) if ((data[at] as number) > 0) return true;
  }
  return false;
}

/** Brightness and contrast by one table for all channels. */
function tone(image: RgbImage, random: Random, { brightness, contrast }: AugmentSettings): RgbImage {
  if (brightness === 0 && contrast === 0) return image;
  const shift = random.range(-brightness, brightness) * 255;
  const factor = random.range(1 - contrast, 1 + contrast);
  let sum = 0;
  for (let i = 0; i < image.data.length; i++) sum += image.data[i] as number;
  const mean = sum / image.data.length;
  const table = Uint8ClampedArray.from({ length: 256 }, (_, v) => (v - mean) * factor + mean + shift);
  return { ...image, data: image.data.map((v) => table[v] as number) };
}

/** The part of an image that a geometry shows. */
function view<T extends Uint8Array | Int32Array>(data: T, stride: number, channels: number, g: Geometry) {
  const turned = g.turns % 2 === 1;
  const width = turned ? g.height : g.width;
  const height = turned ? g.width : g.height;
  const out = new (data.constructor as new (n: number) => T)(width * height * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let [sx, sy] = unturn(x, y, g);
      if (g.flipX) sx = g.width - 1 - sx;
      if (g.flipY) sy = g.height - 1 - sy;
      const from = ((g.y0 + sy) * stride + g.x0 + sx) * channels;
      const to = (y * width + x) * channels;
      for (let c = 0; c < channels; c++) out[to + c] = data[from + c] as number;
    }
  }
  return { width, height, data: out };
}

/** Where a pixel of the turned crop lay before the turn. */
function unturn(x: number, y: number, { turns, width, height }: Geometry): [x: number, y: number] {
  switch (turns) {
    case 1:
      return [width - 1 - y, x];
    case 2:
      return [width - 1 - x, height - 1 - y];
    case 3:
      return [y, height - 1 - x];
    default:
      return [x, y];
  }
}
