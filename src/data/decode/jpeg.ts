import mozjpegFactory from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import { Codec, type CodecFactory } from '../wasm/codec.ts';
import { decodeCmykJpeg } from './jpeg-cmyk.ts';
import { exifOrientation } from './orientation.ts';
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

/** What the frame header of a JPEG says. */
export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  readonly components: number;
  readonly bits: number;
  readonly orientation: number;
  /** Whether Adobe's marker stands before the frame. */
  readonly isAdobe: boolean;
}

/** Walks the segments up to the frame header. */
export function readJpegHeader(bytes: Uint8Array, file: string): JpegHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let orientation = 1;
  let isAdobe = false;
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) throw damaged(file, 'JPEG', 'a marker is missing');
    const marker = bytes[at + 1] as number;
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 2;
      continue;
    }
    if (marker === 0xda || marker === 0xd9) throw damaged(file, 'JPEG', 'its frame header is missing');
    const length = view.getUint16(at + 2);
    if (length < 2) throw damaged(file, 'JPEG', 'a segment has an impossible length');
    const body = bytes.subarray(at + 4, at + 2 + length);
    if (marker === 0xe1 && body[0] === 0x45 && body[1] === 0x78 && orientation === 1)
      orientation = exifOrientation(body);
    if (marker === 0xee && String.fromCharCode(...body.subarray(0, 5)) === 'Adobe') isAdobe = true;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) {
      if (body.length < 6) throw truncated(file, 'JPEG');
      if (marker !== 0xc0 && marker !== 0xc1 && marker !== 0xc2 && marker !== 0xc9 && marker !== 0xca) {
        throw unsupported(file, 'This is a lossless or hierarchical JPEG, which cannot be read here.');
      }
      const components = body[5] as number;
      for (let c = 0; c < components; c++) {
        const sampling = body[7 + 3 * c] ?? 0;
        const [across, down] = [sampling >> 4, sampling & 15];
        if (across < 1 || across > 4 || down < 1 || down > 4)
          throw damaged(file, 'JPEG', 'a colour has an impossible sampling');
      }
      const frame = new DataView(body.buffer, body.byteOffset, body.byteLength);
      return {
        bits: frame.getUint8(0),
        height: frame.getUint16(1),
        width: frame.getUint16(3),
        components,
        orientation,
        isAdobe,
      };
    }
    at += 2 + length;
  }
  throw truncated(file, 'JPEG');
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
