import { plural } from '../../config/words.ts';
import type { FailureRecord } from '../../worker/protocol.ts';

/** How many files were left out, and how many remarks are on files that are used: `2 files left out, 1 remark to check`. */
export function leftOutOrToCheck(refusals: readonly FailureRecord[]): string {
  const notices = refusals.filter(({ isNotice }) => isNotice).length;
  const left = refusals.length - notices;
  const leftOut = `${plural(left, 'file')} left out`;
  const toCheck = `${plural(notices, 'remark')} to check`;
  if (notices === 0) return leftOut;
  return left === 0 ? toCheck : `${leftOut}, ${toCheck}`;
}
