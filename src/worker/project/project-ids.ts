/** Other ids for datasets and runs whose own are taken, in all that names them. */
import { sha256 } from '../../sam/checkpoint/hash.ts';

/** Ids by those that they replace. */
export type IdChanges = ReadonlyMap<string, string>;

/** An id of the same length that follows from the content: the same content gets the same again. */
export async function contentId(id: string, content: string): Promise<string> {
  const hash = await sha256(new TextEncoder().encode(content));
  return id.slice(0, -8) + hash.slice(0, 8);
}

/**
 * A run's file with other ids. Both are of the same length, so that places in a file stay as they are; of a safetensors
 * file the header is changed alone.
 */
export function withIds(path: string, bytes: Uint8Array, changes: IdChanges): Uint8Array {
  if (changes.size === 0) return bytes;
  if (/\.jsonl?$/.test(path)) return encode(replaced(decode(bytes), changes));
  if (!path.endsWith('.safetensors') || bytes.length < 8) return bytes;
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (8 + length > bytes.length) return bytes;
  const header = encode(replaced(decode(bytes.subarray(8, 8 + length)), changes));
  if (header.length !== length) return bytes;
  const changed = bytes.slice();
  changed.set(header, 8);
  return changed;
}

function replaced(text: string, changes: IdChanges): string {
  return text.replaceAll(/[a-z0-9-]{9,}/g, (word) => changes.get(word) ?? word);
}

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
