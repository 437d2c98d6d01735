/** The values of one line among points that need not all have one. */

/** The last value of a line; null before the first. */
export function lastValue(data: readonly object[], key: string): number | null {
  return valuesOf(data, key).at(-1) ?? null;
}

/** Whether a line has a single value, which only a dot shows. */
export function isDot(data: readonly object[], key: string): boolean {
  return valuesOf(data, key).length === 1;
}

function valuesOf(data: readonly object[], key: string): number[] {
  return data.flatMap((point) => {
    const value: unknown = Reflect.get(point, key);
    return typeof value === 'number' ? [value] : [];
  });
}
