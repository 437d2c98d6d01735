/** What values stand for: foreground, classes, or an object each. */
import { codedIds } from './coded-ids.ts';
import { type Findings, type Known, SMALL_IDS } from './findings.ts';
import type { MaskReading } from './reading.ts';
import type { Table } from './table.ts';

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
  if ((findings.role === 'instances' || instances === true) && !codedIds(findings, known)) {
    const why = instances ? ', as you chose' : '';
    findings.evidence.push(`Each value is an object${why}.`);
    return 'objects';
  }
  if (codedIds(findings, known)) {
    findings.evidence.push(
      'Each value is an object, and its thousands are its class, as in MOTS and Cityscapes.',
    );
    return 'objects';
  }
  // What a table of classes names is no number of an object.
  const isNamed = foreground.length > 0 && foreground.every((value) => findings.named?.names.has(value));
  const named = levels || isNamed || instances === false ? null : namedIds(findings);
  if (named) {
    findings.evidence.push(`Each value is an object, as ${named}.`);
    return 'objects';
  }
  if (findings.role === 'labels') {
    findings.evidence.push(`${values} ${foreground.length === 1 ? 'is a class' : 'are classes'}.`);
    if (!levels && !isNamed) lookAtIds(findings, foreground);
    return 'classes';
  }
  if (foreground.length === 0) return 'foreground';
  if (foreground.length === 1) {
    findings.evidence.push(`${values} is foreground: pixels that touch are one object.`);
    return 'foreground';
  }
  const ids = levels || isNamed || instances === false ? null : idsText(findings);
  if (ids) {
    findings.evidence.push(`Each value is an object: ${ids}.`);
    return 'objects';
  }
  const isAlone = known.every(
    ({ value, facts, masks }) =>
      !foreground.includes(value) || (facts !== null && facts.aloneMasks === masks),
  );
  if (isAlone && !isNamed && findings.samples !== 'colour' && foreground.every((value) => YES.has(value))) {
    findings.evidence.push(`${values} are foreground: every mask holds only one of them.`);
    return 'foreground';
  }
  findings.evidence.push(`${values} are classes: pixels of one value that touch are one object.`);
  if (!levels && !isNamed) {
    lookAtStrangers(findings, known, foreground);
    lookAtIds(findings, foreground);
  }
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

/** How programs that write ids name their files, and what is said of it. */
const ID_NAMES: readonly { readonly name: RegExp; readonly text: string }[] = [
  {
    name: /_cp_masks(\.[^./]+)+$/i,
    text: 'Cellpose writes in files called _cp_masks',
  },
  {
    name: /(^|\/)man_(seg|track)_?\d[^/]*$/i,
    text: 'the Cell Tracking Challenge has it in files called man_seg and man_track',
  },
];

/** Who says by the names of all files that values are ids; null when nobody does. */
function namedIds(findings: Findings): string | null {
  const { plainFiles } = findings.gathered.statistics;
  return ID_NAMES.find(({ name }) => plainFiles.every((file) => name.test(file)))?.text ?? null;
}

/** Parts of an id on average: objects are in one, but for a few that something lies across. */
const MOST_PARTS = 1.25;

/** Classes that could as well be ids, which is said. */
function lookAtIds(findings: Findings, foreground: readonly number[]): void {
  const { changes, samples, gathered } = findings;
  const { plain } = gathered.statistics;
  const isNumber = samples === 'grey' || samples === 'palette';
  // Many colours of which a mask has a few say nothing: so do those of classes.
  const couldBe =
    areMany(plain) ||
    (isNumber ? couldBeIds(plain, foreground.length) : samples === 'colour' && areNumbered(plain));
  if (changes.instances !== undefined || !couldBe) return;
  const { least, most } = plain.ids;
  const spread = least === most ? `${most}` : `${least} to ${most}`;
  findings.look(
    'data/reading-ids',
    `${findings.list(foreground)} are taken as classes, although they may be numbers of objects: a mask has ${spread} of them, each in about one part.`,
    'If each value is an object, say so with --instances, "instances": true in dataset.json, or in the preview; or call their folder instances.',
  );
}

/**
 * Whether values that are read as classes may be ids: numbered as {@link areNumbered} says, or each in about one part of a
 * mask and such a choice of many that no mask has most of them.
 * @param different how many values there are in all masks.
 */
const couldBeIds = (table: Table, different: number): boolean =>
  areNumbered(table) || (areInOnePart(table) && table.ids.most >= 5 && different >= 1.5 * table.ids.most);

/**
 * Whether values are each in about one part of a mask, and numbered from 1 without a gap in each, with a count that changes
 * or is large.
 */
const areNumbered = (table: Table): boolean =>
  areInOnePart(table) &&
  table.ids.count === table.ids.highest &&
  (table.ids.least < table.ids.most || table.ids.most >= 5);

const areInOnePart = ({ ids }: Table): boolean =>
  ids.masks > 0 && ids.most >= 4 && ids.parts <= MOST_PARTS * ids.count;

/** Values of one mask from which on they are no classes, of which a person tells some dozens apart. */
const MANY = 64;

/** Parts of each of so many values on average: things that others lie across are in a few. */
const MOST_PARTS_OF_MANY = 2;

/** Whether a mask has so many values, each in few parts, that these are objects whatever numbers or colours they have. */
const areMany = ({ ids }: Table): boolean => ids.most >= MANY && ids.parts <= MOST_PARTS_OF_MANY * ids.count;

/** Why values are ids of objects; null when they are not. */
function idsText(findings: Findings): string | null {
  const { ids, values } = findings.gathered.statistics.plain;
  if (ids.masks === 0 || ids.most < 5) return null;
  const parts = ids.parts / ids.count;
  const isMany = areMany(findings.gathered.statistics.plain);
  if (parts > MOST_PARTS && !isMany) return null;
  const own = [...values.values()].filter((one) => one.value !== 0);
  const rare = own.filter(({ masks }) => masks === 1).length;
  const isDense = ids.count >= 0.8 * ids.highest && (ids.least < ids.most || ids.most >= 16);
  const isDrawn = ids.masks > 1 && rare >= 0.8 * own.length && own.length >= 16;
  if (!isDense && !isDrawn && !isMany) return null;
  const spread = ids.least === ids.most ? `${ids.most}` : `${ids.least} to ${ids.most}`;
  const inParts = parts <= MOST_PARTS ? 'one part' : 'few parts';
  return `a mask has ${spread} of them, each in ${inParts} (${parts.toFixed(2)} on average)`;
}
