/** What a pickle can hold here. Nothing in it can be called: names of Python's functions and classes are texts. */

/** Tuples, lists and sets are arrays. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Value[]
  | Dict
  | Global
  | Opaque
  | Built;

export class Dict {
  readonly entries = new Map<Value, Value>();
}

/** A function or class of Python by its name. */
export class Global {
  constructor(
    readonly module: string,
    readonly name: string,
  ) {}

  get path(): string {
    return `${this.module}.${this.name}`;
  }
}

/** Names that Python 2 had for the same things. */
const RENAMED: Readonly<Record<string, string>> = { __builtin__: 'builtins', copy_reg: 'copyreg' };

/** A name as Python 3 has it. */
export function globalOf(module: string, name: string): Global {
  return new Global(Object.hasOwn(RENAMED, module) ? (RENAMED[module] ?? module) : module, name);
}

/** An object of a class that is not needed; its content was passed over. */
export class Opaque {
  constructor(
    /** The class, such as `argparse.Namespace`. */
    readonly className: string,
    /** A setting, a date, a path: nothing that a person would miss. */
    readonly isPlain = false,
  ) {}
}

/** What a dialect makes of a call or an id: a tensor, an array. */
export abstract class Built {
  /** Tells these from other values for the compiler too. */
  readonly isBuilt = true;
}

/** Bytes of the file that were passed over: too many to be held before it is known that they are needed. */
export class Stretch extends Built {
  constructor(
    /** Offset in the file. */
    readonly at: number,
    readonly length: number,
    /** Whether they are a text in UTF-8. */
    readonly isText: boolean,
  ) {
    super();
  }
}

export function isCount(value: Value | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

export function isCounts(value: Value | undefined): value is number[] {
  return Array.isArray(value) && value.every(isCount);
}

/** Constructors of plain values, which lie beside what is looked for (settings, dates, paths): kept as data that is never looked into. */
const PLAIN =
  /^(numpy\.(_?core\.multiarray\.scalar|dtype)|_codecs\.encode|builtins\.(set|frozenset|slice|x?range|complex|bytes|bytearray|object)|pathlib\.([\w.]*\.)?\w*Path|datetime\.\w+|decimal\.Decimal|uuid\.UUID|types\.SimpleNamespace|functools\.partial|collections\.(deque|Counter))$/;

/** Whether a call makes a plain value whatever it is given. */
export const isPlain = ({ path }: Global): boolean => PLAIN.test(path);
