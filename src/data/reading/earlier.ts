/** How masks were read file by file, before a dataset had one reading: datasets stored then keep their objects. */
import type { Raster } from '../decode/raster.ts';
import { IGNORED } from '../objects.ts';
import { looksAntialiased } from './antialiased.ts';
import type { MaskReading, MaskRole, MaskSamples } from './reading.ts';
import { isFloat, isGrey, pixelsOf, type Values, valuesOf } from './values.ts';

/** Values at or above were foreground in a lossy or antialiased mask. */
const THRESHOLD = 128;

/**
 * The reading of one file by itself: with one value, or two of which one is background, what is not background was
 * foreground; a lossy or antialiased grey had a threshold; else values were classes.
 * @returns the raster with the values that were taken from it, and how they were read.
 */
export function earlierReading(stored: Raster, role: MaskRole): { raster: Raster; reading: MaskReading } {
  const raster = asRead(stored);
  const samples = samplesOf(raster);
  const values = valuesOf(raster, { samples, transparentUnder: null });
  const background = backgroundOf(raster, samples, values);
  const base: MaskReading = {
    samples,
    background,
    ignored: role === 'masks' ? [] : [IGNORED],
    levels: null,
    threshold: null,
    meaning: role === 'instances' ? 'objects' : 'classes',
    zeroLabel: 0,
    transparentUnder: null,
  };
  if (role !== 'masks') return { raster, reading: samples === 'palette' ? { ...base, background: 0 } : base };
  if (isBinary(values, background)) return { raster, reading: { ...base, meaning: 'foreground' } };
  const isNumber = samples === 'grey' || samples === 'alpha';
  const isSoft = raster.lossy || looksAntialiased(values, raster.width, raster.height);
  if (isNumber && raster.bits === 8 && isSoft) {
    return { raster, reading: { ...base, threshold: THRESHOLD, meaning: 'foreground' } };
  }
  return { raster, reading: samples === 'palette' ? { ...base, background: 0 } : base };
}

/** WhiteIsZero was inverted, and a lossy colour was its brightest channel. */
function asRead(raster: Raster): Raster {
  if (raster.isWhiteZero) {
    const top = isFloat(raster) ? 0 : 2 ** raster.bits - 1;
    return { ...raster, isWhiteZero: false, data: raster.data.map((v) => top - v) };
  }
  if (!raster.lossy || isGrey(raster)) return raster;
  const data = new Uint8Array(pixelsOf(raster));
  for (let i = 0; i < data.length; i++) {
    const at = i * raster.channels;
    const [r = 0, g = 0, b = 0] = [raster.data[at], raster.data[at + 1], raster.data[at + 2]];
    data[i] = Math.max(r, g, b);
  }
  return { ...raster, channels: 1, hasAlpha: false, data };
}

function samplesOf(raster: Raster): MaskSamples {
  if (raster.palette) return 'palette';
  if (!isGrey(raster) && raster.channels > 2) return 'colour';
  const isConstant = (values: Values) => values.every((v) => v === values[0]);
  const plane = (samples: MaskSamples) => valuesOf(raster, { samples, transparentUnder: null });
  return raster.hasAlpha && isConstant(plane('grey')) && !isConstant(plane('alpha')) ? 'alpha' : 'grey';
}

/** Black; of colours white where there is no black; of a palette the black that occurs, where 0 is not black. */
function backgroundOf({ palette }: Raster, samples: MaskSamples, values: Values): number {
  if (samples === 'colour') return values.includes(0) ? 0 : 0xffffff;
  if (!palette) return 0;
  const isBlack = (index: number) =>
    !palette[3 * index] && !palette[3 * index + 1] && !palette[3 * index + 2];
  const black = [...new Set(values)].find((index) => index !== 0 && isBlack(index));
  return black !== undefined && !isBlack(0) ? black : 0;
}

/** One value, or two of which one is background. */
function isBinary(values: Values, background: number): boolean {
  const seen = new Set<number>();
  for (let i = 0; i < values.length && seen.size < 3; i++) seen.add(values[i] as number);
  return seen.size < 2 || (seen.size === 2 && seen.has(background));
}
