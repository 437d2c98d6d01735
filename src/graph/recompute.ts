import type { AnyOp, Graph, Node, Tensor } from './graph.ts';
import { sizeOf } from './shape.ts';

/** What takes less memory than this part of a checkpoint is kept, and no dispatch makes it again. */
const SMALL = 1 / 64;
/** What is at least this part of the largest node's values is large. */
const LARGE = 1 / 16;

/**
 * Trades time for memory: values before and between checkpoints are not kept for the phase `later` but computed again
 * there, right before they are first needed (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016).
 * They are equal bit for bit, since the same ops run on the same inputs.
 * @param checkpoints values that are kept, such as the outputs of blocks. Values after the last are kept too, and those
 * that are small beside them, such as gates. Without checkpoints everything is.
 * @param later name of the phase that comes second.
 */
export function recompute(graph: Graph, checkpoints: readonly Tensor[], later: string): void {
  const kept = new Set(checkpoints.map(({ root }) => root.id));
  computeAgain(graph, droppedNodes(graph, checkpoints, later), kept, later);
}

/**
 * The same for values that take memory and little time: large ones of some ops whose inputs are there for the phase `later`
 * anyway, or are computed again there themselves.
 */
export function recomputeCheap(graph: Graph, ops: readonly AnyOp[], later: string): void {
  const needed = new Set(
    graph.nodes
      .filter(({ phase }) => phase === later)
      .flatMap(({ inputs }) => inputs.map((tensor) => tensor?.root.id)),
  );
  const earlier = graph.nodes.filter(({ phase }) => phase !== later);
  const large = LARGE * Math.max(...earlier.map(({ outputs }) => made(outputs)));
  const there = new Set([...graph.inputs.values()].map(({ id }) => id));
  for (const { outputs } of earlier) for (const { id } of outputs) if (needed.has(id)) there.add(id);
  const dropped = earlier.filter((node) => {
    const isCheap = ops.includes(node.op) && made(node.outputs) >= large;
    if (!isCheap || !node.inputs.every((tensor) => !tensor || there.has(tensor.root.id))) return false;
    for (const { id } of node.outputs) there.add(id);
    return true;
  });
  computeAgain(graph, dropped, new Set(), later);
}

/** @param kept values of dropped nodes that stay nevertheless, by id; the graph's outputs do too. */
function computeAgain(
  graph: Graph,
  dropped: readonly Node[],
  kept: ReadonlySet<number>,
  later: string,
): void {
  const producers = new Map<number, Node>();
  const outputs = new Set([...graph.outputs.values()].map(({ root }) => root.id));
  for (const node of dropped)
    for (const { id } of node.outputs) if (!kept.has(id) && !outputs.has(id)) producers.set(id, node);

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

/** The earlier phase's nodes up to the last checkpoint, but for those that make little of much. */
function droppedNodes(graph: Graph, checkpoints: readonly Tensor[], later: string): Node[] {
  const ids = new Set(checkpoints.map(({ root }) => root.id));
  const last = graph.nodes.findLastIndex(({ outputs }) => outputs.some(({ id }) => ids.has(id)));
  const given = new Set([...graph.inputs.values()].map(({ id }) => id));
  const small = SMALL * Math.min(...checkpoints.map(({ shape }) => sizeOf(shape)));
  const isSmall = ({ inputs, outputs }: Node) => {
    const [largest] = inputs.toSorted((a, b) => sizeOf(b?.shape ?? []) - sizeOf(a?.shape ?? []));
    // What is made of weights alone is as large as they are, and often part of the node that reads it.
    return largest && !given.has(largest.root.id) && outputs.every(({ shape }) => sizeOf(shape) <= small);
  };
  return graph.nodes
    .slice(0, last + 1)
    .filter((node) => node.phase !== later && !node.op.mutates && !isSmall(node));
}

function made(outputs: readonly Tensor[]): number {
  return outputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}
