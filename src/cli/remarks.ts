import { csv } from '../config/csv.ts';
import { writeOut } from './write-files.ts';

/** What `inspect` says of a file that it left out (`refused`), or took and that should be looked at (`look`). */
export interface Remark {
  readonly code: string;
  readonly severity: 'refused' | 'look';
  /** Null for a remark on the whole. */
  readonly file: string | null;
  readonly what: string;
  readonly cure: string;
}

/** Remarks for people, those on what was left out first, and how many there are of both. */
export function printRemarks(remarks: readonly Remark[]): void {
  const print = (severity: Remark['severity'], title: string) => {
    const some = remarks.filter((remark) => remark.severity === severity);
    if (some.length === 0) return;
    console.log(`${title}: ${some.length}`);
    for (const { file, what, cure } of some) {
      console.log(`  ${file === null ? '' : `${file}: `}${what}\n    ${cure}`);
    }
  };
  print('refused', 'Left out');
  print('look', 'To look at');
}

/** Writes remarks as a table where a file for it is named. @throws Failure `cli/not-written`. */
export async function writeRemarks(file: string | undefined, remarks: readonly Remark[]): Promise<void> {
  if (file === undefined) return;
  const table = csv(
    ['file', 'severity', 'what', 'cure', 'code'],
    remarks.map(({ file: about, severity, what, cure, code }) => [about, severity, what, cure, code]),
  );
  await writeOut(file, table);
}
