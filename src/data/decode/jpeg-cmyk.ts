import { refuse } from '../outcome.ts';
import type { JpegHeader } from './jpeg-header.ts';
import type { Raster } from './raster.ts';
import { damaged, truncated } from './size-check.ts';

/** Bytes behind the image in which its end marker is looked for; more is another file's remains. */
const TAIL = 4096;
const MOST_MEGABYTES = 2048;

/**
 * Reads a JPEG of four inks (CMYK or YCCK) as RGB, without its colour profile: (255 − ink)(255 − black) / 255. As other
 * readers do, a file without Adobe's marker is taken for one that has it: the inks are stored inverted.
 * @throws Failure naming `file`.
 */
export async function decodeCmykJpeg(
  bytes: Uint8Array,
  { width, height, isAdobe }: JpegHeader,
  file: string,
): Promise<Omit<Raster, 'orientation'>> {
  // The decoder fills what is missing with grey instead of saying so.
  const end = bytes.subarray(-TAIL);
  if (!end.some((byte, i) => byte === 0xff && end[i + 1] === 0xd9)) throw truncated(file, 'JPEG');
  const { decode } = (await import('jpeg-js')).default;
  const marked = isAdobe ? bytes : withAdobeMarker(bytes);
  let data: Uint8Array;
  try {
    const image = decode(marked, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: false,
      maxMemoryUsageInMB: MOST_MEGABYTES,
    });
    data = image.data;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    if (!detail.includes('maxMemoryUsage')) throw damaged(file, 'JPEG', detail);
    throw refuse(
      'data/too-large',
      file,
      `This JPEG is in CMYK and has ${width} × ${height} pixels, which takes more than ${MOST_MEGABYTES} MiB to read.`,
      'Convert it to RGB and save it as PNG or JPEG.',
    );
  }
  if (data.length !== width * height * 3) throw damaged(file, 'JPEG', 'its size is given twice');
  return { format: 'jpeg', width, height, channels: 3, bits: 8, data, lossy: true };
}

function withAdobeMarker(bytes: Uint8Array): Uint8Array {
  // Four colours that are stored as they are: transform 0.
  const marker = Uint8Array.of(0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 0);
  const out = new Uint8Array(bytes.length + marker.length);
  out.set(bytes.subarray(0, 2));
  out.set(marker, 2);
  out.set(bytes.subarray(2), 2 + marker.length);
  return out;
}
