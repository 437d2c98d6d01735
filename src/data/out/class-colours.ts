import type { LabelSet } from './label-set.ts';

/** Red, green and blue, 0 … 255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** The colour of a number as PASCAL VOC gives it: every number below 2^24 has its own, 0 is black. */
export function vocColour(number: number): Colour {
  let [red, green, blue] = [0, 0, 0];
  for (let bits = number, at = 7; bits > 0 && at >= 0; bits >>= 3, at--) {
    red |= (bits & 1) << at;
    green |= ((bits >> 1) & 1) << at;
    blue |= ((bits >> 2) & 1) << at;
  }
  return [red, green, blue];
}

/** The colour that was chosen for a class, else the one of its number. */
export function colourOf({ colours }: LabelSet, className: string | undefined, number: number): Colour {
  const hex = /^#([0-9a-f]{6})$/i.exec(colours?.get(className ?? '') ?? '')?.[1];
  if (hex === undefined) return vocColour(number);
  const value = Number.parseInt(hex, 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}
