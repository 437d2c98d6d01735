import type { AdapterTraits } from '../gpu/traits.ts';
import type { Graph, Tensor } from './graph.ts';
import type { Shape } from './shape.ts';

/** Plain values (numbers, booleans, strings) that an op is made with; part of its identity. */
export type Attributes = object;

/** Which tensor a pass binds: an input, an output or a scratch tensor of the op, by position. */
export type Binding = { readonly input: number } | { readonly output: number } | { readonly scratch: number };

/** One dispatch. `bindings[i]` is the shader's `@group(0) @binding(i)`. */
export interface Pass {
  /** Path under `shaders/` without the extension. */
  readonly shader: string;
  /** Values of the shader's `override` constants. */
  readonly constants: Readonly<Record<string, number>>;
  readonly bindings: readonly Binding[];
  readonly workgroups: readonly [x: number, y: number, z: number];
  /** Multiply and add counted as two; sizes the slices of a submit. */
  readonly flops: number;
}

/** What an op sees when it makes its passes. A missing optional input has a null shape. */
export interface PassContext<A> {
  readonly inputs: readonly (Shape | null)[];
  readonly outputs: readonly Shape[];
  readonly attrs: A;
  readonly traits: AdapterTraits;
}

/** What a backward rule sees. */
export interface BackwardContext<A> {
  readonly graph: Graph;
  /** Input by position; fails for a missing optional input. */
  readonly input: (i: number) => Tensor;
  readonly hasInput: (i: number) => boolean;
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
   * Returns every output; for an op that mutates, the new values of the mutated inputs instead, in their order.
   * An op that exists only as the backward of another names that one: its values are checked there, by differences.
   */
  readonly reference:
    | ((
        inputs: readonly (Float64Array | null)[],
        shapes: readonly (Shape | null)[],
        attrs: A,
      ) => readonly Float64Array[])
    | { readonly checkedBy: string };
  /** The sizes at which it is checked: odd ones (1, primes, not multiples of a tile). Empty when another op checks it. */
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
