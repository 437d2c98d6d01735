import { packed } from '../reading/class-table.ts';

const HEX = /^#?([0-9a-f]{6})(?:[0-9a-f]{2})?$/i;
const NUMBERS =
  /^(?:rgba?)?\s*[([]?\s*(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})(?:[\s,;]+[\d.]+)?\s*[)\]]?$/i;

/** A colour as tables write it (`#0f8a21`, `15 138 33`, `rgb(15, 138, 33)`, a list of three numbers) as one number; undefined where it is none. */
export function colourOf(value: unknown): number | undefined {
  if (Array.isArray(value))
    return value.length === 3 || value.length === 4 ? ofChannels(value.slice(0, 3)) : undefined;
  if (typeof value !== 'string') return undefined;
  const hex = HEX.exec(value.trim())?.[1];
  if (hex !== undefined) return Number.parseInt(hex, 16);
  const numbers = NUMBERS.exec(value.trim());
  return numbers ? ofChannels(numbers.slice(1, 4).map(Number)) : undefined;
}

function ofChannels(channels: readonly unknown[]): number | undefined {
  const [r, g, b] = channels.map((one) =>
    Number.isInteger(one) && Number(one) >= 0 && Number(one) <= 255 ? Number(one) : Number.NaN,
  );
  const colour = packed([r ?? Number.NaN, g ?? Number.NaN, b ?? Number.NaN]);
  return [r, g, b].some(Number.isNaN) ? undefined : colour;
}
