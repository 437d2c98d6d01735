/** Numbers of objects that say their class: 1000 × class + number, as MOTS, KITTI MOTS and Cityscapes write them. */
import { type Findings, type Known, SMALL_IDS } from './findings.ts';
import type { Table } from './table.ts';

/** What is above it in a number is the class; a smaller number is one itself. */
export const CLASS_STEP = 1000;
/** What MOTS calls what takes no part. */
const NO_PART = 10_000;
/** Numbers of one class, and classes; more are numbers that only happen to be large. */
const MOST_OF_CLASS = 300;
const MOST_CLASSES = 100;
/** Parts of each number on average, where no name says that they are of objects: others lie across some. */
const MOST_PARTS = 2;

export interface CodedIds {
  /** The value that takes no part, where there is one. */
  readonly noPart: number | undefined;
}

/** Whether the values of masks are such numbers; undefined where they are not. */
export function codedIds(findings: Findings, known: readonly Known[]): CodedIds | undefined {
  const { samples, role, changes, gathered } = findings;
  const values = known.map(({ value }) => value).filter((value) => value !== 0);
  const isMarked = values.includes(NO_PART) && !values.some((v) => v > NO_PART && v < NO_PART + CLASS_STEP);
  const noPart = isMarked ? NO_PART : undefined;
  const ids = values.filter((value) => value >= CLASS_STEP && value !== noPart);
  const others = values.filter((value) => value < CLASS_STEP);
  const isCode = (value: number) =>
    Number.isInteger(value) && value % CLASS_STEP <= MOST_OF_CLASS && value < MOST_CLASSES * CLASS_STEP;
  const areCodes =
    samples === 'grey' &&
    ids.some((value) => value % CLASS_STEP > 0) &&
    ids.every(isCode) &&
    others.every((value) => value > 0 && value <= SMALL_IDS);
  const areObjects =
    role === 'instances' || changes.instances === true || areInFewParts(gathered.statistics.plain);
  return areCodes && areObjects && changes.instances !== false ? { noPart } : undefined;
}

const areInFewParts = ({ ids }: Table) => ids.masks > 0 && ids.parts <= MOST_PARTS * ids.count;

/** The class that a number says. */
export const classOfCode = (value: number, step: number): number =>
  value < step ? value : Math.floor(value / step);
