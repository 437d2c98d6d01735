import { distance, type ValueKind } from './bins.ts';
import type { ValueFacts } from './table.ts';

/**
 * Share of alike pixels under which the values that fill no area are transitions and not labels. Label maps of real
 * sets have 0.997 and more, masks that were scaled with smoothing 0.74 and less: docs/decisions/data-masks.md.
 */
const PATCHY = 0.85;
/** Share of core pixels from which a value fills areas. */
const SOLID = 0.3;

/**
 * Whether values are mixed at their edges. The values that fill no areas are looked at: in labels they come in lines
 * and patches, in transitions they lie between their neighbours; a few of nearly the value of a filled area are noise.
 */
export function looksFuzzy(facts: readonly ValueFacts[], pixels: number, kind: ValueKind): boolean {
  if (facts.length < 3) return false;
  const isOrdered = kind === 'number';
  const range = isOrdered ? highest(facts) - lowest(facts) : 255;
  if (isOrdered && range < 64 && facts.every(({ value }) => Number.isInteger(value))) return false;
  const isSolid = ({ pixels: own, core }: ValueFacts) =>
    core >= SOLID * own && (own >= 0.0005 * pixels || own >= 64);
  const ends = isOrdered ? new Set([lowest(facts), highest(facts)]) : new Set<number>();
  const rest = facts.filter((one) => !isSolid(one) && !ends.has(one.value));
  const solid = facts.filter((one) => isSolid(one) || ends.has(one.value));
  if (rest.length === 0) return false;
  const isNoise = ({ value, pixels: own, alike }: ValueFacts) =>
    alike < 0.95 * own &&
    solid.some((other) => other.pixels > own && distance(value, other.value, kind) <= 0.025 * range);
  if (isFarApart(solid, 0.05 * range, kind) && rest.every(isNoise)) return true;
  if (rest.length < 2) return false;
  const total = sum(rest, 'pixels');
  return sum(rest, 'alike') < PATCHY * total && sum(rest, 'between') >= 0.25 * total;
}

/** Whether no two values are so near that what lies beside one could as well be another, as ids are. */
function isFarApart(facts: readonly ValueFacts[], gap: number, kind: ValueKind): boolean {
  if (kind !== 'number') return true;
  const values = facts.map(({ value }) => value).sort((a, b) => a - b);
  return values.every((value, i) => i === 0 || value - (values[i - 1] ?? value) >= gap);
}

const lowest = (facts: readonly ValueFacts[]) =>
  facts.reduce((low, { value }) => Math.min(low, value), Infinity);
/** The highest of some values. */
export const highest = (facts: readonly Pick<ValueFacts, 'value'>[]) =>
  facts.reduce((top, { value }) => Math.max(top, value), -Infinity);
const sum = (facts: readonly ValueFacts[], of: 'pixels' | 'alike' | 'between') =>
  facts.reduce((total, one) => total + one[of], 0);
