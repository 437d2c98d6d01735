import type { Dirent } from 'node:fs';
import { appendFile, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../config/failure.ts';
import { type FileStore, fileName, full, type StoreEntry, storePath } from '../data/file-store.ts';
import { makeFolders } from './make-folders.ts';

/** A file that is being written is named `<file>.<process id>.part`, beside the one that it will replace. */
const PART = /\.(\d+)\.part$/;

/** A {@link FileStore} in a folder of the file system, in which the command line keeps a run. */
export class NodeStore implements FileStore {
  private tidied: Promise<void> | null = null;

  constructor(private readonly root: string) {}

  async read(path: string): Promise<Uint8Array> {
    return this.guard(path, async (at) => {
      const bytes = await readFile(at);
      if (bytes.length === 0) throw notThere(at);
      return new Uint8Array(bytes);
    });
  }

  async readRange(path: string, offset: number, length: number): Promise<Uint8Array> {
    return this.guard(path, async (at) => {
      const file = await open(at);
      try {
        if ((await file.stat()).size === 0) throw notThere(at);
        const bytes = new Uint8Array(length);
        const { bytesRead } = await file.read(bytes, 0, length, offset);
        return bytes.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    });
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    fileName(path);
    if (bytes.length === 0) return this.remove(path);
    this.tidied ??= removeStale(this.root);
    await this.tidied;
    return this.guard(path, async (at) => {
      await makeFolderFor(at);
      const part = `${at}.${process.pid}.part`;
      try {
        await writeFile(part, bytes, { flush: true });
        await rename(part, at);
      } catch (thrown) {
        await rm(part, { force: true });
        throw thrown;
      }
    });
  }

  async append(path: string, bytes: Uint8Array): Promise<void> {
    fileName(path);
    return this.guard(path, async (at) => {
      await makeFolderFor(at);
      await appendFile(at, bytes);
    });
  }

  async move(from: string, to: string): Promise<void> {
    fileName(to);
    return this.guard(from, async (at) => {
      if ((await kindOf(at)) !== 'file') throw notThere(at);
      const target = join(this.root, ...storePath(to));
      await makeFolderFor(target);
      await rename(at, target);
    });
  }

  async list(folder: string): Promise<StoreEntry[]> {
    return this.guard(folder, async (at) => {
      const listed: StoreEntry[] = [];
      for (const { name } of await entriesOf(at)) {
        const kind = await kindOf(join(at, name));
        if (kind) listed.push({ name, kind });
      }
      return listed.sort((a, b) => (a.name < b.name ? -1 : 1));
    });
  }

  async remove(path: string): Promise<void> {
    return this.guard(path, (at) => rm(at, { recursive: true, force: true }));
  }

  async size(path: string): Promise<number> {
    return this.guard(path, sizeOf);
  }

  async exists(path: string): Promise<boolean> {
    return this.guard(path, async (at) => (await kindOf(at)) !== null);
  }

  private async guard<T>(path: string, work: (at: string) => Promise<T>): Promise<T> {
    const at = join(this.root, ...storePath(path));
    try {
      return await work(at);
    } catch (thrown) {
      if (thrown instanceof Failure) throw thrown;
      const code = codeOf(thrown);
      if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR') throw notThere(at);
      if (code === 'ENOSPC' || code === 'EDQUOT') throw full(at, thrown);
      throw new Failure(
        {
          code: 'storage/failed',
          what: `The file system reported ${code}.`,
          where: at,
          cure: 'Check that the folder exists and may be written, then run the command again.',
        },
        { cause: thrown },
      );
    }
  }
}

async function makeFolderFor(at: string): Promise<void> {
  await makeFolders(dirname(at)).catch((thrown: unknown) => {
    const code = codeOf(thrown);
    if (code === 'ENOSPC' || code === 'EDQUOT') throw thrown;
    throw new Failure(
      {
        code: 'storage/failed',
        what: `The folder for it could not be made: the file system reported ${code}.`,
        where: at,
        cure: 'Name a folder where one can be made and written to; no file may have its name or that of a folder above it.',
      },
      { cause: thrown },
    );
  });
}

function notThere(at: string): Failure {
  return new Failure({
    code: 'storage/missing',
    what: 'There is no such file.',
    where: at,
    cure: 'Check the path, and that nothing was deleted in its folder.',
  });
}

/** What is in a folder but files that are being written; nothing when it is not there. */
async function entriesOf(at: string): Promise<Dirent[]> {
  const entries = await readdir(at, { withFileTypes: true }).catch((thrown: unknown) => {
    if (codeOf(thrown) === 'ENOENT') return [];
    throw thrown;
  });
  return entries.filter(({ name }) => !PART.test(name));
}

/** What is there; null for a file of 0 bytes, for a folder without a file, and for what is neither. */
async function kindOf(at: string): Promise<StoreEntry['kind'] | null> {
  const info = await stat(at).catch(() => null);
  if (info?.isFile()) return info.size > 0 ? 'file' : null;
  if (!info?.isDirectory()) return null;
  for (const { name } of await entriesOf(at)) if (await kindOf(join(at, name))) return 'folder';
  return null;
}

async function sizeOf(at: string): Promise<number> {
  const info = await stat(at).catch(() => null);
  if (!info) return 0;
  if (!info.isDirectory()) return info.size;
  const sizes = await Promise.all((await entriesOf(at)).map(({ name }) => sizeOf(join(at, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Removes what processes that are gone were writing. What cannot be looked through is left as it is. */
async function removeStale(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const at = join(folder, entry.name);
    if (entry.isDirectory()) await removeStale(at);
    const pid = PART.exec(entry.name)?.[1];
    if (entry.isFile() && pid !== undefined && !isAlive(Number(pid))) await rm(at, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (thrown) {
    return codeOf(thrown) !== 'ESRCH';
  }
}

/** Node's error code, e.g. `ENOENT`. */
function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'an unknown error';
}
