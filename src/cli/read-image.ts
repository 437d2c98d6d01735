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
  const bytes = await readFile(path).catch(() => {
    throw new Failure({
      code: 'cli/no-image',
      what: 'There is no such file.',
      where: path,
      cure: 'Check the path of the image.',
    });
  });
  return valueOrThrow(await decodeImage(new Uint8Array(bytes), path)).image;
}
