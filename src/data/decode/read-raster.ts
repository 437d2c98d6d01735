import type { ImageFormat } from '../types.ts';
import { decodeJpeg } from './jpeg.ts';
import { readJpegHeader } from './jpeg-header.ts';
import { upright } from './orientation.ts';
import { decodePng, pngSize } from './png.ts';
import type { Raster } from './raster.ts';
import { truncated } from './size-check.ts';
import { sniffFormat } from './sniff.ts';
import { decodeTiff } from './tiff.ts';
import { readTiffDirectory, tag } from './tiff-directory.ts';
import { decodeWebp, readWebpHeader } from './webp.ts';

/**
 * Decodes a file of any format that is read, by its content, and turns it upright.
 * @throws Failure naming `file`, or what a decoder throws at damaged bytes.
 */
export async function readRaster(bytes: Uint8Array, file: string): Promise<Raster> {
  const raster = await decodeAs(sniffFormat(bytes, file), bytes, file);
  return upright(raster);
}

async function decodeAs(format: ImageFormat, bytes: Uint8Array, file: string): Promise<Raster> {
  switch (format) {
    case 'png':
      return decodePng(bytes, file);
    case 'jpeg':
      return decodeJpeg(bytes, file);
    case 'tiff':
      return decodeTiff(bytes, file);
    case 'webp':
      return decodeWebp(bytes, file);
  }
}

/**
 * Format, stored size and EXIF orientation by the header alone, without decoding. The orientation of a PNG, which
 * hardly any has, is not looked for and given as 1.
 * @throws Failure naming `file`.
 */
export function readHeader(
  bytes: Uint8Array,
  file: string,
): { format: ImageFormat; width: number; height: number; orientation: number } {
  const format = sniffFormat(bytes, file);
  switch (format) {
    case 'png': {
      const size = pngSize(bytes);
      if (!size) throw truncated(file, 'PNG');
      return { format, ...size, orientation: 1 };
    }
    case 'jpeg': {
      const { width, height, orientation } = readJpegHeader(bytes, file);
      return { format, width, height, orientation };
    }
    case 'tiff': {
      const directory = readTiffDirectory(bytes, file);
      return {
        format,
        width: directory.number(tag.width, 0),
        height: directory.number(tag.height, 0),
        orientation: directory.number(tag.orientation, 1),
      };
    }
    case 'webp': {
      const { width, height, orientation } = readWebpHeader(bytes, file);
      return { format, width, height, orientation };
    }
  }
}
