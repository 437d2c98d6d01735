/** From statistics of all masks of a role to their reading, with the evidence for it. */
import type { Refusal } from '../types.ts';
import { backgroundOf } from './background.ts';
import type { ClassTable } from './class-table.ts';
import { CLASS_STEP, codedIds } from './coded-ids.ts';
import { Findings, type Known, same } from './findings.ts';
import { ignoredOf } from './ignored.ts';
import { meaningOf } from './meaning.ts';
import { type MeantValues, meantValues, thresholdOf } from './meant-values.ts';
import { namedValues } from './named-values.ts';
import { type MaskReading, type MaskRole, type ReadingChanges, settingText, TRANSPARENT } from './reading.ts';
import type { MaskStatistics } from './statistics.ts';
import { refuseOthers, whiteZero } from './unusual-files.ts';

/** What was found out of the masks of one role. */
export interface InferredReading {
  /** Null when the masks cannot be read: a refusal in `remarks` says why. */
  readonly reading: MaskReading | null;
  /** A sentence for each part of the reading: what, and how it is known. */
  readonly evidence: readonly string[];
  /** What is not certain, and masks that are left out. */
  readonly remarks: readonly Refusal[];
  /** Names of classes by label, where a table gives them. */
  readonly classNames: ReadonlyMap<number, string>;
  /** The values, or levels, that occur, those of most pixels first; none where the samples are not read. */
  readonly values: readonly ValueShare[];
}

/** A value that occurs, with its share of all pixels, 0–1. */
export interface ValueShare {
  readonly value: number;
  readonly share: number;
}

/** Values that a person is offered, and those where most are an object each: background and what is ignored cover much. */
const MOST_CHOICES = 64;
const MOST_CHOICES_OF_OBJECTS = 12;

/** The reading of a role's masks. @param tables of which one may name the classes. */
export function inferReading(
  stats: MaskStatistics,
  role: MaskRole,
  changes: ReadingChanges = {},
  tables: readonly ClassTable[] = [],
): InferredReading {
  const findings = new Findings(stats, role, changes, tables);
  refuseOthers(findings);
  if (stats.whiteZeroFiles.length > 0) whiteZero(findings);
  const found = changes.threshold === undefined ? meantValues(findings) : null;
  const reading =
    changes.threshold === undefined
      ? found && readingOf(findings, found)
      : withThreshold(findings, changes.threshold);
  const isOfObjects = reading?.meaning === 'objects';
  const isUsed = (value: number) =>
    same(value, reading?.background ?? null) || reading?.ignored.includes(value);
  const values = (found?.known ?? [])
    .map((one) => ({ value: one.value, share: findings.share(one) }))
    .sort((a, b) => b.share - a.share)
    .filter(({ value }, i) => i < (isOfObjects ? MOST_CHOICES_OF_OBJECTS : MOST_CHOICES) || isUsed(value));
  const { evidence, remarks } = findings;
  return { reading, evidence, remarks, classNames: namesOfTable(findings, reading), values };
}

/** The reading by the values that are meant; null, with a refusal, when there is none. */
function readingOf(findings: Findings, { known, levels }: MeantValues): MaskReading | null {
  if (known.length === 0) return null;
  if (!hasChosenValues(findings, known)) return null;
  findings.named = namedValues(findings, known, levels !== null);
  const background = backgroundOf(findings, known);
  const ignored = ignoredOf(findings, known, background);
  const foreground = known
    .map(({ value }) => value)
    .filter((value) => !same(value, background) && !ignored.includes(value));
  if (!canLabel(findings, foreground, levels)) return null;
  const meaning = meaningOf(findings, known, foreground, levels);
  const threshold = thresholdOf(findings, levels);
  const isCoded = meaning === 'objects' && codedIds(findings, known) !== undefined;
  return {
    samples: findings.samples,
    background,
    ignored,
    levels,
    threshold,
    meaning,
    ...(isCoded && { classStep: CLASS_STEP }),
    zeroLabel: zeroLabel(background, foreground),
    transparentUnder: findings.gathered.transparentUnder,
  };
}

/** A reading with a person's threshold, which needs no more evidence. */
function withThreshold(findings: Findings, threshold: number): MaskReading | null {
  if (findings.gathered.kind !== 'number') {
    findings.refuseAll(
      'data/reading-threshold',
      'A threshold needs grey masks or alpha, and these are colours or indices',
      'Leave out --threshold, or save the masks as grey.',
    );
    return null;
  }
  const background = findings.changes.background ?? 0;
  findings.evidence.push(
    `${threshold} is the threshold, as you chose: values on the side of ${background} are background.`,
  );
  return {
    samples: findings.samples,
    background,
    ignored: findings.changes.ignored ?? [],
    levels: null,
    threshold,
    meaning: findings.role === 'masks' ? 'foreground' : 'classes',
    zeroLabel: 0,
    transparentUnder: null,
  };
}

/** Whether all values that a person chose occur; where one does not, that is a refusal. */
function hasChosenValues(findings: Findings, known: readonly Known[]): boolean {
  const { background, ignored = [] } = findings.changes;
  const chosen = [...(background === undefined || background === null ? [] : [background]), ...ignored];
  const missing = chosen.find((value) => !known.some((one) => same(one.value, value)));
  if (missing === undefined) return true;
  const values = findings.list(known.map(({ value }) => value));
  findings.refuseAll(
    'data/reading-no-such-value',
    `${findings.text(missing)} is no value of these masks: they hold ${values}`,
    `Choose among ${known
      .slice(0, 8)
      .map(({ value }) => settingText(value, findings.samples))
      .join(', ')}.`,
  );
  return false;
}

/** Labels are whole numbers; without them the masks are refused. */
function canLabel(
  findings: Findings,
  foreground: readonly number[],
  levels: readonly number[] | null,
): boolean {
  if (foreground.length <= 1 && findings.role === 'masks') return true;
  const odd = foreground.find((value) => !Number.isInteger(value) || value > 0x7fffffff);
  if (odd === undefined || (levels?.length === 2 && findings.role === 'masks')) return true;
  findings.refuseAll(
    'data/mask-fractions',
    `These masks contain ${odd > 0x7fffffff ? 'values' : 'fractions'} such as ${odd}, which are no labels`,
    'Export them as 8-bit or 16-bit PNG of whole numbers, or give a --threshold from which a pixel is foreground.',
  );
  return false;
}

/** Names that a table gives, by the labels that values become. */
function namesOfTable(findings: Findings, reading: MaskReading | null): ReadonlyMap<number, string> {
  const names = findings.named?.names;
  if (!names || !reading || reading.meaning === 'objects') return new Map();
  const { background, ignored, meaning, zeroLabel } = reading;
  const used = [...names].filter(([value]) => !same(value, background) && !ignored.includes(value));
  if (meaning === 'classes') return new Map(used.map(([value, name]) => [value || zeroLabel, name]));
  const [[, only] = []] = used;
  return new Map(only !== undefined && used.length === 1 ? [[1, only]] : []);
}

/** A label for 0 where it is no background: that of the value that is, or one that is free. */
function zeroLabel(background: number | null, foreground: readonly number[]): number {
  if (background === 0) return 0;
  const isLabel =
    background !== null && Number.isInteger(background) && background > 0 && background < TRANSPARENT;
  return isLabel ? background : Math.max(0, ...foreground) + 1;
}
