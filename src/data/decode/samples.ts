import type { RasterData } from './raster.ts';

/** What one sample of a TIFF, NIfTI or DICOM file is. */
export interface SampleType {
  /** Unsigned integers of 1 … 16, 32 or 64 bits, signed ones of 8, 16, 32 or 64, floats of 16, 32 or 64. */
  readonly bits: number;
  readonly kind: 'unsigned' | 'signed' | 'float';
}

type Whole = Exclude<RasterData, Float32Array | Float64Array> | BigUint64Array | BigInt64Array;

/** Whether values of this type can be read. */
export function isReadable({ bits, kind }: SampleType): boolean {
  if (kind === 'float') return bits === 16 || bits === 32 || bits === 64;
  if (kind === 'signed') return bits === 8 || bits === 16 || bits === 32 || bits === 64;
  return (bits >= 1 && bits <= 16) || bits === 32 || bits === 64;
}

/** An array of zeros that holds values of this type. */
export function newSamples({ bits, kind }: SampleType, count: number): RasterData {
  if (kind === 'float') return bits === 64 ? new Float64Array(count) : new Float32Array(count);
  if (bits === 64) return new Float64Array(count);
  if (kind === 'signed') {
    if (bits === 32) return new Int32Array(count);
    return bits === 16 ? new Int16Array(count) : new Int8Array(count);
  }
  if (bits === 32) return new Uint32Array(count);
  return bits > 8 ? new Uint16Array(count) : new Uint8Array(count);
}

/** How bytes (of a strip, tile or slice) become values. */
export interface SampleRows extends SampleType {
  readonly rows: number;
  /** Values of a row; a row starts at a whole byte. */
  readonly perRow: number;
  /** Values from a sample to the same sample of the next pixel. */
  readonly perPixel: number;
  /** Tag 317: 1 none, 2 differences of integers, 3 differences of the bytes of floats. */
  readonly predictor: number;
  readonly littleEndian: boolean;
}

/** The values of rows of bytes, rows · perRow of them, with the predictor undone; `raw` holds all of the bytes. */
export function samplesOf(raw: Uint8Array, about: SampleRows): RasterData {
  const { bits, kind, rows, perRow, predictor } = about;
  if (bits % 8 !== 0) return unpackedBits(raw, about);
  const size = bits / 8;
  // A copy, so that it starts at a multiple of a value's bytes and may be changed.
  const bytes = raw.slice(0, rows * perRow * size);
  if (predictor === 3) joinFloatBytes(bytes, about);
  else if (!about.littleEndian) reverseBytes(bytes, size);
  const { buffer } = bytes;
  if (kind === 'float') {
    if (bits === 16) return Float32Array.from(new Uint16Array(buffer), halfToNumber);
    return bits === 32 ? new Float32Array(buffer) : new Float64Array(buffer);
  }
  const values = integers(buffer, about);
  if (predictor === 2) addLeft(values, about);
  if (values instanceof BigUint64Array || values instanceof BigInt64Array)
    return Float64Array.from(values, Number);
  return values;
}

function integers(buffer: ArrayBuffer, { bits, kind }: SampleType): Whole {
  const isSigned = kind === 'signed';
  switch (bits) {
    case 8:
      return isSigned ? new Int8Array(buffer) : new Uint8Array(buffer);
    case 16:
      return isSigned ? new Int16Array(buffer) : new Uint16Array(buffer);
    case 32:
      return isSigned ? new Int32Array(buffer) : new Uint32Array(buffer);
    default:
      return isSigned ? new BigInt64Array(buffer) : new BigUint64Array(buffer);
  }
}

/** Undoes predictor 2: a value was stored as the difference to the one left of it; a sum wraps around. */
function addLeft(values: Whole, { rows, perRow, perPixel }: SampleRows): void {
  if (values instanceof BigUint64Array || values instanceof BigInt64Array) {
    for (let y = 0; y < rows; y++) {
      for (let i = y * perRow + perPixel; i < (y + 1) * perRow; i++) {
        values[i] = (values[i] as bigint) + (values[i - perPixel] as bigint);
      }
    }
    return;
  }
  for (let y = 0; y < rows; y++) {
    for (let i = y * perRow + perPixel; i < (y + 1) * perRow; i++) {
      values[i] = (values[i] as number) + (values[i - perPixel] as number);
    }
  }
}

/**
 * Undoes predictor 3 (Adobe's technical note 3): a row holds the differences of the highest bytes of all its values,
 * then those of the next lower bytes. The values come out little-endian.
 */
function joinFloatBytes(bytes: Uint8Array, { bits, rows, perRow, perPixel }: SampleRows): void {
  const size = bits / 8;
  const rowBytes = perRow * size;
  for (let y = 0; y < rows; y++) {
    const row = bytes.slice(y * rowBytes, (y + 1) * rowBytes);
    for (let i = perPixel; i < rowBytes; i++) row[i] = (row[i] as number) + (row[i - perPixel] as number);
    for (let i = 0; i < perRow; i++) {
      for (let b = 0; b < size; b++) {
        bytes[y * rowBytes + i * size + size - 1 - b] = row[b * perRow + i] as number;
      }
    }
  }
}

function reverseBytes(bytes: Uint8Array, size: number): void {
  if (size === 1) return;
  for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse();
}

/** Values of fewer than 8, or of 9 to 15 bits, the highest bit first. */
function unpackedBits(raw: Uint8Array, { bits, rows, perRow, ...type }: SampleRows): RasterData {
  const values = newSamples({ bits, kind: type.kind }, rows * perRow);
  const rowBytes = Math.ceil((perRow * bits) / 8);
  const mask = (1 << bits) - 1;
  for (let y = 0; y < rows; y++) {
    for (let i = 0; i < perRow; i++) {
      const bit = i * bits;
      const at = y * rowBytes + (bit >> 3);
      const word = ((raw[at] as number) << 16) | ((raw[at + 1] ?? 0) << 8) | (raw[at + 2] ?? 0);
      values[y * perRow + i] = (word >> (24 - bits - (bit & 7))) & mask;
    }
  }
  return values;
}

/** A float of 16 bits (IEEE 754 binary16). */
function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
