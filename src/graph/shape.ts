/** Sizes of a tensor's axes, outermost first; a scalar is `[1]`. */
export type Shape = readonly number[];

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  let product = 1;
  for (const n of shape) product *= n;
  return product;
}

/** Last axis, the features. */
export function lastOf(shape: Shape): number {
  return shape[shape.length - 1] ?? 1;
}

/** All axes but the last, multiplied: the number of rows. */
export function rowsOf(shape: Shape): number {
  return sizeOf(shape) / lastOf(shape);
}

/** Axis `i`; negative counts from the end. Fails when the axis does not exist. */
export function axis(shape: Shape, i: number): number {
  const n = shape[i < 0 ? shape.length + i : i];
  if (n === undefined)
    throw new RangeError(`a shape of ${shape.length} axes has no axis ${i}: ${show(shape)}`);
  return n;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** `[2, 3, 4]` as people write it. */
export function show(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** Fails with the op's name when a condition on shapes does not hold; the message is made only then. */
export function expectShape(holds: boolean, op: string, message: () => string): asserts holds {
  if (!holds) throw new RangeError(`${op}: ${message()}`);
}
