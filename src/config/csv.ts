import type { FailureRecord } from './failure.ts';

export type Cell = string | number | null | undefined;

/** RFC 4180 text with a header row; a cell without a value is empty. */
export function csv(header: readonly string[], rows: Iterable<readonly Cell[]>): string {
  return [header, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** Files that were left out or need a look, one a row. */
export function refusalsCsv(refusals: readonly FailureRecord[]): string {
  return csv(
    ['file', 'what', 'cure', 'code'],
    refusals.map(({ where, what, cure, code }) => [where, what, cure, code]),
  );
}

function cell(value: Cell): string {
  if (value === undefined || value === null) return '';
  const text = String(value);
  // A leading sign or `=` would be run as a formula by spreadsheets; names come from files.
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
