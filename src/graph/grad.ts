import type { AnyOp, Graph, Node, Tensor } from './graph.ts';

/** Adds two gradients of the same shape; handed in by the ops, which this folder does not know. */
export type AddGradients = (a: Tensor, b: Tensor) => Tensor;

/**
 * Appends to `graph` the nodes that compute the gradient of `Σ seed · output` with respect to every tensor of `wrt`
 * and returns those gradients in the order of `wrt`. Only gradients on a path from `wrt` to an output are built.
 * A tensor that no output depends on gets `null`.
 */
export function gradients(
  graph: Graph,
  outputs: readonly { readonly tensor: Tensor; readonly seed: Tensor }[],
  wrt: readonly Tensor[],
  add: AddGradients,
): (Tensor | null)[] {
  const needed = dependents(graph, wrt);
  const gradOf = new Map<number, Tensor>();
  const contribute = (tensor: Tensor, gradient: Tensor) => {
    const shaped = gradient.view(tensor.root.shape);
    const sofar = gradOf.get(tensor.root.id);
    gradOf.set(tensor.root.id, sofar ? add(sofar, shaped) : shaped);
  };
  for (const { tensor, seed } of outputs) contribute(tensor, seed);
  for (const node of graph.nodes.toReversed()) {
    const value = node.outputs[0];
    const dout = value && gradOf.get(value.root.id);
    if (!dout || !value || !needed.has(value.root.id)) continue;
    backward(graph, node, dout, needed, contribute);
  }
  return wrt.map((tensor) => gradOf.get(tensor.root.id)?.view(tensor.shape) ?? null);
}

function backward(
  graph: Graph,
  { op, inputs, outputs, attrs }: Node,
  dout: Tensor,
  needed: ReadonlySet<number>,
  contribute: (tensor: Tensor, gradient: Tensor) => void,
): void {
  const context = {
    graph,
    input: (k: number) => tensorAt(op, inputs, k),
    hasInput: (k: number) => Boolean(inputs[k]),
    isNeeded: (k: number) => needed.has(inputs[k]?.root.id ?? Number.NaN),
    output: (k: number) => tensorAt(op, outputs, k),
    dout,
    attrs,
  };
  op.inputs.forEach((name: string, i: number) => {
    const input = inputs[i];
    if (!input || !needed.has(input.root.id)) return;
    const rule = op.backward[name];
    if (rule === undefined || rule === 'none') {
      throw new RangeError(`${op.name}: a gradient is needed for ${name}, which has none`);
    }
    contribute(input, rule(context));
  });
}

function tensorAt(op: AnyOp, list: readonly (Tensor | null)[], i: number): Tensor {
  const tensor = list[i];
  if (!tensor) throw new RangeError(`${op.name}: backward asks for tensor ${i}, which is not there`);
  return tensor;
}

/**
 * Ids of every root that depends on one of `wrt`, those themselves included. What an op without any backward rule
 * makes (a real IoU, a mask for the screen) is a constant.
 */
function dependents(graph: Graph, wrt: readonly Tensor[]): Set<number> {
  const ids = new Set(wrt.map((tensor) => tensor.root.id));
  for (const { op, inputs, outputs } of graph.nodes) {
    const [value] = outputs;
    if (value && inputs.some((input) => input && ids.has(input.root.id)) && isDifferentiable(op))
      ids.add(value.root.id);
  }
  return ids;
}

function isDifferentiable({ backward }: AnyOp): boolean {
  return Object.values(backward).some((rule) => rule !== 'none');
}
