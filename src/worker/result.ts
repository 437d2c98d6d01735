import type { Refusal } from '../data/types.ts';
import type { FailureRecord, Nothing, Result } from './protocol.ts';

/** A call that went well. */
export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

/** The answer of calls that have nothing to say. */
export const done: Result<Nothing> = { ok: true, value: {} };

/** What `src/data` says of a file, in the protocol's words. */
export function failureOf({ code, reason, file, cure, severity }: Refusal): FailureRecord {
  return { code, what: reason, where: file, cure, ...(severity === 'notice' && { isNotice: true }) };
}
