import type { ImageFormat } from '../types.ts';

/**
 * Samples as a file has them: signed integers stay signed, not-a-number stays what it is. Integers of 64 bits become
 * float64, exact up to 2^53.
 */
export type RasterData =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

/**
 * A decoded file before it becomes an image or a mask: samples interleaved, rows top to bottom as stored
 * (the orientation is not applied yet), values unscaled.
 */
export interface Raster {
  readonly format: ImageFormat;
  readonly width: number;
  readonly height: number;
  /** Samples a pixel, alpha included: 1 grey or palette index, 3 RGB; any other number says nothing of colours. */
  readonly channels: number;
  /** True when the last channel is alpha; absent means no. */
  readonly hasAlpha?: boolean;
  /** Bits a sample in the file, 1 … 64. */
  readonly bits: number;
  readonly data: RasterData;
  /**
   * True when the file says that its smallest value is white (TIFF's WhiteIsZero); the values in `data` are those of
   * the file. An image is inverted for it, a mask takes its values as they are.
   */
  readonly isWhiteZero?: boolean;
  /** Values that an image shows as black and white, where the file says it; else percentiles do. */
  readonly window?: { readonly low: number; readonly high: number };
  /** RGB triples, 3 bytes a colour, when samples are palette indices (then `channels` is 1). */
  readonly palette?: Uint8Array;
  /** True when the codec changed values on writing (JPEG, lossy WebP). */
  readonly lossy: boolean;
  /** EXIF orientation, 1 … 8; 1 is upright. */
  readonly orientation: number;
  /** The orientation that the file says, of a raster that was turned upright. */
  readonly turnedFrom?: number;
}
