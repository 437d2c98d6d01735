import type { Graph, Node, Tensor } from './graph.ts';

/**
 * Trades time for memory: values before and between checkpoints are not kept for the phase `later` but computed again
 * there, right before they are first needed (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016).
 * They are equal bit for bit, since the same ops run on the same inputs.
 * @param checkpoints values that are kept, such as the outputs of blocks. Values after the last are kept too. Without
 * checkpoints everything is.
 * @param later name of the phase that comes second.
 */
export function recompute(graph: Graph, checkpoints: readonly Tensor[], later: string): void {
  const dropped = droppedNodes(graph, checkpoints, later);
  const producers = new Map<number, Node>();
  for (const node of dropped) for (const tensor of node.outputs) producers.set(tensor.id, node);
  for (const tensor of [...checkpoints, ...graph.outputs.values()]) producers.delete(tensor.root.id);

  const again = new Map<Node, Node>();
  const nodes: Node[] = [];
  const replaced = (tensor: Tensor | null): Tensor | null => {
    const producer = tensor && producers.get(tensor.root.id);
    if (!tensor || !producer) return tensor;
    let copy = again.get(producer);
    if (!copy) {
      copy = graph.copy(producer, producer.inputs.map(replaced), later);
      again.set(producer, copy);
      nodes.push(copy);
    }
    const index = producer.outputs.findIndex(({ id }) => id === tensor.root.id);
    return copy.outputs[index]?.view(tensor.shape) ?? null;
  };
  for (const node of graph.nodes) {
    nodes.push(node.phase === later ? { ...node, inputs: node.inputs.map(replaced) } : node);
  }
  graph.rewrite(nodes);
}

/** The earlier phase's nodes up to the last checkpoint. */
function droppedNodes(graph: Graph, checkpoints: readonly Tensor[], later: string): Node[] {
  const ids = new Set(checkpoints.map(({ root }) => root.id));
  const last = graph.nodes.findLastIndex(({ outputs }) => outputs.some(({ id }) => ids.has(id)));
  return graph.nodes.slice(0, last + 1).filter(({ op, phase }) => phase !== later && !op.mutates);
}
