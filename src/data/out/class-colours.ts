import { type Colour, vocColour } from '../voc-colours.ts';
import type { LabelSet } from './label-set.ts';

/** The colour that was chosen for a class, else the one of its number. */
export function colourOf({ colours }: LabelSet, className: string | undefined, number: number): Colour {
  const hex = /^#([0-9a-f]{6})$/i.exec(colours?.get(className ?? '') ?? '')?.[1];
  if (hex === undefined) return vocColour(number);
  const value = Number.parseInt(hex, 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}
