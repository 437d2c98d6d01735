import { inflateBounded, TooLong, Truncated } from '../inflate.ts';
import { joined } from './joined.ts';
import { jpegSamples } from './jpeg.ts';
import { readJpegHeader } from './jpeg-header.ts';
import { damaged, truncated } from './size-check.ts';
import { unpackBits, unpackLzw } from './tiff-codecs.ts';
import { compressions, type TiffLayout, YCBCR } from './tiff-layout.ts';
import { decodeWebp } from './webp.ts';
import { unpackZstd } from './zstd.ts';

/** What a strip or tile must hold. */
export interface PartSize {
  readonly rows: number;
  readonly rowBytes: number;
  readonly perPixel: number;
}

interface UnpackedPart {
  readonly bytes: Uint8Array;
  /** True when the codec changed values on writing. */
  readonly lossy: boolean;
}

/**
 * The bytes of a strip or tile, at most those of a whole one: some writers pad the last strip. Fewer than it must hold
 * are for the caller to refuse.
 * @throws Failure naming `file`.
 */
export async function unpackPart(
  stored: Uint8Array,
  layout: TiffLayout,
  size: PartSize,
  file: string,
): Promise<UnpackedPart> {
  const packed = layout.isBitReversed ? stored.map(reversedBits) : stored;
  const length = size.rowBytes * size.rows;
  const longest = size.rowBytes * layout.partHeight + 1024;
  try {
    switch (layout.compression) {
      case compressions.none:
        return { bytes: packed.subarray(0, length), lossy: false };
      case compressions.lzw:
        return { bytes: unpackLzw(packed, length), lossy: false };
      case compressions.packBits:
        return { bytes: unpackBits(packed, length), lossy: false };
      case compressions.zstd:
        return { bytes: await unpackZstd(packed, longest), lossy: false };
      case compressions.jpeg:
        return { bytes: await unpackJpeg(packed, layout, size, file), lossy: true };
      case compressions.webp:
        return await unpackWebp(packed, layout, size, file);
      default:
        return { bytes: inflateBounded([packed], longest), lossy: false };
    }
  } catch (error) {
    if (error instanceof Truncated) throw truncated(file, 'TIFF');
    if (error instanceof TooLong) throw damaged(file, 'TIFF', 'it unpacks to more than its size says');
    throw error;
  }
}

const reversedBits = (byte: number) => {
  let out = 0;
  for (let bit = 0; bit < 8; bit++) out |= ((byte >> bit) & 1) << (7 - bit);
  return out;
};

/** `FF EE`, 14 bytes, `Adobe`, version 100, two flags, and how three colours are stored: 0 as RGB, 1 as YCbCr. */
const adobeSegment = (transform: 0 | 1) =>
  Uint8Array.of(0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, transform);

/**
 * A strip or tile of JPEG data (TIFF technical note 2): the shared tables go before it, and how its colours are stored is
 * said in the way of JPEG, since only the TIFF's tag tells.
 */
async function unpackJpeg(
  packed: Uint8Array,
  { jpegTables, photometric, partWidth, partHeight }: TiffLayout,
  { rows, perPixel }: PartSize,
  file: string,
): Promise<Uint8Array> {
  // Without their start (FFD8) and end (FFD9) markers.
  const tables = jpegTables.length > 4 ? jpegTables.subarray(2, -2) : jpegTables.subarray(0, 0);
  const head = Uint8Array.of(0xff, 0xd8);
  const colours = perPixel === 3 ? adobeSegment(photometric === YCBCR ? 1 : 0) : tables.subarray(0, 0);
  const stream = joined([head, colours, tables, packed.subarray(2)]);
  const header = readJpegHeader(stream, file);
  const { width, height, components } = header;
  if (width !== partWidth || height < rows || height > partHeight || components !== perPixel)
    throw damaged(file, 'TIFF', 'a strip or tile has another size than it says');
  return jpegSamples(stream, header, file, 'TIFF');
}

async function unpackWebp(
  packed: Uint8Array,
  { partWidth, partHeight }: TiffLayout,
  { rows, perPixel }: PartSize,
  file: string,
): Promise<UnpackedPart> {
  const { width, height, data, lossy } = await decodeWebp(packed, file);
  if (width !== partWidth || height < rows || height > partHeight || perPixel < 3 || perPixel > 4)
    throw damaged(file, 'TIFF', 'a strip or tile has another size than it says');
  const bytes = new Uint8Array(width * height * perPixel);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < perPixel; c++) bytes[i * perPixel + c] = data[4 * i + c] as number;
  }
  return { bytes, lossy };
}
