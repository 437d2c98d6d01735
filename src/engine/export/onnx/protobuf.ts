/**
 * Writes protocol buffers (protobuf.dev/programming-guides/encoding): as much as ONNX's messages need. A message is a list of
 * byte arrays, so that weights are copied once, when the whole is put together.
 */

/** A part of a message that is written. */
export interface Piece {
  readonly size: number;
  readonly chunks: readonly Uint8Array[];
}

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

/** Fields one after the other. */
export function joined(pieces: readonly Piece[]): Piece {
  return {
    size: pieces.reduce((sum, { size }) => sum + size, 0),
    chunks: pieces.flatMap(({ chunks }) => chunks),
  };
}

/** A field of type int64 or an enum; from −2⁵³ to 2⁵³. */
export function intField(field: number, value: number): Piece {
  return pieceOf([...varint(8 * field + VARINT), ...varint(value)]);
}

/** A field of type float. */
export function floatField(field: number, value: number): Piece {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return pieceOf([...varint(8 * field + FIXED_32), ...bytes]);
}

export function textField(field: number, text: string): Piece {
  return bytesField(field, new TextEncoder().encode(text));
}

export function bytesField(field: number, bytes: Uint8Array): Piece {
  return messageField(field, { size: bytes.length, chunks: [bytes] });
}

/** A message inside another. */
export function messageField(field: number, message: Piece): Piece {
  const head = pieceOf([...varint(8 * field + LENGTH_DELIMITED), ...varint(message.size)]);
  return joined([head, message]);
}

export function bytesOf({ size, chunks }: Piece): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function pieceOf(bytes: readonly number[]): Piece {
  return { size: bytes.length, chunks: [Uint8Array.from(bytes)] };
}

/** Groups of 7 bits, lowest first; a negative number as its two's complement of 64 bits. */
function varint(value: number): number[] {
  let left = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (left > 127n) {
    bytes.push(Number(left & 127n) | 128);
    left >>= 7n;
  }
  bytes.push(Number(left));
  return bytes;
}
