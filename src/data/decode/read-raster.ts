import type { ImageFormat } from '../types.ts';
import { decodeBmp, readBmpHeader } from './bmp.ts';
import { decodeByBrowser, readHeifSize } from './browser-image.ts';
import { decodeDicom } from './dicom.ts';
import { decodeGif, readGifHeader } from './gif.ts';
import { decodeJpeg } from './jpeg.ts';
import { readJpegHeader } from './jpeg-header.ts';
import { decodeNifti } from './nifti.ts';
import { decodeNpy, npySize } from './npy.ts';
import { upright } from './orientation.ts';
import { decodePng, pngSize } from './png.ts';
import { decodePnm, readPnmHeader } from './pnm.ts';
import type { Raster } from './raster.ts';
import { truncated, unsupported } from './size-check.ts';
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
  const { orientation } = raster;
  return orientation === 1 ? raster : { ...upright(raster), turnedFrom: orientation };
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
    case 'bmp':
      return decodeBmp(bytes, file);
    case 'pnm':
      return decodePnm(bytes, file);
    case 'gif':
      return decodeGif(bytes, file);
    case 'avif':
    case 'heic':
      return decodeByBrowser(bytes, format, file);
    case 'nifti':
      return decodeNifti(bytes, file);
    case 'dicom':
      return decodeDicom(bytes, file);
    case 'npy':
      return decodeNpy(bytes, file);
  }
}

/**
 * Format, stored size and EXIF orientation by the header alone, without decoding.
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
      return { format, ...size };
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
    case 'bmp': {
      const { width, height } = readBmpHeader(bytes, file);
      return { format, width, height, orientation: 1 };
    }
    case 'pnm': {
      const { width, height } = readPnmHeader(bytes, file);
      return { format, width, height, orientation: 1 };
    }
    case 'gif':
      return { format, ...readGifHeader(bytes, file), orientation: 1 };
    case 'avif':
    case 'heic':
      return { format, ...readHeifSize(bytes, file), orientation: 1 };
    case 'npy':
      return { format, ...npySize(bytes, file), orientation: 1 };
    case 'nifti':
    case 'dicom':
      throw unsupported(
        file,
        'The size of a medical image is not known from its first bytes, so annotations cannot be placed in it.',
        'Export the image as PNG, and drop it with its annotations.',
      );
  }
}
