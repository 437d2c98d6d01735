/** A big-endian EXIF block whose only tag is the orientation, a short. */
const exifBlock = (orientation: number) =>
  [...'MM']
    .map((letter) => letter.charCodeAt(0))
    .concat([0, 42, 0, 0, 0, 8], [0, 1], [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0], [0, 0, 0, 0]);

/** A PNG whose EXIF block says an orientation. */
export function turnedPng(png: Uint8Array, orientation: number): Uint8Array<ArrayBuffer> {
  const exif = exifBlock(orientation);
  const name = [...'eXIf'].map((letter) => letter.charCodeAt(0));
  const chunk = [0, 0, 0, exif.length, ...name, ...exif, 0, 0, 0, 0];
  // Behind the signature and the header.
  return Uint8Array.from([...png.subarray(0, 33), ...chunk, ...png.subarray(33)]);
}
