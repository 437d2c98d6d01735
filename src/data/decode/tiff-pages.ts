import { joined } from './joined.ts';
import { damaged, truncated, unsupported } from './size-check.ts';
import { readTiffDirectories, type TiffDirectory, tag } from './tiff-directory.ts';

/** One image of a TIFF: a directory, or several that each describe one of its channels. */
export type TiffPage = readonly TiffDirectory[];

/** Tag 254: bit 0 is a reduced copy (thumbnail, pyramid level), bit 2 a transparency mask. */
const isPage = (directory: TiffDirectory) => (directory.number(tag.newSubfileType, 0) & 5) === 0;

/**
 * The images of a TIFF: every directory of the chain but reduced copies and transparency masks; the planes of an ImageJ
 * stack that stand behind one directory; several channels of an ImageJ stack or of an OME-TIFF are one image.
 * @throws Failure naming `file`.
 */
export function tiffPages(bytes: Uint8Array, file: string): readonly TiffPage[] {
  const all = readTiffDirectories(bytes, file);
  const pages = all.filter(isPage);
  const [first] = all;
  if (!first) throw truncated(file, 'TIFF');
  if (pages.length === 0) {
    if (first.has(tag.subDirectories)) {
      throw unsupported(
        file,
        'This is a raw camera file: its TIFF directories hold a preview and unprocessed sensor data.',
        'Develop it in a photo program and save it as TIFF or PNG.',
      );
    }
    return [[first]];
  }
  const stack = imageJStack(pages[0] ?? first);
  const planes =
    pages.length === 1 && stack ? planesBehind(pages[0] ?? first, stack, bytes.length, file) : pages;
  const { channels, apart } = omeChannels(first, planes.length) ?? {
    channels: stack?.channels ?? 1,
    apart: 1,
  };
  if (planes.length % (channels * apart) !== 0) return planes.map((plane) => [plane]);
  return Array.from({ length: planes.length / channels }, (_, i) => {
    const start = i + Math.floor(i / apart) * apart * (channels - 1);
    return planes.filter((_plane, at) => at >= start && (at - start) % apart === 0).slice(0, channels);
  });
}

/** How many planes are the channels of one image, and how many planes after one of them the next one comes. */
interface Channels {
  readonly channels: number;
  readonly apart: number;
}

/** What OME-TIFF writes into the description of the first plane; undefined where it is of other planes than these. */
function omeChannels(first: TiffDirectory, planes: number): Channels | undefined {
  const pixels = /<(?:\w+:)?Pixels\b[^>]*>/.exec(first.text(tag.description))?.[0];
  if (pixels === undefined) return undefined;
  const size = (axis: string) => Number(new RegExp(`\\bSize${axis}="(\\d{1,9})"`).exec(pixels)?.[1] ?? 1);
  const channels = size('C') / first.number(tag.samplesPerPixel, 1);
  const order = /\bDimensionOrder="XY([CTZ]{3})"/.exec(pixels)?.[1] ?? 'CZT';
  if (!Number.isInteger(channels) || channels < 1 || channels * size('Z') * size('T') !== planes)
    return undefined;
  const faster = [...order.slice(0, order.indexOf('C'))];
  return { channels, apart: faster.reduce((product, axis) => product * size(axis), 1) };
}

interface ImageJStack {
  readonly images: number;
  readonly channels: number;
}

/** What ImageJ writes into the description of a stack; channels vary fastest, then slices, then frames. */
function imageJStack(directory: TiffDirectory): ImageJStack | undefined {
  const text = directory.text(tag.description);
  if (!text.startsWith('ImageJ=')) return undefined;
  const count = (key: string) => Number(new RegExp(`^${key}=(\\d{1,9})`, 'm').exec(text)?.[1] ?? 1);
  return { images: count('images'), channels: Math.max(1, count('channels')) };
}

/**
 * ImageJ writes the planes of an uncompressed stack one after the other and describes the first alone. A description
 * that outlived its stack, of a file with room for one plane, is not followed.
 */
function planesBehind(
  directory: TiffDirectory,
  { images }: ImageJStack,
  fileBytes: number,
  file: string,
): readonly TiffDirectory[] {
  const start = directory.number(tag.stripOffsets, 0);
  const bits = directory.number(tag.bitsPerSample, 1) * directory.number(tag.samplesPerPixel, 1);
  const height = directory.number(tag.height, 0);
  const planeBytes = Math.ceil((directory.number(tag.width, 0) * bits) / 8) * height;
  const isPacked = directory.number(tag.compression, 1) !== 1 || directory.has(tag.tileOffsets);
  const fit = planeBytes > 0 ? Math.floor((fileBytes - start) / planeBytes) : 0;
  if (images < 2 || isPacked || start === 0 || fit < 2) return [directory];
  if (fit < images)
    throw damaged(file, 'TIFF', `its description says ${images} planes, and it holds no more than ${fit}`);
  return Array.from({ length: images }, (_, i) =>
    directory.with([
      [tag.stripOffsets, [start + i * planeBytes]],
      [tag.stripByteCounts, [planeBytes]],
      [tag.rowsPerStrip, [height]],
    ]),
  );
}

/**
 * A page as a TIFF of its own: its strips or tiles are copied as they are, compressed or not.
 * @throws Failure naming `file` when a strip lies outside of it.
 */
export function writeTiffPage(bytes: Uint8Array, page: TiffPage, file: string): Uint8Array {
  const little = page[0]?.littleEndian ?? true;
  const header = new Uint8Array(8);
  const view = new DataView(header.buffer);
  view.setUint16(0, little ? 0x4949 : 0x4d4d);
  view.setUint16(2, 42, little);
  view.setUint32(4, 8, little);
  const blocks: Uint8Array[] = [header];
  let at = header.length;
  for (const [i, directory] of page.entries()) {
    const about =
      i === 0 && page.length > 1 ? `ImageJ=\nimages=${page.length}\nchannels=${page.length}\n\0` : '';
    const block = directoryBlock(bytes, directory, about, at, i === page.length - 1, file);
    blocks.push(block);
    at += block.length;
  }
  return joined(blocks);
}

/** A directory, what its entries point to, and its strips or tiles, to stand at `start` of a file. */
function directoryBlock(
  bytes: Uint8Array,
  directory: TiffDirectory,
  about: string,
  start: number,
  isLast: boolean,
  file: string,
): Uint8Array {
  const tiled = directory.has(tag.tileOffsets);
  const lengths = directory.numbers(tiled ? tag.tileByteCounts : tag.stripByteCounts);
  const parts = [...directory.numbers(tiled ? tag.tileOffsets : tag.stripOffsets)].map((offset, i) => {
    const end = offset + (lengths[i] ?? bytes.length);
    if (end > bytes.length && lengths[i] !== undefined) throw truncated(file, 'TIFF');
    return bytes.subarray(offset, end);
  });
  const written = directory
    .with([
      [tiled ? tag.tileOffsets : tag.stripOffsets, parts.map(() => 0)],
      [tiled ? tag.tileByteCounts : tag.stripByteCounts, parts.map((part) => part.length)],
      ...(about ? [[tag.description, [...about].map((c) => c.charCodeAt(0))] as const] : []),
    ])
    .entries()
    .filter(([name]) => COPIED.has(name) || (about && name === tag.description));
  const table = 6 + 12 * written.length;
  const longValues = written.reduce((sum, [name, values]) => {
    const size = values.length * typeOf(name, values).size;
    return sum + (size > 4 ? size + (size & 1) : 0);
  }, 0);
  let part = table + longValues;
  const offsets = parts.map(({ length }) => {
    part += length;
    return start + part - length;
  });
  const block = new Uint8Array(part + (part & 1));
  const view = new DataView(block.buffer);
  const little = directory.littleEndian;
  view.setUint16(0, written.length, little);
  view.setUint32(table - 4, isLast ? 0 : start + block.length, little);
  let free = table;
  for (const [i, [name, stored]] of written.entries()) {
    const values = name === tag.stripOffsets || name === tag.tileOffsets ? offsets : stored;
    const { type, size } = typeOf(name, values);
    const entry = 2 + 12 * i;
    view.setUint16(entry, name, little);
    view.setUint16(entry + 2, type, little);
    view.setUint32(entry + 4, values.length, little);
    const total = values.length * size;
    const to = total > 4 ? free : entry + 8;
    if (total > 4) {
      view.setUint32(entry + 8, start + free, little);
      free += total + (total & 1);
    }
    for (const [k, value] of [...values].entries()) {
      if (size === 1) view.setUint8(to + k, value);
      else if (size === 2) view.setUint16(to + 2 * k, value, little);
      else view.setUint32(to + 4 * k, value, little);
    }
  }
  let at = table + longValues;
  for (const each of parts) {
    block.set(each, at);
    at += each.length;
  }
  return block;
}

/** Tags of a written page. */
const COPIED = new Set<number>([
  tag.width,
  tag.height,
  tag.bitsPerSample,
  tag.compression,
  tag.photometric,
  tag.fillOrder,
  tag.stripOffsets,
  tag.orientation,
  tag.samplesPerPixel,
  tag.rowsPerStrip,
  tag.stripByteCounts,
  tag.planarConfiguration,
  tag.predictor,
  tag.colorMap,
  tag.tileWidth,
  tag.tileHeight,
  tag.tileOffsets,
  tag.tileByteCounts,
  tag.extraSamples,
  tag.sampleFormat,
  tag.jpegTables,
]);

/** The type that a tag is written with: bytes, text, or 16 or 32 bits as offsets and sizes have them. */
function typeOf(name: number, values: ArrayLike<number>): { type: number; size: 1 | 2 | 4 } {
  if (name === tag.jpegTables) return { type: 7, size: 1 };
  if (name === tag.description) return { type: 2, size: 1 };
  const isLong = LONG.has(name) || Array.prototype.some.call(values, (value: number) => value > 65_535);
  return isLong ? { type: 4, size: 4 } : { type: 3, size: 2 };
}

const LONG = new Set<number>([
  tag.stripOffsets,
  tag.stripByteCounts,
  tag.tileOffsets,
  tag.tileByteCounts,
  tag.rowsPerStrip,
]);
