import type { Raster } from './raster.ts';
import { checkSize, damaged, truncated, unsupported } from './size-check.ts';

/** Bytes at the start of a file in which its boxes are looked for; they come before the pixels. */
const HEAD = 65_536;
const ISPE = [0x69, 0x73, 0x70, 0x65];

/**
 * The largest size that the boxes of an AVIF or HEIC file name (its tiles and thumbnail have smaller ones).
 * @throws Failure naming `file` when there is none.
 */
export function readHeifSize(bytes: Uint8Array, file: string): { width: number; height: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let width = 0;
  let height = 0;
  for (let at = 8; at + 16 <= Math.min(bytes.length, HEAD); at++) {
    // `ispe`, 4 bytes of version and flags, width, height.
    if (!ISPE.every((byte, i) => bytes[at + i] === byte)) continue;
    const [w, h] = [view.getUint32(at + 8), view.getUint32(at + 12)];
    if (w * h > width * height) [width, height] = [w, h];
  }
  if (width * height === 0) throw truncated(file, 'AVIF or HEIC');
  return { width, height };
}

/**
 * Reads an AVIF or HEIC by the browser's own decoder, where it has one. Colours are not converted and alpha is not
 * multiplied in, as far as the browser obeys; its values may differ from those of another browser.
 * @throws Failure naming `file`.
 */
export async function decodeByBrowser(
  bytes: Uint8Array,
  format: 'avif' | 'heic',
  file: string,
): Promise<Raster> {
  const { width, height } = readHeifSize(bytes, file);
  checkSize(file, width, height);
  const name = format.toUpperCase();
  const save = 'Open it in an image program, save it as PNG or JPEG, and drop that.';
  if (typeof createImageBitmap !== 'function' || typeof OffscreenCanvas !== 'function')
    throw unsupported(file, `This is an ${name} file, which only the studio in a browser can read.`, save);
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(new Blob([bytes.slice()], { type: `image/${format}` }), {
      premultiplyAlpha: 'none',
      colorSpaceConversion: 'none',
    });
  } catch {
    throw unsupported(
      file,
      `This is an ${name} file that this browser cannot read, or that is damaged.`,
      save,
    );
  }
  try {
    checkSize(file, bitmap.width, bitmap.height);
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw damaged(file, name, 'the browser has no memory for it');
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    return {
      format,
      width: bitmap.width,
      height: bitmap.height,
      channels: 4,
      hasAlpha: true,
      bits: 8,
      data: new Uint8Array(data.buffer),
      lossy: true,
      orientation: 1,
    };
  } finally {
    bitmap.close();
  }
}
