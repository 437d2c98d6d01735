import { Inflate } from 'fflate';

/** Thrown when a stream holds more than was allowed: it is a bomb, or its header lies. */
export class TooLong extends Error {}
/** Thrown when a stream ends before its last block. */
export class CutShort extends Error {}

/** Input bytes handed over at once; deflate expands by at most 1032, so a step makes at most 33 MB. */
const STEP = 32 * 1024;

/**
 * Unpacks a deflate (`raw`) or zlib stream of one or more pieces into at most `limit` bytes.
 * @throws {TooLong} as soon as the output passes `limit`, {@link CutShort} when the stream has no end, Error when damaged.
 */
export function inflateBounded(
  pieces: readonly Uint8Array[],
  format: 'raw' | 'zlib',
  limit: number,
): Uint8Array {
  const out: Uint8Array[] = [];
  let length = 0;
  let ended = false;
  const collect = (chunk: Uint8Array, final: boolean) => {
    length += chunk.length;
    if (length > limit) throw new TooLong(`more than ${limit} bytes`);
    out.push(chunk);
    ended ||= final;
  };
  const stream = new Inflate(collect);
  // Both users check a CRC of their own, so a zlib stream is read as its header and a raw stream; its Adler-32 is left.
  const source = format === 'raw' ? pieces : withoutZlibHeader(pieces);
  try {
    for (const piece of source) {
      for (let at = 0; at < piece.length; at += STEP) stream.push(piece.subarray(at, at + STEP), false);
    }
    stream.push(new Uint8Array(0), true);
  } catch (error) {
    if (error instanceof TooLong) throw error;
    const message = error instanceof Error ? error.message : String(error);
    if (/EOF/i.test(message)) throw new CutShort(message);
    throw new Error(message);
  }
  if (!ended) throw new CutShort('no end of stream');
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of out) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** RFC 1950: deflate with a window of at most 32 KiB, no preset dictionary, header divisible by 31. */
function withoutZlibHeader(pieces: readonly Uint8Array[]): Uint8Array[] {
  let first = pieces[0] ?? new Uint8Array(0);
  let rest = pieces.slice(1);
  if (first.length < 2) {
    // A writer may split the header between two pieces.
    const joined = new Uint8Array(first.length + (rest[0]?.length ?? 0));
    joined.set(first);
    if (rest[0]) joined.set(rest[0], first.length);
    first = joined;
    rest = rest.slice(1);
  }
  if (first.length < 2) throw new CutShort('no zlib header');
  const [cmf, flags] = first as unknown as [number, number];
  if ((cmf & 15) !== 8 || cmf >> 4 > 7 || (flags & 32) !== 0 || ((cmf << 8) | flags) % 31 !== 0) {
    throw new Error('invalid zlib header');
  }
  return [first.subarray(2), ...rest];
}
