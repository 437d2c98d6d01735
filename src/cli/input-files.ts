import { open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { Failure } from '../config/failure.ts';
import { decodeImage } from '../data/decode/image.ts';
import { valueOrThrow } from '../data/outcome.ts';
import type { InputFile } from '../data/read-datasets.ts';
import type { RgbImage } from '../data/types.ts';
import type { ByteSource } from '../sam/checkpoint/byte-source.ts';

/** Every file below a folder, with its path relative to that folder, read when it is needed. */
export async function folderFiles(folder: string): Promise<InputFile[]> {
  const info = await stat(folder).catch(() => null);
  if (!info?.isDirectory()) {
    throw new Failure({
      code: 'cli/no-folder',
      what: 'This is not a folder.',
      where: folder,
      cure: 'Give the folder that holds images/ and masks/.',
    });
  }
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const at = join(entry.parentPath, entry.name);
      return {
        path: relative(folder, at).replaceAll('\\', '/'),
        bytes: async () => new Uint8Array(await readFile(at)),
      };
    });
}

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

/** A model's files: one safetensors file, or everything directly in a folder. */
export async function modelSources(path: string): Promise<ByteSource[]> {
  const info = await stat(path).catch(() => null);
  if (!info) {
    throw new Failure({
      code: 'cli/no-model',
      what: 'There is no such file or folder.',
      where: path,
      cure: 'Give a SAM safetensors file, or a folder with config.json and model.safetensors.',
    });
  }
  if (!info.isDirectory()) return [fileSource(path, info.size, basename(path))];
  const sources: ByteSource[] = [];
  const folder = basename(resolve(path));
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const at = join(path, entry.name);
    sources.push(fileSource(at, (await stat(at)).size, `${folder}/${entry.name}`));
  }
  return sources;
}

function fileSource(path: string, size: number, name: string): ByteSource {
  return {
    name,
    size,
    read: async (offset, length) => {
      const file = await open(path);
      try {
        const bytes = new Uint8Array(length);
        let at = 0;
        while (at < bytes.length) {
          const { bytesRead } = await file.read(bytes, at, bytes.length - at, offset + at);
          if (bytesRead === 0) break;
          at += bytesRead;
        }
        return bytes.subarray(0, at);
      } finally {
        await file.close();
      }
    },
  };
}
