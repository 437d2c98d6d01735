/** The word that was most likely meant by one that is not among those that are known; null where none is like it. */
export function nearestWord(typed: string, known: readonly string[]): string | null {
  if (typed === '') return null;
  const most = Math.max(1, Math.floor(typed.length / 3));
  const [best] = known
    .map((word) => ({ word, distance: word.startsWith(typed) ? 0 : editDistance(typed, word) }))
    .filter(({ distance }) => distance <= most)
    .sort((a, b) => a.distance - b.distance);
  return best?.word ?? null;
}

/** Letters to insert, delete, replace or swap with their neighbour until two words are the same. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const [above = 0, before = 0, both = 0] = [rows[i - 1]?.[j], row[j - 1], rows[i - 1]?.[j - 1]];
      let least = Math.min(above + 1, before + 1, both + Number(a[i - 1] !== b[j - 1]));
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) least = Math.min(least, (rows[i - 2]?.[j - 2] ?? 0) + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? 0;
}
