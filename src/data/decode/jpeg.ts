import mozjpegFactory from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import { Codec, type CodecFactory } from '../wasm/codec.ts';
import { decodeCmykJpeg } from './jpeg-cmyk.ts';
import { type JpegHeader, readJpegHeader } from './jpeg-header.ts';
import type { Raster } from './raster.ts';
import { checkSize, damaged, truncated, unsupported } from './size-check.ts';

/** `false`: the stored orientation is kept, since all formats are turned upright in one place. */
const codec = new Codec(
  mozjpegFactory as unknown as CodecFactory,
  new URL('../../../node_modules/@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm', import.meta.url),
  [false],
);

/** Stray bytes before a marker that cameras are known to write; more means that image data was lost. */
const HARMLESS_STRAY_BYTES = 64;

/**
 * Reads a JPEG (baseline or progressive, grey, colour or CMYK, 8 bits), grey and colour with libjpeg's own arithmetic, so
 * that the pixels are those of Pillow. 12-bit and lossless files are refused, and so is one that is damaged or ends
 * early.
 * @throws Failure naming `file`.
 */
export async function decodeJpeg(bytes: Uint8Array, file: string): Promise<Raster> {
  const header = readJpegHeader(bytes, file);
  const { width, height, components, orientation } = header;
  checkSize(file, width, height);
  const isCmyk = components === 4;
  if (isCmyk && header.bits === 8) return { ...(await decodeCmykJpeg(bytes, header, file)), orientation };
  const data = await jpegSamples(bytes, header, file);
  return {
    format: 'jpeg',
    width,
    height,
    channels: components === 1 ? 1 : 3,
    bits: 8,
    data,
    lossy: true,
    orientation,
  };
}

/**
 * The samples of a grey or colour JPEG stream, 1 or 3 a pixel.
 * @param format the kind of file that the stream is or lies in, for messages.
 * @throws Failure naming `file`.
 */
export async function jpegSamples(
  bytes: Uint8Array,
  { width, height, components, bits }: JpegHeader,
  file: string,
  format: 'JPEG' | 'TIFF' = 'JPEG',
): Promise<Uint8Array> {
  if (bits !== 8)
    throw unsupported(file, `This ${format} has JPEG data of ${bits} bits a sample; only 8 can be read.`);
  if (components !== 1 && components !== 3)
    throw unsupported(
      file,
      `This ${format} has JPEG data of ${components} colours; only grey, RGB and CMYK can be read.`,
    );
  const { image, messages } = await codec.decode(bytes);
  const complaint = messages.find(isSerious);
  if (messages.some((m) => m.includes('Premature end'))) throw truncated(file, format);
  if (!image || complaint) throw damaged(file, format, complaint ?? messages[0] ?? 'the decoder gave up');
  if (image.width !== width || image.height !== height)
    throw damaged(file, format, 'its size is given twice');
  return rgbOfRgba(image.data, width * height, components);
}

/** Of libjpeg's warnings those that mean lost image data; an unknown JFIF revision, say, means nothing. */
function isSerious(message: string): boolean {
  if (!message.startsWith('Corrupt JPEG data')) return false;
  const stray = /(\d+) extraneous bytes before marker/.exec(message);
  return !stray || Number(stray[1]) > HARMLESS_STRAY_BYTES;
}

/** Drops the alpha of RGBA pixels (and two of three equal colours when `channels` is 1); colours stay as they are. */
function rgbOfRgba(rgba: ArrayLike<number>, pixels: number, channels: 1 | 3): Uint8Array {
  const out = new Uint8Array(pixels * channels);
  if (channels === 1) {
    for (let i = 0; i < pixels; i++) out[i] = rgba[4 * i] as number;
    return out;
  }
  for (let i = 0, s = 0, t = 0; i < pixels; i++, s += 4, t += 3) {
    out[t] = rgba[s] as number;
    out[t + 1] = rgba[s + 1] as number;
    out[t + 2] = rgba[s + 2] as number;
  }
  return out;
}
