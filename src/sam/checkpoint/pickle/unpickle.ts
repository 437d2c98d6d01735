/**
 * A machine for the opcodes of pickle that `torch.save` and its kin write (protocols 2 to 5). It makes values and calls
 * nothing: see globals.ts. Source: CPython, Lib/pickletools.py.
 */
import { Failure } from '../../../config/failure.ts';
import { damaged, oldProtocol } from './damaged.ts';
import { callOf, globalOf, objectOf, refusedCall, storageOf } from './globals.ts';
import { bytesOf, Dict, Global, Opaque, type Storage, type Value } from './values.ts';

/** The bytes end before the pickle does. */
export class OutOfBytes extends Error {}

export interface Unpickled {
  readonly value: Value;
  /** By key, those that it names. */
  readonly storages: ReadonlyMap<string, Storage>;
  /** Offset of the first byte after the pickle. */
  readonly end: number;
}

/** Objects that one pickle may make; a checkpoint with its optimizer's state makes some ten thousand. */
const MAX_OBJECTS = 2_000_000;
/** Begins every pickle of protocol 2 and later. */
const PROTO = 0x80;
/** Digits of an integer, in bytes. */
const MAX_INTEGER_BYTES = 64;

/**
 * Reads the pickle that starts at `start`.
 * @param file name for messages.
 * @throws Failure `checkpoint/pickle-damaged`, `checkpoint/pickle-calls`, `checkpoint/pickle-object`.
 * @throws OutOfBytes when the bytes end within the pickle.
 */
export function unpickle(bytes: Uint8Array, start: number, file: string): Unpickled {
  return new Machine(bytes, start, file).run();
}

class Machine {
  private readonly view: DataView;
  private readonly text = new TextDecoder();
  private readonly latin = new TextDecoder('latin1');
  private readonly stack: Value[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, Value>();
  private readonly storages = new Map<string, Storage>();
  private objects = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private at: number,
    private readonly file: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): Unpickled {
    if (this.bytes[this.at] !== PROTO && this.at < this.bytes.length) throw oldProtocol(this.file);
    for (;;) {
      const opcode = this.view.getUint8(this.take(1));
      if (opcode === 0x2e /* STOP */) return { value: this.pop(), storages: this.storages, end: this.at };
      this.step(opcode);
    }
  }

  /** Opcodes that change what is there; all others make a value. */
  private step(opcode: number): void {
    switch (opcode) {
      case PROTO:
        this.take(1);
        break;
      case 0x95: // FRAME
        this.take(8);
        break;
      case 0x28: // MARK
        this.count();
        this.marks.push(this.stack.length);
        break;
      case 0x30: // POP
        if (this.stack.length === this.marks.at(-1)) this.marks.pop();
        else this.pop();
        break;
      case 0x31: // POP_MARK
        this.popMark();
        break;
      case 0x61: // APPEND
        this.append(this.popMany(1));
        break;
      case 0x65: // APPENDS
      case 0x90: // ADDITEMS
        this.append(this.popMark());
        break;
      case 0x73: // SETITEM
        this.setItems(this.popMany(2));
        break;
      case 0x75: // SETITEMS
        this.setItems(this.popMark());
        break;
      case 0x71: // BINPUT
        this.memo.set(this.byte(), this.top());
        break;
      case 0x72: // LONG_BINPUT
        this.memo.set(this.length4(), this.top());
        break;
      case 0x94: // MEMOIZE
        this.memo.set(this.memo.size, this.top());
        break;
      case 0x62: // BUILD: attributes of an object, which no tensor needs
        this.pop();
        this.top();
        break;
      default:
        this.push(this.made(opcode));
    }
  }

  private made(opcode: number): Value {
    switch (opcode) {
      case 0x32: // DUP
        return this.top();
      case 0x68: // BINGET
        return this.remembered(this.byte());
      case 0x6a: // LONG_BINGET
        return this.remembered(this.length4());

      case 0x4e: // NONE
        return null;
      case 0x88: // NEWTRUE
        return true;
      case 0x89: // NEWFALSE
        return false;
      case 0x4a: // BININT
        return this.view.getInt32(this.take(4), true);
      case 0x4b: // BININT1
        return this.byte();
      case 0x4d: // BININT2
        return this.view.getUint16(this.take(2), true);
      case 0x8a: // LONG1
        return this.integer(this.byte());
      case 0x8b: // LONG4
        return this.integer(this.length4());
      case 0x47: // BINFLOAT
        return this.view.getFloat64(this.take(8));

      case 0x58: // BINUNICODE
        return this.string(this.length4());
      case 0x8c: // SHORT_BINUNICODE
        return this.string(this.byte());
      case 0x8d: // BINUNICODE8
        return this.string(this.length8());
      case 0x54: // BINSTRING of Python 2
        return this.latin.decode(this.slice(this.length4()));
      case 0x55: // SHORT_BINSTRING
        return this.latin.decode(this.slice(this.byte()));
      case 0x42: // BINBYTES
        return this.slice(this.length4());
      case 0x43: // SHORT_BINBYTES
        return this.slice(this.byte());
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return this.slice(this.length8());

      case 0x29: // EMPTY_TUPLE
      case 0x5d: // EMPTY_LIST
      case 0x8f: // EMPTY_SET
        return [];
      case 0x85: // TUPLE1
        return this.popMany(1);
      case 0x86: // TUPLE2
        return this.popMany(2);
      case 0x87: // TUPLE3
        return this.popMany(3);
      case 0x74: // TUPLE
      case 0x91: // FROZENSET
        return this.popMark();
      case 0x7d: // EMPTY_DICT
        return new Dict();

      case 0x63: // GLOBAL
        return globalOf(this.line(), this.line());
      case 0x93: // STACK_GLOBAL
        return this.stackGlobal(this.popMany(2));
      case 0x52: // REDUCE
        return this.call(this.popMany(2));
      case 0x81: // NEWOBJ
        return this.object(this.popMany(2));
      case 0x92: // NEWOBJ_EX
        return this.object(this.popMany(3));
      case 0x69: // INST, of protocol 0
        throw this.refuseCall(globalOf(this.line(), this.line()));
      case 0x6f: // OBJ, of protocol 1
        throw this.refuseCall(this.popMark()[0]);
      case 0x51: // BINPERSID
        return this.storage(this.pop());
      default:
        throw this.damaged(`Opcode 0x${opcode.toString(16).padStart(2, '0')} is none that tensors need`);
    }
  }

  private stackGlobal([module, name]: readonly Value[]): Global {
    if (typeof module !== 'string' || typeof name !== 'string') throw this.damaged('A name is no text');
    return globalOf(module, name);
  }

  private call([callee, args]: readonly Value[]): Value {
    if (!(callee instanceof Global) || !Array.isArray(args)) throw this.refuseCall(callee);
    const value = callOf(callee, args, this.where());
    if (value === null) throw this.refuseCall(callee);
    return value;
  }

  private object([className]: readonly Value[]): Value {
    if (!(className instanceof Global)) throw this.damaged('An object has no class');
    return objectOf(className);
  }

  private storage(id: Value): Storage {
    const storage = storageOf(id, this.where());
    const known = this.storages.get(storage.key);
    if (known && bytesOf(known) !== bytesOf(storage))
      throw this.damaged(`Storage ${storage.key} has two lengths`);
    this.storages.set(storage.key, storage);
    return storage;
  }

  private refuseCall(callee: Value | undefined): Failure {
    if (!(callee instanceof Global)) return this.damaged('It calls what is no function');
    const [bottom] = this.stack;
    if (bottom instanceof Opaque) return wholeObject(bottom.className, this.file);
    return refusedCall(callee, this.file);
  }

  private append(items: readonly Value[]): void {
    const list = this.top();
    if (Array.isArray(list)) for (const item of items) list.push(item);
    else if (!(list instanceof Opaque)) throw this.damaged('It adds to what is no list');
  }

  private setItems(items: readonly Value[]): void {
    const dict = this.top();
    if (dict instanceof Opaque) return;
    if (!(dict instanceof Dict)) throw this.damaged('It sets an item of what is no dictionary');
    if (items.length % 2 === 1) throw this.damaged('A key has no value');
    for (let i = 0; i < items.length; i += 2) dict.entries.set(items[i] ?? null, items[i + 1] ?? null);
  }

  private remembered(index: number): Value {
    const value = this.memo.get(index);
    if (value === undefined) throw this.damaged(`It recalls object ${index}, which does not exist`);
    return value;
  }

  private push(value: Value): void {
    this.count();
    this.stack.push(value);
  }

  private count(): void {
    if (++this.objects > MAX_OBJECTS) throw this.damaged(`It makes more than ${MAX_OBJECTS} objects`);
  }

  /** The lowest index of the stack that belongs to the values after the last mark. */
  private get floor(): number {
    return this.marks.at(-1) ?? 0;
  }

  private top(): Value {
    const value = this.stack.at(-1);
    if (value === undefined || this.stack.length <= this.floor)
      throw this.damaged('It uses a value that is not there');
    return value;
  }

  private pop(): Value {
    const value = this.top();
    this.stack.pop();
    return value;
  }

  private popMany(count: number): Value[] {
    if (this.stack.length - count < this.floor) throw this.damaged('It uses a value that is not there');
    return this.stack.splice(this.stack.length - count);
  }

  private popMark(): Value[] {
    const mark = this.marks.pop();
    if (mark === undefined) throw this.damaged('It uses a mark that is not there');
    return this.stack.splice(mark);
  }

  /** Moves on by so many bytes; the offset of the first. */
  private take(count: number): number {
    const { at } = this;
    if (count > this.bytes.length - at) throw new OutOfBytes();
    this.at = at + count;
    return at;
  }

  private byte(): number {
    return this.view.getUint8(this.take(1));
  }

  private length4(): number {
    return this.view.getUint32(this.take(4), true);
  }

  private length8(): number {
    return Number(this.view.getBigUint64(this.take(8), true));
  }

  private slice(length: number): Uint8Array {
    const at = this.take(length);
    return this.bytes.subarray(at, at + length);
  }

  private string(length: number): string {
    return this.text.decode(this.slice(length));
  }

  private line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw new OutOfBytes();
    const line = this.string(end - this.at);
    this.at = end + 1;
    return line;
  }

  /** Two's complement, least byte first; a number where it is exact. */
  private integer(length: number): number | bigint {
    if (length > MAX_INTEGER_BYTES) throw this.damaged(`An integer has ${length} bytes`);
    const digits = this.slice(length);
    let value = 0n;
    for (const byte of [...digits].reverse()) value = (value << 8n) | BigInt(byte);
    value = BigInt.asIntN(8 * length, value);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  private where(): string {
    return `${this.file}, byte ${this.at} of its pickle`;
  }

  private damaged(what: string): Failure {
    return damaged(`${what}.`, this.where());
  }
}

/** The failure for a model that was pickled as an object, whose weights only its own code can find. */
export function wholeObject(className: string, file: string): Failure {
  return new Failure({
    code: 'checkpoint/pickle-object',
    what: `It holds a whole object of the class ${className}, not weights by their names; only that class's code can open it.`,
    where: file,
    cure: 'In Python, where it opens, save its weights alone: torch.save(model.state_dict(), "weights.pth").',
  });
}
