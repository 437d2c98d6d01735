import { Failure } from '../config/failure.ts';
import { limits } from './limits.ts';
import { refusal, toRefusal, valueOrThrow } from './outcome.ts';
import type { Outcome, Refusal } from './types.ts';

/** A file that is read when it is needed. */
export interface LazyFile {
  readonly path: string;
  /** Bytes; 0 when not known. */
  readonly size: number;
  /** Rejects when it cannot be read; {@link readBytes} turns that into a sentence. */
  bytes(): Promise<Uint8Array>;
  /** The bytes [offset, offset + length), where they can be read alone; fewer where the file ends. Rejects as {@link bytes} does. */
  read?(offset: number, length: number): Promise<Uint8Array>;
  /** The first bytes, where they can be had without unpacking the rest; fewer where the file ends. Rejects as {@link bytes} does. */
  head?(length: number): Promise<Uint8Array>;
  /** Of a mask that says itself what its values are, or holds several a pixel: a file for each. */
  readonly fields?: MaskFields;
}

/** The files that one file stands for. */
export interface MaskFields {
  /** Numbers of objects. */
  readonly instances?: LazyFile;
  /** Numbers of classes. */
  readonly labels?: LazyFile;
}

/**
 * Reads a file, or says why it cannot be: too large (not even tried), gone, or not permitted.
 * @param most bytes that are read at most.
 */
export async function readBytes(
  file: LazyFile,
  most: number = limits.fileBytes,
): Promise<Outcome<Uint8Array>> {
  if (file.size > most) {
    const reason = `The file is ${Math.ceil(file.size / 2 ** 20)} MiB; at most ${most / 2 ** 20} MiB can be read.`;
    return {
      ok: false,
      refusal: refusal('data/too-large', file.path, reason, 'Split it and drop the parts.'),
    };
  }
  try {
    return { ok: true, value: await file.bytes() };
  } catch (error) {
    return { ok: false, refusal: notReadable(error, file) };
  }
}

/** Why a file could not be read. */
function notReadable(error: unknown, file: LazyFile): Refusal {
  if (error instanceof Failure) {
    const refused = toRefusal(error, file.path);
    // A person knows the file by its own path, not by its place in storage.
    return refused.code.startsWith('storage/') ? { ...refused, file: file.path } : refused;
  }
  // Node says the whole path once more: `ENOENT: no such file or directory, open '/data/a.png'`.
  const detail = (error instanceof Error ? error.message : String(error)).replace(/, \w+ '.*'$/, '');
  return changed(file, detail);
}

const changed = (file: LazyFile, detail: string): Refusal =>
  refusal(
    'data/unreadable',
    file.path,
    `The file could not be read (${detail}).`,
    'It may have been moved or locked since it was dropped; drop it again.',
  );

/** A file of which parts are read. */
export interface FileParts {
  /** Its path. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** The bytes [offset, offset + length), which lie within the file. @throws Failure when they cannot be read. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Files that can be read only as a whole, so that part after part does not read them again while memory allows. */
const held = new WeakMap<LazyFile, WeakRef<Uint8Array>>();

/**
 * Opens a file to read parts of it. One that can be read only as a whole, as one packed within a zip, is, up to {@link limits};
 * its first bytes alone where these are enough.
 * @throws Failure when it cannot be read.
 */
export async function openParts(file: LazyFile): Promise<FileParts> {
  const whole = async () => {
    const kept = held.get(file)?.deref();
    if (kept) return kept;
    const bytes = valueOrThrow(await readBytes(file));
    held.set(file, new WeakRef(bytes));
    return bytes;
  };
  const size = file.read || file.head ? file.size : (await whole()).length;
  const alone = (offset: number, length: number) => {
    if (file.read) return file.read(offset, length);
    const isHead = offset === 0 && length < size && !held.get(file)?.deref();
    return isHead ? file.head?.(length) : undefined;
  };
  return {
    name: file.path,
    size,
    read: async (offset, length) => {
      const read = alone(offset, length);
      if (!read) return (await whole()).subarray(offset, offset + length);
      const part = await read.catch((error: unknown): Refusal => notReadable(error, file));
      if (part instanceof Uint8Array && part.length === length) return part;
      const refused = part instanceof Uint8Array ? changed(file, 'it ends earlier than it did') : part;
      return valueOrThrow<Uint8Array>({ ok: false, refusal: refused });
    },
  };
}
