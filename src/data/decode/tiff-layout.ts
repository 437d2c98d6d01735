import { limits } from '../limits.ts';
import { refuse } from '../outcome.ts';
import { isReadable, type SampleType } from './samples.ts';
import { checkSize, damaged, unsupported } from './size-check.ts';
import { type TiffDirectory, tag } from './tiff-directory.ts';

/** Values of tag 262. */
export const WHITE_IS_ZERO = 0;
const RGB = 2;
export const PALETTE = 3;
export const CMYK = 5;
export const YCBCR = 6;

/** Values of tag 259. */
export const compressions = {
  none: 1,
  lzw: 5,
  jpeg: 7,
  deflate: 8,
  oldDeflate: 32946,
  packBits: 32773,
  zstd: 50000,
  webp: 50001,
} as const;

const UNREAD: Readonly<Record<number, string>> = {
  2: 'for fax (CCITT)',
  3: 'for fax (CCITT)',
  4: 'for fax (CCITT)',
  6: 'as JPEG in its old form',
  33003: 'as JPEG 2000',
  33005: 'as JPEG 2000',
  34712: 'as JPEG 2000',
  34887: 'as LERC',
  34892: 'as lossy DNG',
  34925: 'with LZMA',
  50002: 'as JPEG XL',
};

/** How the samples of a directory are laid out. */
export interface TiffLayout extends SampleType {
  readonly width: number;
  readonly height: number;
  /** Stored a pixel. */
  readonly samples: number;
  /** Kept of them. */
  readonly channels: number;
  readonly hasAlpha: boolean;
  readonly photometric: number;
  readonly compression: number;
  readonly predictor: number;
  /** Whether bytes are stored with their lowest bit first. */
  readonly isBitReversed: boolean;
  /** Whether each channel is stored by itself. */
  readonly isPlanar: boolean;
  readonly tiled: boolean;
  /** Size of a strip or tile. */
  readonly partWidth: number;
  readonly partHeight: number;
  /** The tables that the JPEG data of all parts share, if any. */
  readonly jpegTables: Uint8Array;
  /** RGB triples where samples are palette indices, else empty. */
  readonly palette: Uint8Array;
  /** 1 … 8; 1 is upright. */
  readonly orientation: number;
}

/**
 * Reads what a directory says of its samples, and refuses what cannot be read.
 * @throws Failure naming `file`.
 */
export function readLayout(directory: TiffDirectory, file: string): TiffLayout {
  const width = directory.number(tag.width, 0);
  const height = directory.number(tag.height, 0);
  checkSize(file, width, height);
  const { bits, kind, samples } = readSampleType(directory, file);
  const photometric = directory.number(tag.photometric, 1);
  const compression = directory.number(tag.compression, 1);
  const predictor = directory.number(tag.predictor, 1);
  const isPlanar = directory.number(tag.planarConfiguration, 1) === 2 && samples > 1;
  const tiled = directory.has(tag.tileWidth);
  const partWidth = tiled ? directory.number(tag.tileWidth, 0) : width;
  const partHeight = tiled
    ? directory.number(tag.tileHeight, 0)
    : Math.min(height, directory.number(tag.rowsPerStrip, height));
  checkColours(photometric, samples, compression, file);
  checkCompression(compression, file);
  const hasPredictor =
    predictor === 2 ? kind !== 'float' && bits % 8 === 0 : predictor === 3 && kind === 'float';
  if (predictor !== 1 && !hasPredictor) {
    throw unsupported(
      file,
      `This TIFF uses a predictor that cannot be read here (${predictor}, ${bits} bits).`,
    );
  }
  const isCoded = compression === compressions.jpeg || compression === compressions.webp;
  if (isCoded && (bits !== 8 || kind !== 'unsigned'))
    throw unsupported(
      file,
      `This TIFF is compressed as JPEG or WebP with ${bits} bits a sample; only 8 can be read.`,
    );
  const partBytes = Math.ceil((partWidth * (isPlanar ? 1 : samples) * bits) / 8) * partHeight;
  if (partBytes < 1 || partBytes > limits.rasterBytes)
    throw damaged(file, 'TIFF', 'its tiles have an impossible size');
  // The values of a palette are its indices alone, the colours of CMYK its four inks.
  const channels = photometric === PALETTE ? 1 : photometric === CMYK ? 4 : samples;
  checkBytes(width * height * channels * Math.ceil(bits / 8), channels, bits, file);
  const extra = directory.numbers(tag.extraSamples);
  // Four samples of an RGB image that does not say what the fourth is: alpha, as other readers have it.
  const last = extra.at(-1) ?? (photometric === RGB && samples === 4 ? 2 : 0);
  const orientation = directory.number(tag.orientation, 1);
  return {
    width,
    height,
    bits,
    kind,
    samples,
    channels,
    hasAlpha: photometric !== CMYK && channels === samples && samples > 1 && (last === 1 || last === 2),
    photometric,
    compression,
    predictor: isCoded ? 1 : predictor,
    isBitReversed: directory.number(tag.fillOrder, 1) === 2,
    isPlanar,
    tiled,
    partWidth,
    partHeight,
    jpegTables: Uint8Array.from(directory.numbers(tag.jpegTables)),
    palette: photometric === PALETTE ? readPalette(directory, bits, file) : new Uint8Array(0),
    orientation: orientation >= 1 && orientation <= 8 ? orientation : 1,
  };
}

function readSampleType(directory: TiffDirectory, file: string): SampleType & { readonly samples: number } {
  const depths = directory.numbers(tag.bitsPerSample);
  const bits = depths[0] ?? 1;
  const samples = directory.number(tag.samplesPerPixel, 1);
  const format = directory.number(tag.sampleFormat, 1);
  if (samples < 1 || samples > 64 || depths.some((depth) => depth !== bits)) {
    throw unsupported(file, `This TIFF has ${samples} samples a pixel of differing or unknown depth.`);
  }
  const kind = format === 3 ? 'float' : format === 2 ? 'signed' : 'unsigned';
  if (format > 4 || !isReadable({ bits, kind })) {
    throw unsupported(
      file,
      `This TIFF has samples of ${bits} bits in a form that cannot be read here (sample format ${format}).`,
    );
  }
  return { bits, kind, samples };
}

function checkColours(photometric: number, samples: number, compression: number, file: string): void {
  const needed = photometric === RGB || photometric === YCBCR ? 3 : photometric === CMYK ? 4 : 1;
  if (samples < needed)
    throw damaged(file, 'TIFF', `its colours need ${needed} samples a pixel and it has ${samples}`);
  const isRead = photometric <= PALETTE || photometric === CMYK;
  if (isRead || (photometric === YCBCR && compression === compressions.jpeg)) return;
  if (photometric === 32803 || photometric === 34892)
    throw unsupported(
      file,
      'This is a raw camera file, whose sensor data are not colours yet.',
      'Develop it in a photo program and save it as TIFF or PNG.',
    );
  throw unsupported(
    file,
    `This TIFF stores its colours in a way that cannot be read here (photometric ${photometric}).`,
    'Convert it to RGB and save it as TIFF or PNG.',
  );
}

function checkCompression(compression: number, file: string): void {
  const read: readonly number[] = Object.values(compressions);
  if (read.includes(compression)) return;
  const how = UNREAD[compression] ?? `in a way of its own (${compression})`;
  throw unsupported(
    file,
    `This TIFF is compressed ${how}, which cannot be read here.`,
    'Save it again with LZW, Deflate or no compression, or as PNG.',
  );
}

function checkBytes(bytes: number, channels: number, bits: number, file: string): void {
  if (bytes <= limits.rasterBytes) return;
  throw refuse(
    'data/too-large',
    file,
    `This TIFF has ${channels} channels of ${bits} bits, ${Math.round(bytes / 2 ** 20)} MiB unpacked; at most ${limits.rasterBytes / 2 ** 20} MiB can be read.`,
    'Export fewer channels, or 8 bits a channel.',
  );
}

function readPalette(directory: TiffDirectory, bits: number, file: string): Uint8Array {
  const colours = directory.numbers(tag.colorMap);
  const n = 2 ** bits;
  if (bits > 8 || colours.length < 3 * n) throw damaged(file, 'TIFF', 'its palette is missing or too short');
  // 16 bits a colour; 65535 / 255 = 257.
  return Uint8Array.from(
    { length: 3 * n },
    (_, i) => (colours[(i % 3) * n + Math.floor(i / 3)] as number) / 257,
  );
}
