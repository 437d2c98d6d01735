import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Failure } from '../config/failure.ts';
import { openSingleImage } from '../data/single-image.ts';
import type { RgbImage } from '../data/types.ts';

/**
 * An image file, decoded.
 * @throws Failure `cli/no-image`, `segment/not-one-image`, `data/…`.
 */
export async function readImage(path: string): Promise<RgbImage> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    const isFolder = error.code === 'EISDIR';
    throw new Failure({
      code: 'cli/no-image',
      what: isFolder ? 'This is a folder, where one image is needed.' : 'There is no such file.',
      where: path,
      cure: isFolder ? 'Name an image in it; mopeft find takes folders.' : 'Check the path of the image.',
    });
  });
  const file = { path: basename(path), size: bytes.length, bytes: async () => new Uint8Array(bytes) };
  return openSingleImage(file, ELSEWHERE).catch((thrown: unknown) => {
    throw thrown instanceof Failure ? new Failure({ ...thrown.record, where: path }) : thrown;
  });
}

/** Where what is no single image is read. */
const ELSEWHERE = {
  model: 'Give it as --model or --adapter, and an image as --image.',
  dataset: 'mopeft inspect, train and find take it as a dataset; give one image as --image.',
  masks:
    'Give the image itself; mopeft inspect, train and evaluate take a folder of the images together with such files.',
};
