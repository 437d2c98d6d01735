import { defineOp } from '../../graph/graph.ts';
import { axis, expectShape, lastOf, type Shape, sameShape, show, sizeOf } from '../../graph/shape.ts';
import { ACTIVATION_REFERENCES, type ActivationKind } from '../activation/activation.ts';
import { required } from '../required.ts';
import { matmulPasses, matmulScratch, partialPass } from './kernels.ts';
import { type MatmulAttributes, matmulOp, matmulProblem } from './matmul.ts';

/** What a {@link productOp} does besides the product. */
export interface ProductAttributes extends MatmulAttributes {
  readonly activation: ActivationKind | null;
  /** Multiplies with the activation's derivative at `other`, in place of the activation. */
  readonly isDerivative: boolean;
  /** Gives the value before activation and gate as a second output. */
  readonly keeps: boolean;
}

type Shapes = readonly (Shape | null | undefined)[];

function problemOf([a, b]: Shapes, attrs: MatmulAttributes) {
  return matmulProblem(required(a, 'product: a'), required(b, 'product: b'), attrs);
}

/**
 * `activation(op(a) · op(b) + bias) · gate + other`, every part but the product optional: what graphs have as several
 * nodes (`src/ops/fusion.ts`), so it has no gradient. a and b as in matmul; bias [N]; gate [B] for rows that come sample by
 * sample; other of the output's shape or a suffix of it, by which the whole repeats.
 */
export const productOp = defineOp({
  name: 'product',
  inputs: ['a', 'b', 'bias', 'gate', 'other'],
  optional: ['bias', 'gate', 'other'],
  shapes: ([a, b, bias, gate, other], attrs: ProductAttributes) => {
    const { M, N } = problemOf([a, b], attrs);
    const out = [...required(a, 'product: a').slice(0, -2), M, N];
    expectShape(!bias || sameShape(bias, [N]), 'product', () => `bias ${show(bias ?? [])} for ${show(out)}`);
    expectShape(
      !gate || sizeOf(out) % (sizeOf(gate) * N) === 0,
      'product',
      () => `gate ${show(gate ?? [])} for ${show(out)}`,
    );
    const repeats =
      other && !attrs.isDerivative ? sizeOf(out) % sizeOf(other) === 0 && lastOf(other) === N : true;
    expectShape(
      repeats && (!attrs.isDerivative || sizeOf(other ?? []) === sizeOf(out)),
      'product',
      () => `${show(other ?? [])} for ${show(out)}`,
    );
    return attrs.keeps ? [out, out] : [out];
  },
  scratch: ({ inputs, attrs, traits }) => matmulScratch(problemOf(inputs, attrs), {}, traits),
  passes: ({ inputs, attrs, traits }) => {
    const [, , bias, gate, other] = inputs;
    const { activation, isDerivative, keeps } = attrs;
    return matmulPasses(
      problemOf(inputs, attrs),
      { a: { input: 0 }, b: { input: 1 }, out: { output: 0 }, scratch: { from: 0 } },
      {
        bias: bias ? { input: 2 } : null,
        kept: keeps ? { output: 1 } : null,
        activation,
        isDerivative,
        gate: gate ? { input: 3 } : null,
        other: other ? { input: 4 } : null,
      },
      traits,
    );
  },
  backward: { a: 'none', b: 'none', bias: 'none', gate: 'none', other: 'none' },
  reference: ([a, b, bias, gate, other], [aShape, bShape], attrs) => {
    const [sums] = referenceOf([a, b], [aShape, bShape], attrs);
    const out = required(sums, 'product').map((sum, i) => sum + (bias?.[i % bias.length] ?? 0));
    const kept = attrs.keeps ? [out.slice()] : [];
    const { activation, isDerivative } = attrs;
    if (activation && isDerivative) {
      const at = required(other, 'product: other');
      const step = 1e-5;
      const value = ACTIVATION_REFERENCES[activation];
      return [
        out.map((v, i) => (v * (value((at[i] ?? 0) + step) - value((at[i] ?? 0) - step))) / (2 * step)),
      ];
    }
    const each = out.length / (gate?.length ?? 1);
    const activated = activation ? out.map(ACTIVATION_REFERENCES[activation]) : out;
    return [
      activated.map(
        (v, i) => v * (gate?.[Math.floor(i / each)] ?? 1) + (other?.[i % (other.length || 1)] ?? 0),
      ),
      ...kept,
    ];
  },
  cases: [
    {
      inputs: [[1, 1], [1, 1], [1], null, null],
      attrs: { aT: false, bT: true, activation: 'gelu', isDerivative: false, keeps: true },
    },
    {
      inputs: [[37, 19], [41, 19], [41], null, [37, 41]],
      attrs: { aT: false, bT: true, activation: 'relu', isDerivative: false, keeps: true },
      note: 'nothing in fours',
    },
    {
      inputs: [[39, 19], [19, 23], null, [3], [13, 23]],
      attrs: { aT: false, bT: false, activation: null, isDerivative: false, keeps: false },
      note: 'a gate for each of three samples, and positions that repeat',
    },
    {
      inputs: [[39, 20], [24, 20], [24], [3], [39, 24]],
      attrs: { aT: false, bT: true, activation: null, isDerivative: false, keeps: true },
      note: 'in fours',
    },
    {
      inputs: [[29, 20], [20, 52], null, null, [29, 52]],
      attrs: { aT: false, bT: false, activation: 'gelu', isDerivative: true, keeps: false },
    },
    {
      inputs: [[60, 36], [124, 36], [124], [2], [60, 124]],
      attrs: { aT: false, bT: true, activation: null, isDerivative: false, keeps: false },
      note: 'large tiles that are not quite full',
    },
    {
      inputs: [[60, 36], [36, 124], [124], null, null],
      attrs: { aT: false, bT: false, activation: 'sigmoid', isDerivative: false, keeps: true },
    },
    {
      inputs: [[12, 520], [44, 520], [44], null, [3, 44]],
      attrs: { aT: false, bT: true, activation: 'gelu', isDerivative: false, keeps: true },
      note: 'K is split, with a bias',
    },
    {
      inputs: [[7, 1031], [5, 1031], [5], null, [7, 5]],
      attrs: { aT: false, bT: true, activation: 'relu', isDerivative: false, keeps: false },
      note: 'K is split, nothing in fours',
    },
  ],
});

/**
 * `target += op(a) · op(b)`, and `sums += Σ over K of op(a)`, [M]: the gradients of a weight and a bias, onto
 * accumulators. Target has as many elements as the product.
 */
export const accumulateProductOp = defineOp({
  name: 'accumulateProduct',
  inputs: ['target', 'sums', 'a', 'b'],
  optional: ['sums'],
  mutates: ['target', 'sums'],
  shapes: ([target, sums, a, b], attrs: MatmulAttributes) => {
    const { batch, M, N } = problemOf([a, b], attrs);
    expectShape(
      sizeOf(target ?? []) === batch * M * N && (!sums || (batch === 1 && attrs.aT && sizeOf(sums) === M)),
      'accumulateProduct',
      () => `${show([batch, M, N])} onto ${show(target ?? [])} and ${show(sums ?? [])}`,
    );
    return [];
  },
  scratch: ({ inputs: [, sums, a, b], attrs, traits }) =>
    matmulScratch(problemOf([a, b], attrs), { sums: sums ? { input: 1 } : null }, traits),
  passes: ({ inputs: [, sums, a, b], attrs, traits }) =>
    matmulPasses(
      problemOf([a, b], attrs),
      { a: { input: 2 }, b: { input: 3 }, out: { input: 0 }, scratch: { from: 0 } },
      { adds: true, sums: sums ? { input: 1 } : null },
      traits,
    ),
  backward: { target: 'none', sums: 'none', a: 'none', b: 'none' },
  reference: ([target, sums, a, b], [, , aShape, bShape], attrs) => {
    const [product] = referenceOf([a, b], [aShape, bShape], attrs);
    const onto = required(target, 'accumulateProduct: target').map((value, i) => value + (product?.[i] ?? 0));
    if (!sums || !a || !aShape) return [onto];
    const M = axis(aShape, -1);
    const more = sums.slice();
    a.forEach((value, i) => {
      more[i % M] = (more[i % M] ?? 0) + value;
    });
    return [onto, more];
  },
  cases: (
    [
      [1, 1, 1, ''],
      [37, 41, 19, 'nothing in fours'],
      [20, 52, 24, 'in fours'],
      [76, 8, 36, 'narrow, in fours'],
      [60, 124, 36, 'large tiles'],
      [20, 44, 519, 'K is split, in fours but for K'],
      [7, 3, 1031, 'K is split, nothing in fours'],
    ] as const
  ).flatMap(([M, N, K, note]) =>
    [[M], null].slice(0, M === 60 || M === 37 ? 2 : 1).map((sums) => ({
      inputs: [[M, N], sums, [K, M], [K, N]],
      attrs: { aT: true, bT: false },
      note,
    })),
  ),
});

/** What a {@link partialProductOp} gives. */
interface PartialAttributes extends MatmulAttributes {
  /** Ranges that K is cut into, as `matmulSplits` says. */
  readonly splits: number;
  /** Whether the sums of op(a) over each range are wanted too. */
  readonly sums: boolean;
}

/**
 * `op(a) · op(b)` over each range of a split K, [splits, M · N], and with `sums` those of op(a), [splits, M], for an op that
 * adds up several such products (`accumulateSums`). a and b as in matmul, without a batch.
 */
export const partialProductOp = defineOp({
  name: 'partialProduct',
  inputs: ['a', 'b'],
  shapes: ([a, b], { splits, sums, ...attrs }: PartialAttributes) => {
    const { batch, M, N } = problemOf([a, b], attrs);
    expectShape(
      batch === 1 && splits > 1 && (!sums || attrs.aT),
      'partialProduct',
      () => `${show([batch, M, N])} in ${splits} ranges`,
    );
    return [[splits, M * N], ...(sums ? [[splits, M]] : [])];
  },
  scratch: ({ attrs: { sums } }) => (sums ? [] : [[4]]),
  passes: ({ inputs, attrs: { splits, sums, ...attrs }, traits }) => [
    partialPass(
      problemOf(inputs, attrs),
      {
        a: { input: 0 },
        b: { input: 1 },
        out: { output: 0 },
        sums: sums ? { output: 1 } : null,
        unused: sums ? { output: 1 } : { scratch: 0 },
      },
      splits,
      traits,
    ),
  ],
  backward: { a: 'none', b: 'none' },
  reference: ([a, b], [aShape, bShape], { splits, sums, aT, bT }) => {
    const { M, N, K } = problemOf([aShape, bShape], { aT, bT });
    // Whole fours each, of which the last takes what is left.
    const range = 4 * Math.ceil(Math.ceil(K / 4) / splits);
    const out = new Float64Array(splits * M * N);
    const rows = new Float64Array(splits * M);
    for (let k = 0; k < K; k++) {
      const split = Math.floor(k / range);
      for (let m = 0; m < M; m++) {
        const value = a?.[aT ? k * M + m : m * K + k] ?? 0;
        rows[split * M + m] = (rows[split * M + m] ?? 0) + value;
        for (let n = 0; n < N; n++) {
          const at = (split * M + m) * N + n;
          out[at] = (out[at] ?? 0) + value * (b?.[bT ? n * K + k : k * N + n] ?? 0);
        }
      }
    }
    return sums ? [out, rows] : [out];
  },
  cases: [
    {
      inputs: [
        [19, 1],
        [19, 1],
      ],
      attrs: { aT: true, bT: false, splits: 4, sums: true },
    },
    {
      inputs: [
        [519, 20],
        [519, 44],
      ],
      attrs: { aT: true, bT: false, splits: 4, sums: true },
      note: 'in fours',
    },
    {
      inputs: [
        [1031, 7],
        [1031, 3],
      ],
      attrs: { aT: true, bT: false, splits: 16, sums: false },
    },
    {
      inputs: [
        [60, 600],
        [124, 600],
      ],
      attrs: { aT: false, bT: true, splits: 4, sums: false },
    },
  ],
});

function referenceOf(
  [a, b]: readonly (Float64Array | null | undefined)[],
  [aShape, bShape]: Shapes,
  { aT, bT }: MatmulAttributes,
): readonly Float64Array[] {
  const { reference } = matmulOp;
  if (typeof reference !== 'function') throw new RangeError('matmul has a reference');
  return reference([a ?? null, b ?? null], [aShape ?? null, bShape ?? null], { aT, bT });
}
