/** The rows of a CSV with commas (RFC 4180): a field may be quoted, `""` is a quote within it. */
export function parseCsv(text: string): string[][] {
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
    const end = nextOf(text, at);
    row.push(field + text.slice(at, end).replace(/\r$/, ''));
    at = end + 1;
    if (text[end] !== ',') {
      rows.push(row);
      row = [];
    } else if (at === text.length) row.push('');
  }
  if (row.length > 0) rows.push(row);
  return rows;
}

/** Where the next comma or line end is. */
function nextOf(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== ',' && text[at] !== '\n') at++;
  return at;
}
