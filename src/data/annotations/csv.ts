/** Extensions of tables, whatever separates their fields. */
export const TABLES = ['csv', 'tsv'] as const;

/** Between the fields of a CSV: Excel writes semicolons where a comma is in numbers. */
const SEPARATORS = [',', ';', '\t'] as const;

/** The separator that is most often in the first line; its names hold none. */
function separatorOf(text: string): string {
  const [header = ''] = text.split('\n', 1);
  const count = (separator: string) => header.split(separator).length;
  return SEPARATORS.reduce((best, each) => (count(each) > count(best) ? each : best));
}

/** The rows of a CSV (RFC 4180, with commas, semicolons or tabs): a field may be quoted, `""` is a quote within it. */
export function parseCsv(text: string): string[][] {
  const separator = separatorOf(text);
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < text.length) {
    let field = '';
    if (text[at] === '"') {
      for (at++; at < text.length; ) {
        const quote = text.indexOf('"', at);
        const end = quote < 0 ? text.length : quote;
        field += text.slice(at, end);
        at = end + 1;
        if (text[at] !== '"') break;
        field += '"';
        at++;
      }
    }
    const end = nextOf(text, at, separator);
    row.push(field + text.slice(at, end).replace(/\r$/, ''));
    at = end + 1;
    if (text[end] !== separator) {
      rows.push(row);
      row = [];
    } else if (at === text.length) row.push('');
  }
  if (row.length > 0) rows.push(row);
  return rows;
}

/** Where the next separator or line end is. */
function nextOf(text: string, from: number, separator: string): number {
  let at = from;
  while (at < text.length && text[at] !== separator && text[at] !== '\n') at++;
  return at;
}
