import { isNpy } from '../arrays/npy-header.ts';
import { limits } from '../limits.ts';
import { refuse } from '../outcome.ts';
import type { ImageFormat } from '../types.ts';
import { isDicom } from './dicom.ts';
import { isGzip, isNifti } from './nifti.ts';

/**
 * Finds the format by a file's first bytes, whatever its name.
 * @throws Failure naming `file` when it is empty, too large, or no image that is read here.
 */
export function sniffFormat(bytes: Uint8Array, file: string): ImageFormat {
  if (bytes.length === 0) {
    throw refuse(
      'data/empty-file',
      file,
      'The file is empty (0 bytes).',
      'Copy or export it again; the transfer failed.',
    );
  }
  if (bytes.length > limits.fileBytes) {
    throw refuse(
      'data/too-large',
      file,
      `The file is ${Math.round(bytes.length / 2 ** 20)} MiB; at most ${limits.fileBytes / 2 ** 20} MiB can be read.`,
      'Split it into tiles or scale it down, and drop the result.',
    );
  }
  const format = formatOf(bytes);
  if (format) return format;
  const known = otherFormat(bytes);
  const [what, cure] = known ?? [
    `This is not an image that can be read here (${READ}).`,
    'Export it as PNG; renaming a file does not change what it holds.',
  ];
  throw refuse('data/not-an-image', file, what, cure);
}

/** Formats that are read, in words. */
const READ = 'PNG, JPEG, TIFF, WebP, BMP, GIF, PGM, PPM, AVIF, NIfTI, DICOM or NumPy';

const hexOf = (bytes: Uint8Array) =>
  [...bytes.subarray(0, 12)].map((b) => b.toString(16).padStart(2, '0')).join('');

/** The format of a file by its first bytes, whatever its name; undefined for what is not read. */
export function formatOf(bytes: Uint8Array): ImageFormat | undefined {
  const hex = hexOf(bytes);
  if (hex.startsWith('89504e470d0a1a0a')) return 'png';
  if (hex.startsWith('ffd8ff')) return 'jpeg';
  if (isTiff(bytes)) return 'tiff';
  if (hex.startsWith('52494646') && hex.slice(16, 24) === '57454250') return 'webp';
  if (hex.startsWith('474946383761') || hex.startsWith('474946383961')) return 'gif';
  if (isNpy(bytes)) return 'npy';
  if (isDicom(bytes)) return 'dicom';
  if (isNifti(bytes) || isGzip(bytes)) return 'nifti';
  // The second header's length tells a BMP from a text that begins with BM.
  if (hex.startsWith('424d') && [12, 40, 52, 56, 64, 108, 124].includes(bytes[14] ?? 0)) return 'bmp';
  if (/^503[56](0[9a-d]|20)/.test(hex)) return 'pnm';
  if (hex.slice(8, 16) === '66747970') {
    const brand = String.fromCharCode(...bytes.subarray(8, 12));
    if (brand === 'avif' || brand === 'avis') return 'avif';
    if (['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'mif1', 'msf1'].includes(brand)) return 'heic';
  }
  return undefined;
}

/** Whether a file begins as a TIFF (42) or BigTIFF (43) does. */
export function isTiff([a, b, c, d]: Uint8Array): boolean {
  const isLittle = a === 0x49 && b === 0x49 && (c === 42 || c === 43) && d === 0;
  return isLittle || (a === 0x4d && b === 0x4d && c === 0 && (d === 42 || d === 43));
}

function otherFormat(bytes: Uint8Array): readonly [string, string] | undefined {
  const hex = hexOf(bytes);
  const save = 'Open it in an image program, save it as PNG, and drop that.';
  if (hex.slice(8, 16) === '66747970')
    return ['This is a video (MP4 or the like), not an image.', 'Export its frames as PNG or JPEG.'];
  if (hex.startsWith('25504446')) return ['This is a PDF, not an image.', 'Export its images as PNG.'];
  if (hex.startsWith('0000000c6a502020')) return ['This is a JPEG 2000, which cannot be read here.', save];
  if (hex.startsWith('ff0a')) return ['This is a JPEG XL, which cannot be read here.', save];
  if (hex.startsWith('504b0304') || hex.startsWith('504b0506')) {
    return [
      'This is a zip archive under another name.',
      'Rename it to end in .zip and drop it, or unpack it first.',
    ];
  }
  if (/^503[12347](0[9a-d]|20)/.test(hex)) {
    return [
      'This is a PBM, a PAM, or a PGM or PPM written as text, which cannot be read here.',
      'Save it as a binary (raw) PGM or PPM, or as PNG, and drop that.',
    ];
  }
  const head = bytes.subarray(0, 512);
  const text = head.every((b) => b === 9 || b === 10 || b === 13 || (b >= 32 && b !== 127));
  if (text) {
    return ['This is a text file, not an image.', 'Leave it out, or export the image itself as PNG.'];
  }
  return undefined;
}
