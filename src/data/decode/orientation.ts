import type { Raster } from './raster.ts';

/**
 * The orientation tag (0x0112) of an EXIF block, which is a small TIFF file, with or without the `Exif\0\0` head.
 * @returns 1 … 8; 1 (upright) when there is none or the block is damaged.
 */
export function exifOrientation(block: Uint8Array): number {
  const start = block.length > 6 && block[0] === 0x45 && block[4] === 0 ? 6 : 0;
  if (block.length < start + 8) return 1;
  const view = new DataView(block.buffer, block.byteOffset + start, block.byteLength - start);
  const order = view.getUint16(0);
  if (order !== 0x4949 && order !== 0x4d4d) return 1;
  const little = order === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > view.byteLength) return 1;
  const entries = view.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + i * 12;
    if (entry + 12 > view.byteLength) return 1;
    if (view.getUint16(entry, little) !== 0x0112) continue;
    const value = view.getUint16(entry + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/** The raster turned upright: orientation 1, width and height swapped for orientations 5 … 8. */
export function upright<R extends Raster>(raster: R): R {
  const { orientation, width, height, channels } = raster;
  if (orientation === 1) return raster;
  const swap = orientation >= 5;
  const outWidth = swap ? height : width;
  const outHeight = swap ? width : height;
  const from = raster.data;
  const to = new (from.constructor as new (n: number) => typeof from)(from.length);
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++) {
      const source = storedPixel(orientation, x, y, width, height) * channels;
      const target = (y * outWidth + x) * channels;
      for (let c = 0; c < channels; c++) to[target + c] = from[source + c] as number;
    }
  }
  return { ...raster, width: outWidth, height: outHeight, data: to, orientation: 1 };
}

/** Index of the stored pixel that is seen at (x, y) once upright (EXIF 2.32, 4.6.4). */
export function storedPixel(
  orientation: number,
  x: number,
  y: number,
  width: number,
  height: number,
): number {
  switch (orientation) {
    case 2:
      return y * width + (width - 1 - x);
    case 3:
      return (height - 1 - y) * width + (width - 1 - x);
    case 4:
      return (height - 1 - y) * width + x;
    case 5:
      return x * width + y;
    case 6:
      return (height - 1 - x) * width + y;
    case 7:
      return (height - 1 - x) * width + (width - 1 - y);
    case 8:
      return x * width + (width - 1 - y);
    default:
      return y * width + x;
  }
}
