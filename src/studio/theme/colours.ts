/** Colours used in code, as custom properties, so that they follow the theme. */
import { objectColourAt, rgbOf } from '../../config/object-colours.ts';

const METHOD_SLOTS = 9;

/** A method's colour; slots beyond the palette start again. */
export function methodColour(slot: number): string {
  return `var(--method-${slot % METHOD_SLOTS})`;
}

/** The change that gets the heat map's strongest colour. */
const FULL_CHANGE = 0.25;

/** Background of a heat map cell by a gate's change, −1..1: blue for a rise, brown for a fall. */
export function heatColour(change: number): string {
  const share = Math.min(1, Math.abs(change) / FULL_CHANGE);
  // The square root keeps small changes visible.
  const percent = Math.round(Math.sqrt(share) * 100);
  const pole = change >= 0 ? 'var(--heat-up)' : 'var(--heat-down)';
  return `color-mix(in oklab, ${pole} ${percent}%, var(--heat-zero))`;
}

/** The mask's colour as red, green and blue, 0..255. */
export function maskColour(element: Element): readonly [number, number, number] {
  const parts = getComputedStyle(element).getPropertyValue('--mask').trim().split(/\s+/).map(Number);
  const [red = 92, green = 176, blue = 255] = parts;
  return [red, green, blue];
}

/**
 * The colour of a mask: its class's, or where the dataset has a single class, one by its place among the image's objects,
 * so that those made one after the other, which are mostly neighbours, look unlike.
 */
export function objectColour(
  { classValue }: { readonly classValue: number },
  index: number,
  classes: readonly { readonly value: number; readonly colour: string }[],
): readonly [number, number, number] {
  const known = classes.find(({ value }) => value === classValue);
  if (known && classes.length > 1) return rgbOf(known.colour);
  return rgbOf(objectColourAt(index));
}
