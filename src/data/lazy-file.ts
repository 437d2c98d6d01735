import { Failure } from '../config/failure.ts';
import { limits } from './limits.ts';
import { refusal, toRefusal } from './outcome.ts';
import type { Outcome } from './types.ts';

/** A file that is read when it is needed. */
export interface LazyFile {
  readonly path: string;
  /** Bytes; 0 when not known. */
  readonly size: number;
  /** Rejects when it cannot be read; {@link readBytes} turns that into a sentence. */
  bytes(): Promise<Uint8Array>;
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
    if (error instanceof Failure) {
      const refused = toRefusal(error, file.path);
      // A person knows the file by its own path, not by its place in storage.
      const isStorage = refused.code.startsWith('storage/');
      return { ok: false, refusal: isStorage ? { ...refused, file: file.path } : refused };
    }
    // Node says the whole path once more: `ENOENT: no such file or directory, open '/data/a.png'`.
    const detail = (error instanceof Error ? error.message : String(error)).replace(/, \w+ '.*'$/, '');
    const reason = `The file could not be read (${detail}).`;
    const cure = 'It may have been moved or locked since it was dropped; drop it again.';
    return { ok: false, refusal: refusal('data/unreadable', file.path, reason, cure) };
  }
}
