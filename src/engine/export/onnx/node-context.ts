/** What an op's form in ONNX is written with: the values of its inputs, their shapes, and ONNX's operators. */
import type { Graph, Node, Tensor } from '../../../graph/graph.ts';
import { axis, type Shape } from '../../../graph/shape.ts';
import type { OnnxModel, Value } from './onnx-model.ts';

/**
 * Sizes that stand in a traced graph for those that are known only when the model runs: primes that are larger than every size of a
 * decoder, so that what has to do with them shows. Their multiples are the same number of times as many.
 */
export const MANY_OBJECTS = 1_000_003;
export const MANY_TOKENS = 3_000_017;
const isOpen = (size: number) => size >= MANY_OBJECTS;

/** The values of a graph's inputs in the model. */
export interface LoweredInputs {
  /** An input that the model is given or computes; null for a weight. */
  readonly given: (name: string) => Value | null;
  /** Values of a weight, of the shape that the graph declares. */
  readonly weight: (name: string) => Float32Array;
  /** How many objects there are, int64 [1], where the graph has {@link MANY_OBJECTS}. */
  readonly objects?: Value;
}

/** What the tensors of a graph are called in the model. */
export class GraphValues {
  private readonly values = new Map<string, Value>();
  private readonly names = new Map<number, string>();

  constructor(
    readonly model: OnnxModel,
    graph: Graph,
    private readonly inputs: LoweredInputs,
  ) {
    for (const [name, { id }] of graph.inputs) this.names.set(id, name);
  }

  set(tensor: Tensor, value: Value): void {
    this.values.set(keyOf(tensor), value);
  }

  /** A tensor under its own shape. */
  value(tensor: Tensor): Value {
    const known = this.values.get(keyOf(tensor));
    if (known !== undefined) return known;
    const { root } = tensor;
    const made =
      root === tensor ? this.ofInput(root) : this.reshape(this.value(root), root.shape, tensor.shape);
    this.values.set(keyOf(tensor), made);
    return made;
  }

  /** A matrix, or each matrix of a stack, with its last axes exchanged; weights are stored that way. */
  transposed(tensor: Tensor): Value {
    const { root, shape } = tensor;
    const key = `${keyOf(tensor)} transposed`;
    const known = this.values.get(key);
    if (known !== undefined) return known;
    const name = this.names.get(root.id);
    const isWeight = name !== undefined && shape.length === 2 && this.inputs.given(name) === null;
    const made = isWeight ? this.transposedWeight(name, shape) : this.exchanged(this.value(tensor), shape);
    this.values.set(key, made);
    return made;
  }

  reshape(value: Value, from: Shape, to: Shape): Value {
    // 0 keeps the size at its place, and -1 is what is left; only one may be that, so numbers of objects are then written out.
    const isKept = (size: number, i: number) => from[i] === size;
    const isCounted = to.filter((size, i) => isOpen(size) && !isKept(size, i)).length > 1;
    const sizes = to.map((size, i): number | Value => {
      if (!isOpen(size)) return size;
      if (isKept(size, i)) return 0;
      return isCounted && size % MANY_OBJECTS === 0 ? this.size(size) : -1;
    });
    if (sizes.filter((size) => size === -1).length > 1)
      throw new RangeError(`[${to.join(', ')}] has two sizes that are known only later`);
    const { model } = this;
    const numbers = sizes.filter((size) => typeof size === 'number');
    const shape =
      numbers.length === sizes.length
        ? model.ints(numbers)
        : model.node(
            'Concat',
            sizes.map((size) => (typeof size === 'number' ? model.ints([size]) : size)),
            { axis: 0 },
          );
    return model.node('Reshape', [value, shape]);
  }

  /** A size as int64 [1]. */
  size(count: number): Value {
    if (!isOpen(count)) return this.model.ints([count]);
    const { objects } = this.inputs;
    const times = count / MANY_OBJECTS;
    if (objects === undefined || !Number.isInteger(times))
      throw new RangeError(`${count} is no number of objects`);
    return times === 1 ? objects : this.model.node('Mul', [objects, this.model.ints([times])]);
  }

  private ofInput(tensor: Tensor): Value {
    const name = this.names.get(tensor.id);
    if (name === undefined) throw new RangeError('a value is used before it is made');
    return this.inputs.given(name) ?? this.model.weight(name, tensor.shape, this.inputs.weight(name));
  }

  private exchanged(value: Value, shape: Shape): Value {
    const axes = shape.map((_, i) => i);
    axes.splice(-2, 2, shape.length - 1, shape.length - 2);
    return this.model.node('Transpose', [value], { perm: axes });
  }

  private transposedWeight(name: string, shape: Shape): Value {
    const [rows, columns] = [axis(shape, 0), axis(shape, 1)];
    const data = this.inputs.weight(name);
    const turned = new Float32Array(data.length);
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        turned[column * rows + row] = data[row * columns + column] ?? 0;
    return this.model.weight(`${name}.transposed`, [columns, rows], turned);
  }
}

function keyOf({ id, shape }: Tensor): string {
  return `${id} ${shape.join('x')}`;
}

/** One node while it is written in ONNX's operators. */
export class NodeContext {
  constructor(
    private readonly values: GraphValues,
    private readonly source: Node,
  ) {}

  get model(): OnnxModel {
    return this.values.model;
  }

  get outputShape(): Shape {
    return this.source.outputs[0]?.shape ?? [];
  }

  tensor(i: number): Tensor {
    const tensor = this.source.inputs[i];
    if (!tensor) throw new RangeError(`${this.source.op.name}: input ${i}`);
    return tensor;
  }

  has(i: number): boolean {
    return Boolean(this.source.inputs[i]);
  }

  shape(i: number): Shape {
    return this.tensor(i).shape;
  }

  value(i: number): Value {
    return this.values.value(this.tensor(i));
  }

  transposed(i: number): Value {
    return this.values.transposed(this.tensor(i));
  }

  private attribute(name: string): unknown {
    const attributes = new Map<string, unknown>(Object.entries(this.source.attrs));
    return attributes.get(name);
  }

  number(attribute: string): number {
    const value = this.attribute(attribute);
    if (typeof value !== 'number') throw new RangeError(`${this.source.op.name}: ${attribute}`);
    return value;
  }

  is(attribute: string): boolean {
    return this.attribute(attribute) === true;
  }

  text(attribute: string): string {
    return String(this.attribute(attribute));
  }

  node(...args: Parameters<OnnxModel['node']>): Value {
    return this.model.node(...args);
  }

  binary(operator: string, x: Value, y: number | Value): Value {
    return this.node(operator, [x, typeof y === 'number' ? this.model.floats([y], []) : y]);
  }

  reshape(value: Value, from: Shape, to: Shape): Value {
    return this.values.reshape(value, from, to);
  }

  transpose(value: Value, axes: readonly number[]): Value {
    return this.node('Transpose', [value], { perm: axes });
  }

  concat(values: readonly Value[], at: number): Value {
    return this.node('Concat', values, { axis: at });
  }

  /** @param before, @param after what is added on each axis; the value is 0. */
  pad(value: Value, before: readonly number[], after: readonly number[]): Value {
    if ([...before, ...after].every((count) => count === 0)) return value;
    return this.node('Pad', [value, this.model.ints([...before, ...after])]);
  }

  slice(value: Value, at: number, from: number, to: number, step = 1): Value {
    const bounds = [from, to, at, step].map((bound) => this.model.ints([bound]));
    return this.node('Slice', [value, ...bounds]);
  }

  size(count: number): Value {
    return this.values.size(count);
  }
}
