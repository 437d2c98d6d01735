import { TooLong, Truncated } from '../inflate.ts';

/** Bytes of history that a stream may ask for; 128 MiB is what the strongest usual setting takes. */
const MOST_WINDOW = 128 * 1024 * 1024;
/** Blocks times window: the decoder moves the whole window at every block. */
const MOST_MOVED = 2 ** 33;

/**
 * Unpacks Zstandard data into at most `limit` bytes.
 * @throws {TooLong} when there are more, {@link Truncated} when the stream has no end, Error when damaged.
 */
export async function unpackZstd(packed: Uint8Array, limit: number): Promise<Uint8Array> {
  const { Decompress, ZstdErrorCode } = await import('fzstd');
  const window = windowOf(packed);
  if (window > MOST_WINDOW) throw new Error(`its Zstandard data need ${window} bytes of history`);
  const out = new Uint8Array(limit);
  let length = 0;
  let blocks = 0;
  const stream = new Decompress((block) => {
    blocks++;
    if (length + block.length > limit || blocks * window > MOST_MOVED)
      throw new TooLong(`more than ${limit} bytes`);
    out.set(block, length);
    length += block.length;
  });
  try {
    stream.push(packed, true);
  } catch (error) {
    if (error instanceof TooLong) throw error;
    const isShort = error instanceof Error && 'code' in error && error.code === ZstdErrorCode.UnexpectedEOF;
    if (isShort) throw new Truncated('Zstandard data');
    throw new Error(
      `its Zstandard data cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return out.subarray(0, length);
}

/** Bytes of history that the first frame asks for (RFC 8878, 3.1.1.1); 0 when there is no frame. */
function windowOf(packed: Uint8Array): number {
  const head = new Uint8Array(18);
  head.set(packed.subarray(0, head.length));
  const view = new DataView(head.buffer);
  if (view.getUint32(0, true) !== 0xfd2fb528) return 0;
  const descriptor = view.getUint8(4);
  if ((descriptor & 32) === 0) {
    const window = view.getUint8(5);
    return 2 ** (10 + (window >> 3)) * (1 + (window & 7) / 8);
  }
  const at = 5 + ([0, 1, 2, 4][descriptor & 3] as number);
  switch (descriptor >> 6) {
    case 0:
      return view.getUint8(at);
    case 1:
      return 256 + view.getUint16(at, true);
    case 2:
      return view.getUint32(at, true);
    default:
      return Number(view.getBigUint64(at, true));
  }
}
