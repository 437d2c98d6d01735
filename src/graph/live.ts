import type { Graph, Node } from './graph.ts';

/** The nodes that an output or a mutation depends on, in order. */
export function liveNodes(graph: Graph): Node[] {
  const wanted = new Set<number>();
  for (const { root } of graph.outputs.values()) wanted.add(root.id);
  const live: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.op.mutates && !node.outputs.some(({ id }) => wanted.has(id))) continue;
    live.push(node);
    for (const tensor of node.inputs) if (tensor) wanted.add(tensor.root.id);
  }
  return live.reverse();
}
