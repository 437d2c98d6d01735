import { IGNORED } from '../objects.ts';
import { attempt, refuse } from '../outcome.ts';
import type { LabelMap, MaskKind, Outcome } from '../types.ts';
import { looksAntialiased, sharesNeighbours } from './antialiased.ts';
import type { Raster } from './raster.ts';
import { readRaster } from './read-raster.ts';
import { unsupported } from './size-check.ts';

/** A mask and how it was understood. */
export interface DecodedMask {
  readonly labelMap: LabelMap;
  readonly kind: MaskKind;
}

/** What a file is read as: a mask whose kind is found out, or ids that are taken as they are. */
export type MaskRole = 'masks' | 'labels' | 'instances';

/** Values at or above are foreground in a mask of kind `threshold128`. */
export const BINARY_THRESHOLD = 128;

/**
 * Decodes a mask to integers, 0 for background.
 *
 * Role `masks`: one value, or two of which one is 0: nonzero is foreground; a lossy file (JPEG, lossy WebP) or
 * antialiased grey is read with a threshold of 128 (`threshold128`); else its values are labels. Roles `labels` and
 * `instances` keep every value, -1 for pixels that are ignored included, and refuse lossy files. Palette indices are the values. Colours of an RGB mask become
 * the labels 65536·R + 256·G + B, black (or, where there is no black, white) being background, so that a colour is
 * the same label in every image. Where all colours are the same and only alpha differs, alpha is the mask. Never
 * throws for what the file holds.
 */
export function decodeMask(
  bytes: Uint8Array,
  file: string,
  role: MaskRole = 'masks',
): Promise<Outcome<DecodedMask>> {
  return attempt(file, async () => maskOfRaster(await readRaster(bytes, file), file, role));
}

/** A raster as a mask, see {@link decodeMask}. */
export function maskOfRaster(raster: Raster, file: string, role: MaskRole = 'masks'): DecodedMask {
  if (role !== 'masks' && raster.lossy) {
    throw unsupported(
      file,
      `This is a lossy ${raster.format.toUpperCase()}, so its ${role === 'labels' ? 'class labels' : 'object ids'} cannot be recovered.`,
      'Export it as PNG.',
    );
  }
  refuseNegative(raster, file, role === 'masks' ? 0 : IGNORED);
  const values = valuesOf(raster, file);
  const map = (data: Int32Array): LabelMap => ({ width: raster.width, height: raster.height, data });
  if (role !== 'masks') return { labelMap: map(values.data), kind: role };
  const { data, background } = values;
  if (isBinary(data, background))
    return { labelMap: map(data.map((v) => (v === background ? 0 : 1))), kind: 'binary' };
  if (
    values.isGrey &&
    raster.bits === 8 &&
    (raster.lossy || looksAntialiased(values.data, raster.width, raster.height))
  ) {
    return { labelMap: map(values.data.map((v) => (v >= BINARY_THRESHOLD ? 1 : 0))), kind: 'threshold128' };
  }
  return { labelMap: map(values.data), kind: 'labels' };
}

/** Signed integers may hold labels, which start at 0. */
function refuseNegative({ data }: Raster, file: string, least: number): void {
  if (!(data instanceof Int8Array || data instanceof Int16Array || data instanceof Int32Array)) return;
  const value = data.find((v) => v < least);
  if (value === undefined) return;
  throw refuse(
    'data/mask-negative',
    file,
    `This mask contains the negative value ${value}; labels start at 0, the background.`,
    'Export it with 0 for background and whole numbers from 1 for classes or objects.',
  );
}

interface Values {
  readonly data: Int32Array;
  /** The value that is background where there are only two. */
  readonly background: number;
  /** True when values are grey levels and not indices or colours. */
  readonly isGrey: boolean;
}

function valuesOf(raster: Raster, file: string): Values {
  if (raster.palette) return paletteValues(raster, raster.palette);
  if (raster.data instanceof Float32Array || raster.data instanceof Float64Array)
    return floatValues(raster, raster.data, file);
  const pixels = raster.width * raster.height;
  const plane = (channel: number) => channelOf(raster, channel);
  if (raster.channels <= 2 || isGrey(raster)) {
    const grey = plane(0);
    if (raster.hasAlpha && isConstant(grey)) {
      const alpha = plane(raster.channels - 1);
      if (!isConstant(alpha)) return { data: alpha, background: 0, isGrey: true };
    }
    return { data: grey, background: 0, isGrey: true };
  }
  if (raster.lossy) {
    // Colours that the codec mixed cannot be told apart any more; what is bright in any channel is foreground.
    const data = new Int32Array(pixels);
    for (let i = 0; i < pixels; i++) {
      const at = i * raster.channels;
      data[i] = Math.max(
        raster.data[at] as number,
        raster.data[at + 1] as number,
        raster.data[at + 2] as number,
      );
    }
    return { data, background: 0, isGrey: true };
  }
  return colourValues(raster, file);
}

/** Packed colours with the background made 0. */
function colourValues(raster: Raster, file: string): Values {
  const pixels = raster.width * raster.height;
  const data = new Int32Array(pixels);
  const shift = raster.bits === 16 ? 8 : 0;
  for (let i = 0; i < pixels; i++) {
    const at = i * raster.channels;
    const r = (raster.data[at] as number) >> shift;
    const g = (raster.data[at + 1] as number) >> shift;
    const b = (raster.data[at + 2] as number) >> shift;
    data[i] = (r << 16) | (g << 8) | b;
  }
  if (!data.includes(0)) {
    const white = 0xffffff;
    for (let i = 0; i < pixels; i++) if (data[i] === white) data[i] = 0;
  }
  const colours = new Set(data);
  if (colours.size > 32 && sharesNeighbours(data, raster.width, raster.height, (v) => v !== 0) < 0.5) {
    throw refuse(
      'data/mask-looks-like-photo',
      file,
      `This mask has ${colours.size} colours that blend into each other, so their meaning cannot be determined.`,
      'Export the mask without smoothing: one plain colour, or one number, for each class or object.',
    );
  }
  return { data, background: 0, isGrey: false };
}

/** Indices; of a two-colour palette the colour decides where it puts black at another index than 0. */
function paletteValues(raster: Raster, palette: Uint8Array): Values {
  const data = Int32Array.from(raster.data);
  const used = [...new Set(data)];
  const isBlack = (index: number) =>
    !palette[3 * index] && !palette[3 * index + 1] && !palette[3 * index + 2];
  const black = used.find((index) => index !== 0 && isBlack(index));
  return { data, background: black !== undefined && !isBlack(0) ? black : 0, isGrey: false };
}

function floatValues(raster: Raster, values: Float32Array | Float64Array, file: string): Values {
  const step = raster.channels;
  const data = new Int32Array(raster.width * raster.height);
  const seen = new Set<number>();
  let whole = true;
  for (let i = 0; i < data.length; i++) {
    const v = values[i * step] as number;
    if (seen.size < 3) seen.add(v);
    if (!Number.isInteger(v) || v < 0 || v > 0x7fffffff) whole = false;
    data[i] = v;
  }
  if (whole) return { data, background: 0, isGrey: true };
  if (seen.size > 2 || (seen.size === 2 && !seen.has(0))) {
    throw unsupported(
      file,
      'This mask contains fractions, not labels.',
      'Export it as an 8-bit or 16-bit PNG of whole numbers.',
    );
  }
  // A share such as 0.5 would be rounded down to 0 as a whole number.
  return { data: data.map((_, i) => Number(values[i * step] !== 0)), background: 0, isGrey: true };
}

function channelOf({ data, channels, width, height }: Raster, channel: number): Int32Array {
  const out = new Int32Array(width * height);
  for (let i = 0; i < out.length; i++) out[i] = data[i * channels + channel] as number;
  return out;
}

function isGrey({ data, channels, width, height }: Raster): boolean {
  for (let i = 0; i < width * height; i++) {
    const at = i * channels;
    if (data[at] !== data[at + 1] || data[at] !== data[at + 2]) return false;
  }
  return true;
}

const isConstant = (data: Int32Array) => data.every((v) => v === data[0]);

/** One value, or two of which one is background: two others are labels. */
function isBinary(data: Int32Array, background: number): boolean {
  const first = data[0];
  let second: number | undefined;
  for (let i = 1; i < data.length; i++) {
    const v = data[i];
    if (v === first || v === second) continue;
    if (second !== undefined) return false;
    second = v;
  }
  return second === undefined || first === background || second === background;
}
