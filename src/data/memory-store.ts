import { type FileStore, fileName, full, missing, type StoreEntry, storePath } from './file-store.ts';

/** A {@link FileStore} in memory, for tests and for sessions whose browser gives no storage. */
export class MemoryStore implements FileStore {
  private readonly files = new Map<string, Uint8Array>();

  /** @param capacity bytes that fit; writing more fails as a full disk does. */
  constructor(private readonly capacity = Number.POSITIVE_INFINITY) {}

  async read(path: string): Promise<Uint8Array> {
    return this.get(path).slice();
  }

  async readRange(path: string, offset: number, length: number): Promise<Uint8Array> {
    return this.get(path).slice(offset, offset + length);
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    this.put(path, bytes.slice());
  }

  async append(path: string, bytes: Uint8Array): Promise<void> {
    const old = this.files.get(path) ?? new Uint8Array(0);
    const joined = new Uint8Array(old.length + bytes.length);
    joined.set(old);
    joined.set(bytes, old.length);
    this.put(path, joined);
  }

  async move(from: string, to: string): Promise<void> {
    const bytes = this.get(from);
    fileName(to);
    this.files.delete(from);
    this.files.set(to, bytes);
  }

  async list(folder: string): Promise<StoreEntry[]> {
    const prefix = prefixOf(folder);
    const kinds = new Map<string, StoreEntry['kind']>();
    for (const path of this.files.keys()) {
      if (!path.startsWith(prefix)) continue;
      const [name, ...rest] = path.slice(prefix.length).split('/');
      kinds.set(name as string, rest.length === 0 ? 'file' : 'folder');
    }
    return [...kinds.keys()].sort().map((name) => ({ name, kind: kinds.get(name) ?? 'file' }));
  }

  async remove(path: string): Promise<void> {
    const prefix = prefixOf(path);
    for (const file of [...this.files.keys()])
      if (file === path || file.startsWith(prefix)) this.files.delete(file);
  }

  async size(path: string): Promise<number> {
    const prefix = prefixOf(path);
    let sum = 0;
    for (const [file, bytes] of this.files) if (file === path || file.startsWith(prefix)) sum += bytes.length;
    return sum;
  }

  async exists(path: string): Promise<boolean> {
    const prefix = prefixOf(path);
    return [...this.files.keys()].some((file) => file === path || file.startsWith(prefix));
  }

  private get(path: string): Uint8Array {
    fileName(path);
    const bytes = this.files.get(path);
    if (!bytes) throw missing(path);
    return bytes;
  }

  private put(path: string, bytes: Uint8Array): void {
    fileName(path);
    let used = bytes.length;
    for (const [file, old] of this.files) if (file !== path) used += old.length;
    if (used > this.capacity) throw full(path);
    if (bytes.length > 0) this.files.set(path, bytes);
    else this.files.delete(path);
  }
}

function prefixOf(folder: string): string {
  return storePath(folder).length === 0 ? '' : `${folder}/`;
}
