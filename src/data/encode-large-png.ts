/**
 * PNGs of large masks, which are written while a person works: compressed by the browser, off this thread, and drawn row by
 * row, so that neither waits nor memory grow with the image.
 */

/** How a row's bytes become the file's. */
interface PngForm {
  readonly width: number;
  readonly height: number;
  /** Bits of a sample. */
  readonly depth: 8 | 16;
  readonly channels: 1 | 4;
}

/** Bytes that are handed to the compressor at once, after which others get the thread. */
const CHUNK = 1 << 20;
const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);

/**
 * @param drawRow writes a row's samples, 16 bits with the high byte first, into zeros.
 * @returns the file; grey of one channel, colours and their opacity of four.
 */
export async function encodeRows(
  { width, height, depth, channels }: PngForm,
  drawRow: (y: number, row: DataView<ArrayBuffer>) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  // Each row begins with the number of its filter, which is 0: none.
  const rowBytes = 1 + (width * channels * depth) / 8;
  const rowsAtOnce = Math.max(1, Math.floor(CHUNK / rowBytes));
  const compressor = new CompressionStream('deflate');
  const compressed = new Response(compressor.readable).arrayBuffer();
  const writer = compressor.writable.getWriter();
  for (let y = 0; y < height; y += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, height - y);
    const chunk = new Uint8Array(count * rowBytes);
    for (let i = 0; i < count; i++)
      drawRow(y + i, new DataView(chunk.buffer, i * rowBytes + 1, rowBytes - 1));
    await writer.ready;
    void writer.write(chunk);
  }
  void writer.close();
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, depth);
  header.setUint8(9, channels === 1 ? 0 : 6);
  const parts = [
    SIGNATURE,
    ...pngChunk('IHDR', new Uint8Array(header.buffer)),
    ...pngChunk('IDAT', new Uint8Array(await compressed)),
    ...pngChunk('IEND', new Uint8Array(0)),
  ];
  const file = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

function pngChunk(type: string, data: Uint8Array): Uint8Array[] {
  const name = new TextEncoder().encode(type);
  return [bigEndian(data.length), name, data, bigEndian(crc32([name, data]))];
}

function bigEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(parts: readonly Uint8Array[]): number {
  let crc = 0xffffffff;
  for (const part of parts)
    for (let i = 0; i < part.length; i++)
      crc = (CRC_TABLE[(crc ^ (part[i] as number)) & 255] as number) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
