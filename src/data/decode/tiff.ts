import { readCmyk } from './cmyk.ts';
import type { Raster, RasterData } from './raster.ts';
import { newSamples, samplesOf } from './samples.ts';
import { damaged, truncated, unsupported } from './size-check.ts';
import type { TiffDirectory } from './tiff-directory.ts';
import { tag } from './tiff-directory.ts';
import { CMYK, PALETTE, readLayout, type TiffLayout, WHITE_IS_ZERO } from './tiff-layout.ts';
import { type TiffPage, tiffPages } from './tiff-pages.ts';
import { unpackPart } from './tiff-parts.ts';

/**
 * Reads the one image of a TIFF or BigTIFF: any number of channels, unsigned, signed and float samples, palettes, CMYK,
 * strips or tiles, interleaved or in planes; uncompressed, LZW, Deflate, PackBits, Zstandard, JPEG or WebP. A stack of
 * several images is refused (see `pagesOf`), and so are other compressions.
 * @throws Failure naming `file`.
 */
export async function decodeTiff(bytes: Uint8Array, file: string): Promise<Raster> {
  const pages = tiffPages(bytes, file);
  const [page] = pages;
  if (!page || pages.length > 1) {
    throw unsupported(
      file,
      `This TIFF is a stack of ${pages.length} images (pages or slices), where one is needed.`,
      'Export each page as a TIFF or PNG of its own.',
    );
  }
  return decodeTiffPage(bytes, page, file);
}

async function decodeTiffPage(bytes: Uint8Array, page: TiffPage, file: string): Promise<Raster> {
  const rasters: Raster[] = [];
  for (const directory of page) rasters.push(await decodeDirectory(bytes, directory, file));
  const [first] = rasters;
  if (!first) throw truncated(file, 'TIFF');
  if (rasters.length === 1) return first;
  const { width, height, bits } = first;
  const isAlike = rasters.every(
    (r) => r.width === width && r.height === height && r.bits === bits && r.channels === 1,
  );
  if (!isAlike) throw damaged(file, 'TIFF', 'its channels differ in size or depth');
  const channels = rasters.length;
  const data = newLike(first.data, width * height * channels);
  for (const [c, raster] of rasters.entries()) {
    for (let i = 0; i < width * height; i++) data[i * channels + c] = raster.data[i] as number;
  }
  return { ...first, channels, data };
}

const newLike = (data: RasterData, count: number) =>
  new (data.constructor as new (n: number) => RasterData)(count);

async function decodeDirectory(bytes: Uint8Array, directory: TiffDirectory, file: string): Promise<Raster> {
  const layout = readLayout(directory, file);
  const { width, height, channels, bits, photometric } = layout;
  const offsets = directory.numbers(layout.tiled ? tag.tileOffsets : tag.stripOffsets);
  const counts = directory.numbers(layout.tiled ? tag.tileByteCounts : tag.stripByteCounts);
  const across = Math.ceil(width / layout.partWidth);
  const down = Math.ceil(height / layout.partHeight);
  const planes = layout.isPlanar ? layout.samples : 1;
  if (offsets.length < across * down * planes) throw damaged(file, 'TIFF', 'parts of the image are missing');
  if (offsets.some((offset) => offset >= bytes.length)) throw truncated(file, 'TIFF');
  const data = newSamples(layout, width * height * channels);
  const perPixel = layout.isPlanar ? 1 : layout.samples;
  const rowBytes = Math.ceil((layout.partWidth * perPixel * bits) / 8);
  let lossy = false;
  for (let plane = 0; plane < Math.min(planes, channels); plane++) {
    for (let part = 0; part < across * down; part++) {
      const y0 = Math.floor(part / across) * layout.partHeight;
      const rows = layout.tiled ? layout.partHeight : Math.min(layout.partHeight, height - y0);
      const index = plane * across * down + part;
      const offset = offsets[index] as number;
      const packed = bytes.subarray(offset, offset + (counts[index] ?? bytes.length));
      const raw = await unpackPart(packed, layout, { rows, rowBytes, perPixel }, file);
      if (raw.bytes.length < rowBytes * rows) throw truncated(file, 'TIFF');
      lossy ||= raw.lossy;
      const values = samplesOf(raw.bytes, {
        bits,
        kind: layout.kind,
        rows,
        perRow: layout.partWidth * perPixel,
        perPixel,
        predictor: layout.predictor,
        littleEndian: directory.littleEndian,
      });
      placePart(values, data, layout, { x0: (part % across) * layout.partWidth, y0, rows, perPixel, plane });
    }
  }
  const raster: Raster = {
    format: 'tiff',
    width,
    height,
    channels,
    hasAlpha: layout.hasAlpha,
    bits,
    data,
    ...(photometric === WHITE_IS_ZERO ? { isWhiteZero: true } : {}),
    ...(photometric === PALETTE ? { palette: layout.palette } : {}),
    lossy,
    orientation: layout.orientation,
  };
  return photometric === CMYK ? readCmyk(raster) : raster;
}

/** Where a strip or tile lies in the image. */
interface PartPosition {
  readonly x0: number;
  readonly y0: number;
  readonly rows: number;
  readonly perPixel: number;
  readonly plane: number;
}

function placePart(
  values: RasterData,
  data: RasterData,
  { width, height, channels, partWidth, isPlanar }: TiffLayout,
  { x0, y0, rows, perPixel, plane }: PartPosition,
): void {
  const columns = Math.min(partWidth, width - x0);
  const most = Math.min(rows, height - y0);
  if (perPixel === channels && columns === width && partWidth === width) {
    data.set(values.subarray(0, most * width * channels), y0 * width * channels);
    return;
  }
  for (let y = 0; y < most; y++) {
    for (let x = 0; x < columns; x++) {
      const from = (y * partWidth + x) * perPixel;
      const to = ((y0 + y) * width + x0 + x) * channels;
      if (isPlanar) data[to + plane] = values[from] as number;
      else for (let c = 0; c < channels; c++) data[to + c] = values[from + c] as number;
    }
  }
}
