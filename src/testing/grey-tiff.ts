export interface GreyTiff {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  /** Tag 277; 1 by default. Of more, none is a colour. */
  readonly samples?: number;
  /** Tag 259; 1, none, by default. */
  readonly compression?: number;
  /** Tag 339; 1, unsigned, by default; 2 is signed. */
  readonly sampleFormat?: number;
}

/** A little-endian TIFF of one grey plane, whose only strip holds these bytes as they are. */
export function greyTiff(about: GreyTiff, strip: Uint8Array): Uint8Array {
  const { width, height, bits, samples = 1, compression = 1, sampleFormat = 1 } = about;
  const start = 8 + 2 + 12 * 10 + 4;
  const tags = [
    [256, width],
    [257, height],
    [258, bits],
    [259, compression],
    [262, 1],
    [273, start],
    [277, samples],
    [278, height],
    [279, strip.length],
    [339, sampleFormat],
  ] as const;
  const out = new Uint8Array(start + strip.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, 0x49492a00);
  view.setUint32(4, 8, true);
  view.setUint16(8, tags.length, true);
  for (const [i, [name, value]] of tags.entries()) {
    view.setUint16(10 + 12 * i, name, true);
    view.setUint16(12 + 12 * i, 4, true);
    view.setUint32(14 + 12 * i, 1, true);
    view.setUint32(18 + 12 * i, value, true);
  }
  out.set(strip, start);
  return out;
}
