import type { Raster } from './raster.ts';
import { samplesOf } from './samples.ts';
import { checkSize, damaged, truncated } from './size-check.ts';

/** What the header of a PGM or PPM says. */
export interface PnmHeader {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** The value that is white. */
  readonly most: number;
  /** Where the samples begin. */
  readonly start: number;
}

/** Bytes in which the header ends, its comments included. */
const HEADER = 4096;

/** Numbers have spaces or comments before them; one space ends the last. */
const HEAD = /^P([56])(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)\s/;

/**
 * Reads a binary PGM (P5) or PPM (P6) of 8 or 16 bits, of several in one file the first.
 * @throws Failure naming `file`.
 */
export function decodePnm(bytes: Uint8Array, file: string): Raster {
  const { width, height, channels, most, start } = readPnmHeader(bytes, file);
  checkSize(file, width, height);
  const bits = most > 255 ? 16 : 8;
  if (start + (width * height * channels * bits) / 8 > bytes.length) throw truncated(file, 'PGM or PPM');
  const samples = { bits, kind: 'unsigned', predictor: 1, littleEndian: false } as const;
  const rows = { rows: height, perRow: width * channels, perPixel: channels };
  return {
    format: 'pnm',
    width,
    height,
    channels,
    bits,
    data: samplesOf(bytes.subarray(start), { ...samples, ...rows }),
    ...(most < 255 ? { window: { low: 0, high: most } } : {}),
    lossy: false,
    orientation: 1,
  };
}

/**
 * Reads the header alone.
 * @throws Failure naming `file`.
 */
export function readPnmHeader(bytes: Uint8Array, file: string): PnmHeader {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, HEADER));
  const [whole = '', kind, width, height, most] = HEAD.exec(head) ?? [];
  if (whole === '' && bytes.length < 20) throw truncated(file, 'PGM or PPM');
  if (whole === '' || Number(most) < 1 || Number(most) > 65_535)
    throw damaged(file, 'PGM or PPM', 'its header does not say a size and a largest value from 1 to 65535');
  return {
    width: Number(width),
    height: Number(height),
    channels: kind === '5' ? 1 : 3,
    most: Number(most),
    start: whole.length,
  };
}
