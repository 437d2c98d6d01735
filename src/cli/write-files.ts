/** What a command writes: a file, or several into a folder or a zip, one after the other. Nothing that is there is replaced. */
import { createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from '../config/failure.ts';
import { zipStream } from '../data/zip.ts';
import { makeFolders } from './make-folders.ts';

interface OutputFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Whether a path for output means a zip. */
export const isZipPath = (path: string): boolean => /\.zip$/i.test(path);

/**
 * Refuses a path for output where something is: a file, or a folder with anything that is not hidden.
 * @throws Failure `cli/out-exists`, `cli/folder-in-use`.
 */
export async function expectFree(path: string, cure = 'Name another file or folder.'): Promise<void> {
  const there = await stat(path).catch(() => null);
  if (there && !there.isDirectory())
    throw new Failure({
      code: 'cli/out-exists',
      what: 'This file is there already, and no command replaces one.',
      where: path,
      cure,
    });
  if (there && (await readdir(path)).some((name) => !name.startsWith('.')))
    throw new Failure({ code: 'cli/folder-in-use', what: 'The folder is not empty.', where: path, cure });
}

/** Makes a folder and those that it lies in. @throws Failure `cli/not-written`. */
export async function makeFolder(path: string): Promise<void> {
  await makeFolders(path).catch(notWritten(path));
}

/** Writes a file, and makes the folder that it lies in. @throws Failure `cli/not-written`. */
export async function writeOut(path: string, bytes: Uint8Array | string): Promise<void> {
  await makeFolder(dirname(path));
  await writeFile(path, bytes).catch(notWritten(path));
}

/** Turns what the system says of a path into a failure; throws others on. */
export const notWritten =
  (where: string) =>
  (cause: NodeJS.ErrnoException): never => {
    if (cause.syscall === undefined) throw cause;
    const isFile = cause.code === 'EEXIST' || cause.code === 'ENOTDIR';
    const what = isFile
      ? `This could not be written: ${cause.path ?? 'a part of the path'} is a file, where a folder is needed.`
      : `This could not be written (${cause.code}).`;
    const cure = 'Name a place that can be written to and has room for it.';
    throw new Failure({ code: 'cli/not-written', what, where, cure }, { cause });
  };

/**
 * Writes files into a zip where the path is one's, else below a folder. @returns how many.
 * @throws Failure `cli/not-written`.
 */
export function writeFiles(files: AsyncIterable<OutputFile>, out: string): Promise<number> {
  return isZipPath(out) ? toZip(files, out) : toFolder(files, out);
}

async function toFolder(files: AsyncIterable<OutputFile>, folder: string): Promise<number> {
  let count = 0;
  for await (const { path, bytes } of files) {
    await writeOut(join(folder, path), bytes);
    count++;
  }
  return count;
}

/** Written under another name until it is whole. */
async function toZip(files: AsyncIterable<OutputFile>, path: string): Promise<number> {
  let count = 0;
  const counted = async function* () {
    for await (const file of files) {
      count++;
      yield file;
    }
  };
  const part = `${path}.${process.pid}.part`;
  await makeFolder(dirname(path));
  try {
    await pipeline(Readable.from(chunks(zipStream(counted()))), createWriteStream(part));
    await rename(part, path);
  } catch (thrown) {
    await rm(part, { force: true });
    return notWritten(path)(thrown as NodeJS.ErrnoException);
  }
  return count;
}

async function* chunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
}
