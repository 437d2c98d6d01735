/** Writes pickles and files of PyTorch for tests, wrong ones too. */
import { writeZip } from '../data/zip.ts';

/** Python's name of a function or class, as it stands in a pickle. */
export class PyName {
  constructor(
    readonly module: string,
    readonly name: string,
  ) {}
}

/** A call, `callee(*args)`. */
export class PyCall {
  constructor(
    readonly callee: PyValue,
    readonly args: readonly PyValue[],
  ) {}
}

/** An object of a class with attributes. */
export class PyObject {
  constructor(
    readonly className: PyName,
    readonly attributes: Readonly<Record<string, PyValue>> = {},
  ) {}
}

/** A persistent id. */
export class PyId {
  constructor(readonly id: readonly PyValue[]) {}
}

/** Opcodes as they are. */
export class PyRaw {
  constructor(readonly bytes: readonly number[]) {}
}

/** Arrays are tuples. */
export type PyValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly PyValue[]
  | ReadonlyMap<PyValue, PyValue>
  | PyName
  | PyCall
  | PyObject
  | PyId
  | PyRaw;

/** A pickle of protocol 2. */
export function pickle(value: PyValue): Uint8Array<ArrayBuffer> {
  const out = [0x80, 2];
  write(value, out);
  out.push(0x2e);
  return Uint8Array.from(out);
}

function write(value: PyValue, out: number[]): void {
  if (value === null) out.push(0x4e);
  else if (typeof value === 'boolean') out.push(value ? 0x88 : 0x89);
  else if (typeof value === 'bigint' || (typeof value === 'number' && Math.abs(value) > 2 ** 31 - 1))
    out.push(0x8a, 12, ...littleEndian(BigInt(value), 12));
  else if (typeof value === 'number') out.push(0x4a, ...littleEndian(BigInt(value), 4));
  else if (typeof value === 'string') {
    const text = new TextEncoder().encode(value);
    out.push(0x58, ...littleEndian(BigInt(text.length), 4), ...text);
  } else if (value instanceof PyName) {
    out.push(0x63, ...new TextEncoder().encode(`${value.module}\n${value.name}\n`));
  } else if (value instanceof PyCall) {
    write(value.callee, out);
    write(value.args, out);
    out.push(0x52);
  } else if (value instanceof PyObject) {
    write(value.className, out);
    out.push(0x29, 0x81);
    write(new Map(Object.entries(value.attributes)), out);
    out.push(0x62);
  } else if (value instanceof PyId) {
    write(value.id, out);
    out.push(0x51);
  } else if (value instanceof PyRaw) for (const byte of value.bytes) out.push(byte);
  else if (Array.isArray(value)) {
    out.push(0x28);
    for (const item of value as readonly PyValue[]) write(item, out);
    out.push(0x74);
  } else {
    out.push(0x7d, 0x28);
    for (const [key, item] of value as ReadonlyMap<PyValue, PyValue>) {
      write(key, out);
      write(item, out);
    }
    out.push(0x75);
  }
}

function littleEndian(value: bigint, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

/** What `torch.save` writes for a tensor; everything has a default, so that a test says what it is about. */
export interface PyTensor {
  readonly key?: string;
  readonly storage?: PyName;
  /** Elements of the storage. */
  readonly length?: PyValue;
  readonly offset?: PyValue;
  readonly shape?: PyValue;
  readonly strides?: PyValue;
}

const REBUILD = new PyName('torch._utils', '_rebuild_tensor_v2');
const DICT = new PyCall(new PyName('collections', 'OrderedDict'), []);

export function tensor({
  key = '0',
  storage = new PyName('torch', 'FloatStorage'),
  length = 4,
  offset = 0,
  shape = [2, 2],
  strides = [2, 1],
}: PyTensor = {}): PyCall {
  const id = new PyId(['storage', storage, key, 'cpu', length]);
  return new PyCall(REBUILD, [id, offset, shape, strides, false, DICT]);
}

/** A dictionary with text keys. */
export function dict(entries: Readonly<Record<string, PyValue>>): ReadonlyMap<PyValue, PyValue> {
  return new Map(Object.entries(entries));
}

const FOUR = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);

/** The zip form. */
export function zipForm(
  value: PyValue,
  storages: Readonly<Record<string, Uint8Array>> = { 0: FOUR },
  level: 0 | 6 = 0,
): Promise<Uint8Array<ArrayBuffer>> {
  const data = Object.entries(storages).map(([key, bytes]) => [`archive/data/${key}`, bytes] as const);
  const files = {
    'archive/data.pkl': pickle(value),
    'archive/byteorder': new TextEncoder().encode('little'),
  };
  return writeZip({ ...files, ...Object.fromEntries(data) }, level);
}

/** The legacy form. */
export function legacyForm(
  value: PyValue,
  storages: Readonly<Record<string, Uint8Array>> = { 0: FOUR },
  keys: PyValue = Object.keys(storages),
  isLittleEndian = true,
): Uint8Array<ArrayBuffer> {
  const parts = [
    pickle(0x1950a86a20f9469cfc6cn),
    pickle(1001),
    pickle(dict({ protocol_version: 1001, little_endian: isLittleEndian })),
    pickle(value),
    pickle(keys),
    ...Object.values(storages).flatMap((bytes) => [
      Uint8Array.from(littleEndian(BigInt(bytes.length / 4), 8)),
      bytes,
    ]),
  ];
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
