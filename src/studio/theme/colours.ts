/** Colours that code needs, all by custom property, so that dark and light follow the theme. */

const METHOD_SLOTS = 5;

/** One colour per method everywhere; slots beyond the palette begin again. */
export function methodColour(slot: number): string {
  return `var(--method-${slot % METHOD_SLOTS})`;
}

/** The change that takes the full colour of the heat map. */
const FULL_CHANGE = 0.25;

/** Background of a heat map's cell for a change of a gate, in −1..1: blue rises, brown falls, nothing is the ground. */
export function heatColour(change: number): string {
  const share = Math.min(1, Math.abs(change) / FULL_CHANGE);
  // The square root lets small changes be seen.
  const percent = Math.round(Math.sqrt(share) * 100);
  const pole = change >= 0 ? 'var(--heat-up)' : 'var(--heat-down)';
  return `color-mix(in oklab, ${pole} ${percent}%, var(--heat-zero))`;
}

/** The mask's colour, as the canvas needs it. */
export function maskColour(element: Element): readonly [number, number, number] {
  const parts = getComputedStyle(element).getPropertyValue('--mask').trim().split(/\s+/).map(Number);
  const [red = 92, green = 176, blue = 255] = parts;
  return [red, green, blue];
}
