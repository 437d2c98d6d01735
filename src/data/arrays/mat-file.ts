/**
 * MATLAB's files of level 5 (`save -v6`, `-v7`; SciPy's `savemat`) as the arrays in them. Source: MathWorks, MAT-File Format.
 */
import { damaged, truncated } from '../decode/size-check.ts';
import { nameParts } from '../file-names.ts';
import { inflateBounded, TooLong, Truncated } from '../inflate.ts';
import { limits } from '../limits.ts';
import { refuse } from '../outcome.ts';
import { type ElementType, elementType } from './element-type.ts';
import { countOf, extentOf } from './npy-header.ts';

/** A variable, or an element of a cell or struct. */
export interface MatArray {
  /** As MATLAB writes it: `groundTruth{2}.Segmentation`. */
  readonly name: string;
  /** The same in Python, where `a` is what `scipy.io.loadmat` gives. */
  readonly code: string;
  readonly shape: readonly number[];
  /** Of the elements, or what they are where they are no numbers. */
  readonly type: ElementType | string;
  /** The elements, the first axis fastest; none where they are no numbers. */
  readonly data: Uint8Array;
}

const HEAD = 128;
const MATRIX = 14;
const COMPRESSED = 15;
/** Codes of the types that elements are stored in, whatever class the array has. */
const STORED = ' i1 u1 i2 u2 i4 u4 f4  f8   i8 u8'.split(' ');
const CELL = 1;
const STRUCT = 2;
const FIRST_NUMERIC = 6;
const LAST_NUMERIC = 15;
const OTHERS: Readonly<Record<number, string>> = { 4: 'texts', 5: 'a sparse matrix', 16: 'a function' };
const COMPLEX = 0x800;
const MOST_AXES = 32;
/** Cells and structs that lie in one another. */
const DEEPEST = 16;
/** Arrays of one file, the outline of each object among them. */
const MOST_ARRAYS = 100_000;

/** Level 5 by the version in a file's head, where v7.3, which is HDF5, has 0x200. */
const LEVEL_5 = 0x100;

/** @throws Failure naming `file` when it is of another level, damaged, cut short, or unpacks to too much. */
export function readMat(bytes: Uint8Array, file: string): MatArray[] {
  if (bytes.length < HEAD) throw noMat(file);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const order = String.fromCharCode(view.getUint8(126), view.getUint8(127));
  if (order !== 'IM' && order !== 'MI') throw noMat(file);
  if (view.getUint16(124, order === 'IM') !== LEVEL_5) throw hdf5(file);
  return new MatReader(file, order === 'IM').arraysOf(bytes);
}

interface Element {
  readonly type: number;
  readonly data: Uint8Array;
}

/** Where an array is: its names in MATLAB and in Python, and how deep. */
interface Place extends Pick<MatArray, 'name' | 'code'> {
  readonly depth: number;
}

class MatReader {
  private readonly arrays: MatArray[] = [];
  private unpacked = 0;
  private visited = 0;

  constructor(
    private readonly file: string,
    private readonly littleEndian: boolean,
  ) {}

  arraysOf(bytes: Uint8Array): MatArray[] {
    for (const element of this.elements(bytes.subarray(HEAD), () => truncated(this.file, 'MATLAB'))) {
      const [variable] = element.type === COMPRESSED ? this.inner(this.unpack(element.data)) : [element];
      if (variable) this.matrix(variable);
    }
    return this.arrays;
  }

  private *inner(bytes: Uint8Array): Generator<Element> {
    yield* this.elements(bytes, () => this.damage('an element is longer than what it lies in'));
  }

  /** Elements one behind the other: type and length, or both in half the space before up to four bytes, then the data. */
  private *elements(bytes: Uint8Array, tooLong: () => Error): Generator<Element> {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length; ) {
      if (at + 8 > bytes.length) throw tooLong();
      const word = view.getUint32(at, this.littleEndian);
      const isSmall = word >>> 16 !== 0;
      const type = word & 0xffff;
      const length = isSmall ? word >>> 16 : view.getUint32(at + 4, this.littleEndian);
      const from = isSmall ? at + 4 : at + 8;
      const room = isSmall ? at + 8 : bytes.length;
      if (from + length > room) throw tooLong();
      yield { type, data: bytes.subarray(from, from + length) };
      at = isSmall ? at + 8 : from + (type === COMPRESSED ? length : 8 * Math.ceil(length / 8));
    }
  }

  private unpack(data: Uint8Array): Uint8Array {
    try {
      const bytes = inflateBounded([data], limits.fileBytes - this.unpacked);
      this.unpacked += bytes.length;
      return bytes;
    } catch (thrown) {
      if (thrown instanceof TooLong) throw tooLarge(this.file);
      if (thrown instanceof Truncated) throw truncated(this.file, 'MATLAB');
      throw this.damage('its compressed data cannot be unpacked');
    }
  }

  /** Flags, dimensions and a name, then what the class has. @param place of one in a cell or struct, whose own name is empty. */
  private matrix({ type, data }: Element, place?: Place): void {
    if (++this.visited > MOST_ARRAYS) throw tooLarge(this.file);
    if (type !== MATRIX || data.length === 0) return;
    const parts = this.inner(data);
    const next = (): Uint8Array => this.part(parts).data;
    const flags = this.numbers(next())[0] ?? 0;
    const kind = flags & 0xff;
    if (kind === 17) return; // An object of MATLAB's own, with another head.
    const shape = this.numbers(next());
    const own = textOf(next());
    // What MATLAB keeps of its objects has no name.
    if (!place && own === '') return;
    const { name, code, depth } = place ?? { name: own, code: `a[${JSON.stringify(own)}]`, depth: 0 };
    if (shape.length < 2 || shape.some((size) => size < 0)) throw this.damage(`${name} has no dimensions`);
    const count = countOf(shape);
    const isBranch = kind === CELL || kind === STRUCT;
    if (isBranch && depth < DEEPEST) {
      const fields = kind === STRUCT ? this.fieldsOf(next, name) : undefined;
      for (let i = 0; i < count && fields?.length !== 0; i++) {
        const at = `[${[...indices(i, shape)].join(', ')}]`;
        const number = count === 1 ? '' : fields ? `(${i + 1})` : `{${i + 1}}`;
        for (const field of fields ?? [undefined])
          this.matrix(this.part(parts), {
            name: field === undefined ? `${name}${number}` : `${name}${number}.${field}`,
            code: field === undefined ? `${code}${at}` : `${code}${at}[${JSON.stringify(field)}]`,
            depth: depth + 1,
          });
      }
      return;
    }
    const isNumeric = kind >= FIRST_NUMERIC && kind <= LAST_NUMERIC;
    if (!isNumeric || flags & COMPLEX) {
      const what = isNumeric ? 'complex numbers' : (OTHERS[kind] ?? 'an object');
      this.arrays.push({ name, code, shape, type: what, data: new Uint8Array() });
      return;
    }
    const elements = this.part(parts);
    const stored = elementType(`${this.littleEndian ? '<' : '>'}${STORED[elements.type] ?? 'V'}`);
    if (typeof stored === 'string' || extentOf(stored, shape) !== elements.data.length)
      throw this.damage(`${name} has bytes for another shape than ${shape.join(' × ')}`);
    this.arrays.push({ name, code, shape, type: stored, data: elements.data });
  }

  private part(parts: Generator<Element>): Element {
    const { value } = parts.next();
    if (!value) throw this.damage('an array ends before its content');
    return value;
  }

  /** Names of as many bytes each, filled up with zeros. */
  private fieldsOf(next: () => Uint8Array, name: string): string[] {
    const length = this.numbers(next())[0] ?? 0;
    const names = next();
    if (length < 1 || names.length % length !== 0) throw this.damage(`the fields of ${name} have no names`);
    return Array.from({ length: names.length / length }, (_, i) =>
      textOf(names.subarray(i * length, (i + 1) * length)),
    );
  }

  private numbers(bytes: Uint8Array): number[] {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Array.from({ length: Math.min(bytes.length >> 2, MOST_AXES) }, (_, i) =>
      view.getInt32(4 * i, this.littleEndian),
    );
  }

  private damage(detail: string): Error {
    return damaged(this.file, 'MATLAB', detail);
  }
}

/** Where element `i` is along each axis, the first one fastest. */
function* indices(i: number, shape: readonly number[]): Generator<number> {
  let left = i;
  for (const size of shape) {
    yield left % size;
    left = Math.floor(left / size);
  }
}

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes).replace(/\0.*$/s, '');

const noMat = (file: string) =>
  refuse(
    'data/not-an-image',
    file,
    'By its name this is a file of MATLAB, and it is none of level 5 (v6 or v7); those of v4 are not read.',
    'If it opens in MATLAB, save it again there: s = load("old.mat"); save("new.mat", "-struct", "s", "-v7").',
  );

function hdf5(file: string) {
  const { file: name, stem } = nameParts(file);
  return refuse(
    'data/array-hdf5',
    file,
    'This file of MATLAB is of v7.3, which is HDF5 and not read here.',
    `Save it again in MATLAB: s = load("${name}"); save("${name}", "-struct", "s", "-v7"). Or save its map in Python: np.savez_compressed("${stem}.npz", masks=h5py.File("${name}")["NAME"][()].T), with its name as list(h5py.File("${name}")) says it.`,
  );
}

const tooLarge = (file: string) =>
  refuse(
    'data/too-large',
    file,
    `It holds more than ${MOST_ARRAYS} arrays, or they unpack to more than ${limits.fileBytes / 2 ** 20} MiB.`,
    'Save each image with its masks as a file of its own, and nothing else in it.',
  );
