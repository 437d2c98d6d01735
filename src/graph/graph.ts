/**
 * Tensors, the nodes that make them, the graph that holds both, and what an op is: four types that know each other.
 */
import type { Attributes, Pass, PassContext } from './pass.ts';
import { type Shape, sameShape, show, sizeOf } from './shape.ts';

/**
 * A value in a graph. A view shares the storage of its `root` under another shape; a root is its own root.
 */
export class Tensor {
  readonly root: Tensor;

  constructor(
    readonly graph: Graph,
    readonly id: number,
    readonly shape: Shape,
    root?: Tensor,
  ) {
    this.root = root ?? this;
  }

  /** The same elements under another shape; costs nothing. */
  view(shape: Shape): Tensor {
    if (sizeOf(shape) !== sizeOf(this.shape))
      throw new RangeError(`view: ${show(this.shape)} does not hold ${show(shape)}`);
    return sameShape(shape, this.shape) ? this : new Tensor(this.graph, this.root.id, shape, this.root);
  }
}

/** One application of an op. */
export interface Node {
  readonly op: AnyOp;
  readonly attrs: Attributes;
  readonly inputs: readonly (Tensor | null)[];
  readonly outputs: readonly Tensor[];
  /** Name of the phase in which the node runs, see {@link Graph.phase}. */
  readonly phase: string;
}

/**
 * A traced computation: inputs by name, nodes in the order in which they run, outputs by name.
 * An input is any buffer that lives outside: images, frozen weights, trainable tensors, optimizer state.
 */
export class Graph {
  readonly inputs = new Map<string, Tensor>();
  readonly outputs = new Map<string, Tensor>();
  readonly nodes: Node[] = [];
  /** Nodes added from now on belong to this phase; an executable can run one phase at a time, in order. */
  phase = 'forward';
  private readonly known = new Map<string, Node>();
  private nextId = 0;

  /** Declares an outside buffer, or returns the one of that name when it was declared with the same shape. */
  input(name: string, shape: Shape): Tensor {
    const existing = this.inputs.get(name);
    if (existing) {
      if (!sameShape(existing.shape, shape)) {
        throw new RangeError(`input ${name} was ${show(existing.shape)} and is now ${show(shape)}`);
      }
      return existing;
    }
    const tensor = this.tensor(shape);
    this.inputs.set(name, tensor);
    return tensor;
  }

  /** Names a value that must be there after the run. */
  output(name: string, tensor: Tensor): Tensor {
    if (this.outputs.has(name)) throw new RangeError(`output ${name} is declared twice`);
    this.outputs.set(name, tensor);
    return tensor;
  }

  /** Applies an op. The same op on the same inputs gives the same node, so backward rules may share work freely. */
  apply<I extends string, A extends Attributes>(
    op: OpDefinition<I, A>,
    inputs: readonly (Tensor | null)[],
    attrs: A,
  ): readonly Tensor[] {
    op.inputs.forEach((name, i) => {
      if (!inputs[i] && !op.optional?.includes(name))
        throw new RangeError(`${op.name}: input ${name} is missing`);
    });
    const key = op.mutates ? null : nodeKey(op, inputs, attrs);
    const existing = key === null ? undefined : this.known.get(key);
    if (existing) return existing.outputs;
    const shapes = op.shapes(
      inputs.map((tensor) => tensor?.shape ?? null),
      attrs,
    );
    const outputs = shapes.map((shape) => this.tensor(shape));
    const node: Node = { op, attrs, inputs, outputs, phase: this.phase };
    this.nodes.push(node);
    if (key !== null) this.known.set(key, node);
    return outputs;
  }

  /** Applies an op with one output, or returns the first of several. */
  apply1<I extends string, A extends Attributes>(
    op: OpDefinition<I, A>,
    inputs: readonly (Tensor | null)[],
    attrs: A,
  ): Tensor {
    const [first] = this.apply(op, inputs, attrs);
    if (!first) throw new RangeError(`${op.name} has no output`);
    return first;
  }

  /**
   * For transforms: the same op on other inputs in another phase, with outputs of its own, and never merged with the
   * first.
   * The node belongs to no graph until {@link rewrite} adds it.
   */
  copy({ op, attrs, outputs }: Node, inputs: Node['inputs'], phase: string): Node {
    return { op, attrs, inputs, outputs: outputs.map(({ shape }) => this.tensor(shape)), phase };
  }

  /** For transforms: a value that a node makes which {@link rewrite} is about to add. */
  value(shape: Shape): Tensor {
    return this.tensor(shape);
  }

  /** For transforms: replaces all nodes; the new ones are in the order in which they run. */
  rewrite(nodes: readonly Node[]): void {
    this.nodes.splice(0, this.nodes.length, ...nodes);
    this.known.clear();
  }

  private tensor(shape: Shape): Tensor {
    return new Tensor(this, this.nextId++, shape);
  }
}

/** What a backward rule sees. */
export interface BackwardContext<A> {
  readonly graph: Graph;
  /** Input by position; fails for a missing optional input. */
  readonly input: (i: number) => Tensor;
  readonly hasInput: (i: number) => boolean;
  /** Whether a gradient is wanted for an input, so that one node may give several; false for a missing input. */
  readonly isNeeded: (i: number) => boolean;
  /** Output 0 is the value; the others are what forward saved. */
  readonly output: (i: number) => Tensor;
  /** Gradient of output 0. Only output 0 of an op carries a gradient. */
  readonly dout: Tensor;
  readonly attrs: A;
}

/** Builds the gradient of one input, of that input's shape. */
export type BackwardRule<A> = (context: BackwardContext<A>) => Tensor;

/**
 * One op. Shapes, passes, gradients, the float64 reference and the sizes it is tested at stand together;
 * `src/ops/registry.ts` lists every one and the conformance test walks that list.
 * `I` are the names of the inputs; leaving out an input's backward does not compile unless it says `'none'`.
 */
export interface OpDefinition<I extends string = string, A extends Attributes = Attributes> {
  readonly name: string;
  readonly inputs: readonly I[];
  /** Inputs that may be absent. */
  readonly optional?: readonly I[];
  /** Inputs that the op writes to (optimizer state, accumulators). Such an op may have no output. */
  readonly mutates?: readonly I[];
  /** Shapes of the outputs; fails with a `RangeError` that names the op when inputs do not fit. */
  readonly shapes: (inputs: readonly (Shape | null)[], attrs: A) => readonly Shape[];
  /** Shapes of temporaries that live only during this op. */
  readonly scratch?: (context: PassContext<A>) => readonly Shape[];
  readonly passes: (context: PassContext<A>) => readonly Pass[];
  readonly backward: { readonly [K in I]: 'none' | BackwardRule<A> };
  /**
   * The same in float64 on the CPU, written for reading. `inputs[i]` is null for a missing optional input.
   * Returns the new values of the inputs that it mutates, in their order, then every output.
   * An op that exists only as the backward of another names that one: its values are checked there, by differences.
   */
  readonly reference:
    | ((
        inputs: readonly (Float64Array | null)[],
        shapes: readonly (Shape | null)[],
        attrs: A,
      ) => readonly Float64Array[])
    | { readonly checkedBy: string };
  /** The sizes at which it is checked: 1, primes, no multiples of a tile. Empty when another op checks it. */
  readonly cases: readonly OpCase<A>[];
}

/** One configuration at which an op is checked. */
export interface OpCase<A> {
  readonly inputs: readonly (Shape | null)[];
  readonly attrs: A;
  /** Values of an input where random normal ones make no sense (labels, masks); by position. */
  readonly values?: Readonly<Record<number, (shape: Shape) => Float64Array>>;
  /** Why this case is there, when the shapes do not say it. */
  readonly note?: string;
  /** Loosened tolerance relative to the largest magnitude, with the reason in `note`. */
  readonly tolerance?: number;
}

/** An op with its types forgotten, as graphs and registries hold it. */
// biome-ignore lint/suspicious/noExplicitAny: the attributes' type is known only to the op itself
export type AnyOp = OpDefinition<any, any>;

/** Keeps the types of an op's inputs and attributes. */
export function defineOp<const I extends string, A extends Attributes>(
  op: OpDefinition<I, A>,
): OpDefinition<I, A> {
  return op;
}

function nodeKey(op: AnyOp, inputs: readonly (Tensor | null)[], attrs: Attributes): string {
  let key = op.name;
  for (const tensor of inputs) {
    // A root's shape follows from its id.
    if (!tensor) key += ' -';
    else if (tensor.root === tensor) key += ` ${tensor.id}`;
    else key += ` ${tensor.id}:${tensor.shape.join('x')}`;
  }
  const settings = Object.entries(attrs);
  if (settings.length > 1) settings.sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, value] of settings) key += ` ${name}=${JSON.stringify(value)}`;
  return key;
}
