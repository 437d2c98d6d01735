/** Where a file lies while it is written: never where a reader looks for it. */

/** What the platform's types do not name. */
export interface MovableFile extends FileSystemFileHandle {
  move(folder: FileSystemDirectoryHandle, name: string): Promise<void>;
}

/**
 * Files that are being written by this worker, in a folder of its own beside the store. A whole file is moved to its
 * place, which replaces what was there in one go. The folder's lock is held as long as the worker lives, so that what
 * a killed tab left is removed by the next one that opens the storage, and by none while it is being written.
 */
export class PartFiles {
  private count = 0;

  private constructor(private readonly own: FileSystemDirectoryHandle) {}

  /** @param name of the store, which tells its parts from those of other stores. */
  static async open(root: FileSystemDirectoryHandle, name: string): Promise<PartFiles> {
    const top = await root.getDirectoryHandle(`${name}.part`, { create: true });
    const prefix = `${top.name} `;
    const id = crypto.randomUUID();
    await holdLock(`${prefix}${id}`);
    const own = await top.getDirectoryHandle(id, { create: true });
    // What cannot be tidied up now is tidied up at another start.
    await removeStale(top, prefix).catch(() => undefined);
    return new PartFiles(own);
  }

  /**
   * Writes a file whole, then moves it to `name` in `folder`. When that fails nothing has changed there.
   * @throws DOMException of the platform.
   */
  async write(bytes: Uint8Array, folder: FileSystemDirectoryHandle, name: string): Promise<void> {
    const partName = String(this.count++);
    const part = (await this.own.getFileHandle(partName, { create: true })) as MovableFile;
    try {
      const access = await openAccess(part);
      try {
        writeAll(access, bytes, 0);
        access.flush();
      } finally {
        access.close();
      }
      await part.move(folder, name);
    } catch (error) {
      await this.own.removeEntry(partName).catch(() => undefined);
      throw error;
    }
  }
}

/** Files that are being opened. */
const opening = new Set<FileSystemFileHandle>();

/**
 * Opens a file to be written. Chromium never answers for a file whose handle is collected as garbage before it is open, and
 * nothing else may hold the handle by then: whoever waited, waited for ever.
 */
export async function openAccess(file: FileSystemFileHandle): Promise<FileSystemSyncAccessHandle> {
  opening.add(file);
  try {
    return await file.createSyncAccessHandle();
  } finally {
    opening.delete(file);
  }
}

/** Writes all bytes at a place. @throws DOMException `QuotaExceededError` when they do not fit. */
export function writeAll(access: FileSystemSyncAccessHandle, bytes: Uint8Array, at: number): void {
  const written = access.write(bytes as Uint8Array<ArrayBuffer>, { at });
  if (written < bytes.length) throw new DOMException('the disk is full', 'QuotaExceededError');
}

/** Takes a lock and keeps it until this worker ends. */
function holdLock(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const held = navigator.locks.request(name, () => {
      resolve();
      return new Promise<never>(() => undefined);
    });
    held.catch(reject);
  });
}

/** Removes the folders of workers that are gone. The locks are asked for last: a folder is made under its lock. */
async function removeStale(top: FileSystemDirectoryHandle, prefix: string): Promise<void> {
  const ids: string[] = [];
  for await (const id of top.keys()) ids.push(id);
  const { held = [] } = await navigator.locks.query();
  const alive = new Set(held.map(({ name }) => name));
  for (const id of ids) if (!alive.has(prefix + id)) await top.removeEntry(id, { recursive: true });
}
