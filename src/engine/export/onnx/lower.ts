/**
 * A traced graph as ONNX nodes, so that what is exported is what the engine computes. Each op of the forward pass has an entry
 * below that says the same in ONNX's operators; an image at a time, any number of objects.
 */
import type { AnyOp, Graph, Node, Tensor } from '../../../graph/graph.ts';
import { axis, lastOf, type Shape, sizeOf } from '../../../graph/shape.ts';
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

/** Adds a graph's nodes. @returns the value of each of its outputs, of its shape. */
export function lowerGraph(model: OnnxModel, graph: Graph, inputs: LoweredInputs): Map<string, Value> {
  const lowering = new Lowering(model, graph, inputs);
  const used = reachable(graph);
  for (const node of graph.nodes) if (used.has(node)) lowering.add(node);
  return new Map([...graph.outputs].map(([name, tensor]) => [name, lowering.value(tensor)]));
}

/** The nodes on which the outputs depend. */
function reachable(graph: Graph): Set<Node> {
  const wanted = new Set([...graph.outputs.values()].map(({ root }) => root.id));
  const used = new Set<Node>();
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some(({ id }) => wanted.has(id))) continue;
    used.add(node);
    for (const input of node.inputs) if (input) wanted.add(input.root.id);
  }
  return used;
}

class Lowering {
  private readonly values = new Map<string, Value>();
  private readonly names = new Map<number, string>();

  constructor(
    readonly model: OnnxModel,
    graph: Graph,
    private readonly inputs: LoweredInputs,
  ) {
    for (const [name, { id }] of graph.inputs) this.names.set(id, name);
  }

  add(node: Node): void {
    const lower = LOWERINGS[node.op.name];
    if (!lower) throw new RangeError(`${node.op.name} has no form in ONNX`);
    const [out] = node.outputs;
    if (!out) throw new RangeError(`${node.op.name} has no output`);
    this.values.set(keyOf(out), lower(new NodeContext(this, node)));
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
    let isRest = false;
    const sizes = to.map((size, i) => {
      if (!isOpen(size)) return size;
      if (from[i] === size) return 0;
      if (isRest) throw new RangeError(`[${to.join(', ')}] has two sizes that are known only later`);
      isRest = true;
      return -1;
    });
    return this.model.node('Reshape', [value, this.model.ints(sizes)]);
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
class NodeContext {
  constructor(
    private readonly lowering: Lowering,
    private readonly source: Node,
  ) {}

  get model(): OnnxModel {
    return this.lowering.model;
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
    return this.lowering.value(this.tensor(i));
  }

  transposed(i: number): Value {
    return this.lowering.transposed(this.tensor(i));
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
    return this.lowering.reshape(value, from, to);
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
    return this.lowering.size(count);
  }
}

type LowerNode = (context: NodeContext) => Value;

/** Every op of the forward pass outside of training, by its name. */
export const LOWERINGS: Readonly<Record<AnyOp['name'], LowerNode>> = {
  add: (c) => c.node('Add', [c.value(0), c.value(1)]),
  multiply: (c) => c.node('Mul', [c.value(0), c.value(1)]),
  scale: (c) => c.binary('Mul', c.value(0), c.number('factor')),
  linear: (c) => {
    const product = c.node('MatMul', [c.value(0), c.transposed(1)]);
    return c.has(2) ? c.node('Add', [product, c.value(2)]) : product;
  },
  matmul: (c) =>
    c.node('MatMul', [c.is('aT') ? c.transposed(0) : c.value(0), c.is('bT') ? c.transposed(1) : c.value(1)]),
  layernorm: (c) =>
    c.node('LayerNormalization', [c.value(0), c.value(1), c.value(2)], {
      axis: -1,
      epsilon: { float: c.number('eps') },
    }),
  activation: (c) => {
    const x = c.value(0);
    switch (c.text('kind')) {
      case 'relu':
        return c.node('Relu', [x]);
      case 'sigmoid':
        return c.node('Sigmoid', [x]);
      default: {
        // GELU by the error function, which ONNX has as one operator only in later sets.
        const erf = c.node('Erf', [c.binary('Mul', x, Math.SQRT1_2)]);
        return c.binary('Mul', c.node('Mul', [x, c.binary('Add', erf, 1)]), 0.5);
      }
    }
  },
  attention: lowerAttention,
  relPosBias: lowerRelPosBias,
  patchify: (c) => {
    const [B, C, height, width] = [0, 1, 2, 3].map((i) => axis(c.shape(0), i)) as [
      number,
      number,
      number,
      number,
    ];
    const p = c.number('patch');
    const cut = [B, C, height / p, p, width / p, p];
    const patches = c.transpose(c.reshape(c.value(0), c.shape(0), cut), [0, 2, 4, 1, 3, 5]);
    return c.reshape(patches, [], c.outputShape);
  },
  windowPartition: (c) => {
    const [B, H, W, C] = gridOf(c.shape(0));
    const [rows, columns, w] = windowsOf(c, H, W);
    const padded = c.pad(c.value(0), [0, 0, 0, 0], [0, rows * w - H, columns * w - W, 0]);
    const cut = c.reshape(padded, [], [B, rows, w, columns, w, C]);
    return c.reshape(c.transpose(cut, [0, 1, 3, 2, 4, 5]), [], c.outputShape);
  },
  windowUnpartition: (c) => {
    const [B, H, W, C] = gridOf(c.outputShape);
    const [rows, columns, w] = windowsOf(c, H, W);
    const cut = c.reshape(c.value(0), [], [B, rows, columns, w, w, C]);
    const whole = c.reshape(c.transpose(cut, [0, 1, 3, 2, 4, 5]), [], [B, rows * w, columns * w, C]);
    return c.slice(c.slice(whole, 1, 0, H), 2, 0, W);
  },
  prependTokens: (c) => {
    const [x, p] = [c.shape(0), c.shape(1)];
    const [M, groups] = [axis(x, 0), axis(p, 0)];
    if (M === groups) return c.concat([c.value(1), c.value(0)], 1);
    if (groups !== 1) throw new RangeError('prependTokens: an image at a time');
    const shape = c.concat([c.size(M), c.model.ints(p.slice(1))], 0);
    return c.concat([c.node('Expand', [c.value(1), shape]), c.value(0)], 1);
  },
  sliceTokens: (c) => c.slice(c.value(0), 1, c.number('start'), c.number('start') + c.number('length')),
  repeatLeading: (c) => {
    const shape = c.concat([c.size(c.number('times')), c.model.ints(c.shape(0))], 0);
    return c.node('Expand', [c.value(0), shape]);
  },
  gated: (c) => c.node('Mul', [c.value(0), oneGate(c, 1)]),
  gatedAdd: (c) => c.node('Add', [c.value(0), c.node('Mul', [c.value(1), oneGate(c, 2)])]),
  gateScale: (c) => c.reshape(c.node('Mul', [c.value(0), oneGate(c, 1)]), [], c.outputShape),
  openGate: (c) => c.node('Cast', [c.binary('Greater', c.value(0), 0)], { to: 1 }),
  tokenGate: (c) => {
    if (axis(c.outputShape, 0) !== 1) throw new RangeError('tokenGate: an image at a time');
    const open = c.node('Sigmoid', [
      c.node('Add', [c.node('MatMul', [c.value(0), c.transposed(1)]), c.value(2)]),
    ]);
    return c.reshape(c.node('ReduceMean', [open], { keepdims: 0 }), [], [1]);
  },
  pointEmbed: (c) => {
    const [coords, labels, gaussian, table] = [0, 1, 2, 3];
    const shift = c.is('noOffset') ? 0 : 0.5;
    const size = c.number('imageSize');
    const unit = c.binary('Sub', c.binary('Mul', c.binary('Add', c.value(coords), shift), 2 / size), 1);
    const turns = c.binary('Mul', c.node('MatMul', [unit, c.value(gaussian)]), 2 * Math.PI);
    const waves = c.concat([c.node('Sin', [turns]), c.node('Cos', [turns])], -1);
    if (!c.has(labels)) return waves;
    const given = c.value(labels);
    const isPoint = c.node('Unsqueeze', [c.binary('GreaterOrEqual', given, 0), c.model.ints([-1])]);
    const placed = c.node('Where', [isPoint, waves, c.model.floats([0], [])]);
    if (!c.has(table)) return placed;
    const rows = c.node('Cast', [c.binary('Add', given, 1)], { to: 7 });
    return c.node('Add', [placed, c.node('Gather', [c.value(table), rows], { axis: 0 })]);
  },
  depthToSpace: (c) => {
    const [B, H, W, F] = gridOf(c.shape(0));
    const cells = c.reshape(c.value(0), c.shape(0), [B, H, W, F / 4, 2, 2]);
    const spread = c.transpose(cells, [0, 1, 4, 2, 5, 3]);
    const whole = c.reshape(spread, [B, H, 2, W, 2, F / 4], c.outputShape);
    return c.has(1) ? c.node('Add', [whole, c.value(1)]) : whole;
  },
  im2col3: (c) => {
    const [, H, W] = gridOf(c.shape(0));
    const stride = c.number('stride');
    const padded = c.pad(c.value(0), [0, 1, 1, 0], [0, 1, 1, 0]);
    const end = (from: number, length: number) => from + (Math.ceil(length / stride) - 1) * stride + 1;
    const taps = tapsOf(c).map(([dy, dx]) => {
      const rows = c.slice(padded, 1, dy, end(dy, H), stride);
      const seen = c.slice(rows, 2, dx, end(dx, W), stride);
      return c.node('Unsqueeze', [seen, c.model.ints([-1])]);
    });
    return c.reshape(c.concat(taps, -1), c.shape(0), c.outputShape);
  },
  depthwiseConv3: (c) => {
    const channels = lastOf(c.shape(0));
    const kernels = c.reshape(c.transpose(c.value(1), [1, 0]), [], [channels, 1, 3, 3]);
    const stride = c.number('stride');
    const image = c.transpose(c.value(0), [0, 3, 1, 2]);
    const out = c.node('Conv', [image, kernels, c.value(2)], {
      group: channels,
      kernel_shape: [3, 3],
      pads: [1, 1, 1, 1],
      strides: [stride, stride],
    });
    return c.transpose(out, [0, 2, 3, 1]);
  },
};

/** `softmax(q·k/√d + relPos + bias) · v`, a prefix's columns weighing `mass`. */
function lowerAttention(c: NodeContext): Value {
  const [q, k, v, relPos, mass, bias] = [0, 1, 2, 3, 4, 5];
  const [heads, prefix, gridW] = [c.number('heads'), c.number('prefix'), c.number('gridW')];
  const D = lastOf(c.shape(q)) / heads;
  const keys = axis(c.shape(k), 1);
  const split = (i: number, axes: readonly number[]) => {
    const [M, N] = [axis(c.shape(i), 0), axis(c.shape(i), 1)];
    return c.transpose(c.reshape(c.value(i), c.shape(i), [M, N, heads, D]), axes);
  };
  const scaled = c.binary('Mul', split(q, [0, 2, 1, 3]), 1 / Math.sqrt(D));
  let scores = c.node('MatMul', [scaled, split(k, [0, 2, 3, 1])]);
  const behindPrefix = (value: Value, rank: number) => {
    const before = Array.from({ length: rank }, (_, i) => (i === rank - 1 ? prefix : 0));
    return c.pad(
      value,
      before,
      before.map(() => 0),
    );
  };
  if (c.has(relPos)) {
    const [M, , Nq] = [0, 1, 2].map((i) => axis(c.shape(relPos), i)) as [number, number, number];
    const gridH = (keys - prefix) / gridW;
    const rows = c.slice(c.value(relPos), 3, 0, gridH);
    const columns = c.slice(c.value(relPos), 3, gridH, gridH + gridW);
    const sum = c.node('Add', [
      c.node('Unsqueeze', [rows, c.model.ints([4])]),
      c.node('Unsqueeze', [columns, c.model.ints([3])]),
    ]);
    scores = c.node('Add', [scores, behindPrefix(c.reshape(sum, [], [M, heads, Nq, gridH * gridW]), 4)]);
  }
  if (c.has(bias)) scores = c.node('Add', [scores, behindPrefix(c.value(bias), 3)]);
  if (c.has(mass)) {
    if (sizeOf(c.shape(mass)) !== 1) throw new RangeError('attention: an image at a time');
    // exp(score + log mass) = mass · exp(score), and nothing at all where it is 0.
    const weight = c.node('Expand', [c.node('Log', [c.value(mass)]), c.model.ints([prefix])]);
    scores = c.node('Add', [scores, c.pad(weight, [0], [keys - prefix])]);
  }
  const mixed = c.node('MatMul', [c.node('Softmax', [scores], { axis: -1 }), split(v, [0, 2, 1, 3])]);
  const [M, N] = [axis(c.outputShape, 0), axis(c.outputShape, 1)];
  return c.reshape(c.transpose(mixed, [0, 2, 1, 3]), [M, N, heads, D], c.outputShape);
}

/** What a query's row and column see of each key's: q · table[distance], along both axes. */
function lowerRelPosBias(c: NodeContext): Value {
  const [q, tableH, tableW] = [0, 1, 2];
  const [heads, gridH, gridW] = [c.number('heads'), c.number('gridH'), c.number('gridW')];
  const M = axis(c.shape(q), 0);
  const D = lastOf(c.shape(q)) / heads;
  const grid = c.reshape(c.value(q), c.shape(q), [M, gridH, gridW, heads, D]);
  // [distances] → [query, d, key] of one axis.
  const table = (i: number, side: number) => {
    const rows = Array.from(
      { length: side * side },
      (_, at) => Math.floor(at / side) - (at % side) + side - 1,
    );
    return c.transpose(
      c.node('Gather', [c.value(i), c.model.ints(rows, [side, side])], { axis: 0 }),
      [0, 2, 1],
    );
  };
  const byRow = c.node('MatMul', [c.transpose(grid, [0, 3, 1, 2, 4]), table(tableH, gridH)]);
  const byColumn = c.node('MatMul', [c.transpose(grid, [0, 3, 2, 1, 4]), table(tableW, gridW)]);
  const both = c.concat([byRow, c.transpose(byColumn, [0, 1, 3, 2, 4])], -1);
  return c.reshape(both, [], c.outputShape);
}

function gridOf(shape: Shape): [B: number, H: number, W: number, C: number] {
  return [axis(shape, 0), axis(shape, 1), axis(shape, 2), axis(shape, 3)];
}

/** Rows and columns of windows, and their side. */
function windowsOf(c: NodeContext, H: number, W: number): [rows: number, columns: number, side: number] {
  const side = c.number('window');
  return [Math.ceil(H / side), Math.ceil(W / side), side];
}

/** Where each column of a 3 × 3 convolution looks, from 0 to 2 on both axes. */
function tapsOf(c: NodeContext): (readonly [dy: number, dx: number])[] {
  return Array.from({ length: 9 }, (_, i) => {
    const tap = c.is('isMirrored') ? 8 - i : i;
    return [Math.floor(tap / 3), tap % 3];
  });
}

/** A gate [1], which serves the one image. */
function oneGate(c: NodeContext, i: number): Value {
  if (sizeOf(c.shape(i)) !== 1) throw new RangeError('a gate: an image at a time');
  return c.value(i);
}
