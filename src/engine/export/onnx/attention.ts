/** Attention in ONNX's operators. */
import { axis, lastOf, sizeOf } from '../../../graph/shape.ts';
import type { NodeContext } from './node-context.ts';
import type { Value } from './onnx-model.ts';

/** `softmax(q·k/√d + relPos + bias) · v`, a prefix's columns weighing `mass`. */
export function lowerAttention(c: NodeContext): Value {
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
export function lowerRelPosBias(c: NodeContext): Value {
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
