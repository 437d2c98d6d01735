import { defineOp, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, show, sizeOf } from '../../graph/shape.ts';
import { combinePass } from '../add/combine.ts';
import { workgroups1d } from '../dispatch.ts';
import { sampleDot } from '../sample-dot/sample-dot.ts';

/** `gate[b] · p` for every sample: p [P, C], gate [B] → [B, P, C]; the prefix of gate form `unipelt`. */
export const gateScaleOp = defineOp({
  name: 'gateScale',
  inputs: ['p', 'gate'],
  shapes: ([p, gate]) => {
    if (!p || !gate) throw new RangeError('gateScale: p and gate');
    expectShape(gate.length === 1, 'gateScale', () => `gate ${show(gate)} for ${show(p)}`);
    return [[axis(gate, 0), ...p]];
  },
  passes: ({ inputs: [p, gate], outputs: [out] }) => [
    combinePass(
      { y: { input: 0 }, gate: { input: 1 }, out: { output: 0 } },
      { out, y: p, gates: sizeOf(gate ?? []) },
    ),
  ],
  backward: {
    p: ({ graph, dout, input }) => graph.apply1(gateScaleBackwardOp, [dout, input(1)], {}),
    gate: ({ dout, input }) => sampleDot(dout, input(0), axis(input(1).shape, 0)),
  },
  reference: ([p, gate]) => {
    if (!p || !gate) throw new RangeError('gateScale: p and gate');
    return [
      Float64Array.from(
        { length: p.length * gate.length },
        (_, i) => (gate[Math.floor(i / p.length)] ?? 0) * (p[i % p.length] ?? 0),
      ),
    ];
  },
  cases: [
    { inputs: [[1, 1], [1]], attrs: {} },
    { inputs: [[5, 7], [3]], attrs: {} },
    { inputs: [[5, 8], [3]], attrs: {}, note: 'in fours' },
    {
      inputs: [[11, 67], [2]],
      attrs: {},
      values: { 1: () => Float64Array.of(0, 1) },
      note: 'closed and open',
    },
  ],
});

/** Gradient of {@link gateScaleOp} to p. */
export const gateScaleBackwardOp = defineOp({
  name: 'gateScaleBackward',
  inputs: ['dout', 'gate'],
  shapes: ([dout]) => {
    if (!dout) throw new RangeError('gateScaleBackward: dout');
    return [dout.slice(1)];
  },
  passes: ({ inputs: [dout], outputs: [dp] }) => [
    {
      shader: 'gate-scale/backward',
      constants: {},
      bindings: [{ input: 0 }, { input: 1 }, { output: 0 }],
      workgroups: workgroups1d(sizeOf(dp ?? [])),
      flops: 2 * sizeOf(dout ?? []),
    },
  ],
  backward: { dout: 'none', gate: 'none' },
  reference: { checkedBy: 'gateScale' },
  cases: [],
});

/** The prefix `p`, weighed by every sample's gate. */
export function gateScale(p: Tensor, gate: Tensor): Tensor {
  return p.graph.apply1(gateScaleOp, [p, gate], {});
}
