/** What the elements of an array are, by the codes of NumPy. Source: numpy.lib.format and the array interface. */
import { isReadable, type SampleType } from '../decode/samples.ts';

export interface ElementType extends SampleType {
  readonly littleEndian: boolean;
}

/** Bytes of an element. */
export const bytesOf = ({ bits }: ElementType): number => bits / 8;

/** The type of a code such as `<u2` or `|b1`, or what such elements are where they are no numbers of pixels. */
export function elementType(code: string): ElementType | string {
  const [, order = '', kind = '', size = ''] = /^([<>|=]?)([a-zA-Z?])(\d*)/.exec(code) ?? [];
  const littleEndian = order !== '>';
  const bits = 8 * Number(size || (kind === '?' ? 1 : 0));
  switch (kind) {
    case '?':
    case 'b':
      return { bits: 8, kind: 'unsigned', littleEndian };
    case 'u':
    case 'i':
    case 'f': {
      const type = { bits, kind: KINDS[kind], littleEndian };
      return isReadable(type) && bits >= 8 ? type : `numbers of ${bits} bits`;
    }
    default:
      return Object.hasOwn(OTHERS, kind) ? (OTHERS[kind] ?? code) : `of the type ${code}`;
  }
}

const KINDS = { u: 'unsigned', i: 'signed', f: 'float' } as const;

/** What elements are that NumPy pickles. */
export const PYTHON_OBJECTS = 'Python objects';

const OTHERS: Readonly<Record<string, string>> = {
  c: 'complex numbers',
  M: 'dates',
  m: 'spans of time',
  U: 'texts',
  S: 'texts',
  a: 'texts',
  O: PYTHON_OBJECTS,
  V: 'records of several values',
};

/** The code of a type as {@link elementType} reads it. */
export const codeOf = ({ bits, kind, littleEndian }: ElementType): string =>
  `${bits === 8 ? '|' : littleEndian ? '<' : '>'}${kind === 'unsigned' ? 'u' : kind === 'signed' ? 'i' : 'f'}${bits / 8}`;
