/** Which values take no part: rims, stripes without data, values that usually mean "no class". */
import { IGNORED } from '../objects.ts';
import { codedIds } from './coded-ids.ts';
import { type Findings, type Known, SMALL_IDS, same } from './findings.ts';

/** Values that mean "no class" in many formats. */
const VOID = new Set([254, 255, 65_534, 65_535]);

export function ignoredOf(findings: Findings, known: readonly Known[], background: number | null): number[] {
  const { ignored } = findings.changes;
  if (ignored) {
    if (ignored.length > 0) findings.evidence.push(`${findings.list(ignored)} is ignored, as you chose.`);
    return [...ignored];
  }
  const out: number[] = [];
  const ignore = (value: number, why: string) => {
    const what = `${findings.text(value)} is ignored: ${why}.`;
    out.push(value);
    findings.evidence.push(what);
    findings.look(
      'data/reading-ignored',
      what,
      `If it stands for something, choose what is ignored with --ignore (none, or values), "ignore" in dataset.json, or in the preview.`,
    );
  };
  for (const { value, why } of findings.named?.ignored ?? []) {
    if (same(value, background)) continue;
    out.push(value);
    findings.evidence.push(`${findings.text(value)} is ignored: ${why}.`);
  }
  const others = known.filter(({ value }) => !same(value, background));
  for (const { value } of others) {
    if (Number.isNaN(value)) ignore(value, 'it is no number');
    else if (value === IGNORED && findings.role !== 'masks') {
      out.push(value);
      findings.evidence.push(`${value} is ignored.`);
    } else if (value < 0) ignore(value, 'negative values are no class');
  }
  const noPart = codedIds(findings, known)?.noPart;
  if (noPart !== undefined)
    ignore(noPart, 'beside numbers of objects in thousands it marks what takes no part, as in MOTS');
  // An id is an object whatever its shape, unless it is one of the values that mean "no class" in many formats.
  const isOfIds = findings.role === 'instances';
  const mayBeIgnored = ({ value }: Known) => !isOfIds || VOID.has(value);
  if (!isOfIds && background !== 0 && background !== null) {
    const zero = others.find(({ value }) => value === 0);
    if (zero && others.length > 1 && findings.samples !== 'colour' && isStripe(zero))
      ignore(0, 'it lies in rectangles at the edge of the image, where there is no data');
  }
  const left = () => others.filter(({ value }) => !out.includes(value));
  for (const one of others.filter(mayBeIgnored)) {
    if (!out.includes(one.value) && left().length > 1 && isRim(findings, one, left(), background)) {
      ignore(
        one.value,
        `it lies only along borders of the others, at most ${2 * (one.facts?.depth ?? 0)} pixels wide`,
      );
    }
  }
  const isNumber = findings.samples === 'grey' || findings.samples === 'palette';
  for (const one of left()) {
    const rest = left().filter((other) => other !== one);
    const isVoid =
      isNumber &&
      VOID.has(one.value) &&
      rest.length > 0 &&
      rest.every(({ value }) => value <= SMALL_IDS) &&
      (one.facts?.aloneMasks ?? 0) < one.masks;
    if (isVoid)
      ignore(
        one.value,
        `beside the small ${isOfIds ? 'object' : 'class'} ids ${findings.list(rest.map(({ value }) => value))} it usually means "no class"`,
      );
  }
  return out;
}

/** Whether a value lies in rectangles at the edge of the image, as where there was nothing to look at. */
export function isStripe({ facts, value }: Known): boolean {
  if (!facts || Number.isNaN(value)) return false;
  return facts.parts > 0 && facts.inland === 0 && facts.pixels >= 0.95 * facts.boxPixels;
}

/** Whether a value is a rim: thin, and between each of the others and the background. */
export function isRim(
  findings: Findings,
  { value, facts }: Known,
  others: readonly Known[],
  background: number | null,
): boolean {
  if (!facts || facts.depth === 0 || facts.parts === 0) return false;
  const isTrimap = findings.samples === 'grey' && value === 3 && others.length === 2;
  if (facts.depth > (VOID.has(value) || isTrimap ? 12 : 3)) return false;
  const rest = others.filter((other) => other.value !== value);
  if (rest.length === 0 || background === null) return false;
  let all = 0;
  let direct = 0;
  for (const other of rest) {
    if (!other.facts || other.facts.depth <= facts.depth) return false;
    for (const [neighbour, pairs] of other.facts.contacts) {
      if (neighbour === value || same(neighbour, background)) all += pairs;
      if (same(neighbour, background)) direct += pairs;
    }
  }
  return all > 0 && direct <= 0.1 * all && (facts.contacts.get(background) ?? 0) > 0;
}
