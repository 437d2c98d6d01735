import { damaged, truncated } from './size-check.ts';

/** The tags that are read: TIFF 6.0, its supplements, and the BigTIFF proposal. */
export const tag = {
  newSubfileType: 254,
  width: 256,
  height: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  fillOrder: 266,
  description: 270,
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
  subDirectories: 330,
  extraSamples: 338,
  sampleFormat: 339,
  jpegTables: 347,
} as const;

const used = new Set<number>(Object.values(tag));
/** Bytes of the types that the tags above may have; 2 is text, 7 bytes, 13 and 18 a directory's offset. */
const TYPE_BYTES: Readonly<Record<number, 1 | 2 | 4 | 8>> = {
  1: 1,
  2: 1,
  3: 2,
  4: 4,
  7: 1,
  13: 4,
  16: 8,
  18: 8,
};
/** Values of all tags of a file: a strip a row at the largest side, in every plane, is far below. */
const MOST_VALUES = 4_000_000;
/** Entries of all directories of a file. */
const MOST_ENTRIES = 1_000_000;
/** Bytes of a description that are looked at; those that are asked for stand at its start. */
const MOST_TEXT = 4096;

/** One directory of a TIFF: what describes one image, or one plane of it. */
export class TiffDirectory {
  constructor(
    private readonly values: ReadonlyMap<number, Float64Array>,
    readonly littleEndian: boolean,
  ) {}

  has(name: number): boolean {
    return this.values.has(name);
  }

  numbers(name: number): Float64Array {
    return this.values.get(name) ?? new Float64Array(0);
  }

  number(name: number, fallback: number): number {
    return this.values.get(name)?.[0] ?? fallback;
  }

  text(name: number): string {
    return new TextDecoder().decode(Uint8Array.from(this.numbers(name)));
  }

  /** This directory with other values for some tags. */
  with(values: readonly (readonly [name: number, values: readonly number[]])[]): TiffDirectory {
    const changed = new Map(this.values);
    for (const [name, list] of values) changed.set(name, Float64Array.from(list));
    return new TiffDirectory(changed, this.littleEndian);
  }

  /** Tags in ascending order with their values. */
  entries(): readonly (readonly [name: number, values: Float64Array])[] {
    return [...this.values].sort(([a], [b]) => a - b);
  }
}

/**
 * The directories of a TIFF or BigTIFF, in the order of their chain; those below others (SubIFDs) are left out. Every
 * array is checked to lie inside the file before it is read.
 * @throws Failure naming `file`.
 */
export function readTiffDirectories(bytes: Uint8Array, file: string): readonly TiffDirectory[] {
  return new DirectoryReader(bytes, file).readAll();
}

/** The first directory of a TIFF or BigTIFF, see {@link readTiffDirectories}. */
export function readTiffDirectory(bytes: Uint8Array, file: string): TiffDirectory {
  return new DirectoryReader(bytes, file).readFirst();
}

class DirectoryReader {
  private readonly view: DataView;
  private readonly little: boolean;
  private readonly big: boolean;
  private readonly first: number;
  private valuesLeft = MOST_VALUES;
  private entriesLeft = MOST_ENTRIES;

  constructor(
    bytes: Uint8Array,
    private readonly file: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < 16) throw truncated(file, 'TIFF');
    this.little = bytes[0] === 0x49;
    this.big = this.view.getUint16(2, this.little) === 43;
    if (this.big && this.view.getUint16(4, this.little) !== 8)
      throw damaged(file, 'TIFF', 'its offsets are not of 8 bytes');
    this.first = this.offsetAt(this.big ? 8 : 4);
  }

  readFirst(): TiffDirectory {
    return this.read(this.first).directory;
  }

  readAll(): readonly TiffDirectory[] {
    const found: TiffDirectory[] = [];
    const seen = new Set<number>();
    let at = this.first;
    do {
      if (seen.has(at)) throw damaged(this.file, 'TIFF', 'its pages follow each other in a ring');
      seen.add(at);
      const { directory, next } = this.read(at);
      found.push(directory);
      at = next;
    } while (at !== 0);
    return found;
  }

  private read(at: number): { directory: TiffDirectory; next: number } {
    const { view, little, file } = this;
    const countBytes = this.big ? 8 : 2;
    if (at < 8 || at + countBytes > view.byteLength) throw truncated(file, 'TIFF');
    const count = this.big ? this.offsetAt(at) : view.getUint16(at, little);
    const size = this.big ? 20 : 12;
    const end = at + countBytes + size * count;
    if (end > view.byteLength) throw truncated(file, 'TIFF');
    this.entriesLeft -= count + 1;
    if (this.entriesLeft < 0) throw damaged(file, 'TIFF', `it has more than ${MOST_ENTRIES} entries`);
    const values = new Map<number, Float64Array>();
    for (let i = 0; i < count; i++) {
      const entry = at + countBytes + size * i;
      const name = view.getUint16(entry, little);
      if (!used.has(name)) continue;
      const list = this.readValues(entry, name);
      if (list) values.set(name, list);
    }
    const next = end + (this.big ? 8 : 4) <= view.byteLength ? this.offsetAt(end) : 0;
    return { directory: new TiffDirectory(values, little), next };
  }

  private readValues(entry: number, name: number): Float64Array | undefined {
    const { view, little, big, file } = this;
    const type = view.getUint16(entry + 2, little);
    const size = TYPE_BYTES[type];
    if (!size) {
      if (name === tag.description || name === tag.subDirectories) return undefined;
      throw damaged(file, 'TIFF', `tag ${name} has a wrong type`);
    }
    const count = this.offsetAt(entry + 4);
    const value = entry + (big ? 12 : 8);
    const start = count * size <= (big ? 8 : 4) ? value : this.offsetAt(value);
    if (start + count * size > view.byteLength) throw truncated(file, 'TIFF');
    const length = type === 2 ? Math.min(count, MOST_TEXT) : count;
    this.valuesLeft -= length;
    if (this.valuesLeft < 0) throw damaged(file, 'TIFF', `tag ${name} has ${count} values`);
    const list = new Float64Array(length);
    for (let k = 0; k < length; k++) {
      const at = start + k * size;
      if (size === 1) list[k] = view.getUint8(at);
      else if (size === 2) list[k] = view.getUint16(at, little);
      else list[k] = size === 4 ? view.getUint32(at, little) : Number(view.getBigUint64(at, little));
    }
    return list;
  }

  /** A number of 4 bytes, of 8 in a BigTIFF. */
  private offsetAt(at: number): number {
    return this.big ? Number(this.view.getBigUint64(at, this.little)) : this.view.getUint32(at, this.little);
  }
}
