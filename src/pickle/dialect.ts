import type { Failure } from '../config/failure.ts';
import type { Global, Opaque, Value } from './values.ts';

/** What the pickles of one sort of files may name, and what is said of those that do not hold together. */
export interface Dialect {
  /**
   * What a call gives, or null when the pickle may not call this.
   * @throws Failure for arguments that make none.
   */
  callOf(callee: Global, args: readonly Value[], where: string): Value | null;
  /** An object of a class without a call. */
  objectOf(className: Global): Value;
  /** What a persistent id names. @throws Failure. */
  persistent(id: Value, where: string): Value;
  /** Gives an object the state that follows it. @throws Failure for a state that is none. */
  setState(object: Value, state: Value, where: string): void;
  /** What an opcode is none of that is not known: `tensors need`. */
  readonly needs: string;
  /** The failure for a pickle that does not hold together. @param what a sentence. */
  damaged(what: string, where: string): Failure;
  /** The failure for protocols 0 and 1. */
  oldProtocol(where: string): Failure;
  /** The failure for a call that may run code. @param whole the object that the pickle is of, where it is one. */
  refused(callee: Global, whole: Opaque | undefined, where: string): Failure;
}
