/** The values of one line among points that need not all have one. */

/** The last value of a line; null before the first. */
export function lastValue(data: readonly object[], key: string): number | null {
  const last = data.findLast((point) => valueAt(point, key) !== null);
  return last ? valueAt(last, key) : null;
}

/** Whether a line has a single value, which only a dot shows. */
export function isDot(data: readonly object[], key: string): boolean {
  const has = (point: object): boolean => valueAt(point, key) !== null;
  const first = data.findIndex(has);
  return first >= 0 && data.findLastIndex(has) === first;
}

function valueAt(point: object, key: string): number | null {
  const value: unknown = Reflect.get(point, key);
  return typeof value === 'number' ? value : null;
}
