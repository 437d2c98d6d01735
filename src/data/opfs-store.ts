import { Failure } from '../config/failure.ts';
import { type FileStore, full, missing, type StoreEntry, storePath } from './file-store.ts';

/** Ending of a file that is being written; a leftover of a crash is overwritten by the next write and never listed. */
const PART = '.part';

/** Parts of the platform that its types do not name: moving, and synchronous handles (workers only). */
interface MovableFile extends FileSystemFileHandle {
  move?(name: string): Promise<void>;
}

/**
 * The {@link FileStore} of the browser: the origin private file system, in workers and on the page. `createWritable`
 * changes a file only when it is closed, so it is atomic by itself; where it is missing (older Safari) a worker
 * writes beside the file and moves it into place.
 */
export class OpfsStore implements FileStore {
  private constructor(private readonly top: FileSystemDirectoryHandle) {}

  /**
   * Opens the storage.
   * @param folder the folder of the origin that is the store's top, so that several apps of one origin stay apart.
   * @throws Failure `storage/unavailable` when the browser gives none.
   */
  static async open(folder = 'mopeft-studio'): Promise<OpfsStore> {
    try {
      const root = await navigator.storage.getDirectory();
      return new OpfsStore(await root.getDirectoryHandle(folder, { create: true }));
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
    return this.guard(path, async () => {
      const { folder, name } = await this.locate(path, false);
      const file = await (await folder.getFileHandle(name)).getFile();
      return new Uint8Array(await file.arrayBuffer());
    });
  }

  async readRange(path: string, offset: number, length: number): Promise<Uint8Array> {
    return this.guard(path, async () => {
      const { folder, name } = await this.locate(path, false);
      const file = await (await folder.getFileHandle(name)).getFile();
      return new Uint8Array(await file.slice(offset, offset + length).arrayBuffer());
    });
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    return this.guard(path, async () => {
      const { folder, name } = await this.locate(path, true);
      if (typeof FileSystemFileHandle.prototype.createWritable === 'function') {
        const existed = await has(folder, name);
        const handle = await folder.getFileHandle(name, { create: true });
        try {
          await writeAt(handle, bytes, 0, false);
        } catch (error) {
          // The handle had to be made before it could be written: an empty file would pass for the real one.
          if (!existed) await folder.removeEntry(name).catch(() => undefined);
          throw error;
        }
        return;
      }
      const part: MovableFile = await folder.getFileHandle(name + PART, { create: true });
      const access = await part.createSyncAccessHandle();
      try {
        access.truncate(0);
        writeAll(access, bytes, 0);
        access.flush();
      } finally {
        access.close();
      }
      if (!part.move) throw new Error('files cannot be moved here');
      await part.move(name);
    });
  }

  async append(path: string, bytes: Uint8Array): Promise<void> {
    return this.guard(path, async () => {
      const { folder, name } = await this.locate(path, true);
      const handle = await folder.getFileHandle(name, { create: true });
      if (typeof handle.createSyncAccessHandle === 'function') {
        // In a worker: in place, so that a long log is not copied for every line.
        const access = await handle.createSyncAccessHandle();
        try {
          writeAll(access, bytes, access.getSize());
          access.flush();
        } finally {
          access.close();
        }
        return;
      }
      await writeAt(handle, bytes, (await handle.getFile()).size, true);
    });
  }

  async list(path: string): Promise<StoreEntry[]> {
    return this.guard(path, async () => {
      const folder = await this.folderAt(path);
      const entries: StoreEntry[] = [];
      if (!folder) return entries;
      for await (const [name, handle] of folder.entries()) {
        if (!name.endsWith(PART) && !name.endsWith('.crswap')) {
          entries.push({ name, kind: handle.kind === 'file' ? 'file' : 'folder' });
        }
      }
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
      const file = await this.fileAt(path);
      return file ? (await file.getFile()).size : 0;
    });
  }

  async exists(path: string): Promise<boolean> {
    return this.guard(path, async () => Boolean((await this.folderAt(path)) ?? (await this.fileAt(path))));
  }

  private async locate(path: string, create: boolean) {
    const parts = storePath(path);
    const name = parts.pop();
    if (name === undefined) {
      throw new Failure({ code: 'storage/bad-path', what: 'The path is empty.', cure: 'Name a file.' });
    }
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

  private async fileAt(path: string): Promise<FileSystemFileHandle | undefined> {
    const parts = storePath(path);
    const name = parts.pop();
    const folder = name === undefined ? undefined : await this.folderAt(parts.join('/'));
    return name === undefined ? undefined : folder?.getFileHandle(name).catch(ignoreMissing);
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

async function has(folder: FileSystemDirectoryHandle, name: string): Promise<boolean> {
  return (await folder.getFileHandle(name).catch(ignoreMissing)) !== undefined;
}

async function writeAt(
  handle: FileSystemFileHandle,
  bytes: Uint8Array,
  position: number,
  keepExistingData: boolean,
): Promise<void> {
  const stream = await handle.createWritable({ keepExistingData });
  try {
    await stream.write({ type: 'write', position, data: bytes as Uint8Array<ArrayBuffer> });
    await stream.close();
  } catch (error) {
    await stream.abort().catch(() => undefined);
    throw error;
  }
}

function writeAll(access: FileSystemSyncAccessHandle, bytes: Uint8Array, at: number): void {
  const written = access.write(bytes as Uint8Array<ArrayBuffer>, { at });
  if (written < bytes.length) throw new DOMException('the disk is full', 'QuotaExceededError');
}

async function folderSize(folder: FileSystemDirectoryHandle): Promise<number> {
  let sum = 0;
  for await (const handle of folder.values()) {
    sum +=
      handle.kind === 'file'
        ? (await (handle as FileSystemFileHandle).getFile()).size
        : await folderSize(handle as FileSystemDirectoryHandle);
  }
  return sum;
}
