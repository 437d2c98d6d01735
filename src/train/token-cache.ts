import type { FileStore } from '../data/file-store.ts';

/** Bytes that are kept in the program's memory. */
const MEMORY_BYTES = 256 * 2 ** 20;

/** Most bytes that are kept in a folder. */
const FOLDER_BYTES = 2 * 2 ** 30;

/** Bytes that may be kept in a folder of a storage that has so many free: an eighth, so that a run's own files fit. */
export function folderBytes(freeBytes: number): number {
  return Math.min(FOLDER_BYTES, Math.floor(freeBytes / 8));
}

/** A folder for what memory does not hold. */
export interface CacheFolder {
  readonly store: FileStore;
  /** Nothing else lies in it. */
  readonly path: string;
  /** Most that is kept there. */
  readonly bytes: number;
}

/**
 * What the frozen part of an encoder makes of images, by their keys: in memory, and beyond that in a folder. Nothing is
 * forgotten for something new, since images come in turns and the one that was used longest ago comes next. It only
 * saves work: what a store does not take or give back is computed again.
 */
export class TokenCache {
  private readonly memory = new Map<string, Float32Array>();
  private readonly files = new Map<string, { readonly path: string; readonly bytes: number }>();
  private memoryLeft: number;
  private folderLeft: number;
  private nextFile = 0;

  /** @param folder null keeps in memory alone; @param memoryBytes that are kept there. */
  constructor(
    private readonly folder: CacheFolder | null = null,
    private readonly memoryBytes = MEMORY_BYTES,
  ) {
    this.memoryLeft = memoryBytes;
    this.folderLeft = folder?.bytes ?? 0;
  }

  /** Whether so many bytes more would be kept. */
  hasRoom(bytes: number): boolean {
    return bytes <= Math.max(this.memoryLeft, this.folderLeft);
  }

  /** The same values, to the bit, or null. */
  async get(key: string): Promise<Float32Array | null> {
    const inMemory = this.memory.get(key);
    if (inMemory) return inMemory;
    const file = this.files.get(key);
    if (!file || !this.folder) return null;
    const bytes = await this.folder.store.read(file.path).catch(() => null);
    if (bytes?.byteLength === file.bytes) return new Float32Array(bytes.slice().buffer);
    this.files.delete(key);
    return null;
  }

  /** Keeps values while there is room; they must not change afterwards. */
  async set(key: string, values: Float32Array): Promise<void> {
    if (this.memory.has(key) || this.files.has(key)) return;
    const bytes = values.byteLength;
    if (bytes <= this.memoryLeft) {
      this.memoryLeft -= bytes;
      this.memory.set(key, values);
      return;
    }
    if (!this.folder || bytes > this.folderLeft) return;
    const path = `${this.folder.path}/${this.nextFile++}`;
    try {
      await this.folder.store.write(path, new Uint8Array(values.buffer, values.byteOffset, bytes));
      this.folderLeft -= bytes;
      this.files.set(key, { path, bytes });
    } catch {
      // Full, or broken: the rest of the run does without more of it.
      this.folderLeft = 0;
    }
  }

  /**
   * Forgets everything, what an earlier cache left in the folder too: before the first use, after the last, and where the frozen
   * part has become another.
   */
  async clear(): Promise<void> {
    this.memory.clear();
    this.files.clear();
    this.memoryLeft = this.memoryBytes;
    this.folderLeft = this.folder?.bytes ?? 0;
    await this.folder?.store.remove(this.folder.path).catch(() => undefined);
  }
}
