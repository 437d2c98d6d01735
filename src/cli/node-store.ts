import { appendFile, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../config/failure.ts';
import { type FileStore, full, missing, type StoreEntry, storePath } from '../data/file-store.ts';

/** A {@link FileStore} in a folder of the file system, in which the command line keeps a run. */
export class NodeStore implements FileStore {
  constructor(private readonly root: string) {}

  async read(path: string): Promise<Uint8Array> {
    return this.guard(path, async (at) => new Uint8Array(await readFile(at)));
  }

  async readRange(path: string, offset: number, length: number): Promise<Uint8Array> {
    return this.guard(path, async (at) => {
      const file = await open(at);
      try {
        const bytes = new Uint8Array(length);
        const { bytesRead } = await file.read(bytes, 0, length, offset);
        return bytes.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    });
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    return this.guard(path, async (at) => {
      await mkdir(dirname(at), { recursive: true });
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
    return this.guard(path, async (at) => {
      await mkdir(dirname(at), { recursive: true });
      await appendFile(at, bytes);
    });
  }

  async list(folder: string): Promise<StoreEntry[]> {
    return this.guard(folder, async (at) => {
      const entries = await readdir(at, { withFileTypes: true }).catch((thrown: unknown) => {
        if (codeOf(thrown) === 'ENOENT') return [];
        throw thrown;
      });
      return entries
        .filter((entry) => entry.isFile() || entry.isDirectory())
        .map((entry): StoreEntry => ({ name: entry.name, kind: entry.isFile() ? 'file' : 'folder' }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    });
  }

  async remove(path: string): Promise<void> {
    return this.guard(path, (at) => rm(at, { recursive: true, force: true }));
  }

  async size(path: string): Promise<number> {
    return this.guard(path, sizeOf);
  }

  async exists(path: string): Promise<boolean> {
    return this.guard(path, async (at) => (await stat(at).catch(() => null)) !== null);
  }

  private async guard<T>(path: string, work: (at: string) => Promise<T>): Promise<T> {
    const at = join(this.root, ...storePath(path));
    try {
      return await work(at);
    } catch (thrown) {
      if (thrown instanceof Failure) throw thrown;
      const code = codeOf(thrown);
      if (code === 'ENOENT') throw missing(at);
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

async function sizeOf(at: string): Promise<number> {
  const info = await stat(at).catch(() => null);
  if (!info) return 0;
  if (!info.isDirectory()) return info.size;
  const sizes = await Promise.all((await readdir(at)).map((name) => sizeOf(join(at, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Node's error code, e.g. `ENOENT`. */
function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'an unknown error';
}
