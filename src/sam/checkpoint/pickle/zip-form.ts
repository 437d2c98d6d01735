/** The form of PyTorch 1.6 and later: a zip of `data.pkl`, `byteorder` and a file for every storage. */
import {
  ERR_ENTRY_DATA_OUT_OF_BOUNDS,
  ERR_EOCDR_NOT_FOUND,
  ERR_INVALID_CRC32,
  ERR_INVALID_UNCOMPRESSED_SIZE,
  ERR_OVERLAPPING_ENTRY,
  type FileEntry,
  Reader,
  ZipReader,
} from '@zip.js/zip.js/lib/zip-core-custom.js';
import { Failure } from '../../../config/failure.ts';
import { OutOfBytes } from '../../../pickle/machine.ts';
import type { ByteSource } from '../byte-source.ts';
import { damaged } from './damaged.ts';
import { MAX_PICKLE_BYTES, type PytorchFile } from './pytorch-file.ts';
import { unpickleTensors } from './unpickle.ts';

const MAX_ENTRIES = 50_000;
const STORED = 0;
const DEFLATED = 8;
/** Deflate packs no better than this: 258 bytes in 2 bits. */
const MAX_DEFLATE_RATIO = 1032;
/** A compressed storage up to this size is unpacked once for all its tensors. */
const MAX_CACHED_BYTES = 64 * 2 ** 20;

/** @throws Failure `checkpoint/zip-…`, `checkpoint/pickle-…`. */
export async function openZipForm(source: ByteSource): Promise<PytorchFile> {
  const { name } = source;
  const entries = await listEntries(source);
  const folder = folderOf([...entries.keys()], name);
  const pickle = entries.get(`${folder}data.pkl`);
  if (!pickle) throw notPytorch(name, [...entries.keys()]);
  if (pickle.uncompressedSize > MAX_PICKLE_BYTES) {
    throw new Failure({
      code: 'checkpoint/pickle-too-large',
      what: `Its pickle claims ${pickle.uncompressedSize} bytes; ${MAX_PICKLE_BYTES} are read at most.`,
      where: name,
      cure: 'Save model.state_dict() alone, without what was collected during the training.',
    });
  }
  const bytes = await new Entry(source, pickle).read(0, pickle.uncompressedSize);
  const order = entries.get(`${folder}byteorder`);
  const isBigEndian =
    order && order.uncompressedSize <= 16
      ? /big/.test(new TextDecoder().decode(await new Entry(source, order).read(0, order.uncompressedSize)))
      : false;
  const storages = new Map<string, Entry>();
  const storage = (key: string): Entry | null => {
    const found = entries.get(`${folder}data/${key}`);
    if (!found) return null;
    const entry = storages.get(key) ?? new Entry(source, found);
    storages.set(key, entry);
    return entry;
  };
  return {
    value: readPickle(bytes, name),
    isLittleEndian: !isBigEndian,
    storageBytes: (key) => entries.get(`${folder}data/${key}`)?.uncompressedSize ?? null,
    readStorage: async (key, begin, end) => (await storage(key)?.read(begin, end)) ?? new Uint8Array(),
  };
}

function readPickle(bytes: Uint8Array, name: string): PytorchFile['value'] {
  try {
    return unpickleTensors(bytes, 0, name).value;
  } catch (thrown) {
    if (thrown instanceof OutOfBytes) throw damaged('Its pickle ends early.', name);
    throw thrown;
  }
}

async function listEntries(source: ByteSource): Promise<Map<string, FileEntry>> {
  const { name } = source;
  const reader = new ZipReader(new SourceReader(source), {
    // We are in a worker already, and the page's policy allows no other scripts.
    useWebWorkers: false,
    checkCrc32: true,
    checkOverlappingEntry: true,
    checkLocalDirectory: false,
    filenameValidation: 'tolerant',
  });
  const entries = new Map<string, FileEntry>();
  try {
    for await (const entry of reader.getEntriesGenerator()) {
      if (entries.size >= MAX_ENTRIES) throw damaged(`The zip holds more than ${MAX_ENTRIES} files.`, name);
      if (entry.directory) continue;
      const wrong = whyRefused(entry, entries.has(entry.filename), source.size);
      if (wrong !== null) throw damaged(wrong, `${name}, ${entry.filename}`);
      entries.set(entry.filename, entry);
    }
  } catch (thrown) {
    throw zipFailure(thrown, name);
  }
  return entries;
}

function whyRefused(entry: FileEntry, isTwice: boolean, fileBytes: number): string | null {
  const { filename, compressionMethod, compressedSize, uncompressedSize } = entry;
  if (/^[\\/]|^[a-zA-Z]:|\0/.test(filename) || filename.split(/[\\/]/).includes('..'))
    return 'The path of this entry leads out of the zip.';
  if (isTwice) return 'The zip holds this path twice.';
  if (entry.encrypted) return 'This entry is encrypted.';
  if (compressionMethod !== STORED && compressionMethod !== DEFLATED)
    return `This entry uses a compression that PyTorch does not (${compressionMethod}).`;
  if (compressedSize > fileBytes)
    return `This entry claims ${compressedSize} bytes and the file has ${fileBytes}.`;
  if (compressionMethod === STORED ? uncompressedSize !== compressedSize : isBomb(entry))
    return `This entry claims to unpack from ${compressedSize} to ${uncompressedSize} bytes, which is impossible.`;
  return null;
}

function isBomb({ compressedSize, uncompressedSize }: FileEntry): boolean {
  return uncompressedSize > compressedSize * MAX_DEFLATE_RATIO + MAX_DEFLATE_RATIO;
}

/** `archive/`: what stands before `data.pkl`; PyTorch calls the folder as the file was called. */
function folderOf(paths: readonly string[], file: string): string {
  const [first, second] = paths.filter((path) => /(^|\/)data\.pkl$/.test(path));
  if (first === undefined) throw notPytorch(file, paths);
  if (second !== undefined) throw damaged(`It holds two pickles: ${first} and ${second}.`, file);
  return first.slice(0, first.length - 'data.pkl'.length);
}

/** Other zips that are taken for weights, by a file in them. */
const OTHER_ZIPS: readonly (readonly [file: RegExp, name: string])[] = [
  [/\.npy$/, 'an archive of NumPy arrays (.npz)'],
  [/(^|\/)(archive_format|models\/model\.json)$/, 'what torch.export writes (.pt2), which holds a graph'],
  [/(^|\/)(model\.weights\.h5|metadata\.json)$/, 'a model of Keras'],
];

function notPytorch(file: string, paths: readonly string[]): Failure {
  const [, other] = OTHER_ZIPS.find(([sign]) => paths.some((path) => sign.test(path))) ?? [];
  return new Failure({
    code: 'checkpoint/zip-not-pytorch',
    what: other
      ? `It is ${other}, not weights as torch.save writes them.`
      : 'It is a zip without data.pkl, so torch.save did not write it.',
    where: file,
    cure: other
      ? 'Open the .safetensors or .pth file of the same model; in Python torch.save(model.state_dict(), "weights.pth") writes one.'
      : 'Open the weights (.safetensors, .pth or .pt); where they are in this zip, unpack it first.',
  });
}

/** One file of the zip: a stored one is read in parts, a compressed one is unpacked as a stream. */
class Entry {
  private dataStart: number | null = null;
  private unpacked: Uint8Array | null = null;

  constructor(
    private readonly source: ByteSource,
    private readonly entry: FileEntry,
  ) {}

  /** Bytes [begin, end) of what it unpacks to. */
  async read(begin: number, end: number): Promise<Uint8Array> {
    const { uncompressedSize, compressionMethod } = this.entry;
    if (compressionMethod === STORED) {
      this.dataStart ??= await this.findData();
      return this.source.read(this.dataStart + begin, end - begin);
    }
    if (this.unpacked) return this.unpacked.subarray(begin, end);
    if (uncompressedSize > MAX_CACHED_BYTES) return this.unpack(begin, end);
    this.unpacked = await this.unpack(0, uncompressedSize);
    return this.unpacked.subarray(begin, end);
  }

  /** Checks that the data lie in the file and overlap no other entry's. */
  private async findData(): Promise<number> {
    try {
      await this.entry.getData(new WritableStream(), { checkOverlappingEntryOnly: true });
    } catch (thrown) {
      throw zipFailure(thrown, this.where);
    }
    const start = this.entry.localDirectory?.dataOffset;
    if (start === undefined) throw damaged('This entry is not where the directory says.', this.where);
    return start;
  }

  private async unpack(begin: number, end: number): Promise<Uint8Array> {
    const kept = new Uint8Array(end - begin);
    let at = 0;
    const sink = new WritableStream<Uint8Array>({
      write: (chunk) => {
        const from = Math.max(begin - at, 0);
        const to = Math.min(end - at, chunk.length);
        if (from < to) kept.set(chunk.subarray(from, to), at + from - begin);
        at += chunk.length;
        if (at > this.entry.uncompressedSize)
          throw damaged('This entry unpacks to more than it says.', this.where);
      },
    });
    try {
      await this.entry.getData(sink);
    } catch (thrown) {
      throw zipFailure(thrown, this.where);
    }
    return kept;
  }

  private get where(): string {
    return `${this.source.name}, ${this.entry.filename}`;
  }
}

/** A {@link ByteSource} as zip.js reads it. */
class SourceReader extends Reader<ByteSource> {
  constructor(private readonly source: ByteSource) {
    super(source);
    this.size = source.size;
  }

  override async readUint8Array(offset: number, length: number): Promise<Uint8Array> {
    const end = Math.min(offset + length, this.source.size);
    return offset < end ? this.source.read(offset, end - offset) : new Uint8Array();
  }
}

function zipFailure(thrown: unknown, where: string): Failure {
  if (thrown instanceof Failure) return thrown;
  return damaged(whatBroke(thrown instanceof Error ? thrown.message : String(thrown)), where);
}

function whatBroke(message: string): string {
  switch (message) {
    case ERR_EOCDR_NOT_FOUND:
      return 'The directory at the end of this zip is missing: the file is cut short.';
    case ERR_ENTRY_DATA_OUT_OF_BOUNDS:
      return 'It ends beyond the file.';
    case ERR_OVERLAPPING_ENTRY:
      return 'It overlaps another entry of the zip.';
    case ERR_INVALID_UNCOMPRESSED_SIZE:
      return 'It unpacks to less or more than it says.';
    case ERR_INVALID_CRC32:
      return 'Its checksum is wrong.';
    default:
      return `The zip is damaged (${message}).`;
  }
}
