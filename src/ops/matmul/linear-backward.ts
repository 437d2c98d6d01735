import type { AdapterTraits } from '../../gpu/traits.ts';
import { defineOp } from '../../graph/graph.ts';
import { axis, expectShape, lastOf, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { ACTIVATION_CODES, ACTIVATION_REFERENCES, type ActivationKind } from '../activation/activation.ts';
import { required } from '../required.ts';
import { selectFamily } from '../select.ts';
import { TILES } from './tiles.ts';

/** Whether both gradients of small layers are computed at once: where a dispatch costs more than what a small one computes. */
export function pairsGradients(traits: AdapterTraits): boolean {
  return selectFamily('matmul', traits) === 'workgroup';
}

const { rows: SIDE } = TILES.parts;

/** Multiply-adds of {@link linearBackwardOp}, those that its tiles leave empty included. */
export function linearBackwardWork(R: number, N: number, K: number): number {
  const whole = (n: number) => SIDE * Math.ceil(n / SIDE);
  return whole(K) * (whole(R) * N + whole(N) * R);
}

interface LinearBackwardAttributes {
  readonly activation: ActivationKind | null;
  /**
   * Ranges of rows whose sums are given, [splits, N · K] and with `sums` [splits, N], in place of being added to dweight and dbias,
   * which are missing then; absent: none.
   */
  readonly splits?: number;
  readonly sums?: boolean;
  /** Whether `other` are gates, [B], each of which multiplies the rows of its sample. */
  readonly gate?: boolean;
  /** Gives dx before activation, gate and addition as a last output. */
  readonly keeps?: boolean;
}

/**
 * Both gradients of a linear layer `y = x · weightᵀ` at once. dout [R, N], weight [N, K], x [R, K]: dx = dout · weight, times
 * the activation's derivative at `other`, or a gate, or plus `other`, of dx's shape or a suffix of it; `dweight += doutᵀ · x`, and
 * `dbias += Σ over R of dout`. N and K are multiples of 4. What graphs have as
 * several nodes (`src/ops/fusion.ts`). → [R, K]
 */
export const linearBackwardOp = defineOp({
  name: 'linearBackward',
  inputs: ['dout', 'weight', 'x', 'other', 'dweight', 'dbias'],
  optional: ['other', 'dweight', 'dbias'],
  mutates: ['dweight', 'dbias'],
  shapes: (
    [dout, weight, x, other, dweight, dbias],
    { activation, splits, sums, keeps }: LinearBackwardAttributes,
  ) => {
    const [given, w] = [required(dout, 'linearBackward: dout'), required(weight, 'linearBackward: weight')];
    const [R, N, K] = [axis(given, 0), lastOf(given), lastOf(w)];
    const repeats = (of: Shape) => (R * K) % sizeOf(of) === 0 && (!activation || sizeOf(of) === R * K);
    expectShape(
      given.length === 2 &&
        N % 4 === 0 &&
        K % 4 === 0 &&
        sizeOf(w) === N * K &&
        sizeOf(x ?? []) === R * K &&
        (splits ? splits > 1 && !dweight : sizeOf(dweight ?? []) === N * K) &&
        (!dbias || (!splits && sizeOf(dbias) === N)) &&
        (other ? repeats(other) : !activation),
      'linearBackward',
      () => [dout, weight, x, other, dweight, dbias].map((shape) => show(shape ?? [])).join(' '),
    );
    return [
      [R, K],
      ...(splits ? [[splits, N * K]] : []),
      ...(splits && sums ? [[splits, N]] : []),
      ...(keeps ? [[R, K]] : []),
    ];
  },
  // Stand for a bias, and for what is kept.
  scratch: () => [[4], [4]],
  passes: ({
    inputs: [dout, weight, , other, , dbias],
    outputs,
    attrs: { activation, splits = 1, sums, gate, keeps },
  }) => {
    const [R, N] = [axis(dout ?? [], 0), lastOf(dout ?? [])];
    const K = lastOf(weight ?? []);
    return [
      {
        shader: 'matmul/linear-backward',
        params: { splits, hasBias: 0 },
        constants: {
          KIND: activation ? ACTIVATION_CODES[activation] : 0,
          DERIVATIVE: Number(activation !== null),
          HAS_OTHER: Number(Boolean(other) && activation === null && !gate),
          HAS_GATE: Number(Boolean(gate)),
          KEEPS: Number(Boolean(keeps)),
          HAS_SUMS: Number(Boolean(dbias || sums)),
        },
        bindings: [
          { input: 0 },
          { input: 1 },
          { input: 2 },
          { input: other ? 3 : 0 },
          { output: 0 },
          splits > 1 ? { output: 1 } : { input: 4 },
          dbias ? { input: 5 } : sums ? { output: 2 } : { scratch: 0 },
          keeps ? { output: outputs.length - 1 } : { scratch: 1 },
        ],
        workgroups: [Math.ceil(K / SIDE), Math.ceil(Math.max(R, N) / SIDE), 1 + splits],
        flops: 4 * R * N * K,
      },
    ];
  },
  backward: { dout: 'none', weight: 'none', x: 'none', other: 'none', dweight: 'none', dbias: 'none' },
  reference: ([dout, weight, x, other, dweight, dbias], [shape], attrs) => {
    const { activation, splits = 1, sums, gate, keeps } = attrs;
    const [R, N] = [axis(shape ?? [], 0), axis(shape ?? [], 1)];
    const K = (weight?.length ?? 0) / N;
    const dx = new Float64Array(R * K);
    const onto = dweight?.slice() ?? new Float64Array(splits * N * K);
    const totals = dbias?.slice() ?? new Float64Array(splits * N);
    const range = 4 * Math.ceil(Math.ceil(R / 4) / splits);
    for (let r = 0; r < R; r++) {
      const split = Math.floor(r / range);
      for (let n = 0; n < N; n++) {
        const d = dout?.[r * N + n] ?? 0;
        totals[split * N + n] = (totals[split * N + n] ?? 0) + d;
        for (let k = 0; k < K; k++) {
          dx[r * K + k] = (dx[r * K + k] ?? 0) + d * (weight?.[n * K + k] ?? 0);
          const at = (split * N + n) * K + k;
          onto[at] = (onto[at] ?? 0) + d * (x?.[r * K + k] ?? 0);
        }
      }
    }
    const step = 1e-5;
    const value = activation && ACTIVATION_REFERENCES[activation];
    const done = dx.map((v, i) => {
      const at = other?.[i % other.length] ?? 0;
      if (gate) return v * (other?.[Math.floor((i * other.length) / dx.length)] ?? 0);
      return value ? (v * (value(at + step) - value(at - step))) / (2 * step) : v + at;
    });
    const rows = dbias || sums ? [totals] : [];
    const given = splits > 1 ? [done, onto, ...rows] : [onto, ...rows, done];
    return keeps ? [...given, dx] : given;
  },
  cases: [
    { inputs: [[1, 4], [4, 4], [1, 4], null, [4, 4], [4]], attrs: { activation: null } },
    { inputs: [[37, 20], [20, 44], [37, 44], [37, 44], [20, 44], [20]], attrs: { activation: 'relu' } },
    { inputs: [[3, 68], [68, 132], [3, 132], [132], [68, 132], null], attrs: { activation: null } },
    { inputs: [[131, 4], [4, 20], [131, 20], null, [4, 20], [4]], attrs: { activation: null } },
    { inputs: [[20, 68], [68, 24], [20, 24], [20, 24], [68, 24], [68]], attrs: { activation: 'gelu' } },
    {
      inputs: [[519, 8], [8, 68], [519, 68], [519, 68], null, null],
      attrs: { activation: null, splits: 4, sums: true },
      note: 'the sums over each range of rows',
    },
    { inputs: [[130, 20], [20, 8], [130, 8], null, null, null], attrs: { activation: null, splits: 16 } },
    {
      inputs: [[12, 20], [20, 8], [12, 8], [3], [20, 8], null],
      attrs: { activation: null, gate: true, keeps: true },
    },
    {
      inputs: [[130, 20], [20, 8], [130, 8], [130, 8], null, null],
      attrs: { activation: null, splits: 4, sums: true, keeps: true },
    },
  ],
});
