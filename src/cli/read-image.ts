import { readFile } from 'node:fs/promises';
import { Failure } from '../config/failure.ts';
import { decodeImage } from '../data/decode/image.ts';
import { valueOrThrow } from '../data/outcome.ts';
import type { RgbImage } from '../data/types.ts';

/**
 * An image file, decoded.
 * @throws Failure `cli/no-image`, `data/…`.
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
  return valueOrThrow(await decodeImage(new Uint8Array(bytes), path)).image;
}
