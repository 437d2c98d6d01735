import type { Graph, Node, Tensor } from './graph.ts';

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
  for (const node of [...graph.nodes].reverse()) {
    const value = node.outputs[0];
    const dout = value && gradOf.get(value.root.id);
    if (!dout || !value || !needed.has(value.root.id)) continue;
    backward(graph, node, dout, needed, contribute);
  }
  return wrt.map((tensor) => gradOf.get(tensor.root.id)?.view(tensor.shape) ?? null);
}

function backward(
  graph: Graph,
  node: Node,
  dout: Tensor,
  needed: ReadonlySet<number>,
  contribute: (tensor: Tensor, gradient: Tensor) => void,
): void {
  const at = <T>(list: readonly (T | null)[], i: number): T => {
    const item = list[i];
    if (!item) throw new RangeError(`${node.op.name}: backward asks for tensor ${i}, which is not there`);
    return item;
  };
  node.op.inputs.forEach((name: string, i: number) => {
    const input = node.inputs[i];
    if (!input || !needed.has(input.root.id)) return;
    const rule = node.op.backward[name];
    if (rule === undefined || rule === 'none') {
      throw new RangeError(`${node.op.name}: a gradient is needed for ${name}, which has none`);
    }
    const gradient = rule({
      graph,
      input: (k) => at(node.inputs, k),
      hasInput: (k) => Boolean(node.inputs[k]),
      output: (k) => at(node.outputs, k),
      dout,
      attrs: node.attrs,
    });
    contribute(input, gradient);
  });
}

/**
 * Ids of every root that depends on one of `wrt`, those themselves included. What an op without any backward rule makes
 * (a real IoU, a mask for the screen) is a constant.
 */
function dependents(graph: Graph, wrt: readonly Tensor[]): Set<number> {
  const ids = new Set(wrt.map((tensor) => tensor.root.id));
  for (const node of graph.nodes) {
    const [value] = node.outputs;
    const isConstant = Object.values(node.op.backward).every((rule) => rule === 'none');
    if (value && !isConstant && node.inputs.some((input) => input && ids.has(input.root.id)))
      ids.add(value.root.id);
  }
  return ids;
}
