import { Failure } from '../config/failure.ts';
import { type FileStore, fileName, full, missing, type StoreEntry, storePath } from './file-store.ts';
import { type MovableFile, openAccess, PartFiles, writeAll } from './part-files.ts';

/** Endings of what earlier versions of the studio, and Chromium's `createWritable`, left of writes that were cut off. */
const LEFTOVERS = ['.part', '.crswap'];

/** A file is read again when another tab replaces it meanwhile, which takes milliseconds. */
const READ_TRIES = 10;

/**
 * Milliseconds. Chromium closes its index of an origin's files after 10 minutes in which none was looked up. In a private
 * window the index is in memory alone: closed, it is lost, and every file with it, though their bytes still count.
 */
export const LOOK_EVERY = 4 * 60_000;

/**
 * The {@link FileStore} of the browser: the origin private file system. For workers only, whose synchronous handles
 * write in place and flush.
 */
export class OpfsStore implements FileStore {
  private constructor(
    private readonly top: FileSystemDirectoryHandle,
    private readonly parts: PartFiles,
  ) {}

  /**
   * Opens the storage.
   * @param folder the folder of the origin that is the store's top, so that several apps of one origin stay apart.
   * @throws Failure `storage/unavailable` when the browser gives none.
   */
  static async open(folder = 'mopeft-studio'): Promise<OpfsStore> {
    try {
      const root = await navigator.storage.getDirectory();
      const top = await root.getDirectoryHandle(folder, { create: true });
      setInterval(() => void root.getDirectoryHandle(folder).catch(() => undefined), LOOK_EVERY);
      return new OpfsStore(top, await PartFiles.open(root, folder));
    } catch (cause) {
      throw new Failure(
        {
          code: 'storage/unavailable',
          what: 'The browser does not give this page any storage.',
          cure: 'Leave private browsing, allow site data, and open the page over https or from localhost.',
        },
        { cause },
      );
    }
  }

  async read(path: string): Promise<Uint8Array> {
    return this.readBlob(path, (file) => file);
  }

  async readRange(path: string, offset: number, length: number): Promise<Uint8Array> {
    return this.readBlob(path, (file) => file.slice(offset, offset + length));
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) {
      fileName(path);
      return this.remove(path);
    }
    return this.guard(path, async () => {
      const { folder, name } = await this.locate(path, true);
      await this.parts.write(bytes, folder, name);
    });
  }

  async append(path: string, bytes: Uint8Array): Promise<void> {
    return this.guard(path, async () => {
      const { folder, name } = await this.locate(path, true);
      // In place, so that a long log is not copied for every line.
      const access = await openAccess(await folder.getFileHandle(name, { create: true }));
      const size = access.getSize();
      try {
        writeAll(access, bytes, size);
        access.flush();
      } catch (error) {
        access.truncate(size);
        throw error;
      } finally {
        access.close();
      }
    });
  }

  async move(from: string, to: string): Promise<void> {
    return this.guard(from, async () => {
      const source = await this.locate(from, false);
      const file = (await source.folder.getFileHandle(source.name)) as MovableFile;
      if ((await file.getFile()).size === 0) throw missing(from);
      const { folder, name } = await this.locate(to, true);
      await file.move(folder, name);
    });
  }

  async list(path: string): Promise<StoreEntry[]> {
    return this.guard(path, async () => {
      const folder = await this.folderAt(path);
      const entries: StoreEntry[] = [];
      if (!folder) return entries;
      for await (const [name, handle] of entriesOf(folder))
        if (await holdsBytes(name, handle))
          entries.push({ name, kind: handle.kind === 'directory' ? 'folder' : 'file' });
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    });
  }

  async remove(path: string): Promise<void> {
    return this.guard(path, async () => {
      const parts = storePath(path);
      const name = parts.pop();
      if (name === undefined) {
        for (const entry of await this.list('')) await this.top.removeEntry(entry.name, { recursive: true });
        return;
      }
      const folder = await this.folderAt(parts.join('/'));
      await folder?.removeEntry(name, { recursive: true }).catch(ignoreMissing);
    });
  }

  async size(path: string): Promise<number> {
    return this.guard(path, async () => {
      const folder = await this.folderAt(path);
      if (folder) return folderSize(folder);
      return this.fileSize(path);
    });
  }

  async exists(path: string): Promise<boolean> {
    return this.guard(path, async () => {
      const folder = await this.folderAt(path);
      return folder ? holdsBytes(folder.name, folder) : (await this.fileSize(path)) > 0;
    });
  }

  private async readBlob(path: string, part: (file: File) => Blob): Promise<Uint8Array> {
    return this.guard(path, async () => {
      const { folder, name } = await this.locate(path, false);
      for (let tries = 1; ; tries++) {
        const file = await (await folder.getFileHandle(name)).getFile();
        if (file.size === 0) throw missing(path);
        try {
          return new Uint8Array(await part(file).arrayBuffer());
        } catch (error) {
          // A file that was replaced since cannot be read any more; the new one can.
          if (tries === READ_TRIES) throw error;
        }
      }
    });
  }

  private async locate(path: string, create: boolean) {
    const parts = storePath(path);
    const name = fileName(path);
    parts.pop();
    let folder = this.top;
    for (const part of parts) folder = await folder.getDirectoryHandle(part, { create });
    return { folder, name };
  }

  /** The folder at a path, or undefined when there is none (a file there counts as none). */
  private async folderAt(path: string): Promise<FileSystemDirectoryHandle | undefined> {
    let folder = this.top;
    for (const part of storePath(path)) {
      const next = await folder.getDirectoryHandle(part).catch(ignoreMissing);
      if (!next) return undefined;
      folder = next;
    }
    return folder;
  }

  /** 0 when there is no file. */
  private async fileSize(path: string): Promise<number> {
    const parts = storePath(path);
    const name = parts.pop();
    const folder = name === undefined ? undefined : await this.folderAt(parts.join('/'));
    const file = name === undefined ? undefined : await folder?.getFileHandle(name).catch(ignoreMissing);
    return file ? sizeOf(file) : 0;
  }

  private async guard<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw toStorageFailure(error, path);
    }
  }
}

/** What the platform throws as a {@link Failure}. */
function toStorageFailure(error: unknown, path: string): Failure {
  if (error instanceof Failure) return error;
  const name = error instanceof Error || error instanceof DOMException ? error.name : '';
  if (name === 'QuotaExceededError') return full(path, error);
  if (name === 'NotFoundError' || name === 'TypeMismatchError') return missing(path);
  return new Failure(
    {
      code: 'storage/failed',
      what: `The browser could not access the file (${error instanceof Error ? error.message : String(error)}).`,
      where: path,
      cure: 'Close other tabs of this studio and try again; if that does not help, reload the page.',
    },
    { cause: error },
  );
}

function ignoreMissing(error: unknown): undefined {
  const name = error instanceof Error || error instanceof DOMException ? error.name : '';
  if (name === 'NotFoundError' || name === 'TypeMismatchError') return undefined;
  throw error;
}

/** Whether it is a file of the store, or a folder with one. */
async function holdsBytes(
  name: string,
  handle: FileSystemDirectoryHandle | FileSystemFileHandle,
): Promise<boolean> {
  if (handle.kind === 'file')
    return !LEFTOVERS.some((ending) => name.endsWith(ending)) && (await sizeOf(handle)) > 0;
  for await (const [inner, entry] of entriesOf(handle)) if (await holdsBytes(inner, entry)) return true;
  return false;
}

/** What lies in a folder: the platform's types do not tell files from folders. */
function entriesOf(folder: FileSystemDirectoryHandle) {
  return folder.entries() as AsyncIterable<[string, FileSystemDirectoryHandle | FileSystemFileHandle]>;
}

/** 0 when it was removed in the meantime. */
async function sizeOf(handle: FileSystemFileHandle): Promise<number> {
  return (await handle.getFile().catch(ignoreMissing))?.size ?? 0;
}

async function folderSize(folder: FileSystemDirectoryHandle): Promise<number> {
  let sum = 0;
  for await (const [, handle] of entriesOf(folder))
    sum += handle.kind === 'directory' ? await folderSize(handle) : await sizeOf(handle);
  return sum;
}
