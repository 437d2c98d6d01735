import {
  ERR_ENTRY_DATA_OUT_OF_BOUNDS,
  ERR_INVALID_COMPRESSED_DATA,
  ERR_INVALID_CRC32,
  ERR_INVALID_UNCOMPRESSED_SIZE,
  ERR_LOCAL_FILE_HEADER_NOT_FOUND,
  type FileEntry,
  Reader,
  Uint8ArrayReader,
  Uint8ArrayWriter,
  ZipReader,
  ZipWriter,
} from '@zip.js/zip.js/lib/zip-core-custom.js';
import { Inflate, zipSync } from 'fflate';
import { Failure } from '../config/failure.ts';
import { isJunk, nameParts } from './file-names.ts';
import type { LazyFile } from './lazy-file.ts';
import { limits } from './limits.ts';
import { refusal, refuse, toRefusal } from './outcome.ts';
import type { Refusal } from './types.ts';

export interface ZipLimits {
  readonly entries: number;
  /** Unpacked bytes of one entry. */
  readonly entryBytes: number;
  /** Unpacked bytes of all entries together, as declared; no entry unpacks to more than it declares. */
  readonly totalBytes: number;
}

/** A zip of which only what is asked for is read. */
export interface ZipSource {
  /** Bytes. */
  readonly size: number;
  /** The bytes [offset, offset + length). */
  read(offset: number, length: number): Promise<Uint8Array>;
}

export interface ZipContent {
  readonly files: readonly LazyFile[];
  readonly refusals: readonly Refusal[];
}

const DEFAULT_LIMITS: ZipLimits = {
  entries: limits.zipEntries,
  entryBytes: limits.fileBytes,
  totalBytes: limits.zipBytes,
};
const STORED = 0;
const DEFLATED = 8;

/**
 * Lists a zip (Zip64 included) by its central directory; nothing is unpacked until an entry's `bytes()` is asked for,
 * and then no more than the entry declares, checked by its CRC. Refused: paths that climb out or are absolute,
 * encrypted entries, methods other than stored and deflate, links, and whatever passes the limits. Files that
 * operating systems leave in zips are skipped.
 * @param name the zip's own name, for the messages; entries are named `name/path` there.
 */
export async function readZip(
  zip: Uint8Array | ZipSource,
  name: string,
  zipLimits: ZipLimits = DEFAULT_LIMITS,
): Promise<ZipContent> {
  try {
    return await listEntries(zip, name, zipLimits);
  } catch (thrown) {
    return { files: [], refusals: [toRefusal(thrown instanceof Failure ? thrown : damagedZip(name), name)] };
  }
}

class RangeReader extends Reader<ZipSource> {
  constructor(private readonly zip: ZipSource) {
    super(zip);
    this.size = zip.size;
  }

  override readUint8Array(offset: number, length: number): Promise<Uint8Array> {
    return this.zip.read(offset, length);
  }
}

async function listEntries(
  zip: Uint8Array | ZipSource,
  name: string,
  zipLimits: ZipLimits,
): Promise<ZipContent> {
  const reader = new ZipReader(zip instanceof Uint8Array ? new Uint8ArrayReader(zip) : new RangeReader(zip), {
    // We are in a worker already, and the page's policy allows no other scripts.
    useWebWorkers: false,
    checkCrc32: true,
    // The central directory alone decides; unsafe paths are refused below, one by one.
    checkLocalDirectory: false,
    filenameValidation: 'tolerant',
  });
  const files: LazyFile[] = [];
  const refusals: Refusal[] = [];
  const seen = new Set<string>();
  let count = 0;
  let total = 0;
  for await (const entry of reader.getEntriesGenerator()) {
    if (++count > zipLimits.entries) {
      throw refuse(
        'data/zip-too-many',
        name,
        `The zip contains more than ${zipLimits.entries} files.`,
        'Unpack it and drop the folders one by one.',
      );
    }
    if (entry.directory) continue;
    const shown = `${name}/${entry.filename}`;
    const reason =
      whyRefused(entry, shown, zipLimits) ?? (seen.has(entry.filename) ? twice(shown) : undefined);
    if (reason) {
      refusals.push(reason);
      continue;
    }
    const parts = nameParts(entry.filename);
    if (isJunk(parts)) continue;
    total += entry.uncompressedSize;
    if (total > zipLimits.totalBytes) {
      throw refuse(
        'data/zip-too-large',
        name,
        `The zip unpacks to more than ${Math.round(zipLimits.totalBytes / 2 ** 20)} MiB.`,
        'Unpack it and drop the folders one by one.',
      );
    }
    seen.add(entry.filename);
    const raw = rawReader(zip, entry, shown);
    files.push({
      path: parts.path,
      size: entry.uncompressedSize,
      bytes: () => unpack(entry, shown),
      ...(entry.compressionMethod === STORED
        ? { read: raw }
        : { head: (length) => unpackHead(raw, entry, shown, length) }),
    });
  }
  return { files, refusals };
}

function whyRefused(entry: FileEntry, shown: string, zipLimits: ZipLimits): Refusal | undefined {
  const { filename, compressionMethod, compressedSize, uncompressedSize } = entry;
  const folders = filename.split(/[\\/]/);
  if (/^[\\/]|^[a-zA-Z]:|\0/.test(filename) || folders.includes('..')) {
    return refusal(
      'data/zip-path',
      shown,
      'The path of this entry leads out of the zip, so it was not unpacked.',
      'Zip the folder again with an ordinary zip program.',
    );
  }
  if (entry.symlink) {
    return refusal(
      'data/zip-link',
      shown,
      'This entry is a link, not a file.',
      'Zip the file that the link points to.',
    );
  }
  if (entry.encrypted) {
    return refusal(
      'data/zip-encrypted',
      shown,
      'This entry is encrypted.',
      'Unpack it with its password and drop the folder.',
    );
  }
  if (compressionMethod !== STORED && compressionMethod !== DEFLATED) {
    return refusal(
      'data/zip-method',
      shown,
      `This entry uses a compression method that cannot be read here (${compressionMethod}).`,
      'Zip it again with ordinary compression (Deflate).',
    );
  }
  if (uncompressedSize > zipLimits.entryBytes) {
    return refusal(
      'data/zip-size',
      shown,
      `This entry unpacks to ${Math.ceil(uncompressedSize / 2 ** 20)} MiB, by what it says; ${Math.floor(zipLimits.entryBytes / 2 ** 20)} MiB can be read in a zip.`,
      /\.npy$/i.test(filename)
        ? 'Unpack the zip (a .npz is one too) and drop the folder: arrays may be larger there.'
        : 'Leave it out, or split it.',
    );
  }
  if (compressionMethod === STORED && uncompressedSize !== compressedSize) {
    return refusal(
      'data/zip-size',
      shown,
      `This entry claims to unpack from ${compressedSize} bytes to ${uncompressedSize} without being packed, which is impossible.`,
      'Leave it out, or zip it again.',
    );
  }
  return undefined;
}

function twice(shown: string): Refusal {
  return refusal(
    'data/zip-twice',
    shown,
    'The zip contains this path twice; the first one is used.',
    'Zip it again without the second one.',
  );
}

async function unpack(entry: FileEntry, shown: string): Promise<Uint8Array> {
  try {
    return await entry.getData(new Uint8ArrayWriter());
  } catch (thrown) {
    throw damagedEntry(shown, thrown);
  }
}

const LOCAL_HEADER = 30;
/** Packed bytes that are unpacked at once; they make 33 MB at most. */
const STEP = 32 * 1024;

/** Reads parts of the bytes of an entry as they lie in a zip, behind its own header; no checksum is compared. */
function rawReader(zip: Uint8Array | ZipSource, entry: FileEntry, shown: string) {
  const size = zip instanceof Uint8Array ? zip.length : zip.size;
  const read = async (offset: number, length: number) =>
    zip instanceof Uint8Array ? zip.slice(offset, offset + length) : zip.read(offset, length);
  const startOf = async () => {
    const header = await read(entry.offset, Math.max(0, Math.min(LOCAL_HEADER, size - entry.offset)));
    const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
    if (header.length < LOCAL_HEADER || view.getUint32(0, true) !== 0x04034b50)
      throw damagedEntry(shown, new Error(ERR_LOCAL_FILE_HEADER_NOT_FOUND));
    const data = entry.offset + LOCAL_HEADER + view.getUint16(26, true) + view.getUint16(28, true);
    if (data + entry.compressedSize > size)
      throw damagedEntry(shown, new Error(ERR_ENTRY_DATA_OUT_OF_BOUNDS));
    return data;
  };
  let start: Promise<number> | undefined;
  return async (offset: number, length: number) => {
    start ??= startOf();
    return read((await start) + offset, Math.max(0, Math.min(length, entry.compressedSize - offset)));
  };
}

/** The first bytes of a packed entry, unpacked no further; fewer where it ends. @param raw reads its packed bytes. */
async function unpackHead(
  raw: ReturnType<typeof rawReader>,
  { compressedSize, uncompressedSize }: FileEntry,
  shown: string,
  length: number,
): Promise<Uint8Array> {
  const head = new Uint8Array(Math.min(length, uncompressedSize));
  let filled = 0;
  const inflate = new Inflate((chunk) => {
    const taken = chunk.subarray(0, head.length - filled);
    head.set(taken, filled);
    filled += taken.length;
  });
  for (let at = 0; at < compressedSize && filled < head.length; at += STEP) {
    const packed = await raw(at, STEP);
    try {
      inflate.push(packed, at + STEP >= compressedSize);
    } catch {
      throw damagedEntry(shown, new Error(ERR_INVALID_COMPRESSED_DATA));
    }
  }
  return head.subarray(0, filled);
}

const damagedEntry = (shown: string, thrown: unknown) =>
  refuse(
    'data/zip-damaged',
    shown,
    `This entry of the zip is damaged: ${whatBroke(thrown)}.`,
    'Download the zip or create it again.',
  );

function whatBroke(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  switch (message) {
    case ERR_LOCAL_FILE_HEADER_NOT_FOUND:
      return 'it is not where the directory says';
    case ERR_ENTRY_DATA_OUT_OF_BOUNDS:
      return 'it ends beyond the zip';
    case ERR_INVALID_UNCOMPRESSED_SIZE:
      return 'it unpacks to less or more than it says';
    case ERR_INVALID_CRC32:
      return 'its checksum is wrong';
    case ERR_INVALID_COMPRESSED_DATA:
      return 'its compressed data are damaged or truncated';
    default:
      return message;
  }
}

/**
 * Packs files, in their order. By `fflate`, since zip.js makes streams for every file: a zip of tens of thousands of small ones
 * takes it minutes.
 * @param files bytes by path; paths are written as they are.
 * @param level 0 stores the bytes as they are, 6 packs them.
 */
export async function writeZip(
  files: Readonly<Record<string, Uint8Array>>,
  level: 0 | 6 = 6,
): Promise<Uint8Array<ArrayBuffer>> {
  const zip = zipSync(files, { level });
  const count = Object.keys(files).length;
  return count < MOST_PLAIN_ENTRIES ? zip : withZip64End(zip, count);
}

/** From so many entries on their number stands in the records of Zip64 alone. */
const MOST_PLAIN_ENTRIES = 0xffff;
const END_BYTES = 22;
const END64_BYTES = 56;
const LOCATOR_BYTES = 20;

/** A zip whose end counts entries in 16 bits, with the end of Zip64, which `fflate` does not write (APPNOTE.TXT 4.3.14 to 4.3.16). */
function withZip64End(zip: Uint8Array, entries: number): Uint8Array<ArrayBuffer> {
  const at = zip.length - END_BYTES;
  const out = new Uint8Array(zip.length + END64_BYTES + LOCATOR_BYTES);
  out.set(zip.subarray(0, at));
  out.set(zip.subarray(at), at + END64_BYTES + LOCATOR_BYTES);
  const view = new DataView(out.buffer);
  const end = at + END64_BYTES + LOCATOR_BYTES;
  const set64 = (offset: number, value: number) => view.setBigUint64(offset, BigInt(value), true);
  view.setUint32(at, 0x06064b50, true);
  set64(at + 4, END64_BYTES - 12);
  view.setUint16(at + 12, 45, true);
  view.setUint16(at + 14, 45, true);
  set64(at + 24, entries);
  set64(at + 32, entries);
  set64(at + 40, view.getUint32(end + 12, true));
  set64(at + 48, view.getUint32(end + 16, true));
  const locator = at + END64_BYTES;
  view.setUint32(locator, 0x07064b50, true);
  set64(locator + 8, at);
  view.setUint32(locator + 16, 1, true);
  view.setUint16(end + 8, 0xffff, true);
  view.setUint16(end + 10, 0xffff, true);
  return out;
}

/** Files that are packed already. */
const PACKED = /\.(png|jpe?g|webp|gif|zip|gz|heic|avif|safetensors)$/i;

/**
 * Packs files one after the other as they come, so that no more than one is held.
 * @returns the bytes of the zip; the stream fails with what `files` throws.
 */
export function zipStream(
  files: AsyncIterable<{ readonly path: string; readonly bytes: Uint8Array }>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>();
  const write = async () => {
    const writer = new ZipWriter(writable, { useWebWorkers: false, dataDescriptor: false });
    for await (const { path, bytes } of files)
      await writer.add(path, new Uint8ArrayReader(bytes), { level: PACKED.test(path) ? 0 : 6 });
    await writer.close();
  };
  write().catch((error: unknown) => writable.abort(error).catch(() => undefined));
  return readable;
}

function damagedZip(name: string): Failure {
  return refuse(
    'data/zip-damaged',
    name,
    'This is not a complete zip: its directory is missing or damaged.',
    'Copy, download or create it again.',
  );
}
