import { attempt } from '../outcome.ts';
import type { ChannelChoice } from '../reading/reading.ts';
import type { DepthMapping, ImageFormat, Outcome, RgbImage } from '../types.ts';
import { chooseChannels, type ShownChannels, samplesOfChannels } from './channels.ts';
import { depthMapping, type Percentiles, toEightBits } from './depth.ts';
import type { Raster } from './raster.ts';
import { readRaster } from './read-raster.ts';

/** How the values of an image file become colours. */
export interface ImageReading {
  /** How images of more than 8 bits are mapped; default the 0.1 and 99.9 percentiles. */
  readonly percentiles?: Percentiles;
  /** Channels shown of files with more than one; default the first three, of two the one with more contrast. */
  readonly channels?: ChannelChoice;
}

export interface DecodedImage {
  readonly image: RgbImage;
  readonly format: ImageFormat;
  /** Set when the file has more than 8 bits and does not say itself what is black and white. */
  readonly depth?: DepthMapping;
  /** The EXIF orientation from which the image was turned upright; absent when it was not. */
  readonly turnedFrom?: number;
  /** Set when the file has two or more than three channels beside alpha, so that some may not be shown. */
  readonly channels?: ShownChannels;
}

/**
 * Decodes an image to upright 8-bit RGB: no colour conversion, alpha dropped without premultiplication, grey repeated
 * three times, palette looked up, 1, 2 and 4 bits stretched to 0 … 255, more than 8 bits and signed values by the
 * percentile rule, WhiteIsZero inverted. Never throws for what the file holds.
 */
export function decodeImage(
  bytes: Uint8Array,
  file: string,
  reading: ImageReading = {},
): Promise<Outcome<DecodedImage>> {
  return attempt(file, async () => imageOfRaster(await readRaster(bytes, file), file, reading));
}

/** A raster as an image, see {@link decodeImage}. */
export function imageOfRaster(raster: Raster, file: string, reading: ImageReading = {}): DecodedImage {
  const { width, height, bits, palette, format } = raster;
  const pixels = width * height;
  const image = (data: Uint8Array): RgbImage => ({ width, height, channels: 3, data });
  const base = { format, ...(raster.turnedFrom ? { turnedFrom: raster.turnedFrom } : {}) };
  if (palette) return { ...base, image: image(coloursOf(raster.data, palette)) };
  const channels = chooseChannels(raster, file, reading.channels);
  const distinct = [...new Set(channels.shown)].sort((a, b) => a - b);
  const samples = samplesOfChannels(
    raster,
    distinct.map((channel) => channel - 1),
  );
  const isBytes = samples instanceof Uint8Array;
  const depth = isBytes || raster.window ? undefined : depthMapping(samples, reading.percentiles);
  const window = raster.window ?? depth;
  let values = window ? toEightBits(samples, window) : (samples as Uint8Array);
  if (isBytes && !window && bits < 8) values = values.map((v) => Math.round((v * 255) / (2 ** bits - 1)));
  if (raster.isWhiteZero) values = values.map((v) => 255 - v);
  const order = channels.shown.map((channel) => distinct.indexOf(channel));
  return {
    ...base,
    image: image(inOrder(values, pixels, distinct.length, order)),
    ...(depth ? { depth } : {}),
    ...(channels.of === 1 || channels.of === 3 ? {} : { channels }),
  };
}

function coloursOf(indices: ArrayLike<number>, palette: Uint8Array): Uint8Array {
  const data = new Uint8Array(indices.length * 3);
  for (let i = 0; i < indices.length; i++) {
    const colour = 3 * (indices[i] as number);
    for (let c = 0; c < 3; c++) data[3 * i + c] = palette[colour + c] ?? 0;
  }
  return data;
}

/** Three values a pixel: those at places `order` of the `of` values that it has. */
function inOrder(values: Uint8Array, pixels: number, of: number, order: readonly number[]): Uint8Array {
  const [red = 0, green = 0, blue = 0] = order;
  if (of === 3 && red === 0 && green === 1 && blue === 2) return values;
  const out = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    out[3 * i] = values[i * of + red] as number;
    out[3 * i + 1] = values[i * of + green] as number;
    out[3 * i + 2] = values[i * of + blue] as number;
  }
  return out;
}
