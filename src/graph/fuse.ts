import type { AnyOp, Graph, Node, Tensor } from './graph.ts';
import { liveNodes } from './live.ts';
import type { Attributes } from './pass.ts';

/** Several nodes as one: an op that gives the same values in one go. */
export interface Fusion {
  /** The nodes that it stands for. Of their values only `outputs` are left. */
  readonly replaces: readonly Node[];
  readonly op: AnyOp;
  readonly attrs: Attributes;
  readonly inputs: readonly (Tensor | null)[];
  /** Values of the nodes that it stands for, in the order of the op's outputs. */
  readonly outputs: readonly Tensor[];
  /** A node that runs right after it, on what it makes, and only mutates. */
  readonly after?: Pick<Fusion, 'op' | 'attrs' | 'inputs'>;
}

/** What a rule may know of the nodes around one. */
export interface FusionContext {
  /** The node of the same phase that makes a value; null for an input of the graph and for a value of another phase. */
  readonly producerOf: (tensor: Tensor) => Node | null;
  /** The nodes that read a value, in the order in which they run. */
  readonly readersOf: (tensor: Tensor) => readonly Node[];
  /** Whether one node alone reads a value, and no output of the graph is it. */
  readonly isPrivate: (tensor: Tensor) => boolean;
  /** The nodes of some ops that run after one in the same phase, in order; with `within`, at most so many nodes after it. */
  readonly following: (node: Node, ops: readonly AnyOp[], within?: number) => readonly Node[];
}

/** How a node and some that feed it become one; null where they do not. */
export type FusionRule = (node: Node, context: FusionContext) => Fusion | null;

/**
 * Replaces nodes by others that do the work of several: fewer dispatches, and values that never reach memory. Each rule
 * goes over the graph once, in the order given. A fusion is left out where no place in the order suits it. The order
 * that is left does not depend on anything but the graph. Also drops what no output and no mutation depends on.
 * @returns the same graph.
 */
export function fuse(graph: Graph, rules: readonly FusionRule[]): Graph {
  graph.rewrite(liveNodes(graph));
  const sweep = new Sweep(graph);
  for (const rule of rules) sweep.apply(rule);
  graph.rewrite(sweep.left());
  return graph;
}

/** The ways of rules over a graph. */
class Sweep {
  private nodes: (Node | null)[] = [];
  private readonly places = new Map<Node, number>();
  private readonly producers = new Map<number, Node>();
  private readonly readers = new Map<number, Set<Node>>();
  private readonly outputs: ReadonlySet<number>;
  private readonly mutated = new Set<number>();
  /** Of the node that a rule looks at. */
  private phase = '';
  private readonly context: FusionContext = {
    producerOf: ({ root }) => {
      const producer = this.producers.get(root.id);
      return producer?.phase === this.phase ? producer : null;
    },
    readersOf: (tensor) => this.readersOf(tensor),
    isPrivate: ({ root }) => !this.outputs.has(root.id) && this.readers.get(root.id)?.size === 1,
    following: (node, ops, within) => this.following(node, ops, within),
  };

  constructor(graph: Graph) {
    this.outputs = new Set([...graph.outputs.values()].map(({ root }) => root.id));
    this.spread(graph.nodes);
    for (const node of graph.nodes) this.add(node);
  }

  apply(rule: FusionRule): void {
    let isChanged = false;
    // A node that comes to stand before this place is not looked at again.
    for (let place = 0; place < this.nodes.length; place++) {
      const node = this.nodes[place];
      if (!node) continue;
      this.phase = node.phase;
      const fusion = rule(node, this.context);
      if (fusion && this.replace(node, fusion)) isChanged = true;
    }
    if (isChanged) this.spread(this.left());
  }

  left(): Node[] {
    return this.nodes.filter((node) => node !== null);
  }

  /** Gives nodes their places, after each of which there is one for a fusion's second node. */
  private spread(nodes: readonly Node[]): void {
    this.nodes = nodes.flatMap((node) => [node, null]);
    this.places.clear();
    nodes.forEach((node, i) => {
      this.places.set(node, 2 * i);
    });
  }

  /** @returns whether there was a place for it. */
  private replace({ phase }: Node, { replaces, op, attrs, inputs, outputs, after }: Fusion): boolean {
    const fused: Node = { op, attrs, inputs, outputs, phase };
    const place = this.placeFor(fused, replaces, after?.inputs ?? []);
    if (place === null || (after && this.nodes[place + 1])) return false;
    for (const node of replaces) this.remove(node);
    this.put(fused, place);
    if (after) this.put({ ...after, outputs: [], phase }, place + 1);
    return true;
  }

  private put(node: Node, place: number): void {
    this.nodes[place] = node;
    this.places.set(node, place);
    this.add(node);
  }

  /** The first place of the replaced nodes at which everything is there that is read, before anything that reads. */
  private placeFor(
    { inputs, outputs }: Node,
    replaces: readonly Node[],
    alsoRead: readonly (Tensor | null)[],
  ): number | null {
    const gone = new Set(replaces);
    const placeOf = (node: Node) => this.places.get(node) ?? Number.NaN;
    let first = 0;
    for (const tensor of [...inputs, ...alsoRead]) {
      if (!tensor) continue;
      const producer = this.producers.get(tensor.root.id);
      if (producer && gone.has(producer)) return null;
      if (producer) first = Math.max(first, placeOf(producer) + 1);
      // What is written in place is read and written by nobody else in between.
      if (this.mutated.has(tensor.root.id) && !this.readersOf(tensor).every((node) => gone.has(node)))
        return null;
    }
    const places = replaces.map(placeOf).sort((a, b) => a - b);
    const place = places.find((candidate) => candidate >= first);
    if (place === undefined) return null;
    const left = new Set(outputs.map(({ root }) => root.id));
    for (const node of replaces) {
      for (const output of node.outputs) {
        const others = this.readersOf(output).filter((reader) => !gone.has(reader));
        const isLeft = left.has(output.root.id);
        if (!isLeft && (others.length > 0 || this.outputs.has(output.root.id))) return null;
        if (others.some((reader) => placeOf(reader) < place)) return null;
      }
    }
    return place;
  }

  private add(node: Node): void {
    for (const { root } of node.outputs) this.producers.set(root.id, node);
    node.inputs.forEach((tensor, i) => {
      if (!tensor) return;
      const readers = this.readers.get(tensor.root.id) ?? new Set();
      this.readers.set(tensor.root.id, readers.add(node));
      if (node.op.mutates?.includes(node.op.inputs[i])) this.mutated.add(tensor.root.id);
    });
  }

  private remove(node: Node): void {
    const place = this.places.get(node);
    if (place !== undefined) this.nodes[place] = null;
    this.places.delete(node);
    for (const { root } of node.outputs) this.producers.delete(root.id);
    for (const tensor of node.inputs) if (tensor) this.readers.get(tensor.root.id)?.delete(node);
  }

  private following(node: Node, ops: readonly AnyOp[], within?: number): Node[] {
    const found: Node[] = [];
    let passed = 0;
    for (let place = (this.places.get(node) ?? this.nodes.length) + 1; place < this.nodes.length; place++) {
      const next = this.nodes[place];
      if (!next) continue;
      if (within !== undefined && ++passed > within) break;
      if (next.phase === node.phase && ops.includes(next.op)) found.push(next);
    }
    return found;
  }

  private readersOf({ root }: Tensor): Node[] {
    const place = (node: Node) => this.places.get(node) ?? 0;
    return [...(this.readers.get(root.id) ?? [])].sort((a, b) => place(a) - place(b));
  }
}
