import webpFactory from '@jsquash/webp/codec/dec/webp_dec.js';
import { Codec, type CodecFactory } from '../wasm/codec.ts';
import { exifOrientation } from './orientation.ts';
import type { Raster } from './raster.ts';
import { checkSize, damaged, truncated, unsupported } from './size-check.ts';

const codec = new Codec(
  webpFactory as unknown as CodecFactory,
  new URL('../../../node_modules/@jsquash/webp/codec/dec/webp_dec.wasm', import.meta.url),
);

/**
 * Reads a still WebP, lossy or lossless.
 * @throws Failure naming `file`.
 */
export async function decodeWebp(bytes: Uint8Array, file: string): Promise<Raster> {
  const { width, height, lossy, orientation } = readWebpHeader(bytes, file);
  checkSize(file, width, height);
  const { image } = await codec.decode(bytes);
  if (!image) throw damaged(file, 'WebP', 'the decoder gave up');
  const data = new Uint8Array(image.data.buffer, image.data.byteOffset, image.data.byteLength);
  if (data.length < image.width * image.height * 4) throw damaged(file, 'WebP', 'it holds too few pixels');
  return {
    format: 'webp',
    width: image.width,
    height: image.height,
    channels: 4,
    hasAlpha: true,
    bits: 8,
    data,
    lossy,
    orientation,
  };
}

interface WebpHeader {
  readonly width: number;
  readonly height: number;
  readonly lossy: boolean;
  readonly orientation: number;
}

/** Walks the RIFF chunks (RFC 9649). */
export function readWebpHeader(bytes: Uint8Array, file: string): WebpHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let header: Omit<WebpHeader, 'orientation'> | undefined;
  let orientation = 1;
  let at = 12;
  while (at + 8 <= bytes.length) {
    const type = String.fromCharCode(...bytes.subarray(at, at + 4));
    const length = view.getUint32(at + 4, true);
    const start = at + 8;
    if (start + length > bytes.length) throw truncated(file, 'WebP');
    if (type === 'ANIM' || type === 'ANMF') {
      throw unsupported(file, 'This is an animated WebP.', 'Export one frame as PNG and drop that.');
    }
    if (type === 'VP8 ' && length >= 10) {
      const width = view.getUint16(start + 6, true) & 0x3fff;
      const height = view.getUint16(start + 8, true) & 0x3fff;
      header = { width, height, lossy: true };
    } else if (type === 'VP8L' && length >= 5) {
      const word = view.getUint32(start + 1, true);
      header = { width: (word & 0x3fff) + 1, height: ((word >>> 14) & 0x3fff) + 1, lossy: false };
    } else if (type === 'EXIF') {
      orientation = exifOrientation(bytes.subarray(start, start + length));
    }
    at = start + length + (length & 1);
  }
  if (!header) throw truncated(file, 'WebP');
  return { ...header, orientation };
}
