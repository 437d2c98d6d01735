import { type Layout, layoutOf } from '../arrays/layout.ts';
import { notNumbers } from '../arrays/not-numbers.ts';
import { extentOf, MOST_NPY_HEAD, readNpyHeader } from '../arrays/npy-header.ts';
import { asBytes, pageSamples } from '../arrays/stored-array.ts';
import type { Raster } from './raster.ts';
import { truncated, unsupported } from './size-check.ts';

/** Width and height by the head alone. @throws Failure naming `file`. */
export function npySize(bytes: Uint8Array, file: string): Pick<Layout, 'width' | 'height'> {
  const { width, height } = layoutOf(readNpyHeader(bytes.subarray(0, MOST_NPY_HEAD), file).shape, file);
  return { width, height };
}

/**
 * Reads a NumPy file of one image or mask: rows, columns and, of images, channels. Floats that are whole numbers of 0 … 255
 * are bytes; stacks are refused (see `openArray`).
 * @throws Failure naming `file`.
 */
export async function decodeNpy(bytes: Uint8Array, file: string): Promise<Raster> {
  const { type, shape, isFortran, start } = readNpyHeader(bytes.subarray(0, MOST_NPY_HEAD), file);
  if (typeof type === 'string') throw notNumbers(type, file);
  const layout = layoutOf(shape, file);
  if (layout.pages !== 1)
    throw unsupported(
      file,
      `This array is a stack of ${layout.pages} images, where one is needed.`,
      'Save each image as an array of its own.',
    );
  if (start + extentOf(type, shape) > bytes.length) throw truncated(file, 'NumPy');
  const read = async (offset: number, length: number) =>
    bytes.subarray(start + offset, start + offset + length);
  const data = asBytes(await pageSamples({ type, shape, isFortran, read }, layout, 0, file), type);
  const { width, height, channels } = layout;
  return {
    format: 'npy',
    width,
    height,
    channels,
    bits: 8 * data.BYTES_PER_ELEMENT,
    data,
    lossy: false,
    orientation: 1,
  };
}
