import type { AdapterTraits } from '../../gpu/traits.ts';
import { defineOp } from '../../graph/graph.ts';
import { axis, expectShape, lastOf, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { ACTIVATION_CODES, ACTIVATION_REFERENCES, type ActivationKind } from '../activation/activation.ts';
import { required } from '../required.ts';
import { selectFamily } from '../select.ts';

/** Whether both gradients of small layers are computed at once: where a dispatch costs more than what a small one computes. */
export function pairsGradients(traits: AdapterTraits): boolean {
  return selectFamily('matmul', traits) === 'workgroup';
}

/** Rows and columns that a workgroup computes. */
const SIDE = 64;

/**
 * Both gradients of a linear layer `y = x · weightᵀ` at once. dout [R, N], weight [N, K], x [R, K]: dx = dout · weight, times
 * the activation's derivative at `other` or plus `other`, of dx's shape or a suffix of it; `dweight += doutᵀ · x`, and
 * `dbias += Σ over R of dout`. What graphs have as several nodes (`src/ops/fusion.ts`). → [R, K]
 */
export const linearBackwardOp = defineOp({
  name: 'linearBackward',
  inputs: ['dout', 'weight', 'x', 'other', 'dweight', 'dbias'],
  optional: ['other', 'dbias'],
  mutates: ['dweight', 'dbias'],
  shapes: (
    [dout, weight, x, other, dweight, dbias],
    { activation }: { readonly activation: ActivationKind | null },
  ) => {
    const [given, w] = [required(dout, 'linearBackward: dout'), required(weight, 'linearBackward: weight')];
    const [R, N, K] = [axis(given, 0), lastOf(given), lastOf(w)];
    const repeats = (of: Shape) => (R * K) % sizeOf(of) === 0 && (!activation || sizeOf(of) === R * K);
    expectShape(
      given.length === 2 &&
        sizeOf(w) === N * K &&
        sizeOf(x ?? []) === R * K &&
        sizeOf(dweight ?? []) === N * K &&
        (!dbias || sizeOf(dbias) === N) &&
        (other ? repeats(other) : !activation),
      'linearBackward',
      () => [dout, weight, x, other, dweight, dbias].map((shape) => show(shape ?? [])).join(' '),
    );
    return [[R, K]];
  },
  // Stands for a bias.
  scratch: ({ inputs: [, , , , , dbias] }) => (dbias ? [] : [[1]]),
  passes: ({ inputs: [dout, weight, , other, , dbias], attrs: { activation } }) => {
    const [R, N] = [axis(dout ?? [], 0), lastOf(dout ?? [])];
    const K = lastOf(weight ?? []);
    return [
      {
        shader: 'matmul/linear-backward',
        constants: {
          KIND: activation ? ACTIVATION_CODES[activation] : 0,
          DERIVATIVE: Number(activation !== null),
          HAS_OTHER: Number(Boolean(other) && activation === null),
          HAS_SUMS: Number(Boolean(dbias)),
        },
        bindings: [
          { input: 0 },
          { input: 1 },
          { input: 2 },
          { input: other ? 3 : 0 },
          { output: 0 },
          { input: 4 },
          dbias ? { input: 5 } : { scratch: 0 },
        ],
        workgroups: [Math.ceil(K / SIDE), Math.ceil(Math.max(R, N) / SIDE), 2],
        flops: 4 * R * N * K,
      },
    ];
  },
  backward: { dout: 'none', weight: 'none', x: 'none', other: 'none', dweight: 'none', dbias: 'none' },
  reference: ([dout, weight, x, other, dweight, dbias], [shape], { activation }) => {
    const [R, N] = [axis(shape ?? [], 0), axis(shape ?? [], 1)];
    const K = (weight?.length ?? 0) / N;
    const dx = new Float64Array(R * K);
    const [onto, sums] = [required(dweight, 'linearBackward').slice(), dbias?.slice()];
    for (let r = 0; r < R; r++) {
      for (let n = 0; n < N; n++) {
        const d = dout?.[r * N + n] ?? 0;
        if (sums) sums[n] = (sums[n] ?? 0) + d;
        for (let k = 0; k < K; k++) {
          dx[r * K + k] = (dx[r * K + k] ?? 0) + d * (weight?.[n * K + k] ?? 0);
          onto[n * K + k] = (onto[n * K + k] ?? 0) + d * (x?.[r * K + k] ?? 0);
        }
      }
    }
    const step = 1e-5;
    const value = activation && ACTIVATION_REFERENCES[activation];
    const done = dx.map((v, i) => {
      const at = other?.[i % other.length] ?? 0;
      return value ? (v * (value(at + step) - value(at - step))) / (2 * step) : v + at;
    });
    return [onto, ...(sums ? [sums] : []), done];
  },
  cases: [
    { inputs: [[1, 1], [1, 1], [1, 1], null, [1, 1], [1]], attrs: { activation: null } },
    { inputs: [[37, 19], [19, 41], [37, 41], [37, 41], [19, 41], [19]], attrs: { activation: 'relu' } },
    { inputs: [[3, 67], [67, 130], [3, 130], [130], [67, 130], null], attrs: { activation: null } },
    { inputs: [[131, 5], [5, 20], [131, 20], null, [5, 20], [5]], attrs: { activation: null } },
    { inputs: [[20, 68], [68, 24], [20, 24], [20, 24], [68, 24], [68]], attrs: { activation: 'gelu' } },
  ],
});
