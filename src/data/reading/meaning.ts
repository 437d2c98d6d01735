/** What values stand for: foreground, classes, or an object each. */
import { type Findings, type Known, SMALL_IDS } from './findings.ts';
import type { MaskReading } from './reading.ts';

/** The values that fill a mask of one class: the usual ways to write "yes". */
const YES = new Set([1, 255, 65_535]);

export function meaningOf(
  findings: Findings,
  known: readonly Known[],
  foreground: readonly number[],
  levels: readonly number[] | null,
): MaskReading['meaning'] {
  const { instances } = findings.changes;
  const values = findings.list(foreground);
  if (findings.role === 'instances' || instances === true) {
    const why = instances ? ', as you chose' : '';
    findings.evidence.push(`Each value is an object${why}.`);
    return 'objects';
  }
  if (findings.role === 'labels') {
    findings.evidence.push(`${values} ${foreground.length === 1 ? 'is a class' : 'are classes'}.`);
    return 'classes';
  }
  if (foreground.length === 0) return 'foreground';
  if (foreground.length === 1) {
    findings.evidence.push(`${values} is foreground: pixels that touch are one object.`);
    return 'foreground';
  }
  const ids = levels || instances === false ? null : idsText(findings);
  if (ids) {
    findings.evidence.push(`Each value is an object: ${ids}.`);
    return 'objects';
  }
  const isAlone = known.every(
    ({ value, facts, masks }) =>
      !foreground.includes(value) || (facts !== null && facts.aloneMasks === masks),
  );
  if (isAlone && findings.samples !== 'colour' && foreground.every((value) => YES.has(value))) {
    findings.evidence.push(`${values} are foreground: every mask holds only one of them.`);
    return 'foreground';
  }
  findings.evidence.push(`${values} are classes: pixels of one value that touch are one object.`);
  if (!levels) lookAtStrangers(findings, known, foreground);
  return 'classes';
}

/** A 0/255 mask among label maps. */
function lookAtStrangers(findings: Findings, known: readonly Known[], foreground: readonly number[]): void {
  if (findings.samples === 'colour') return;
  for (const { value, facts, masks } of known) {
    if (!facts || !foreground.includes(value) || value < 128 || facts.aloneMasks < masks) continue;
    const rest = foreground.filter((other) => other !== value);
    if (rest.length === 0 || rest.some((other) => other > SMALL_IDS)) continue;
    const where = masks === 1 ? facts.firstFile : `${masks} masks, ${facts.firstFile} the first of them,`;
    findings.look(
      'data/mask-unlike-others',
      `${value} occurs only in ${where} and alone there, while the other masks hold the classes ${findings.list(rest)}: it is taken as a class of its own.`,
      `Write the class that is meant into that mask, or leave ${value} out with --ignore ${value} or "ignore" in dataset.json.`,
      facts.firstFile,
    );
  }
}

/** Why values are ids of objects; null when they are not. */
function idsText(findings: Findings): string | null {
  const { ids, values } = findings.gathered.statistics.plain;
  if (ids.masks === 0 || ids.most < 5) return null;
  const parts = ids.parts / ids.count;
  if (parts > 1.25) return null;
  const own = [...values.values()].filter((one) => one.value !== 0);
  const rare = own.filter(({ masks }) => masks === 1).length;
  const isDense = ids.count >= 0.8 * ids.highest && (ids.least < ids.most || ids.most >= 16);
  const isDrawn = ids.masks > 1 && rare >= 0.8 * own.length && own.length >= 16;
  if (!isDense && !isDrawn) return null;
  const spread = ids.least === ids.most ? `${ids.most}` : `${ids.least} to ${ids.most}`;
  return `a mask has ${spread} of them, each in one part (${parts.toFixed(2)} on average)`;
}
