import { Failure } from '../config/failure.ts';
import type { Outcome, Refusal } from './types.ts';

/** Why a file is left out. Thrown inside `src/data` only; {@link attempt} turns it into a value at the border. */
export function refuse(code: string, file: string, what: string, cure: string): Failure {
  return new Failure({ code, what, where: file, cure });
}

/** A {@link Refusal} of severity `refused`. */
export function refusal(code: string, file: string, reason: string, cure: string): Refusal {
  return { file, code, reason, cure, severity: 'refused' };
}

/** A {@link Refusal} of severity `notice`: the file is used, and the person is told something about it. */
export function notice(code: string, file: string, reason: string, cure: string): Refusal {
  return { file, code, reason, cure, severity: 'notice' };
}

/**
 * Turns anything thrown into a {@link Refusal} of `file`. What is not a {@link Failure} came from a decoder that met
 * damaged bytes.
 */
export function toRefusal(thrown: unknown, file: string): Refusal {
  if (thrown instanceof Failure) {
    const { code, what, where, cure } = thrown.record;
    return refusal(code, where ?? file, what, cure);
  }
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return refusal(
    'data/damaged',
    file,
    `The file is damaged and could not be read (${detail}).`,
    'Open it in an image program, save it again as PNG, and drop it again.',
  );
}

/**
 * The value of an outcome.
 * @throws Failure its refusal, when there is no value.
 */
export function valueOrThrow<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  const { code, file, reason, cure } = outcome.refusal;
  throw refuse(code, file, reason, cure);
}

/** Runs `work`; whatever it throws becomes the refusal of `file`. */
export async function attempt<T>(file: string, work: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (thrown) {
    return { ok: false, refusal: toRefusal(thrown, file) };
  }
}

/** Remarks without those that say the same of the same again, as of a file that lies above several datasets. */
export function withoutRepeats<R extends object>(remarks: readonly R[]): R[] {
  return [...new Map(remarks.map((remark) => [JSON.stringify(remark), remark])).values()];
}
