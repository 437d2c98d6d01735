import { exifOrientation } from './orientation.ts';
import { damaged, truncated, unsupported } from './size-check.ts';

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
