/**
 * Natural name order: runs of digits compare as numbers, other text by its lower-case code units; names equal so far
 * fall back to plain code-unit order, so that the order is total and the same on every machine (no locale is asked).
 */
export function compareNatural(a: string, b: string): number {
  const left = chunks(a);
  const right = chunks(b);
  const shared = Math.min(left.length, right.length);
  for (let i = 0; i < shared; i++) {
    const l = left[i] ?? '';
    const r = right[i] ?? '';
    // Text and digits alternate, text first, so chunks of one index are of one kind.
    const order = i % 2 === 1 ? compareDigits(l, r) : compareText(l.toLowerCase(), r.toLowerCase());
    if (order !== 0) return order;
  }
  return left.length - right.length || compareText(a, b);
}

/** A sorted copy by {@link compareNatural} of each item's name. */
export function sortedByName<T>(items: readonly T[], nameOf: (item: T) => string): T[] {
  return [...items].sort((a, b) => compareNatural(nameOf(a), nameOf(b)));
}

function chunks(name: string): string[] {
  return name.split(/([0-9]+)/);
}

/** Digit strings of any length as numbers. */
function compareDigits(a: string, b: string): number {
  const left = a.replace(/^0+(?=.)/, '');
  const right = b.replace(/^0+(?=.)/, '');
  return left.length - right.length || compareText(left, right);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
