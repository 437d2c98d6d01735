import { defineOp, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, sameShape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
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
  passes: ({ outputs: [out] }) => [
    {
      shader: 'gated-add/forward',
      constants: {},
      bindings: [{ input: 0 }, { input: 1 }, { input: 2 }, { output: 0 }],
      workgroups: workgroups1d(sizeOf(out ?? [])),
      flops: 2 * sizeOf(out ?? []),
    },
  ],
  backward: {
    x: ({ dout }) => dout,
    d: ({ graph, dout, input }) => graph.apply1(gatedAddBackwardOp, [dout, input(2)], {}),
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
    {
      inputs: [[2, 67, 3], [2, 67, 3], [2]],
      attrs: {},
      values: { 2: () => Float64Array.of(0, 1) },
      note: 'closed and open',
    },
  ],
});

/** Gradient of {@link gatedAddOp} to d. */
export const gatedAddBackwardOp = defineOp({
  name: 'gatedAddBackward',
  inputs: ['dout', 'gate'],
  shapes: ([dout]) => {
    if (!dout) throw new RangeError('gatedAddBackward: dout');
    return [dout];
  },
  passes: ({ outputs: [dd] }) => [
    {
      shader: 'gated-add/backward',
      constants: {},
      bindings: [{ input: 0 }, { input: 1 }, { output: 0 }],
      workgroups: workgroups1d(sizeOf(dd ?? [])),
      flops: sizeOf(dd ?? []),
    },
  ],
  backward: { dout: 'none', gate: 'none' },
  reference: { checkedBy: 'gatedAdd' },
  cases: [],
});

/** `x + gate·d`, one gate a sample. */
export function gatedAdd(x: Tensor, d: Tensor, gate: Tensor): Tensor {
  return x.graph.apply1(gatedAddOp, [x, d, gate], {});
}
