import { attempt } from '../outcome.ts';
import type { DepthMapping, ImageFormat, Outcome, RgbImage } from '../types.ts';
import { DEFAULT_PERCENTILES, depthMapping, type Percentiles, toEightBits } from './depth.ts';
import type { Raster } from './raster.ts';
import { readRaster } from './read-raster.ts';

export interface DecodedImage {
  readonly image: RgbImage;
  readonly format: ImageFormat;
  /** Set when the file has more than 8 bits. */
  readonly depth?: DepthMapping;
}

/**
 * Decodes an image to upright 8-bit RGB: no colour conversion, alpha dropped without premultiplication, grey repeated
 * three times, palette looked up, 1, 2 and 4 bits stretched to 0 … 255, more than 8 bits by the percentile rule.
 * Never throws for what the file holds.
 */
export function decodeImage(
  bytes: Uint8Array,
  file: string,
  percentiles: Percentiles = DEFAULT_PERCENTILES,
): Promise<Outcome<DecodedImage>> {
  return attempt(file, async () => imageOfRaster(await readRaster(bytes, file), percentiles));
}

/** A raster as an image, see {@link decodeImage}. */
export function imageOfRaster(raster: Raster, percentiles: Percentiles = DEFAULT_PERCENTILES): DecodedImage {
  const { width, height, channels, bits, palette, format } = raster;
  const pixels = width * height;
  const base = { format };
  if (palette && raster.data instanceof Uint8Array) {
    const data = new Uint8Array(pixels * 3);
    for (let i = 0; i < pixels; i++) {
      const colour = 3 * (raster.data[i] as number);
      for (let c = 0; c < 3; c++) data[3 * i + c] = palette[colour + c] ?? 0;
    }
    return { ...base, image: { width, height, channels: 3, data } };
  }
  const colours = withoutAlpha(raster);
  if (colours instanceof Uint8Array) {
    const values = bits < 8 ? colours.map((v) => Math.round((v * 255) / (2 ** bits - 1))) : colours;
    return {
      ...base,
      image: { width, height, channels: 3, data: threeChannels(values, pixels, channels) },
    };
  }
  const depth = depthMapping(colours, percentiles);
  const data = threeChannels(toEightBits(colours, depth), pixels, channels);
  return { ...base, image: { width, height, channels: 3, data }, depth };
}

/** The samples without alpha: 1 or 3 a pixel. */
function withoutAlpha({ data, channels, width, height }: Raster): Raster['data'] {
  if (channels === 1 || channels === 3) return data;
  const keep = channels - 1;
  const out = new (data.constructor as new (n: number) => typeof data)(width * height * keep);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < keep; c++) out[i * keep + c] = data[i * channels + c] as number;
  }
  return out;
}

function threeChannels(values: Uint8Array, pixels: number, channels: number): Uint8Array {
  if (channels >= 3) return values;
  const out = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) out.fill(values[i] as number, 3 * i, 3 * i + 3);
  return out;
}
