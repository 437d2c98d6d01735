/** Tables of class names by colour, as they lie beside masks. */
import { type Colour, VOID_COLOUR, vocColour } from '../voc-colours.ts';

/** A class as a table of colours has it. */
export interface TableClass {
  readonly name: string;
  /** 65536·R + 256·G + B. */
  readonly colour: number;
}

/** The classes of a table in its order, in which masks of numbers count them from 0. */
export interface ClassTable {
  /** The file that says so; absent for a table that everybody knows. */
  readonly file?: string;
  readonly classes: readonly TableClass[];
  /** Set in place of `classes` where it has no colours, but the number of each class. */
  readonly numbers?: ReadonlyMap<number, string>;
  /** Set where the order of the classes says nothing of numbers in masks. */
  readonly isUnordered?: true;
}

/** What a table says of the values of masks. */
export interface NamedValues {
  /** Names of classes by value. */
  readonly names: ReadonlyMap<number, string>;
  /** Set where it names every value, none of them black: as what it is known. */
  readonly allBy: string | undefined;
  /** The value that the table calls background. */
  readonly background: TableValue | undefined;
  /** Other values that it calls no class. */
  readonly ignored: readonly TableValue[];
}

/** A value, and a sentence's end on why it is what it is. */
export interface TableValue {
  readonly value: number;
  readonly why: string;
}

const VOC_CLASSES =
  'background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant sheep sofa train tvmonitor';

/** Red, green and blue as one number. */
export const packed = ([red, green, blue]: Colour) => (red << 16) | (green << 8) | blue;

/** The classes of PASCAL VOC by its colours. */
export const vocTable: ClassTable = {
  classes: [
    ...VOC_CLASSES.split(' ').map((name, number) => ({ name, colour: packed(vocColour(number)) })),
    { name: 'void', colour: packed(VOID_COLOUR) },
  ],
};
