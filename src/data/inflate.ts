import { Unzlib } from 'fflate';

/** Thrown when a stream holds more than was allowed: it is a bomb, or its header lies. */
export class TooLong extends Error {}
/** Thrown when a stream ends before its last block. */
export class Truncated extends Error {}

/** Input bytes handed over at once; deflate expands by at most 1032, so a step makes at most 33 MB. */
const STEP = 32 * 1024;
/** `Unzlib` drops the last four bytes unread, so these stand in for an Adler-32 that is missing or incomplete. */
const TRAILER = new Uint8Array(4);

/**
 * Unpacks a zlib stream of one or more pieces into at most `limit` bytes. Its Adler-32 is not compared.
 * @throws {TooLong} as soon as the output passes `limit`, {@link Truncated} when the stream has no end, Error when
 * damaged.
 */
export function inflateBounded(pieces: readonly Uint8Array[], limit: number): Uint8Array {
  const out: Uint8Array[] = [];
  let length = 0;
  const stream = new Unzlib((chunk) => {
    length += chunk.length;
    if (length > limit) throw new TooLong(`more than ${limit} bytes`);
    out.push(chunk);
  });
  try {
    for (const piece of pieces) {
      for (let at = 0; at < piece.length; at += STEP) stream.push(piece.subarray(at, at + STEP), false);
    }
    stream.push(TRAILER, true);
  } catch (error) {
    if (error instanceof TooLong) throw error;
    const message = error instanceof Error ? error.message : String(error);
    if (/EOF/i.test(message)) throw new Truncated(message);
    throw new Error(message);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of out) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
