import type { Graph, Tensor } from '../../../graph/graph.ts';

/**
 * Runs the forward phase of a traced graph in float64 on the CPU, by every op's own reference.
 * @param inputs values of the graph's inputs by name.
 * @returns the value of `wanted`.
 */
export function evaluate(
  graph: Graph,
  inputs: ReadonlyMap<string, Float64Array>,
  wanted: Tensor,
): Float64Array {
  const values = new Map<number, Float64Array>();
  for (const [name, tensor] of graph.inputs) {
    const given = inputs.get(name);
    if (given) values.set(tensor.root.id, given);
  }
  for (const { op, attrs, inputs: from, outputs, phase } of graph.nodes) {
    if (phase !== 'forward') continue;
    if (typeof op.reference !== 'function') throw new RangeError(`${op.name} has no reference of its own`);
    const results = op.reference(
      from.map((tensor) => (tensor ? (values.get(tensor.root.id) ?? null) : null)),
      from.map((tensor) => tensor?.shape ?? null),
      attrs,
    );
    outputs.forEach((tensor, i) => {
      values.set(tensor.root.id, results[i] ?? new Float64Array());
    });
  }
  const value = values.get(wanted.root.id);
  if (!value) throw new RangeError('the value asked for was not computed');
  return value;
}

/** max |a − b| relative to max |b|. */
export function errorOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [worst, largest] = [a.length === b.length ? 0 : Number.POSITIVE_INFINITY, 1e-12];
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN));
    worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
    largest = Math.max(largest, Math.abs(b[i] ?? 0));
  }
  return worst / largest;
}
