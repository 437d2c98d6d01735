import { writeFile } from 'node:fs/promises';
import { csv } from '../config/csv.ts';
import { Failure } from '../config/failure.ts';

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

/** Writes remarks as a table. @throws Failure `cli/not-written`. */
export async function writeRemarks(file: string, remarks: readonly Remark[]): Promise<void> {
  const table = csv(
    ['file', 'severity', 'what', 'cure', 'code'],
    remarks.map(({ file: about, severity, what, cure, code }) => [about, severity, what, cure, code]),
  );
  await writeFile(file, table).catch((cause: unknown) => {
    const what = 'The remarks could not be written.';
    const cure = 'Name a file in a folder that exists.';
    throw new Failure({ code: 'cli/not-written', what, where: file, cure }, { cause });
  });
}

/** `1 image`, `2 images`. */
export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
