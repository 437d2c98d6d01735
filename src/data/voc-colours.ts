/** The colours by which PASCAL VOC shows numbers. */

/** Red, green and blue, 0 … 255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** The colour of a number: every number below 2^24 has its own, 0 is black. */
export function vocColour(number: number): Colour {
  let [red, green, blue] = [0, 0, 0];
  for (let bits = number, at = 7; bits > 0 && at >= 0; bits >>= 3, at--) {
    red |= (bits & 1) << at;
    green |= ((bits >> 1) & 1) << at;
    blue |= ((bits >> 2) & 1) << at;
  }
  return [red, green, blue];
}

/** The number of a colour as 65536·R + 256·G + B. */
export function vocNumber(colour: number): number {
  let number = 0;
  for (let bit = 0; bit < 8; bit++) {
    const three =
      ((colour >> (16 + bit)) & 1) | (((colour >> (8 + bit)) & 1) << 1) | (((colour >> bit) & 1) << 2);
    number |= three << (3 * (7 - bit));
  }
  return number;
}

/** The colour of pixels that take no part. */
export const VOID_COLOUR: Colour = [224, 224, 192];

/** Share of a palette that may have other colours: those that a person chose for classes, and {@link VOID_COLOUR}. */
const OTHERS = 0.2;

/** Whether a palette is that of VOC, with other colours for a few numbers: its indices then are numbers, not a picture. */
export function isVocPalette(palette: Uint8Array): boolean {
  const count = palette.length / 3;
  let others = 0;
  for (let i = 0; i < count; i++) {
    if (vocColour(i).some((value, c) => value !== palette[3 * i + c])) others++;
  }
  return count >= 16 && others <= OTHERS * count;
}

/** Numbers that a palette holds. */
const PALETTE = 256;

/** Whether colours are those of many numbers in a row, more than a palette holds. */
export function areManyVocColours(colours: ArrayLike<number>): boolean {
  const seen = new Set<number>();
  let [last, most] = [-1, 0];
  for (let i = 0; i < colours.length; i++) {
    const colour = colours[i] as number;
    if (colour === last) continue;
    last = colour;
    const number = vocNumber(colour);
    // Of void, which lies far beyond.
    if (colour === 0xe0e0c0 || seen.has(number)) continue;
    seen.add(number);
    most = Math.max(most, number);
    if (most > 65_535) return false;
  }
  return most >= PALETTE - 2 && 2 * seen.size >= most;
}
