/**
 * What every part of the project says when something goes wrong: what happened, to which file or setting, and the cure.
 * Thrown inside the engine, turned into a plain value at the worker's and the CLI's border.
 */
export interface FailureRecord {
  /** Stable machine-readable kind, e.g. `gpu/no-adapter`, `checkpoint/truncated`. */
  readonly code: string;
  /** What happened, one sentence. */
  readonly what: string;
  /** The file, tensor or setting concerned, when there is one. */
  readonly where?: string;
  /** What the person can do about it, one sentence. */
  readonly cure: string;
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

/** Any thrown thing as a record; what is not a {@link Failure} is reported as a bug of the program. */
export function toFailureRecord(thrown: unknown): FailureRecord {
  if (thrown instanceof Failure) return thrown.record;
  const what = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return {
    code: 'internal',
    what,
    cure: 'This is a bug in the program. Please report it with this message.',
  };
}
