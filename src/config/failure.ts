import type { ModelChoices } from './model-choices.ts';

/**
 * Something that went wrong: what happened, to which file or setting, and the cure. Thrown as a {@link Failure}
 * inside the engine; a plain value at the worker's and the command line's border.
 */
export interface FailureRecord {
  /** Stable machine-readable kind, such as `gpu/no-adapter`. */
  readonly code: string;
  /** What happened, one sentence. */
  readonly what: string;
  /** The file, tensor or setting concerned, if any. */
  readonly where?: string;
  /** What the person can do, one sentence. */
  readonly cure: string;
  /** The answers, where it is a question that only the person can answer; what they mean goes with `code`. */
  readonly options?: readonly string[];
  /** Of a file that is used all the same: only to be looked at. */
  readonly isNotice?: true;
  /** The choices of a model that carry the cure out, where they do: flags on the command line, a button in the studio. */
  readonly choices?: ModelChoices;
  /** What the person has to give for the cure; the command line and the studio each name their control for it. */
  readonly asks?: 'prefix' | 'loraAlpha' | 'decoderHeads' | 'adapter';
}

/** A {@link FailureRecord} that can be thrown. */
export class Failure extends Error {
  readonly record: FailureRecord;

  constructor(record: FailureRecord, options?: ErrorOptions) {
    super(`${record.where ? `${record.where}: ` : ''}${record.what} ${record.cure}`, options);
    this.name = 'Failure';
    this.record = record;
  }
}

/** The record of anything thrown; other than a {@link Failure}, it is reported as a bug. */
export function toFailureRecord(thrown: unknown): FailureRecord {
  if (thrown instanceof Failure) return thrown.record;
  const what = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return {
    code: 'internal',
    what,
    cure: 'This is a bug in the program. Please report it with this message.',
  };
}
