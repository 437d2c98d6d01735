/** What a table of class names by colour says of the values that masks hold. */
import { VOID_COLOUR } from '../voc-colours.ts';
import { type ClassTable, type NamedValues, packed, type TableClass } from './class-table.ts';
import type { Findings, Known } from './findings.ts';
import { TRANSPARENT } from './reading.ts';

/** What tables call pixels of no class. */
const NO_CLASS =
  /^[_\W]*(back[ _-]?ground\b.*|ignored?|void|un(known|label(l)?ed|classified|annotated|defined)|no[ _-]?(class|label|data)|none)[_\W]*$/i;
const BACKGROUND = /^[_\W]*back[ _-]?ground/i;
const IGNORE = /^[_\W]*ignored?[_\W]*$/i;

/** Largest difference of a channel to a table's colour where a codec changed the values. */
const CHANGED = 12;

/** Values that mean "no class" in masks of numbers. */
const VOID = new Set([254, 255]);

/** What the best of the tables says of the values that occur; what does not fit is said. */
export function namedValues(
  findings: Findings,
  known: readonly Known[],
  isChanged: boolean,
): NamedValues | undefined {
  const { tables, samples, role, changes } = findings;
  if (
    tables.length === 0 ||
    changes.instances ||
    role === 'instances' ||
    samples === 'alpha' ||
    samples === 'channels'
  )
    return undefined;
  const all = known.map(({ value }) => value).filter((value) => Number.isInteger(value) && value >= 0);
  const fits = tables.flatMap((table) => {
    const fit = table.numbers
      ? fitOfNumbers(findings, table, table.numbers, all)
      : fitOfColours(findings, table, all, isChanged);
    return fit.counted.length === 0 ? [] : [fit];
  });
  if (fits.length === 0) return undefined;
  const best = fits.reduce((a, b) => (b.missing.length < a.missing.length ? b : a));
  const { table, find, missing, counted } = best;
  if (missing.length > 0 && !table.file) return undefined;
  if (missing.length > 0) sayMissing(findings, table, missing, counted.length);
  if (missing.length === counted.length) return undefined;
  if (!table.file) sayStandard(findings);
  best.say?.();
  const source = table.file ?? 'PASCAL VOC';
  const isWhole = missing.length === 0 && (best.namesZero || counted.length === known.length);
  return { ...namesOf(all, find, source), allBy: isWhole ? source : undefined };
}

/** A table as it fits the values of masks. */
interface Fit {
  readonly table: ClassTable;
  readonly find: Find;
  /** Values that it should know, and those of them that it does not. */
  readonly counted: readonly number[];
  readonly missing: readonly number[];
  /** Whether it names a class by 0, which is no background then. */
  readonly namesZero?: boolean;
  /** What is to be said where this table is taken. */
  readonly say?: () => void;
}

function fitOfColours(
  findings: Findings,
  table: ClassTable,
  all: readonly number[],
  isChanged: boolean,
): Fit {
  const meant = all.filter((value) => isMeant(findings, value));
  const sure = findings.samples === 'colour' ? meant : meant.filter((value) => !VOID.has(value));
  const counted = sure.length > 0 ? sure : meant;
  const ways = [
    byColour(findings, table, isChanged),
    ...(table.file && !table.isUnordered ? [byPlace(findings, table, counted)] : []),
  ];
  const find = ways.find((way) => counted.every(way)) ?? ways[0] ?? (() => undefined);
  return { table, find, counted, missing: counted.filter((value) => !find(value)) };
}

/**
 * The numbers of a table are the values of masks; or, where it names a class by 0 and that is the background of masks (as in
 * ADE20K), one less.
 */
function fitOfNumbers(
  findings: Findings,
  table: ClassTable,
  numbers: ReadonlyMap<number, string>,
  all: readonly number[],
): Fit {
  if (findings.samples === 'colour') {
    const counted = all.filter((value) => isMeant(findings, value));
    return { table, find: () => undefined, counted, missing: counted };
  }
  const nameOf = (value: number) => {
    const name = numbers.get(value);
    return name === undefined ? undefined : { name, colour: value };
  };
  const zero = numbers.get(0);
  const isClass = zero !== undefined && !NO_CLASS.test(zero);
  const next = Math.max(...numbers.keys()) + 1;
  const hasVoid = all.some((value) => VOID.has(value) && value !== next);
  const { background } = findings.changes;
  const isOneMore = background === undefined && all.includes(next);
  const isShifted = isClass && !hasVoid && (background === 0 || isOneMore);
  const namesZero = isClass && !isShifted && all.includes(0);
  const find: Find = isShifted ? (value) => (value > 0 ? nameOf(value - 1) : undefined) : nameOf;
  const counted = all.filter((value) => (value > 0 || namesZero) && (find(value) || !VOID.has(value)));
  const say = () => {
    if (isShifted && isOneMore)
      findings.evidence.push(
        `Classes count from 1: the masks hold ${next}, one more than ${table.file} names.`,
      );
    else if (namesZero && background === undefined && !hasVoid)
      findings.look(
        'data/class-numbers',
        `${table.file} calls 0 ${zero}, so no value is taken as background.`,
        'If 0 is background and classes count from 1, as in the masks of ADE20K, choose 0 as the background in the preview, with --background 0, or "background" in dataset.json.',
      );
  };
  return { table, find, counted, missing: counted.filter((value) => !find(value)), namesZero, say };
}

/** Whether a table should know a value: not what is transparent, black or VOC's void. */
function isMeant(findings: Findings, value: number): boolean {
  const colour = colourOf(findings, value) ?? value;
  return colour !== TRANSPARENT && colour !== 0 && colour !== packed(VOID_COLOUR);
}

/** A value as a colour; undefined where it is none. */
function colourOf({ samples, stats }: Findings, value: number): number | undefined {
  if (samples === 'palette') return stats.palette?.get(value);
  if (samples === 'grey') return value <= 255 ? value * 0x10101 : undefined;
  return value;
}

type Find = (value: number) => TableClass | undefined;

function byColour(findings: Findings, { classes }: ClassTable, isChanged: boolean): Find {
  return (value) => {
    const colour = colourOf(findings, value);
    if (colour === undefined) return undefined;
    const own = classes.find((one) => one.colour === colour);
    if (own || !isChanged) return own;
    const near = classes.filter((one) => farthest(one.colour, colour) <= CHANGED);
    return near.sort((a, b) => farthest(a.colour, colour) - farthest(b.colour, colour))[0];
  };
}

/** Masks of numbers hold places in the table or, of a table of one class, any number for it. */
function byPlace({ samples }: Findings, { classes }: ClassTable, counted: readonly number[]): Find {
  if (samples === 'colour') return () => undefined;
  const real = classes.filter(({ name }) => !NO_CLASS.test(name));
  const isOnly = samples === 'grey' && real.length === 1 && counted.length === 1;
  return (value) => classes[value] ?? (isOnly && value === counted[0] ? real[0] : undefined);
}

const farthest = (a: number, b: number) =>
  Math.max(...[16, 8, 0].map((shift) => Math.abs(((a >> shift) & 255) - ((b >> shift) & 255))));

function namesOf(values: readonly number[], find: Find, source: string): Omit<NamedValues, 'allBy'> {
  const found = values.map((value) => ({ value, name: find(value)?.name }));
  const none = found.flatMap(({ value, name }) =>
    name !== undefined && NO_CLASS.test(name) ? [{ value, name, why: `${source} calls it ${name}` }] : [],
  );
  // Black that the table does not know is background, as in all masks.
  const isOpen = !found.some(({ value, name }) => value === 0 && name === undefined);
  const may = isOpen ? none.filter(({ name }) => !IGNORE.test(name)) : [];
  const background =
    may.find(({ name }) => BACKGROUND.test(name)) ?? may.find(({ value }) => value === 0) ?? may[0];
  return {
    names: new Map(
      found.flatMap(({ value, name }) =>
        name === undefined || NO_CLASS.test(name) ? [] : [[value, name] as const],
      ),
    ),
    background,
    ignored: none.filter((one) => one !== background && one.value !== 0),
  };
}

function sayMissing(
  findings: Findings,
  { file = '' }: ClassTable,
  missing: readonly number[],
  of: number,
): void {
  const what = findings.samples === 'colour' ? 'colours' : 'values';
  const rest =
    missing.length === of
      ? `No class is named by it: it has none of the ${what} of these masks, ${findings.list(missing)}.`
      : `It lacks ${missing.length} of the ${of} ${what} of these masks: ${findings.list(missing)}. Their classes have no names.`;
  findings.look(
    'data/class-colours',
    rest,
    'Put the table that the masks were made with beside them, or name classes with "classNames" in dataset.json.',
    file,
  );
}

function sayStandard(findings: Findings): void {
  findings.look(
    'data/class-colours',
    'No file names the classes; their colours are those of PASCAL VOC, so they are called as there.',
    'If they are others, put a class_names.txt with a name in each line above their folder, the first for 0, or "classNames" in dataset.json.',
  );
}
