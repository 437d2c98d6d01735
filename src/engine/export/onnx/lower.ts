/**
 * A traced graph as ONNX nodes, so that what is exported is what the engine computes. Each op of the forward pass has an entry
 * below that says the same in ONNX's operators; an image at a time, any number of objects.
 */
import type { AnyOp, Graph, Node } from '../../../graph/graph.ts';
import { axis, lastOf, type Shape, sizeOf } from '../../../graph/shape.ts';
import { lowerAttention, lowerRelPosBias } from './attention.ts';
import { GraphValues, type LoweredInputs, NodeContext } from './node-context.ts';
import type { OnnxModel, Value } from './onnx-model.ts';

/** Adds a graph's nodes. @returns the value of each of its outputs, of its shape. */
export function lowerGraph(model: OnnxModel, graph: Graph, inputs: LoweredInputs): Map<string, Value> {
  const values = new GraphValues(model, graph, inputs);
  const used = reachable(graph);
  for (const node of graph.nodes) {
    if (!used.has(node)) continue;
    const lower = LOWERINGS[node.op.name];
    if (!lower) throw new RangeError(`${node.op.name} has no form in ONNX`);
    const [out] = node.outputs;
    if (!out) throw new RangeError(`${node.op.name} has no output`);
    values.set(out, lower(new NodeContext(values, node)));
  }
  return new Map([...graph.outputs].map(([name, tensor]) => [name, values.value(tensor)]));
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
    const [p, stride] = [c.number('patch'), c.number('stride')];
    if (stride < p) return overlappingPatches(c, C, p, stride);
    const cut = [B, C, height / p, p, width / p, p];
    const patches = c.transpose(c.reshape(c.value(0), c.shape(0), cut), [0, 2, 4, 1, 3, 5]);
    return c.reshape(patches, [], c.outputShape);
  },
  maxPool: (c) => {
    const image = c.transpose(c.value(0), [0, 3, 1, 2]);
    return c.transpose(c.node('MaxPool', [image], { kernel_shape: [2, 2], strides: [2, 2] }), [0, 2, 3, 1]);
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
  spaceToDepth: (c) => {
    const [B, H, W, C] = gridOf(c.shape(0));
    const cut = c.reshape(c.value(0), c.shape(0), [B, H / 2, 2, W / 2, 2, C]);
    return c.reshape(c.transpose(cut, [0, 1, 3, 5, 2, 4]), [], c.outputShape);
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

/** Patches that begin before their stride: a convolution of each channel with a kernel for every pixel of a patch. */
function overlappingPatches(c: NodeContext, channels: number, patch: number, stride: number): Value {
  const pixels = patch * patch;
  const picks = Array.from({ length: channels * pixels * pixels }, (_, i) =>
    Number(Math.floor(i / pixels) % pixels === i % pixels),
  );
  const before = patch - stride;
  const seen = c.node('Conv', [c.value(0), c.model.floats(picks, [channels * pixels, 1, patch, patch])], {
    group: channels,
    kernel_shape: [patch, patch],
    pads: [before, before, 0, 0],
    strides: [stride, stride],
  });
  return c.transpose(seen, [0, 2, 3, 1]);
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
