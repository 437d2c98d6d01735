import { Failure, type FailureRecord } from '../config/failure.ts';
import { withFlags } from './model-flags.ts';

/** What `--json` prints of files that are refused. */
export interface RefusedFiles {
  readonly refused: FailureRecord;
}

/**
 * Prints a report in words or as JSON; its answer is the exit status.
 * @throws whatever the report does; but as JSON, a Failure is printed as a refusal and gives 1.
 */
export async function printReport<T>(
  report: () => Promise<T>,
  print: (report: T) => void,
  asJson: boolean,
): Promise<number> {
  if (!asJson) {
    print(await report());
    return 0;
  }
  try {
    console.log(JSON.stringify(await report(), null, 1));
    return 0;
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    const refused: RefusedFiles = { refused: withFlags(thrown.record) };
    console.log(JSON.stringify(refused, null, 1));
    return 1;
  }
}
