import { type FailureRecord, toFailureRecord } from '../config/failure.ts';
import { withFlags } from './model-flags.ts';

/** What `--json` prints where a command fails: alone, or beside what was found before it failed. */
export interface RefusedReport {
  readonly refused: FailureRecord;
}

/**
 * Prints what was found as the one document of `--json`.
 * @param refused why the command fails all the same.
 */
export function printJson(found: object, refused?: FailureRecord): void {
  console.log(JSON.stringify(refused ? { ...found, refused } : found, null, 1));
}

/** Prints a failure as sentences on the error stream; @returns it with the flags that its cure needs. */
export function printFailure(thrown: unknown): FailureRecord {
  const record = withFlags(toFailureRecord(thrown));
  const { what, where, cure } = record;
  console.error(`${where ? `${where}: ` : ''}${what}\n${cure}`);
  if (process.env.MOPEFT_DEBUG) console.error(thrown);
  return record;
}

export interface ResultOptions<T> {
  readonly asJson: boolean;
  /** Prints the result in words. */
  readonly print: (result: T) => void;
  /** What is done with the result once it is known; what this throws does not take the result away. */
  readonly after?: () => Promise<void>;
}

/**
 * Prints a result in words, or as JSON once `after` has ended, so that there is one document whatever happens.
 * @returns the exit status: 1 where `after` failed, which is said in the document and on the error stream.
 */
export async function printResult<T extends object>(
  result: T,
  { asJson, print, after = async () => undefined }: ResultOptions<T>,
): Promise<number> {
  if (!asJson) print(result);
  let refused: FailureRecord | undefined;
  try {
    await after();
  } catch (thrown) {
    refused = printFailure(thrown);
  }
  if (asJson) printJson(result, refused);
  return refused ? 1 : 0;
}
