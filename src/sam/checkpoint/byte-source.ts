import { Failure } from '../../config/failure.ts';

/** A file that can be read in parts: a Blob in the browser, an open file in Node, bytes in a test. */
export interface ByteSource {
  /** Name for messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** The bytes [offset, offset + length), which lie within the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Bytes that are in memory already. */
export function bytesSource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.byteLength,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}

/** A file of the browser; only the parts that are asked for are read. */
export function blobSource(name: string, blob: Blob): ByteSource {
  return {
    name,
    size: blob.size,
    read: async (offset, length) => {
      try {
        return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
      } catch (cause) {
        throw new Failure(
          {
            code: 'checkpoint/unreadable',
            what: 'The file can no longer be read.',
            where: name,
            cure: 'It was moved or changed, or the browser lost its permission to read it. Choose it again.',
          },
          { cause },
        );
      }
    },
  };
}
