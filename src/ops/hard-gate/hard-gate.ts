import { defineOp, type Tensor } from '../../graph/graph.ts';
import type { Binding, Pass } from '../../graph/pass.ts';
import { expectShape, type Shape, sameShape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';

/** Bounds of the hard concrete distribution before it is clipped to 0..1, and its temperature (arXiv 1712.01312). */
export const STRETCH = { low: -0.1, high: 1.1 } as const;
export const TEMPERATURE = 2 / 3;

const CONSTANTS = { LOW: STRETCH.low, HIGH: STRETCH.high, TEMPERATURE } as const;

/**
 * A draw of the hard concrete distribution: clip(σ((ln u − ln(1 − u) + α) / β) · (ζ − γ) + γ, 0, 1), element by element. alpha and
 * u, in (0, 1), have one shape.
 */
export const hardGateOp = defineOp({
  name: 'hardGate',
  inputs: ['alpha', 'u'],
  shapes: ([alpha, u]) => {
    if (!alpha || !u) throw new RangeError('hardGate: alpha and u');
    expectShape(sameShape(alpha, u), 'hardGate', () => `${show(u)} draws for ${show(alpha)}`);
    return [alpha];
  },
  passes: ({ outputs: [out] }) => [pass('hard-gate/draw', [{ input: 0 }, { input: 1 }, { output: 0 }], out)],
  backward: {
    alpha: ({ graph, input, dout }) => graph.apply1(hardGateBackwardOp, [input(0), input(1), dout], {}),
    u: 'none',
  },
  reference: ([alpha, u]) => {
    if (!alpha || !u) throw new RangeError('hardGate: alpha and u');
    return [
      alpha.map((value, i) => {
        const draw = u[i] ?? Number.NaN;
        const s = 1 / (1 + Math.exp(-(Math.log(draw / (1 - draw)) + value) / TEMPERATURE));
        return Math.min(1, Math.max(0, s * (STRETCH.high - STRETCH.low) + STRETCH.low));
      }),
    ];
  },
  cases: [
    { inputs: [[1], [1]], attrs: {}, values: { 1: () => Float64Array.of(0.25) } },
    {
      inputs: [[5], [5]],
      attrs: {},
      values: {
        0: () => Float64Array.of(-0.5, 2, 0.25, -3, 3),
        1: () => Float64Array.of(0.5, 0.125, 0.75, 0.0625, 0.875),
      },
      note: 'between, closed and open',
    },
  ],
});

/** Gradient of {@link hardGateOp} to alpha: 0 where the draw is clipped. */
export const hardGateBackwardOp = defineOp({
  name: 'hardGateBackward',
  inputs: ['alpha', 'u', 'dout'],
  shapes: ([alpha]) => {
    if (!alpha) throw new RangeError('hardGateBackward: alpha');
    return [alpha];
  },
  passes: ({ outputs: [out] }) => [
    pass('hard-gate/draw-backward', [{ input: 0 }, { input: 1 }, { input: 2 }, { output: 0 }], out),
  ],
  backward: { alpha: 'none', u: 'none', dout: 'none' },
  reference: { checkedBy: 'hardGate' },
  cases: [],
});

/** A hard gate without chance: 1 where alpha is above 0, else 0. It has no gradient. */
export const openGateOp = defineOp({
  name: 'openGate',
  inputs: ['alpha'],
  shapes: ([alpha]) => {
    if (!alpha) throw new RangeError('openGate: alpha');
    return [alpha];
  },
  passes: ({ outputs: [out] }) => [
    {
      shader: 'hard-gate/open',
      constants: {},
      bindings: [{ input: 0 }, { output: 0 }],
      workgroups: workgroups1d(sizeOf(out ?? [])),
      flops: sizeOf(out ?? []),
    },
  ],
  backward: { alpha: 'none' },
  reference: ([alpha]) => {
    if (!alpha) throw new RangeError('openGate: alpha');
    return [alpha.map((value) => Number(value > 0))];
  },
  cases: [
    { inputs: [[1]], attrs: {} },
    { inputs: [[67]], attrs: {} },
    { inputs: [[3]], attrs: {}, values: { 0: () => Float64Array.of(0, 1e-6, -1e-6) }, note: 'beside 0' },
  ],
});

function pass(shader: string, bindings: readonly Binding[], out: Shape | undefined): Pass {
  const n = sizeOf(out ?? []);
  return {
    shader,
    constants: CONSTANTS,
    bindings,
    workgroups: workgroups1d(n),
    flops: 16 * n,
  };
}

/** A gate drawn from `alpha` with the uniform number `u`. */
export function hardGate(alpha: Tensor, u: Tensor): Tensor {
  return alpha.graph.apply1(hardGateOp, [alpha, u], {});
}

/** The gate that `alpha` means outside of training: 0 or 1. */
export function openGate(alpha: Tensor): Tensor {
  return alpha.graph.apply1(openGateOp, [alpha], {});
}
