/**
 * The few names of Python that a pickle of tensors needs, each with what it means here. Nothing of Python runs: a name that
 * is called and is not in these tables refuses the file.
 */
import { Failure } from '../../../config/failure.ts';
import { Dict, Global, isCount, isCounts, isPlain, Opaque, type Value } from '../../../pickle/values.ts';
import type { Dtype } from '../dtype.ts';
import { damaged } from './damaged.ts';
import { NUMPY_ARRAY, Storage, TensorView } from './values.ts';

/** Classes of storages, and the types of elements by their names (`torch.float32`). */
const STORAGE_DTYPES: Readonly<Record<string, Dtype>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
  ComplexFloatStorage: 'C64',
  ComplexDoubleStorage: 'C128',
};
const ELEMENT_DTYPES: Readonly<Record<string, Dtype>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint64: 'U64',
  uint32: 'U32',
  uint16: 'U16',
  uint8: 'U8',
  bool: 'BOOL',
  float8_e4m3fn: 'F8_E4M3',
  float8_e5m2: 'F8_E5M2',
  complex64: 'C64',
  complex128: 'C128',
};

/** Most dimensions of a tensor. */
const MAX_RANK = 32;

type Build = (args: readonly Value[], where: string) => Value;

/** Functions that build tensors and dictionaries. */
const BUILDERS: Readonly<Record<string, Build>> = {
  'torch._utils._rebuild_tensor': (args, where) => tensor(args, where),
  'torch._utils._rebuild_tensor_v2': (args, where) => tensor(args, where, null, args[6]),
  'torch._utils._rebuild_tensor_v3': (args, where) => tensor(args, where, args[6], args[7]),
  'torch._utils._rebuild_parameter': ([data = null]) => data,
  'torch._utils._rebuild_parameter_with_state': ([data = null]) => data,
  // A tensor with attributes: its function and that function's arguments.
  'torch._tensor._rebuild_from_type_v2': ([build, , args], where) => {
    const known = build instanceof Global && build.path.startsWith('torch._utils.') && BUILDERS[build.path];
    if (!known || !Array.isArray(args))
      throw damaged('A tensor is built in a way that does not exist.', where);
    return known(args, where);
  },
  'torch.Size': ([sizes = []]) => sizes,
  'collections.OrderedDict': dictionary,
  'collections.defaultdict': () => new Dict(),
  'builtins.dict': dictionary,
  // How protocols before 4 spell the name of something within a class; as a name it is as inert as others.
  'builtins.getattr': ([owner, name], where) => {
    if (owner instanceof Global && typeof name === 'string')
      return new Global(owner.module, `${owner.name}.${name}`);
    throw refusedCall(new Global('builtins', 'getattr'), where);
  },
};

/** Plain values of PyTorch, which lie beside weights as those do that {@link isPlain} knows. */
const PLAIN = /^torch\.(device|serialization\._get_layout)$/;

/** The failure for a call of what is in none of the tables. */
export function refusedCall({ path }: Global, where: string): Failure {
  if (path.startsWith('torch._utils._rebuild_')) return unreadableKind(`a tensor that ${path} builds`, where);
  return new Failure({
    code: 'checkpoint/pickle-calls',
    what: `Opening it in Python calls ${path}, which no tensor needs and which may run any code; nothing was run here.`,
    where,
    cure: 'Where you trust its source, load it in Python and save model.state_dict() alone; else do not open it anywhere.',
  });
}

/**
 * What a call gives, or null when the pickle may not call this.
 * @throws Failure `checkpoint/pickle-damaged` for arguments that make no tensor.
 */
export function callOf(callee: Global, args: readonly Value[], where: string): Value | null {
  const build = Object.hasOwn(BUILDERS, callee.path) ? BUILDERS[callee.path] : undefined;
  if (build) return build(args, where);
  if (/^numpy\._?core\.multiarray\._reconstruct$/.test(callee.path)) return new Opaque(NUMPY_ARRAY);
  const [first] = args;
  if (callee.path === 'copyreg._reconstructor' && first instanceof Global) return new Opaque(first.path);
  return PLAIN.test(callee.path) || isPlain(callee) ? new Opaque(callee.path, true) : null;
}

/** An object of a class without a call: a dictionary, or data that is passed over. */
export function objectOf(className: Global): Value {
  return className.path === 'collections.OrderedDict' ? new Dict() : new Opaque(className.path);
}

/**
 * The storage that a persistent id names: `('storage', class, key, location, length)`, in old files with a part of it as
 * `(key, offset, length)` at the end.
 * @throws Failure `checkpoint/pickle-damaged`.
 */
export function storageOf(id: Value, where: string): Storage {
  if (!Array.isArray(id) || id[0] !== 'storage')
    throw damaged('It names something that is no storage.', where);
  const [, type, key, , length, part] = id;
  if (!(type instanceof Global) || (typeof key !== 'string' && typeof key !== 'number') || !isCount(length))
    throw damaged('It names a storage without class, key or length.', where);
  const dtype = storageDtype(type);
  if (dtype === undefined) throw unreadableKind(`tensors of the type ${type.path}`, where);
  let start = 0;
  if (part !== undefined && part !== null) {
    const offset = Array.isArray(part) ? part[1] : undefined;
    if (!isCount(offset) || offset > length)
      throw damaged(`A part of the storage ${key} lies outside it.`, where);
    start = offset;
  }
  return new Storage(String(key), dtype, length, start);
}

function unreadableKind(kind: string, where: string): Failure {
  return new Failure({
    code: 'checkpoint/dtype',
    what: `It holds ${kind}, which cannot be read here.`,
    where,
    cure: 'Use dense weights of plain floats, not quantised ones (F32, F16 or BF16).',
  });
}

/** Null for storages that leave the type to their tensors, undefined for none. */
function storageDtype({ module, name }: Global): Dtype | null | undefined {
  if (!/^torch(\.(cuda|storage))?$/.test(module)) return undefined;
  if (name === 'UntypedStorage') return null;
  return Object.hasOwn(STORAGE_DTYPES, name) ? STORAGE_DTYPES[name] : undefined;
}

/** `(storage, offset, shape, strides, …)` */
function tensor(args: readonly Value[], where: string, type: Value = null, marks: Value = null): TensorView {
  const [storage, offset, shape, strides] = args;
  if (!(storage instanceof Storage)) throw damaged('A tensor has no storage.', where);
  const named = type instanceof Global && type.module === 'torch' ? type.name : '';
  const dtype = storage.dtype ?? (Object.hasOwn(ELEMENT_DTYPES, named) ? ELEMENT_DTYPES[named] : undefined);
  if (dtype === undefined)
    throw unreadableKind(`a tensor of the type ${type instanceof Global ? type.path : 'unknown'}`, where);
  // A view that is the negative or the conjugate of what its storage holds.
  const mark = marks instanceof Dict && ['neg', 'conj'].find((key) => marks.entries.get(key) === true);
  if (mark) throw unreadableKind(`a view marked "${mark}"`, where);
  if (!isCount(offset) || !isCounts(shape) || !isCounts(strides) || strides.length !== shape.length)
    throw damaged('A tensor has no shape, or strides that do not fit it.', where);
  if (shape.length > MAX_RANK) throw damaged(`A tensor has ${shape.length} dimensions.`, where);
  return new TensorView(storage, dtype, storage.start + offset, shape, strides);
}

/** Empty, or of pairs, as Python 2 wrote it. */
function dictionary([pairs]: readonly Value[], where: string): Dict {
  const dict = new Dict();
  if (pairs instanceof Dict) return pairs;
  for (const pair of Array.isArray(pairs) ? pairs : []) {
    if (!Array.isArray(pair) || pair.length !== 2)
      throw damaged('A dictionary holds something that is no pair.', where);
    const [key = null, value = null] = pair;
    dict.entries.set(key, value);
  }
  return dict;
}
