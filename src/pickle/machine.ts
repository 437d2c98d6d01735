/**
 * A machine for the opcodes of pickle, protocols 2 to 5. It makes values and calls nothing: what a name stands for is in the
 * tables of a {@link Dialect}. Source: CPython, Lib/pickletools.py.
 */
import type { Failure } from '../config/failure.ts';
import type { Dialect } from './dialect.ts';
import { Dict, Global, globalOf, Opaque, Stretch, type Value } from './values.ts';

/** The bytes end before the pickle does. */
export class OutOfBytes extends Error {}

/** Bytes that are needed next and are not loaded. */
class NotLoaded extends Error {
  /** @param end offset in the file. */
  constructor(readonly end: number) {
    super();
  }
}

export interface Unpickled {
  readonly value: Value;
  /** Offset of the first byte after the pickle. */
  readonly end: number;
}

/** A file of which parts are read. */
export interface PickleFile {
  /** Name for messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** The bytes [offset, offset + length), which lie within the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Objects that one pickle may make; a checkpoint with its optimizer's state makes some ten thousand. */
const MAX_OBJECTS = 2_000_000;
/** Begins every pickle of protocol 2 and later. */
const PROTO = 0x80;
/** Digits of an integer, in bytes. */
const MAX_INTEGER_BYTES = 64;
/** Bytes of a name. */
const MAX_LINE_BYTES = 4096;
/** Of a file that is read in parts: bytes that are read at once, those of a value that is held, and those of all such. */
const PART_BYTES = 64 * 1024;
const HELD_BYTES = 1024;
const MAX_HELD_BYTES = 32 * 2 ** 20;

/**
 * Reads the pickle that starts at `start`.
 * @param name of the file, for messages.
 * @throws Failure of the dialect.
 * @throws OutOfBytes when the bytes end within the pickle.
 */
export function unpickle(bytes: Uint8Array, start: number, name: string, dialect: Dialect): Unpickled {
  const machine = new Machine(bytes.length, start, name, dialect, Number.POSITIVE_INFINITY);
  machine.load(bytes, 0);
  return machine.run();
}

/**
 * Reads the pickle that starts at `start` of a file part by part. Long values are passed over: a {@link Stretch} says where they lie.
 * @throws Failure of the dialect, or of the file.
 * @throws OutOfBytes when the file ends within the pickle.
 */
export async function unpickleParts(file: PickleFile, start: number, dialect: Dialect): Promise<Unpickled> {
  const machine = new Machine(file.size, start, file.name, dialect, HELD_BYTES);
  for (;;) {
    try {
      return machine.run();
    } catch (thrown) {
      if (!(thrown instanceof NotLoaded)) throw thrown;
      const length = Math.min(Math.max(PART_BYTES, thrown.end - machine.at), file.size - machine.at);
      const part = await file.read(machine.at, length);
      if (part.length < length) throw new OutOfBytes();
      machine.load(part, machine.at);
    }
  }
}

class Machine {
  /** What is loaded, and its offset in the file. */
  private bytes: Uint8Array = new Uint8Array();
  private view: DataView = new DataView(this.bytes.buffer);
  private base = 0;
  private readonly text = new TextDecoder();
  private readonly latin = new TextDecoder('latin1');
  private readonly stack: Value[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, Value>();
  private objects = 0;
  private heldBytes = 0;
  private isBegun = false;

  /** @param mostHeld bytes of a value from which on it is passed over. */
  constructor(
    private readonly size: number,
    public at: number,
    private readonly name: string,
    private readonly dialect: Dialect,
    private readonly mostHeld: number,
  ) {}

  load(bytes: Uint8Array, base: number): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.base = base;
  }

  /** Goes on to the end of the pickle. @throws NotLoaded before an opcode whose bytes are missing. */
  run(): Unpickled {
    if (!this.isBegun) {
      if (this.at < this.size && this.view.getUint8(this.take(1)) !== PROTO)
        throw this.dialect.oldProtocol(this.name);
      this.take(1);
      this.isBegun = true;
    }
    for (;;) {
      const start = this.at;
      try {
        const opcode = this.byte();
        if (opcode === 0x2e /* STOP */) return { value: this.pop(), end: this.at };
        this.step(opcode);
      } catch (thrown) {
        // An opcode takes its bytes before it changes anything, so it can be begun again.
        this.at = start;
        throw thrown;
      }
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
      case 0x62: // BUILD
        this.build(this.pop(), this.top());
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
      case 0x54: // BINSTRING of Python 2, whose texts are bytes
        return this.latinText(this.length4());
      case 0x55: // SHORT_BINSTRING
        return this.latinText(this.byte());
      case 0x42: // BINBYTES
        return this.held(this.length4());
      case 0x43: // SHORT_BINBYTES
        return this.held(this.byte());
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return this.held(this.length8());

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
        return this.dialect.persistent(this.pop(), this.where());
      default:
        throw this.damaged(
          `Opcode 0x${opcode.toString(16).padStart(2, '0')} is none that ${this.dialect.needs}`,
        );
    }
  }

  private stackGlobal([module, name]: readonly Value[]): Global {
    if (typeof module !== 'string' || typeof name !== 'string') throw this.damaged('A name is no text');
    return globalOf(module, name);
  }

  private call([callee, args]: readonly Value[]): Value {
    if (!(callee instanceof Global) || !Array.isArray(args)) throw this.refuseCall(callee);
    const value = this.dialect.callOf(callee, args, this.where());
    if (value === null) throw this.refuseCall(callee);
    return value;
  }

  private object([className]: readonly Value[]): Value {
    if (!(className instanceof Global)) throw this.damaged('An object has no class');
    return this.dialect.objectOf(className);
  }

  private build(state: Value, object: Value): void {
    this.dialect.setState(object, state, this.where());
  }

  private refuseCall(callee: Value | undefined): Failure {
    if (!(callee instanceof Global)) return this.damaged('It calls what is no function');
    const [bottom] = this.stack;
    return this.dialect.refused(callee, bottom instanceof Opaque ? bottom : undefined, this.name);
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

  /** Moves on by so many bytes; the place of the first among those that are loaded. */
  private take(count: number): number {
    const { at } = this;
    if (count > this.size - at) throw new OutOfBytes();
    const place = at - this.base;
    if (place < 0 || place + count > this.bytes.length) throw new NotLoaded(at + count);
    this.at = at + count;
    return place;
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
    const place = this.take(length);
    return this.bytes.subarray(place, place + length);
  }

  /** The bytes of a value. */
  private held(length: number): Uint8Array | Stretch {
    if (this.mostHeld === Number.POSITIVE_INFINITY) return this.slice(length);
    // A copy, so that what was read around it is let go.
    return this.passed(length, false) ?? this.slice(length).slice();
  }

  private latinText(length: number): string | Stretch {
    return this.passed(length, false) ?? this.latin.decode(this.slice(length));
  }

  private string(length: number): string | Stretch {
    return this.passed(length, true) ?? this.text.decode(this.slice(length));
  }

  /** Passes over bytes that are too many to be held; undefined where they are not. */
  private passed(length: number, isText: boolean): Stretch | undefined {
    if (length <= this.mostHeld) {
      this.heldBytes += length;
      if (this.heldBytes > MAX_HELD_BYTES && this.mostHeld < Number.POSITIVE_INFINITY)
        throw this.damaged(`Its small values take more than ${MAX_HELD_BYTES} bytes`);
      return undefined;
    }
    const { at } = this;
    if (length > this.size - at) throw new OutOfBytes();
    this.at = at + length;
    return new Stretch(at, length, isText);
  }

  private line(): string {
    const place = this.at - this.base;
    const end = this.bytes.indexOf(0x0a, Math.max(0, place));
    if (place < 0 || end < 0) {
      const loaded = place < 0 ? this.at : this.base + this.bytes.length;
      if (loaded >= this.size) throw new OutOfBytes();
      if (loaded - this.at > MAX_LINE_BYTES) throw this.damaged('A name does not end');
      throw new NotLoaded(Math.min(this.size, loaded + MAX_LINE_BYTES));
    }
    return this.text.decode(this.slice(end + 1 - place).subarray(0, -1));
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
    return `${this.name}, byte ${this.at} of its pickle`;
  }

  private damaged(what: string): Failure {
    return this.dialect.damaged(`${what}.`, this.where());
  }
}
