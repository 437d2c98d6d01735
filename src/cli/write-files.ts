/** Files that a command makes, into a folder or a zip, one after the other. */
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from '../config/failure.ts';
import { zipStream } from '../data/zip.ts';

interface OutputFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Whether a path for output means a zip. */
export const isZipPath = (path: string): boolean => /\.zip$/i.test(path);

/** @throws Failure `cli/folder-in-use` where anything that is not hidden is in the folder: what is written might replace it. */
export async function expectEmpty(folder: string, cure: string): Promise<void> {
  const there = await readdir(folder).catch(() => []);
  if (there.some((name) => !name.startsWith('.')))
    throw new Failure({ code: 'cli/folder-in-use', what: 'The folder is not empty.', where: folder, cure });
}

/** Writes files into a zip where the path is one's, else below a folder. @returns how many. */
export function writeFiles(files: AsyncIterable<OutputFile>, out: string): Promise<number> {
  return isZipPath(out) ? toZip(files, out) : toFolder(files, out);
}

async function toFolder(files: AsyncIterable<OutputFile>, folder: string): Promise<number> {
  let count = 0;
  for await (const { path, bytes } of files) {
    const at = join(folder, path);
    await mkdir(dirname(at), { recursive: true });
    await writeFile(at, bytes);
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
  await mkdir(dirname(path), { recursive: true });
  try {
    await pipeline(Readable.from(chunks(zipStream(counted()))), createWriteStream(part));
    await rename(part, path);
  } catch (thrown) {
    await rm(part, { force: true });
    throw thrown;
  }
  return count;
}

async function* chunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
}
