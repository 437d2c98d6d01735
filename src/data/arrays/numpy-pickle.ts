/**
 * The names that a pickle of NumPy arrays needs, each with what it means here. Nothing of Python runs: a name that is called
 * and is none of these refuses the file. Source: numpy/_core/src/multiarray/methods.c (`array_reduce`), descriptor.c.
 */
import { Failure } from '../../config/failure.ts';
import type { Dialect } from '../../pickle/dialect.ts';
import {
  Built,
  Dict,
  type Global,
  isCounts,
  isPlain,
  Opaque,
  Stretch,
  type Value,
} from '../../pickle/values.ts';

/** An array; what it holds is set after it was made. */
export class PickledArray extends Built {
  shape: readonly number[] = [];
  /** Code of its type, as `<u2`; empty while it is not set. */
  code = '';
  isFortran = false;
  /** Its elements: bytes, or objects. */
  data: Uint8Array | Stretch | readonly Value[] = [];
}

/** The type of an array's elements. */
class PickledType extends Built {
  order = '';
  /** Whether an element is several values. */
  isRecord = false;

  constructor(readonly code: string) {
    super();
  }
}

const typeCode = ({ code, order, isRecord }: PickledType) =>
  isRecord ? 'V' : `${['<', '>', '|', '='].includes(order) ? order : '|'}${code}`;

const damaged = (what: string, where: string): Failure =>
  new Failure({
    code: 'data/pickle-damaged',
    what,
    where,
    cure: 'The file is damaged or cut short; copy it again, or save it again in Python.',
  });

/** Arrays, dictionaries and plain values. */
export const numpyDialect: Dialect = {
  callOf,
  objectOf: ({ path }) => new Opaque(path),
  persistent: (_, where) => {
    throw damaged('It names something that lies outside of it.', where);
  },
  setState: (object, state, where) => {
    if (object instanceof PickledType) setType(object, state);
    else if (object instanceof PickledArray) setArray(object, state, where);
  },
  needs: 'arrays need',
  damaged,
  oldProtocol: (where) =>
    new Failure({
      code: 'data/pickle-protocol',
      what: 'Its pickle is of protocol 0 or 1, which is not read.',
      where,
      cure: 'Save it again in Python: np.save("new.npy", np.load("old.npy", allow_pickle=True)).',
    }),
  refused: ({ path }, _, where) =>
    new Failure({
      code: 'data/pickle-calls',
      what: `Opening it in Python calls ${path}, which no array needs and which may run any code; nothing was run here.`,
      where,
      cure: 'Where you trust its source, load it in Python and save the masks alone: np.save("masks.npy", masks); else do not open it anywhere.',
    }),
};

function callOf(callee: Global, args: readonly Value[], where: string): Value | null {
  const { path } = callee;
  if (/^numpy\._?core\.multiarray\._reconstruct$/.test(path)) return new PickledArray();
  if (path === 'numpy.dtype') return new PickledType(typeof args[0] === 'string' ? args[0] : 'V');
  if (/^numpy\._?core\.numeric\._frombuffer$/.test(path)) return fromBuffer(args, where);
  if (path === '_codecs.encode') return encoded(args, where);
  if (path === 'collections.OrderedDict' || path === 'builtins.dict') return new Dict();
  return isPlain(callee) ? new Opaque(path, true) : null;
}

/** Bytes as protocol 2 has them: a text of as many characters. */
function encoded([text, encoding]: readonly Value[], where: string): Value {
  if (text instanceof Stretch) return text;
  if (typeof text !== 'string' || encoding !== 'latin1') return new Opaque('_codecs.encode', true);
  return latinBytes(text, where);
}

/** The bytes that a text of characters under 256 stands for. @throws Failure. */
export function latinBytes(text: string, where: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) throw damaged('Bytes that it keeps as a text are none.', where);
    bytes[i] = code;
  }
  return bytes;
}

/** `(bytes, type, shape, order)`, of protocol 5. */
function fromBuffer([data = null, type, shape, order]: readonly Value[], where: string): PickledArray {
  const array = new PickledArray();
  fill(array, { data, type, shape, isFortran: order === 'F' }, where);
  return array;
}

/** `(version, order of bytes, …, names, fields, …)` */
function setType(type: PickledType, state: Value): void {
  if (!Array.isArray(state)) return;
  const [, order, base, names] = state;
  if (typeof order === 'string') type.order = order;
  type.isRecord = Array.isArray(names) || Array.isArray(base);
}

/** `(version, shape, type, whether the first axis runs fastest, elements)` */
function setArray(array: PickledArray, state: Value, where: string): void {
  if (!Array.isArray(state)) throw damaged('An array has no content.', where);
  const [shape, type, isFortran, data = null] = state.slice(-4);
  fill(array, { data, type, shape, isFortran: isFortran === true }, where);
}

function fill(
  array: PickledArray,
  {
    data,
    type,
    shape,
    isFortran,
  }: { data: Value; type: Value | undefined; shape: Value | undefined; isFortran: boolean },
  where: string,
): void {
  if (!(type instanceof PickledType) || !isCounts(shape))
    throw damaged('An array has no type or shape.', where);
  array.code = typeCode(type);
  array.shape = shape;
  array.isFortran = isFortran;
  if (typeof data === 'string') array.data = latinBytes(data, where);
  else if (data instanceof Uint8Array || data instanceof Stretch || Array.isArray(data)) array.data = data;
  else throw damaged('An array has no elements.', where);
}
