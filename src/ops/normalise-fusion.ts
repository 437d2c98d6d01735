import type { Fusion, FusionContext } from '../graph/fuse.ts';
import type { Node } from '../graph/graph.ts';
import { lastOf, sizeOf } from '../graph/shape.ts';
import { type ActivationKind, activationOp } from './activation/activation.ts';
import { addOp } from './add/add.ts';
import {
  type LayernormWindows,
  layernormBackwardOp,
  layernormOp,
  sharesRows,
} from './layernorm/layernorm.ts';
import {
  type WindowAttributes,
  windowPartitionOp,
  windowUnpartitionOp,
} from './window-partition/window-partition.ts';

/** layernorm(x) + y, beside layernorm(x): comes first, since a layernorm has room for one sum, and products for any. */
export function normaliseThenAdd(node: Node, { producerOf }: FusionContext): Fusion | null {
  if (node.op !== addOp) return null;
  const [x, y] = node.inputs;
  const [out] = node.outputs;
  if (!x || !y || !out) return null;
  for (const [value, after] of [
    [x, y],
    [y, x],
  ] as const) {
    const norm = producerOf(value);
    if (norm?.op !== layernormOp || norm.outputs.length > 2 || norm.outputs[0]?.root !== value.root) continue;
    const isSuffix = value === x && sizeOf(x.shape) > sizeOf(y.shape);
    if (!isSuffix && sizeOf(x.shape) !== sizeOf(y.shape)) continue;
    if (lastOf(after.shape) !== lastOf(norm.outputs[0].shape)) continue;
    return {
      replaces: [norm, node],
      op: layernormOp,
      attrs: norm.attrs,
      inputs: [...norm.inputs.slice(0, 3), null, after],
      outputs: [...norm.outputs, out],
    };
  }
  return null;
}

/** activation(layernorm(x)), beside layernorm(x). */
export function normaliseThenActivate(node: Node, { producerOf }: FusionContext): Fusion | null {
  const [x] = node.inputs;
  const [out] = node.outputs;
  const norm = node.op === activationOp && x ? producerOf(x) : null;
  if (norm?.op !== layernormOp || norm.outputs.length > 2 || norm.outputs[0]?.root !== x?.root || !out)
    return null;
  const { kind } = node.attrs as { kind: ActivationKind };
  const attrs = { ...norm.attrs, activation: kind };
  return { replaces: [norm, node], op: norm.op, attrs, inputs: norm.inputs, outputs: [...norm.outputs, out] };
}

/** layernorm(x + y): the sum is stored on the way. */
export function addThenNormalise(node: Node, { producerOf }: FusionContext): Fusion | null {
  const [x, weight, bias, residual] = node.inputs;
  const sum = x && producerOf(x);
  if (node.op !== layernormOp || node.outputs.length > 2 || residual || !x || sum?.op !== addOp) return null;
  const [left, right] = sum.inputs;
  const [out] = sum.outputs;
  if (!left || !right || !out || !weight || !bias || sizeOf(left.shape) !== sizeOf(right.shape)) return null;
  return {
    replaces: [sum, node],
    op: layernormOp,
    attrs: node.attrs,
    inputs: [left.view(x.shape), weight, bias, right.view(x.shape)],
    outputs: [...node.outputs, out],
  };
}

/** layernorm(x + y) of GPUs, where y comes in windows. */
export function imagesThenNormalise(node: Node, { producerOf, isPrivate }: FusionContext): Fusion | null {
  const [x, , , y] = node.inputs;
  const images = node.op === layernormOp && y && isPrivate(y) ? producerOf(y) : null;
  const [windows] = images?.inputs ?? [];
  if (images?.op !== windowUnpartitionOp || !windows || !x || !canCut(node)) return null;
  const cut: LayernormWindows = { ...(images.attrs as WindowAttributes), at: 'residual' };
  return {
    replaces: [images, node],
    op: node.op,
    attrs: { ...node.attrs, windows: cut },
    inputs: node.inputs.map((tensor, i) => (i === 3 ? windows : tensor)),
    outputs: node.outputs,
  };
}

/** layernorm(x) of GPUs, beside the same in windows. */
export function normaliseThenWindows(node: Node, { producerOf }: FusionContext): Fusion | null {
  const [x] = node.inputs;
  const norm = node.op === windowPartitionOp && x ? producerOf(x) : null;
  if (norm?.op !== layernormOp || norm.outputs[0]?.root !== x?.root || !canCut(norm)) return null;
  const cut: LayernormWindows = { ...(node.attrs as WindowAttributes), at: 'output' };
  return {
    replaces: [norm, node],
    op: norm.op,
    attrs: { ...norm.attrs, windows: cut },
    inputs: norm.inputs,
    outputs: [...norm.outputs, ...node.outputs],
  };
}

/** The gradient through a layernorm of GPUs, beside the same in windows. */
export function normaliseBackwardThenWindows(node: Node, { producerOf }: FusionContext): Fusion | null {
  const [x] = node.inputs;
  const norm = node.op === windowPartitionOp && x ? producerOf(x) : null;
  if (norm?.op !== layernormBackwardOp || norm.outputs.length > 1 || !canCut(norm)) return null;
  const attrs = { ...norm.attrs, windows: node.attrs as WindowAttributes };
  return {
    replaces: [norm, node],
    op: norm.op,
    attrs,
    inputs: norm.inputs,
    outputs: [...norm.outputs, ...node.outputs],
  };
}

/** Whether a layernorm of images, or its gradient, has a kernel for windows, and does nothing after it. */
function canCut({ op, inputs, attrs }: Node): boolean {
  const { windows, activation } = attrs as { windows?: unknown; activation?: unknown };
  const after = op === layernormOp ? inputs[4] : null;
  const shape = inputs[0]?.shape ?? [];
  return !windows && !activation && !after && shape.length === 4 && sharesRows(shape);
}

/** The gradient through a layernorm of a sum of two; of GPUs' kernel. */
export function addThenNormaliseBackward(
  node: Node,
  { producerOf, isPrivate }: FusionContext,
): Fusion | null {
  const [x, weight, stats, dout, more, second] = node.inputs;
  const sum = node.op === layernormBackwardOp && dout && isPrivate(dout) ? producerOf(dout) : null;
  const [a, b] = sum?.inputs ?? [];
  if (sum?.op !== addOp || !a || !b || second || !x || !weight || !stats) return null;
  if (sizeOf(a.shape) !== sizeOf(b.shape) || !sharesRows(x.shape)) return null;
  return {
    replaces: [sum, node],
    op: node.op,
    attrs: node.attrs,
    inputs: [x, weight, stats, a, more ?? null, b],
    outputs: node.outputs,
  };
}
