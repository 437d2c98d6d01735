import type { Graph, Tensor } from '../../../graph/graph.ts';

/**
 * Runs the forward phase of a traced graph in float64 on the CPU, by every op's own reference.
 * @param inputs values of the graph's inputs by name.
 * @returns the value of `wanted`.
 */
export function forwardInFloat64(
  graph: Pick<Graph, 'inputs' | 'nodes'>,
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
