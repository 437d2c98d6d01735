import { Failure } from '../config/failure.ts';

export interface StoreEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder';
}

/**
 * A place for files, with paths such as `datasets/<id>/images/a.png`: parts divided by `/`, relative, none of them
 * empty, `.` or `..` (see {@link storePath}). Folders come to be with their first file
 * and end with their last.
 *
 * No file is empty: one of 0 bytes, which a crash may leave, is not there, and writing 0 bytes removes the file. What a
 * write that was cut off left behind is never seen.
 *
 * Every method rejects with a {@link Failure} whose code is one of `storage/missing`, `storage/full`,
 * `storage/bad-path`, `storage/unavailable` or `storage/failed`, and with nothing else.
 */
export interface FileStore {
  /** The bytes of a file; the caller may keep and change them. */
  read(path: string): Promise<Uint8Array>;
  /** The bytes [offset, offset + length) of a file, fewer where it ends before; the rest of the file is not read. */
  readRange(path: string, offset: number, length: number): Promise<Uint8Array>;
  /**
   * Writes a whole file, so that a reader, a crash or a full disk finds the old one or the new one, never a part. The
   * bytes must not change until it is done.
   */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Adds bytes at a file's end; makes the file when it is not there. A crash may leave a part of the bytes. */
  append(path: string, bytes: Uint8Array): Promise<void>;
  /** Gives a file another path, in one go; what lay there is replaced. */
  move(from: string, to: string): Promise<void>;
  /** What lies directly in a folder, in code-unit order of names; empty when the folder is not there. */
  list(folder: string): Promise<StoreEntry[]>;
  /** Removes a file, or a folder with all that is in it; not being there is no error. */
  remove(path: string): Promise<void>;
  /** Bytes of a file, or of all files under a folder; 0 when it is not there. */
  size(path: string): Promise<number>;
  /** Whether a file or folder is there. */
  exists(path: string): Promise<boolean>;
}

/**
 * The parts of a path; `''` is the top.
 * @throws Failure `storage/bad-path` when a part is empty, `.`, `..`, or holds a character that a file system may
 * refuse.
 */
export function storePath(path: string): string[] {
  if (path === '') return [];
  const parts = path.split('/');
  for (const part of parts) {
    if (part === '' || part === '.' || part === '..' || hasForbidden(part)) {
      throw new Failure({
        code: 'storage/bad-path',
        what: `A file cannot be stored under the path "${path}".`,
        where: path,
        cure: 'Rename the file to plain letters, digits, dots, dashes and underscores.',
      });
    }
  }
  return parts;
}

/** The last part of a file's path. @throws Failure `storage/bad-path`, also for the top, which is no file. */
export function fileName(path: string): string {
  const name = storePath(path).pop();
  if (name !== undefined) return name;
  throw new Failure({ code: 'storage/bad-path', what: 'The path is empty.', cure: 'Name a file.' });
}

function hasForbidden(part: string): boolean {
  for (let i = 0; i < part.length; i++) {
    const code = part.charCodeAt(i);
    if (code < 32 || code === 127 || '\\:*?"<>|'.includes(part[i] as string)) return true;
  }
  return false;
}

/**
 * A name as one part of a store path: what {@link storePath} refuses (and `%`) is written as `%` and hexadecimal
 * digits.
 */
export function storeName(name: string): string {
  const safe = [...name]
    .map((c) =>
      c === '%' || c === '/' || hasForbidden(c) ? encodeURIComponent(c).replaceAll('*', '%2A') : c,
    )
    .join('');
  return /^\.*$/.test(safe) ? safe.replaceAll('.', '%2E') || '%' : safe;
}

export function missing(path: string): Failure {
  return new Failure({
    code: 'storage/missing',
    what: 'The file is not in storage.',
    where: path,
    cure: 'It may have been removed in another tab, by clearing site data, or by a private window that slept; import it again.',
  });
}

export function full(path: string, cause?: unknown): Failure {
  return new Failure(
    {
      code: 'storage/full',
      what: 'There is no space left to write the file.',
      where: path,
      cure: 'Delete datasets or runs that are no longer needed, or free space on the disk, and try again.',
    },
    { cause },
  );
}
