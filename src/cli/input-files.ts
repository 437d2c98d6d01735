import type { Stats } from 'node:fs';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { Failure } from '../config/failure.ts';
import type { InputFile } from '../data/read-datasets.ts';
import { CATALOGUE } from '../engine/catalogue/catalogue.ts';
import type { ByteSource } from '../sam/checkpoint/byte-source.ts';

/** Every file below a folder, with its path relative to that folder, read when it is needed. */
export async function folderFiles(folder: string): Promise<InputFile[]> {
  const info = await stat(folder).catch(() => null);
  if (!info?.isDirectory()) {
    throw new Failure({
      code: 'cli/no-folder',
      what: 'This is not a folder.',
      where: folder,
      cure: 'Give the folder that holds images/ and masks/, or a zip of it.',
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

/** What stands at a path. @throws Failure `cli/no-file` with this cure when nothing does. */
export async function statOf(path: string, cure: string): Promise<Stats> {
  const info = await stat(path).catch(() => null);
  if (info) return info;
  throw new Failure({ code: 'cli/no-file', what: 'There is no such file or folder.', where: path, cure });
}

/** Files and folders dropped together. */
export interface DroppedFiles {
  readonly files: readonly InputFile[];
  /** Name of a dataset that lies in none of the folders: that of the folder in which all paths lie. */
  readonly topName: string;
}

/**
 * Paths as a drop in the browser gives them: files below a folder have the folder's name before theirs.
 * @throws Failure `cli/no-file`.
 */
export async function droppedFiles(paths: readonly string[]): Promise<DroppedFiles> {
  const full = [...new Set(paths.map((path) => resolve(path)))];
  const names = shortestNames(full);
  const files: InputFile[] = [];
  for (const [i, path] of full.entries()) {
    const name = names[i] ?? path;
    const info = await statOf(path, 'Check the path.');
    if (info.isDirectory()) {
      for (const file of await folderFiles(path)) files.push({ ...file, path: `${name}/${file.path}` });
    } else {
      files.push({ path: name, size: info.size, bytes: async () => new Uint8Array(await readFile(path)) });
    }
  }
  const [folder = '', ...others] = new Set(full.map((path) => dirname(path)));
  return { files, topName: (others.length === 0 && basename(folder)) || 'dataset' };
}

/** The last part of each path, or as many more as tell it from the others: `a/set` and `b/set`. */
function shortestNames(paths: readonly string[]): string[] {
  const parts = paths.map((path) => path.split(sep).filter((part) => part !== ''));
  const tail = (each: readonly string[], length: number) => each.slice(-length).join('/');
  return parts.map((own) => {
    let length = 1;
    const isShared = () => parts.some((other) => other !== own && tail(other, length) === tail(own, length));
    while (length < own.length && isShared()) length++;
    return tail(own, length);
  });
}

/**
 * A model's files: one file, everything directly in a folder, or those of a model of the catalogue by its id, which are
 * downloaded when they are not in the cache. A file or folder of that name comes first.
 * @throws Failure `cli/no-model`, `download/…`.
 */
export async function modelSources(path: string): Promise<ByteSource[]> {
  const info = await stat(path).catch(() => null);
  if (!info) {
    const known = CATALOGUE.find(({ id }) => id === path);
    if (known) return (await import('./model-cache.ts')).cachedModel(known);
    throw new Failure({
      code: 'cli/no-model',
      what: 'There is no such file or folder.',
      where: path,
      cure:
        'Give a file of SAM weights, a folder with config.json and weights, or the id of a model of the catalogue: ' +
        `${CATALOGUE.map(({ id }) => id).join(', ')}.`,
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

/** A file of which only what is asked for is read. @param name for messages. */
export function fileSource(path: string, size: number, name: string): ByteSource {
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
