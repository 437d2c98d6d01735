/** The head of NumPy's files of one array (.npy), versions 1 to 3. Source: numpy/lib/_format_impl.py. */
import { damaged, truncated } from '../decode/size-check.ts';
import { bytesOf, codeOf, type ElementType, elementType } from './element-type.ts';

export interface NpyHeader {
  /** Of the elements, or what they are where they are no numbers. */
  readonly type: ElementType | string;
  readonly isFortran: boolean;
  readonly shape: readonly number[];
  /** Offset of the first element. */
  readonly start: number;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] as const;

/** Whether a file begins as NumPy's arrays do. */
export const isNpy = (bytes: Uint8Array): boolean => MAGIC.every((byte, i) => bytes[i] === byte);

/** Bytes that hold the head of any array of numbers; NumPy itself reads 10,000 at most unless it is told to. */
export const MOST_NPY_HEAD = 16 * 1024;

/**
 * Reads the head.
 * @param bytes the first ones, {@link MOST_NPY_HEAD} of them where the file has so many.
 * @throws Failure naming `file` when they are damaged or end within the head.
 */
export function readNpyHeader(bytes: Uint8Array, file: string): NpyHeader {
  if (bytes.length < 12) throw truncated(file, 'NumPy');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint8(6);
  if (!isNpy(bytes) || version < 1 || version > 3)
    throw damaged(file, 'NumPy', `its version is ${version}, and 1 to 3 are known`);
  const begin = version === 1 ? 10 : 12;
  const start = begin + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (start > bytes.length) {
    if (bytes.length < MOST_NPY_HEAD) throw truncated(file, 'NumPy');
    throw damaged(file, 'NumPy', `its head claims ${start} bytes`);
  }
  const text = new TextDecoder().decode(bytes.subarray(begin, start));
  const descr = /["']descr["']\s*:\s*(?:["'](?<code>[^"']*)["']|(?<record>[[(]))/.exec(text)?.groups;
  const order = /["']fortran_order["']\s*:\s*(True|False)/.exec(text)?.[1];
  const sizes = /["']shape["']\s*:\s*\(([\d\sL,]*)\)/.exec(text)?.[1];
  if (!descr || order === undefined || sizes === undefined)
    throw damaged(file, 'NumPy', 'its head lacks type, order or shape');
  return {
    type: elementType(descr.code ?? 'V'),
    isFortran: order === 'True',
    shape: [...sizes.matchAll(/\d+/g)].map(([size]) => Number(size)),
    start,
  };
}

/** Elements of a shape; beyond 2^53 not exact, but no smaller. */
export const countOf = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1);

/** A file of version 1 with these elements in C order. */
export function writeNpy(type: ElementType, shape: readonly number[], elements: Uint8Array): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${codeOf(type)}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const start = 64 * Math.ceil((10 + text.length + 1) / 64);
  const out = new Uint8Array(start + elements.length).fill(0x20, 0, start);
  out.set([...MAGIC, 1, 0, (start - 10) & 255, (start - 10) >> 8]);
  out.set(new TextEncoder().encode(text), 10);
  out[start - 1] = 0x0a;
  out.set(elements, start);
  return out;
}

/** Bytes of the elements of a shape. */
export const extentOf = (type: ElementType, shape: readonly number[]): number =>
  countOf(shape) * bytesOf(type);
