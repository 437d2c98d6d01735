import { defineOp, type Tensor } from '../../graph/graph.ts';
import type { Binding, Pass } from '../../graph/pass.ts';
import { sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';

/** `gelu` is the exact one, x·Φ(x) by erf, not the tanh approximation. */
export type ActivationKind = 'gelu' | 'relu' | 'sigmoid';

interface ActivationAttributes {
  readonly kind: ActivationKind;
}

/** KIND of lib/activation. */
export const ACTIVATION_CODES: Readonly<Record<ActivationKind, number>> = { gelu: 0, relu: 1, sigmoid: 2 };

/** KIND where there is none, in shaders that may do without. */
export const NO_ACTIVATION = 3;

const ACTIVATIONS: readonly ActivationKind[] = ['gelu', 'relu', 'sigmoid'];

/** An elementwise nonlinearity. */
export const activationOp = defineOp({
  name: 'activation',
  inputs: ['x'],
  shapes: ([x], _attrs: ActivationAttributes) => {
    if (!x) throw new RangeError('activation: one input');
    return [x];
  },
  passes: ({ outputs: [out], attrs: { kind } }) => [
    activationPass('forward', kind, [{ input: 0 }, { output: 0 }], sizeOf(out ?? [])),
  ],
  backward: {
    x: ({ graph, input, dout, attrs }) => graph.apply1(activationBackwardOp, [input(0), dout], attrs),
  },
  reference: ([x], _shapes, { kind }) => {
    if (!x) throw new RangeError('activation: one input');
    return [x.map(ACTIVATION_REFERENCES[kind])];
  },
  cases: ACTIVATIONS.flatMap((kind) => [
    { inputs: [[1]], attrs: { kind } },
    { inputs: [[3, 5, 7]], attrs: { kind } },
    {
      inputs: [[264]],
      attrs: { kind },
      values: { 0: (shape: readonly number[]) => ramp(sizeOf(shape)) },
      note: 'in fours, more than a workgroup',
    },
    {
      inputs: [[131]],
      attrs: { kind },
      values: { 0: (shape: readonly number[]) => ramp(sizeOf(shape)) },
      note: 'from −12 to 12: both tails',
    },
  ]),
});

/** Gradient of {@link activationOp}. */
export const activationBackwardOp = defineOp({
  name: 'activationBackward',
  inputs: ['x', 'dout'],
  shapes: ([x], _attrs: ActivationAttributes) => {
    if (!x) throw new RangeError('activationBackward: x');
    return [x];
  },
  passes: ({ outputs: [dx], attrs: { kind } }) => [
    activationPass('backward', kind, [{ input: 0 }, { input: 1 }, { output: 0 }], sizeOf(dx ?? [])),
  ],
  backward: { x: 'none', dout: 'none' },
  reference: { checkedBy: 'activation' },
  cases: [],
});

const SHADERS = {
  forward: { fours: 'activation/forward-fours', any: 'activation/forward-any' },
  backward: { fours: 'activation/backward-fours', any: 'activation/backward-any' },
} as const;

/** A dispatch over `n` values, in vectors of four where they are a multiple. */
function activationPass(
  way: 'forward' | 'backward',
  kind: ActivationKind,
  bindings: readonly Binding[],
  n: number,
): Pass {
  const inFours = n % 4 === 0;
  return {
    shader: SHADERS[way][inFours ? 'fours' : 'any'],
    constants: { KIND: ACTIVATION_CODES[kind] },
    bindings,
    workgroups: workgroups1d(inFours ? n / 4 : n),
    flops: (way === 'forward' ? 16 : 20) * n,
  };
}

/** Each in float64. */
export const ACTIVATION_REFERENCES: Readonly<Record<ActivationKind, (x: number) => number>> = {
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  relu: (x) => Math.max(x, 0),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
};

/** erf in float64 by the series 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!, all of one sign. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** Even steps from −12 to 12 that miss 0, where ReLU has no derivative. */
function ramp(n: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => Math.fround(((i + 0.4) / n) * 24 - 12));
}

/** Applies one activation. */
export function activation(x: Tensor, kind: ActivationKind): Tensor {
  const attrs: ActivationAttributes = { kind };
  return x.graph.apply1(activationOp, [x], attrs);
}

export function gelu(x: Tensor): Tensor {
  return activation(x, 'gelu');
}

export function relu(x: Tensor): Tensor {
  return activation(x, 'relu');
}
