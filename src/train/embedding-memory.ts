/** Bytes of embeddings that are remembered at most, in the program's memory. */
const LIMIT = 256 * 2 ** 20;

/** Embeddings of images by name; when there is no room left, new ones are not taken in. */
export class EmbeddingMemory {
  private readonly byKey = new Map<string, Float32Array>();
  private bytes = 0;

  constructor(private readonly limit = LIMIT) {}

  get(key: string): Float32Array | undefined {
    return this.byKey.get(key);
  }

  set(key: string, embedding: Float32Array): void {
    if (this.byKey.has(key) || this.bytes + embedding.byteLength > this.limit) return;
    this.byKey.set(key, embedding);
    this.bytes += embedding.byteLength;
  }
}
