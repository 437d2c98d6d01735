import { damaged, truncated } from './size-check.ts';

/** The TIFF 6.0 tags that are read. */
export const tag = {
  width: 256,
  height: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  stripOffsets: 273,
  orientation: 274,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  planarConfiguration: 284,
  predictor: 317,
  colorMap: 320,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  extraSamples: 338,
  sampleFormat: 339,
} as const;

const used = new Set<number>(Object.values(tag));
/** Bytes of the integer types that the tags above may have. */
const TYPE_BYTES: Readonly<Record<number, 1 | 2 | 4>> = { 1: 1, 3: 2, 4: 4 };
const NEW_SUBFILE_TYPE = 254;
/** Values of one tag: a strip a row at the largest side, in every plane, is far below. */
const MOST_VALUES = 4_000_000;

/** The first directory of a TIFF. */
export class TiffDirectory {
  constructor(
    private readonly values: ReadonlyMap<number, readonly number[]>,
    readonly littleEndian: boolean,
    /** True when further full pages follow (reduced copies do not count). */
    readonly hasMore: boolean,
  ) {}

  has(name: number): boolean {
    return this.values.has(name);
  }

  numbers(name: number): readonly number[] {
    return this.values.get(name) ?? [];
  }

  number(name: number, fallback: number): number {
    return this.values.get(name)?.[0] ?? fallback;
  }
}

/**
 * Reads the first directory; every array is checked to lie inside the file before it is read.
 * @throws Failure naming `file`.
 */
export function readTiffDirectory(bytes: Uint8Array, file: string): TiffDirectory {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 8) throw truncated(file, 'TIFF');
  const little = bytes[0] === 0x49;
  const first = readEntries(view, view.getUint32(4, little), little, file);
  return new TiffDirectory(first.values, little, hasAnotherPage(view, first.next, little, file));
}

interface Entries {
  readonly values: ReadonlyMap<number, readonly number[]>;
  readonly subfileType: number;
  readonly next: number;
}

function readEntries(view: DataView, at: number, little: boolean, file: string): Entries {
  if (at < 8 || at + 2 > view.byteLength) throw truncated(file, 'TIFF');
  const count = view.getUint16(at, little);
  const end = at + 2 + 12 * count;
  if (end > view.byteLength) throw truncated(file, 'TIFF');
  const values = new Map<number, readonly number[]>();
  let subfileType = 0;
  for (let i = 0; i < count; i++) {
    const entry = at + 2 + 12 * i;
    const name = view.getUint16(entry, little);
    const size = TYPE_BYTES[view.getUint16(entry + 2, little)];
    if (name === NEW_SUBFILE_TYPE) subfileType = view.getUint32(entry + 8, little);
    if (!used.has(name)) continue;
    if (!size) throw damaged(file, 'TIFF', `tag ${name} has a wrong type`);
    const length = view.getUint32(entry + 4, little);
    const start = length * size <= 4 ? entry + 8 : view.getUint32(entry + 8, little);
    if (length > MOST_VALUES) throw damaged(file, 'TIFF', `tag ${name} has ${length} values`);
    if (start + length * size > view.byteLength) throw truncated(file, 'TIFF');
    const list = new Array<number>(length);
    for (let k = 0; k < length; k++) {
      const position = start + k * size;
      if (size === 1) list[k] = view.getUint8(position);
      else list[k] = size === 2 ? view.getUint16(position, little) : view.getUint32(position, little);
    }
    values.set(name, list);
  }
  return { values, subfileType, next: end + 4 <= view.byteLength ? view.getUint32(end, little) : 0 };
}

/** Looks through the chain of directories, at most 64 of them, so that a ring of directories ends. */
function hasAnotherPage(view: DataView, next: number, little: boolean, file: string): boolean {
  for (let page = 0; next !== 0 && page < 64; page++) {
    const entries = readEntries(view, next, little, file);
    // Bit 0: a reduced copy (thumbnail, pyramid level); bit 2: a transparency mask.
    if ((entries.subfileType & 5) === 0) return true;
    next = entries.next;
  }
  return false;
}
