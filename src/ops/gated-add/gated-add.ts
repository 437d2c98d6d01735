import { defineOp, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, sameShape, show, sizeOf } from '../../graph/shape.ts';
import { combinePass } from '../add/combine.ts';
import { sampleDot } from '../sample-dot/sample-dot.ts';

/**
 * `x + gate[b] · d`: x and d of one shape whose leading axis is a multiple of B, gate [B]; a gate serves consecutive
 * parts.
 */
export const gatedAddOp = defineOp({
  name: 'gatedAdd',
  inputs: ['x', 'd', 'gate'],
  shapes: ([x, d, gate]) => {
    if (!x || !d || !gate) throw new RangeError('gatedAdd: x, d and gate');
    expectShape(
      sameShape(x, d) && gate.length === 1 && axis(x, 0) % axis(gate, 0) === 0,
      'gatedAdd',
      () => `${show(x)} + gate ${show(gate)} · ${show(d)}`,
    );
    return [x];
  },
  passes: ({ inputs: [, d, gate], outputs: [out] }) => [
    combinePass(
      { x: { input: 0 }, y: { input: 1 }, gate: { input: 2 }, out: { output: 0 } },
      { out, y: d, gates: sizeOf(gate ?? []) },
    ),
  ],
  backward: {
    x: ({ dout }) => dout,
    d: ({ dout, input }) => gated(dout, input(2)),
    gate: ({ dout, input }) => sampleDot(dout, input(1), axis(input(2).shape, 0)),
  },
  reference: ([x, d, gate]) => {
    if (!x || !d || !gate) throw new RangeError('gatedAdd: x, d and gate');
    const each = x.length / gate.length;
    return [x.map((value, i) => value + (gate[Math.floor(i / each)] ?? 0) * (d[i] ?? 0))];
  },
  cases: [
    { inputs: [[1, 1], [1, 1], [1]], attrs: {} },
    { inputs: [[3, 5, 7], [3, 5, 7], [3]], attrs: {} },
    { inputs: [[6, 13, 11], [6, 13, 11], [2]], attrs: {}, note: 'three windows a sample' },
    { inputs: [[6, 13, 12], [6, 13, 12], [2]], attrs: {}, note: 'the same in fours' },
    { inputs: [[2, 3, 10], [2, 3, 10], [2]], attrs: {}, note: 'in fours but for a sample' },
    {
      inputs: [[2, 67, 3], [2, 67, 3], [2]],
      attrs: {},
      values: { 2: () => Float64Array.of(0, 1) },
      note: 'closed and open',
    },
  ],
});

/** `gate[b] · x`, as in {@link gatedAddOp}. */
export const gatedOp = defineOp({
  name: 'gated',
  inputs: ['x', 'gate'],
  shapes: ([x, gate]) => {
    if (!x || !gate) throw new RangeError('gated: x and gate');
    expectShape(
      gate.length === 1 && axis(x, 0) % axis(gate, 0) === 0,
      'gated',
      () => `gate ${show(gate)} for ${show(x)}`,
    );
    return [x];
  },
  passes: ({ inputs: [x, gate], outputs: [out] }) => [
    combinePass(
      { y: { input: 0 }, gate: { input: 1 }, out: { output: 0 } },
      { out, y: x, gates: sizeOf(gate ?? []) },
    ),
  ],
  backward: {
    x: ({ dout, input }) => gated(dout, input(1)),
    gate: ({ dout, input }) => sampleDot(dout, input(0), axis(input(1).shape, 0)),
  },
  reference: ([x, gate]) => {
    if (!x || !gate) throw new RangeError('gated: x and gate');
    const each = x.length / gate.length;
    return [x.map((value, i) => (gate[Math.floor(i / each)] ?? 0) * value)];
  },
  cases: [
    { inputs: [[1, 1], [1]], attrs: {} },
    { inputs: [[6, 13, 11], [2]], attrs: {}, note: 'three windows a sample' },
    { inputs: [[6, 13, 12], [3]], attrs: {}, note: 'in fours' },
  ],
});

/** `x + gate·d`, one gate a sample. */
export function gatedAdd(x: Tensor, d: Tensor, gate: Tensor): Tensor {
  return x.graph.apply1(gatedAddOp, [x, d, gate], {});
}

/** `gate·x`, one gate a sample. */
export function gated(x: Tensor, gate: Tensor): Tensor {
  return x.graph.apply1(gatedOp, [x, gate], {});
}
