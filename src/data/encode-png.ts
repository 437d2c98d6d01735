import { encode } from 'fast-png';
import type { BinaryMask, LabelMap, RgbImage } from './types.ts';

/**
 * A mask as a grey PNG of its values: 8 bits when none is over 255, else 16. A binary mask is written as 0 and 255.
 * @throws RangeError when a value is negative or over 65535.
 */
export function encodeMaskPng({ width, height, data }: LabelMap | BinaryMask): Uint8Array {
  if (data instanceof Uint8Array) {
    return ofExactLength(
      encode({ width, height, channels: 1, depth: 8, data: data.map((v) => (v ? 255 : 0)) }),
    );
  }
  let max = 0;
  for (let i = 0; i < data.length; i++) {
    const v = data[i] as number;
    if (v < 0 || v > 65_535) {
      throw new RangeError(`label ${v} does not fit a 16-bit PNG; renumber the labels first`);
    }
    if (v > max) max = v;
  }
  return ofExactLength(
    max <= 255
      ? encode({ width, height, channels: 1, depth: 8, data: new Uint8Array(data) })
      : encode({ width, height, channels: 1, depth: 16, data: new Uint16Array(data) }),
  );
}

/** An image as an 8-bit RGB PNG. */
export function encodeImagePng({ width, height, data }: RgbImage): Uint8Array {
  return ofExactLength(encode({ width, height, channels: 3, depth: 8, data }));
}

/**
 * Indices of 8 bits as a PNG with their colours.
 * @param colours red, green and blue of every index that occurs, 256 at most.
 */
export function encodePalettePng(
  { width, height, data }: LabelMap,
  colours: readonly (readonly [number, number, number])[],
): Uint8Array {
  const palette = colours.map((colour): [number, number, number] => [...colour]);
  return ofExactLength(encode({ width, height, channels: 1, depth: 8, data: new Uint8Array(data), palette }));
}

/** The encoder gives a part of a longer buffer, which would travel whole from worker to page. */
const ofExactLength = (bytes: Uint8Array) => bytes.slice();
