import type { HostTensor } from './tensor-file.ts';

/**
 * The identity of a base model: SHA-256 over one line `name [shape] sha256-of-the-f32-bytes` for every tensor, lines sorted,
 * names original. So the same weights have the same hash under SAM's and Hugging Face's names and in any order of a file,
 * and a tensor is hashed alone: the whole model is never in memory.
 */
export class ModelHasher {
  private readonly lines: string[] = [];

  /** Takes in one tensor under its original name, as it stands in the file. */
  async add(name: string, { shape, data }: HostTensor): Promise<void> {
    const digest = await sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    this.lines.push(`${name} [${shape.join(', ')}] ${digest}\n`);
  }

  /** 64 hexadecimal digits. */
  async digest(): Promise<string> {
    return sha256(new TextEncoder().encode(this.lines.sort().join('')));
  }
}

/** SHA-256 as 64 hexadecimal digits. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
