import type { Stats } from 'node:fs';
import { open, readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { Failure } from '../config/failure.ts';
import { sortedByName } from '../data/natural-order.ts';
import type { InputFile } from '../data/read-datasets.ts';
import { CATALOGUE } from '../engine/catalogue/catalogue.ts';
import { isWeightsName } from '../engine/weights-name.ts';
import type { ByteSource } from '../sam/checkpoint/byte-source.ts';

/** Every file below a folder, with its path relative to that folder, read when it is needed. */
export async function folderFiles(folder: string): Promise<InputFile[]> {
  const cure = 'Give the folder that holds images/ and masks/, or a zip of it.';
  if (!(await statOf(folder, homeCure(folder) ?? cure)).isDirectory())
    throw new Failure({ code: 'cli/no-folder', what: 'This is not a folder.', where: folder, cure });
  return (await filesBelow(folder)).map(({ at, size, lost }) => ({
    path: relative(folder, at).replaceAll('\\', '/'),
    size,
    bytes: async () => {
      if (lost !== undefined) throw brokenLink(lost);
      return new Uint8Array(await readFile(at));
    },
    read: fileSource(at, size, at).read,
  }));
}

/** @param lost where a link leads to. @param where the link, where that is not known. */
const brokenLink = (lost: string, where?: string): Failure =>
  new Failure({
    code: 'cli/broken-link',
    what: `This is a link to ${lost}, which is not there.`,
    ...(where === undefined ? {} : { where }),
    cure: 'Fetch what it leads to (dvc pull, git annex get, or download it again), or give that file in its place.',
  });

/** Shells put the home folder in place of `~` at the beginning of a word alone. */
const homeCure = (path: string): string | null =>
  path.startsWith('~') ? 'A ~ within quotes or behind = stays one: write the home folder out.' : null;

/** A file below a folder. */
interface FileBelow {
  readonly at: string;
  /** Bytes. */
  readonly size: number;
  /** Where it leads to, of a link to what is not there. */
  readonly lost?: string;
}

/** All files below a folder, those that links lead to among them; a folder that leads back to itself is entered once. */
async function filesBelow(folder: string, entered: readonly string[] = []): Promise<FileBelow[]> {
  const real = await realpath(folder);
  if (entered.includes(real)) return [];
  const found: FileBelow[] = [];
  for (const name of await readdir(folder)) {
    const at = join(folder, name);
    const info = await stat(at).catch(() => null);
    if (info?.isDirectory()) found.push(...(await filesBelow(at, [...entered, real])));
    else if (info?.isFile()) found.push({ at, size: info.size });
    else if (!info) {
      const lost = await readlink(at).catch(() => undefined);
      if (lost !== undefined) found.push({ at, size: 0, lost });
    }
  }
  return found;
}

/** What stands at a path. @throws Failure `cli/no-file` with this cure when nothing does, `cli/broken-link`. */
export async function statOf(path: string, cure: string): Promise<Stats> {
  const info = await stat(path).catch(() => null);
  if (info) return info;
  await expectNoBrokenLink(path);
  throw new Failure({ code: 'cli/no-file', what: 'There is no such file or folder.', where: path, cure });
}

/** @throws Failure `cli/broken-link` where a path that nothing stands at is a link. */
async function expectNoBrokenLink(path: string): Promise<void> {
  const lost = await readlink(path).catch(() => undefined);
  if (lost !== undefined) throw brokenLink(lost, path);
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
      const { read } = fileSource(path, info.size, name);
      files.push({
        path: name,
        size: info.size,
        bytes: async () => new Uint8Array(await readFile(path)),
        read,
      });
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
 * A model's files: a file with what beside it belongs to it, everything directly in a folder, or those of a model of the
 * catalogue by its id, which are downloaded when they are not in the cache. A file or folder of that name comes first.
 * @param paths of one model, whose files may be given one by one; each file is there once.
 * @throws Failure `cli/no-model`, `cli/broken-link`, `model/no-weights` that names the folders below which have some, `download/…`.
 */
export async function modelSources(...paths: readonly string[]): Promise<ByteSource[]> {
  const found = new Map<string, ByteSource>();
  for (const path of paths) {
    const info = await stat(path).catch(() => null);
    if (info?.isDirectory()) {
      await addSources(found, path, `${basename(resolve(path))}/`, () => true);
      if (![...found.values()].some(({ name }) => isWeightsName(name))) {
        for (const name of (await readdir(path)).filter(isWeightsName))
          if (!(await stat(join(path, name)).catch(() => null))) await expectNoBrokenLink(join(path, name));
        if (![...found.values()].some(({ name }) => /(^|\/)config\.json$/i.test(name)))
          await expectNoWeightsBelow(path);
      }
    } else if (info) await addSources(found, dirname(path), '', belongsTo(basename(path)));
    else {
      await expectNoBrokenLink(path);
      for (const source of await ofCatalogue(path)) found.set(source.name, source);
    }
  }
  return [...found.values()];
}

async function ofCatalogue(id: string): Promise<ByteSource[]> {
  const known = CATALOGUE.find((model) => model.id === id);
  if (known) return (await import('./model-cache.ts')).cachedModel(known);
  throw new Failure({
    code: 'cli/no-model',
    what: 'There is no such file or folder.',
    where: id,
    cure:
      'Give a file of SAM weights, a folder with config.json and weights, or the id of a model of the catalogue: ' +
      `${CATALOGUE.map((model) => model.id).join(', ')}.`,
  });
}

/** How deep weights are looked for, as far as in a cache of Hugging Face: `models--x/snapshots/…`. */
const WEIGHTS_DEPTH = 3;
/** Folders of weights that are named at most. */
const MOST_NAMED = 3;

/** Which folder of several is meant is no guess to make. */
async function expectNoWeightsBelow(folder: string): Promise<void> {
  const below = await foldersOfWeights(folder, WEIGHTS_DEPTH);
  if (below.length === 0) return;
  const more = below.length > MOST_NAMED ? ' …' : '';
  throw new Failure({
    code: 'model/no-weights',
    what: `No weights lie in this folder itself, but in ${below.length === 1 ? 'a folder' : 'folders'} below it.`,
    where: folder,
    cure: `Give ${below.slice(0, MOST_NAMED).join(' or ')}${more} in its place.`,
  });
}

/** Folders below one that hold weights, in natural order. @param depth how many levels down. */
async function foldersOfWeights(folder: string, depth: number): Promise<string[]> {
  if (depth === 0) return [];
  const found: string[] = [];
  for (const name of sortedByName(await readdir(folder), (each) => each)) {
    const at = join(folder, name);
    const info = await stat(at).catch(() => null);
    if (!info?.isDirectory()) continue;
    if ((await readdir(at)).some(isWeightsName)) found.push(at);
    found.push(...(await foldersOfWeights(at, depth - 1)));
  }
  return found;
}

/** What of a file's folder belongs to it: the other parts of its weights, and what says how they are used. */
function belongsTo(file: string): (name: string) => boolean {
  if (/(?<!\.index)\.json$/i.test(file)) return (name) => name === file;
  const [, whole] = /^(.+?)(?:-\d{5}-of-\d{5}\.\w+|\.\w+\.index\.json)$/.exec(file) ?? [];
  return (name) =>
    name === file ||
    ['config.json', 'preprocessor_config.json'].includes(name) ||
    (whole !== undefined && name.startsWith(whole) && /-\d{5}-of-\d{5}\.|\.index\.json$/.test(name));
}

/** Adds files of a folder by their paths. @param before what their names in messages begin with. */
async function addSources(
  found: Map<string, ByteSource>,
  folder: string,
  before: string,
  isWanted: (name: string) => boolean,
): Promise<void> {
  for (const name of (await readdir(folder)).filter(isWanted)) {
    const at = resolve(folder, name);
    const info = await stat(at).catch(() => null);
    if (info?.isFile() && !found.has(at)) found.set(at, fileSource(at, info.size, `${before}${name}`));
  }
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
