import type { ImageFormat } from '../types.ts';

/**
 * A decoded file before it becomes an image or a mask: samples interleaved, rows top to bottom as stored
 * (the orientation is not applied yet), values unscaled: 0 … 2^bits − 1, or floats when `bits` is 32 or 64.
 */
export interface Raster {
  readonly format: ImageFormat;
  readonly width: number;
  readonly height: number;
  /** 1 grey or palette index, 2 grey + alpha, 3 RGB, 4 RGB + alpha. */
  readonly channels: 1 | 2 | 3 | 4;
  readonly bits: number;
  readonly data: Uint8Array | Uint16Array | Uint32Array | Float32Array;
  /** What was added to every value of a file of signed integers, so that they start at 0; absent where nothing was. */
  readonly offset?: number;
  /** RGB triples, 3 bytes a colour, when samples are palette indices (then `channels` is 1). */
  readonly palette?: Uint8Array;
  /** True when the codec changed values on writing (JPEG, lossy WebP). */
  readonly lossy: boolean;
  /** EXIF orientation, 1 … 8; 1 is upright. */
  readonly orientation: number;
}
