import { crc32 } from './crc32.ts';
import { isJunk, nameParts } from './file-names.ts';
import { CutShort, inflateBounded, TooLong } from './inflate.ts';
import type { LazyFile } from './lazy-file.ts';
import { limits } from './limits.ts';
import { refusal, refuse, toRefusal } from './outcome.ts';
import type { Refusal } from './types.ts';

export type { LazyFile };

export interface ZipLimits {
  readonly entries: number;
  /** Unpacked bytes of one entry. */
  readonly entryBytes: number;
  /** Unpacked bytes of all entries together, as declared; no entry unpacks to more than it declares. */
  readonly totalBytes: number;
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
const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_LENGTH = 22;

/**
 * Lists a zip by its central directory; nothing is unpacked until an entry's `bytes()` is asked for, and then no more than
 * the entry declares, checked by its CRC. Refused: paths that climb out or are absolute, encrypted entries, methods other
 * than stored and deflate, links, and whatever passes the limits. Files that systems leave in zips are passed over.
 * @param name the zip's own name, for the messages; entries are named `name/path` there.
 */
export function readZip(zip: Uint8Array, name: string, zipLimits: ZipLimits = DEFAULT_LIMITS): ZipContent {
  try {
    return listEntries(zip, name, zipLimits);
  } catch (thrown) {
    return { files: [], refusals: [toRefusal(thrown, name)] };
  }
}

interface Entry {
  readonly path: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
  readonly isLink: boolean;
}

function listEntries(zip: Uint8Array, name: string, zipLimits: ZipLimits): ZipContent {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  const end = findEnd(view, name);
  const count = view.getUint16(end + 10, true);
  const start = view.getUint32(end + 16, true);
  if (count === 0xffff || start === 0xffffffff) {
    throw refuse(
      'data/zip-unsupported',
      name,
      'This zip is of the Zip64 kind, for very large archives.',
      'Drop its unpacked folder.',
    );
  }
  if (count > zipLimits.entries) {
    throw refuse(
      'data/zip-too-many',
      name,
      `The zip holds ${count} files; at most ${zipLimits.entries} are read from one.`,
      'Unpack it and drop the folders one by one.',
    );
  }
  const files: LazyFile[] = [];
  const refusals: Refusal[] = [];
  const seen = new Set<string>();
  let total = 0;
  let at = start;
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== ENTRY_SIGNATURE) throw damagedZip(name);
    const entry = readEntry(view, zip, at);
    at += 46 + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (entry.path.endsWith('/')) continue;
    const shown = `${name}/${entry.path}`;
    const reason = whyRefused(entry, shown, zipLimits) ?? (seen.has(entry.path) ? twice(shown) : undefined);
    if (reason) {
      refusals.push(reason);
      continue;
    }
    const parts = nameParts(entry.path);
    if (isJunk(parts)) continue;
    total += entry.size;
    if (total > zipLimits.totalBytes) {
      throw refuse(
        'data/zip-too-large',
        name,
        `The zip unpacks to more than ${Math.round(zipLimits.totalBytes / 2 ** 20)} MiB.`,
        'Unpack it and drop the folders one by one.',
      );
    }
    seen.add(entry.path);
    files.push({ path: parts.path, size: entry.size, bytes: async () => unpack(zip, view, entry, shown) });
  }
  return { files, refusals };
}

/** The end record lies in the last 64 KiB, behind a comment of any length. */
function findEnd(view: DataView, name: string): number {
  const lowest = Math.max(0, view.byteLength - END_LENGTH - 0xffff);
  for (let at = view.byteLength - END_LENGTH; at >= lowest; at--) {
    if (view.getUint32(at, true) === END_SIGNATURE) return at;
  }
  throw refuse(
    'data/zip-damaged',
    name,
    'This is not a whole zip: its directory at the end is missing.',
    'Copy or download it again, or pack it again.',
  );
}

function readEntry(view: DataView, zip: Uint8Array, at: number): Entry {
  const length = view.getUint16(at + 28, true);
  const hostSystem = view.getUint8(at + 5);
  const unixMode = view.getUint32(at + 38, true) >>> 16;
  return {
    // The names of old tools are not UTF-8; replacement characters keep them readable enough and unique enough.
    path: new TextDecoder().decode(zip.subarray(at + 46, at + 46 + length)),
    flags: view.getUint16(at + 8, true),
    method: view.getUint16(at + 10, true),
    crc: view.getUint32(at + 16, true),
    packed: view.getUint32(at + 20, true),
    size: view.getUint32(at + 24, true),
    offset: view.getUint32(at + 42, true),
    isLink: hostSystem === 3 && (unixMode & 0o170000) === 0o120000,
  };
}

function whyRefused(entry: Entry, shown: string, zipLimits: ZipLimits): Refusal | undefined {
  const { path } = entry;
  const folders = path.split(/[\\/]/);
  if (/^[\\/]/.test(path) || /^[a-zA-Z]:/.test(path) || folders.includes('..') || path.includes('\0')) {
    return refusal(
      'data/zip-path',
      shown,
      'The path of this entry leads out of the zip, so it was not unpacked.',
      'Pack the folder again with a plain zip program.',
    );
  }
  if (entry.isLink) {
    return refusal(
      'data/zip-link',
      shown,
      'This entry is a link, not a file.',
      'Pack the file that it leads to.',
    );
  }
  if ((entry.flags & 1) !== 0) {
    return refusal(
      'data/zip-encrypted',
      shown,
      'This entry is encrypted.',
      'Unpack it with its password and drop the folder.',
    );
  }
  if (entry.method !== 0 && entry.method !== 8) {
    return refusal(
      'data/zip-method',
      shown,
      `This entry is packed by a method that is not read here (${entry.method}).`,
      'Pack it again with ordinary compression (Deflate).',
    );
  }
  if (entry.size > zipLimits.entryBytes || (entry.method === 0 && entry.size !== entry.packed)) {
    return refusal(
      'data/zip-size',
      shown,
      `This entry says it unpacks to ${entry.size} bytes, which is too much or cannot be.`,
      'Leave it out, or pack it again.',
    );
  }
  return undefined;
}

function twice(shown: string): Refusal {
  return refusal(
    'data/zip-twice',
    shown,
    'The zip holds this path twice; the first is used.',
    'Pack it again without the other.',
  );
}

function unpack(zip: Uint8Array, view: DataView, entry: Entry, shown: string): Uint8Array {
  const { offset, packed, size, method } = entry;
  if (offset + 30 > zip.length || view.getUint32(offset, true) !== LOCAL_SIGNATURE)
    throw damagedEntry(shown, 'it is not where the directory says');
  const start = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  if (start + packed > zip.length) throw damagedEntry(shown, 'it ends beyond the zip');
  const body = zip.subarray(start, start + packed);
  let bytes: Uint8Array;
  try {
    bytes = method === 0 ? body : inflateBounded([body], 'raw', size);
  } catch (error) {
    if (error instanceof TooLong) throw damagedEntry(shown, 'it unpacks to more than it says');
    if (error instanceof CutShort) throw damagedEntry(shown, 'it ends too early');
    throw damagedEntry(shown, error instanceof Error ? error.message : String(error));
  }
  if (bytes.length !== size || crc32(bytes) !== entry.crc) throw damagedEntry(shown, 'its checksum is wrong');
  return bytes;
}

function damagedEntry(shown: string, detail: string) {
  return refuse(
    'data/zip-damaged',
    shown,
    `This entry of the zip is damaged: ${detail}.`,
    'Pack or download the zip again.',
  );
}

function damagedZip(name: string) {
  return refuse(
    'data/zip-damaged',
    name,
    'The directory of this zip is damaged.',
    'Pack or download the zip again.',
  );
}
