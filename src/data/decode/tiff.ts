import { inflateBounded, TooLong, Truncated } from '../inflate.ts';
import { limits } from '../limits.ts';
import { refuse } from '../outcome.ts';
import type { Raster, RasterData } from './raster.ts';
import { checkSize, damaged, truncated, unsupported } from './size-check.ts';
import { unpackBits, unpackLzw } from './tiff-codecs.ts';
import { readTiffDirectory, type TiffDirectory, tag } from './tiff-directory.ts';
import { isReadable, newSamples, type SampleType, samplesOf } from './tiff-samples.ts';

interface TiffLayout extends SampleType {
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
  readonly planes: number;
  /** Size of a strip or tile. */
  readonly partWidth: number;
  readonly partHeight: number;
  readonly tiled: boolean;
}

/**
 * Reads the one image of a TIFF: grey, RGB or palette, 1, 2, 4, 8, 16, 32 bits or float, strips or tiles, interleaved
 * or in planes; uncompressed, LZW, Deflate or PackBits. Stacks of several pages and other compressions are refused
 * with the cure.
 * @throws Failure naming `file`.
 */
export function decodeTiff(bytes: Uint8Array, file: string): Raster {
  const directory = readTiffDirectory(bytes, file);
  if (directory.hasMore) {
    throw unsupported(
      file,
      'This TIFF contains several pages.',
      'Export each page as a TIFF or PNG of its own.',
    );
  }
  const layout = readLayout(directory, file);
  const { width, height, samples, channels, bits } = layout;
  const offsets = directory.numbers(layout.tiled ? tag.tileOffsets : tag.stripOffsets);
  const counts = directory.numbers(layout.tiled ? tag.tileByteCounts : tag.stripByteCounts);
  const across = Math.ceil(width / layout.partWidth);
  const down = Math.ceil(height / layout.partHeight);
  const planes = layout.planes === 2 ? samples : 1;
  if (offsets.length < across * down * planes) throw damaged(file, 'TIFF', 'parts of the image are missing');
  const data = newSamples(layout, width * height * channels);
  const perPixel = layout.planes === 2 ? 1 : samples;
  const rowBytes = Math.ceil((layout.partWidth * perPixel * bits) / 8);
  for (let plane = 0; plane < Math.min(planes, channels); plane++) {
    for (let part = 0; part < across * down; part++) {
      const y0 = Math.floor(part / across) * layout.partHeight;
      const rows = layout.tiled ? layout.partHeight : Math.min(layout.partHeight, height - y0);
      const index = plane * across * down + part;
      const offset = offsets[index] as number;
      const packed = bytes.subarray(offset, offset + (counts[index] ?? bytes.length));
      const raw = unpackPart(packed, rowBytes * rows, rowBytes * layout.partHeight, layout, file);
      if (raw.length < rowBytes * rows) throw truncated(file, 'TIFF');
      const values = samplesOf(raw, {
        bits,
        kind: layout.kind,
        rows,
        perRow: layout.partWidth * perPixel,
        perPixel,
        predictor: layout.predictor,
        littleEndian: directory.littleEndian,
      });
      placePart(values, data, layout, {
        x0: (part % across) * layout.partWidth,
        y0,
        rows,
        perPixel,
        plane,
        channels,
      });
    }
  }
  const palette = layout.photometric === 3 ? readPalette(directory, bits, file) : undefined;
  const orientation = directory.number(tag.orientation, 1);
  return {
    format: 'tiff',
    width,
    height,
    channels,
    hasAlpha: layout.hasAlpha,
    bits,
    data,
    ...(layout.photometric === 0 ? { isWhiteZero: true } : {}),
    ...(palette ? { palette } : {}),
    lossy: false,
    orientation: orientation >= 1 && orientation <= 8 ? orientation : 1,
  };
}

function readLayout(directory: TiffDirectory, file: string): TiffLayout {
  const width = directory.number(tag.width, 0);
  const height = directory.number(tag.height, 0);
  checkSize(file, width, height);
  const depths = directory.numbers(tag.bitsPerSample);
  const bits = depths[0] ?? 1;
  const samples = directory.number(tag.samplesPerPixel, 1);
  const format = directory.number(tag.sampleFormat, 1);
  const photometric = directory.number(tag.photometric, 1);
  const compression = directory.number(tag.compression, 1);
  const predictor = directory.number(tag.predictor, 1);
  const planes = directory.number(tag.planarConfiguration, 1);
  const tiled = directory.has(tag.tileWidth);
  const partWidth = tiled ? directory.number(tag.tileWidth, 0) : width;
  const partHeight = tiled
    ? directory.number(tag.tileHeight, 0)
    : Math.min(height, directory.number(tag.rowsPerStrip, height));
  const kind = format === 3 ? 'float' : format === 2 ? 'signed' : 'unsigned';
  if (samples < 1 || samples > 64 || depths.some((d) => d !== bits)) {
    throw unsupported(file, `This TIFF has ${samples} samples a pixel of differing or unknown depth.`);
  }
  if (format > 4 || !isReadable({ bits, kind })) {
    throw unsupported(
      file,
      `This TIFF has samples of ${bits} bits in a form that cannot be read here (sample format ${format}).`,
    );
  }
  if (photometric > 3)
    throw unsupported(
      file,
      `This TIFF stores its colours in a way that cannot be read here (${photometric}).`,
    );
  if (photometric === 2 && samples < 3)
    throw damaged(file, 'TIFF', 'it says RGB and has fewer than three samples a pixel');
  if (![1, 5, 8, 32946, 32773].includes(compression)) {
    throw unsupported(file, `This TIFF is compressed in a way that cannot be read here (${compression}).`);
  }
  const hasPredictor =
    predictor === 2 ? kind !== 'float' && bits % 8 === 0 : predictor === 3 && kind === 'float';
  if (predictor !== 1 && !hasPredictor) {
    throw unsupported(
      file,
      `This TIFF uses a predictor that cannot be read here (${predictor}, ${bits} bits).`,
    );
  }
  const partBytes = Math.ceil((partWidth * (planes === 2 ? 1 : samples) * bits) / 8) * partHeight;
  if (partBytes < 1 || partBytes > limits.rasterBytes) {
    throw damaged(file, 'TIFF', 'its tiles have an impossible size');
  }
  // The values of a palette are its indices alone.
  const channels = photometric === 3 ? 1 : samples;
  const bytes = width * height * channels * Math.ceil(bits / 8);
  if (bytes > limits.rasterBytes) {
    throw refuse(
      'data/too-large',
      file,
      `This TIFF has ${channels} channels of ${bits} bits, ${Math.round(bytes / 2 ** 20)} MiB unpacked; at most ${limits.rasterBytes / 2 ** 20} MiB can be read.`,
      'Export fewer channels, or 8 bits a channel.',
    );
  }
  const extra = directory.numbers(tag.extraSamples);
  // Four samples of an RGB image that does not say what the fourth is: alpha, as other readers have it.
  const last = extra.at(-1) ?? (photometric === 2 && samples === 4 ? 2 : 0);
  const hasAlpha = channels === samples && samples > 1 && (last === 1 || last === 2);
  return {
    width,
    height,
    bits,
    kind,
    samples,
    channels,
    hasAlpha,
    photometric,
    compression,
    predictor,
    planes,
    partWidth,
    partHeight,
    tiled,
  };
}

/**
 * At least nothing, at most `longest` bytes of a part of which `length` are wanted; some writers pad the last strip.
 */
function unpackPart(
  packed: Uint8Array,
  length: number,
  longest: number,
  layout: TiffLayout,
  file: string,
): Uint8Array {
  try {
    switch (layout.compression) {
      case 1:
        return packed.subarray(0, length);
      case 5:
        return unpackLzw(packed, length);
      case 32773:
        return unpackBits(packed, length);
      default:
        return inflateBounded([packed], longest + 1024);
    }
  } catch (error) {
    if (error instanceof Truncated) throw truncated(file, 'TIFF');
    if (error instanceof TooLong) throw damaged(file, 'TIFF', 'it unpacks to more than its size says');
    throw damaged(file, 'TIFF', error instanceof Error ? error.message : String(error));
  }
}

/** Where a strip or tile lies in the image. */
interface PartPosition {
  readonly x0: number;
  readonly y0: number;
  readonly rows: number;
  readonly perPixel: number;
  readonly plane: number;
  readonly channels: number;
}

function placePart(
  values: ArrayLike<number>,
  data: RasterData,
  layout: TiffLayout,
  { x0, y0, rows, perPixel, plane, channels }: PartPosition,
): void {
  const { width, height, partWidth, planes } = layout;
  const columns = Math.min(partWidth, width - x0);
  for (let y = 0; y < Math.min(rows, height - y0); y++) {
    for (let x = 0; x < columns; x++) {
      const from = (y * partWidth + x) * perPixel;
      const to = ((y0 + y) * width + x0 + x) * channels;
      if (planes === 2) data[to + plane] = values[from] as number;
      else for (let c = 0; c < channels; c++) data[to + c] = values[from + c] as number;
    }
  }
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
