import { defineOp, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { matmulPasses, matmulScratch } from './kernels.ts';
import type { MatmulProblem, Tile } from './tiles.ts';

export interface MatmulAttributes {
  /** `a` is stored [.., K, M]. */
  readonly aT: boolean;
  /** `b` is stored [.., N, K]. */
  readonly bT: boolean;
}

/** Reads the sizes of a product off its inputs; the leading axes are the batch and must agree. */
export function matmulProblem(a: Shape, b: Shape, { aT, bT }: { aT: boolean; bT: boolean }): MatmulProblem {
  const [M, K] = aT ? [axis(a, -1), axis(a, -2)] : [axis(a, -2), axis(a, -1)];
  const [N, kB] = bT ? [axis(b, -2), axis(b, -1)] : [axis(b, -1), axis(b, -2)];
  const batch = sizeOf(a.slice(0, -2));
  expectShape(
    K === kB && batch === sizeOf(b.slice(0, -2)),
    'matmul',
    () => `${show(a)} times ${show(b)} (aT ${aT}, bT ${bT})`,
  );
  return { batch, M, N, K, aT, bT };
}

const LAYOUTS = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const;

/** Shapes of the two inputs as the layout stores them. */
function stored(B: number, M: number, N: number, K: number, aT: boolean, bT: boolean): Shape[] {
  return [aT ? [B, K, M] : [B, M, K], bT ? [B, N, K] : [B, K, N]];
}

const BINDINGS = { a: { input: 0 }, b: { input: 1 }, out: { output: 0 }, scratch: { from: 0 } } as const;

/** `op(a) · op(b)` for every batch: a [B.., M, K] (or [B.., K, M]), b [B.., K, N] (or [B.., N, K]) → [B.., M, N]. */
export const matmulOp = defineOp({
  name: 'matmul',
  inputs: ['a', 'b'],
  shapes: ([a, b], attrs: MatmulAttributes) => {
    if (!a || !b) throw new RangeError('matmul: two inputs');
    const { M, N } = matmulProblem(a, b, attrs);
    return [[...a.slice(0, -2), M, N]];
  },
  scratch: ({ inputs: [a, b], attrs, traits }) => {
    if (!a || !b) throw new RangeError('matmul: two inputs');
    return matmulScratch(matmulProblem(a, b, attrs), {}, traits);
  },
  passes: ({ inputs: [a, b], attrs, traits }) => {
    if (!a || !b) throw new RangeError('matmul: two inputs');
    return matmulPasses(matmulProblem(a, b, attrs), BINDINGS, {}, traits);
  },
  backward: {
    a: ({ dout, input, attrs: { aT, bT } }) =>
      aT ? matmul(input(1), dout, { aT: bT, bT: true }) : matmul(dout, input(1), { aT: false, bT: !bT }),
    b: ({ dout, input, attrs: { aT, bT } }) =>
      bT ? matmul(dout, input(0), { aT: true, bT: aT }) : matmul(input(0), dout, { aT: !aT, bT: false }),
  },
  reference: ([a, b], [aShape, bShape], attrs) => {
    if (!a || !b || !aShape || !bShape) throw new RangeError('matmul: two inputs');
    const { batch, M, N, K, aT, bT } = matmulProblem(aShape, bShape, attrs);
    const out = new Float64Array(batch * M * N);
    for (let z = 0; z < batch; z++) {
      for (let m = 0; m < M; m++) {
        for (let n = 0; n < N; n++) {
          let sum = 0;
          for (let k = 0; k < K; k++) {
            const av = a[z * M * K + (aT ? k * M + m : m * K + k)] ?? 0;
            const bv = b[z * N * K + (bT ? n * K + k : k * N + n)] ?? 0;
            sum += av * bv;
          }
          out[(z * M + m) * N + n] = sum;
        }
      }
    }
    return [out];
  },
  cases: [
    ...LAYOUTS.flatMap(([aT, bT]) =>
      (
        [
          [1, 1, 1, 1],
          [2, 5, 3, 7],
          [3, 37, 41, 19],
          [1, 64, 16, 32],
        ] as const
      ).map(([B, M, N, K]) => ({ inputs: stored(B, M, N, K, aT, bT), attrs: { aT, bT } })),
    ),
    {
      inputs: stored(2, 76, 8, 36, false, true),
      attrs: { aT: false, bT: true },
      note: 'a narrow out in fours',
    },
    ...LAYOUTS.map(([aT, bT]) => ({
      inputs: stored(2, 60, 124, 36, aT, bT),
      attrs: { aT, bT },
      note: 'large tiles that are not quite full',
    })),
    {
      inputs: stored(2, 20, 44, 519, true, false),
      attrs: { aT: true, bT: false },
      note: 'K is split, in fours but for K',
    },
    {
      inputs: stored(1, 7, 3, 1031, true, false),
      attrs: { aT: true, bT: false },
      note: 'K is split, nothing in fours',
    },
  ],
});

/** The product by a given tile, to time or to compare it. */
export function matmulBy(tile: Tile): typeof matmulOp {
  return {
    ...matmulOp,
    scratch: ({ inputs: [a, b], attrs, traits }) =>
      matmulScratch(matmulProblem(a ?? [], b ?? [], attrs), {}, traits, tile),
    passes: ({ inputs: [a, b], attrs, traits }) =>
      matmulPasses(matmulProblem(a ?? [], b ?? [], attrs), BINDINGS, {}, traits, tile),
  };
}

export function matmul(
  a: Tensor,
  b: Tensor,
  attrs: { readonly aT?: boolean; readonly bT?: boolean } = {},
): Tensor {
  return a.graph.apply1(matmulOp, [a, b], { aT: attrs.aT ?? false, bT: attrs.bT ?? false });
}
