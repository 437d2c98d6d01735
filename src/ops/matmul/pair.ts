import type { AdapterTraits } from '../../gpu/traits.ts';
import { defineOp } from '../../graph/graph.ts';
import { expectShape, lastOf, rowsOf, type Shape, sameShape, show, sizeOf } from '../../graph/shape.ts';
import { linearOp } from '../linear/linear.ts';
import { required } from '../required.ts';
import { type MatmulProblem, splitsOf, TILES, type Tile, tileFor } from './tiles.ts';

/** The kernels of {@link linearPairOp} by those of a single product, which sum in the same order. */
const PAIRS: Readonly<Record<string, string>> = {
  [TILES.parts.shader]: 'matmul/pair-32',
  [TILES.square.shader]: 'matmul/pair-64',
  [TILES.narrow.shader]: 'matmul/pair-64-narrow',
  [TILES.wide.shader]: 'matmul/pair-128',
};

/** The tile by which two such products can be a {@link linearPairOp}, those of 32 × 32 a {@link gatedPairOp} too; null: none. */
export function pairOf(problem: MatmulProblem, traits: AdapterTraits): Tile | null {
  const { batch, aT, bT } = problem;
  const tile = tileFor(problem, traits);
  const isWhole = batch === 1 && !aT && bT && splitsOf(problem, tile) === 1;
  return isWhole && tile.shader in PAIRS ? tile : null;
}

type Shapes = readonly (Shape | null | undefined)[];

function problemOf(a: Shape | null | undefined, b: Shape | null | undefined): MatmulProblem {
  const [x, weight] = [required(a, 'linearPair: a'), required(b, 'linearPair: b')];
  return { batch: 1, M: rowsOf(x), N: rowsOf(weight), K: lastOf(x), aT: false, bT: true };
}

function outOf([a, b]: Shapes): Shape {
  return [...required(a, 'linearPair: a').slice(0, -1), rowsOf(required(b, 'linearPair: b'))];
}

function grid({ M, N }: MatmulProblem, { rows, columns }: Pick<Tile, 'rows' | 'columns'>) {
  return [Math.ceil(N / columns), Math.ceil(M / rows), 2] as const;
}

/**
 * Two linear layers of equal sizes at once: `a · bᵀ + bias` and `a2 · b2ᵀ + bias2`, both with their bias or none. What graphs
 * have as two nodes (`src/ops/fusion.ts`), for GPUs. a [.., K], b [N, K], in fours → twice [.., N]
 */
export const linearPairOp = defineOp({
  name: 'linearPair',
  inputs: ['a', 'b', 'bias', 'a2', 'b2', 'bias2'],
  optional: ['bias', 'bias2'],
  shapes: (inputs) => {
    const [a, b, bias, a2, b2, bias2] = inputs;
    const { N, K } = problemOf(a, b);
    expectShape(
      N % 4 === 0 &&
        K % 4 === 0 &&
        lastOf(b ?? []) === K &&
        sameShape(a ?? [], a2 ?? []) &&
        sameShape(b ?? [], b2 ?? []) &&
        (bias ? sizeOf(bias) === N && sizeOf(bias2 ?? []) === N : !bias2),
      'linearPair',
      () => inputs.map((shape) => show(shape ?? [])).join(' '),
    );
    return [outOf([a, b]), outOf([a2, b2])];
  },
  passes: ({ inputs: [a, b, bias], traits }) => {
    const problem = problemOf(a, b);
    const { shader, rows, columns } = pairTile(problem, traits);
    const { M, N, K } = problem;
    return [
      {
        shader: required(PAIRS[shader], 'linearPair'),
        constants: { HAS_SUMS: 0 },
        params: { splits: 1, hasBias: Number(Boolean(bias)) },
        bindings: [
          { input: 0 },
          { input: 1 },
          { input: bias ? 2 : 1 },
          { input: 3 },
          { input: 4 },
          { input: bias ? 5 : 4 },
          { output: 0 },
          { output: 1 },
        ],
        workgroups: grid(problem, { rows, columns }),
        flops: 4 * M * N * K,
      },
    ];
  },
  backward: { a: 'none', b: 'none', bias: 'none', a2: 'none', b2: 'none', bias2: 'none' },
  reference: ([a, b, bias, a2, b2, bias2], [, weight]) => [
    referenceOf(a, b, bias, weight),
    referenceOf(a2, b2, bias2, weight),
  ],
  cases: [
    { inputs: [[1, 4], [4, 4], null, [1, 4], [4, 4], null], attrs: {} },
    { inputs: [[3, 13, 68], [36, 68], [36], [3, 13, 68], [36, 68], [36]], attrs: {}, note: 'not quite full' },
  ],
});

/** The tile of a pair; software adapters, which only check it, take the smallest. */
function pairTile(problem: MatmulProblem, traits: AdapterTraits): Tile {
  const tile = tileFor(problem, traits);
  return tile.shader in PAIRS ? tile : TILES.parts;
}

/**
 * Two linear layers of equal sizes that read the same, behind one gate: for each `kept = a · bᵀ` and `out = gate · kept`. gate
 * [B] for rows that come sample by sample. For GPUs, in fours → out, out2, kept, kept2, each [.., N]
 */
export const gatedPairOp = defineOp({
  name: 'gatedPair',
  inputs: ['a', 'b', 'b2', 'gate'],
  shapes: ([a, b, b2, gate]) => {
    const { M, N, K } = problemOf(a, b);
    expectShape(
      N % 4 === 0 && K % 4 === 0 && sameShape(b ?? [], b2 ?? []) && M % sizeOf(gate ?? []) === 0,
      'gatedPair',
      () => [a, b, b2, gate].map((shape) => show(shape ?? [])).join(' '),
    );
    const out = outOf([a, b]);
    return [out, out, out, out];
  },
  passes: ({ inputs: [a, b] }) => {
    const problem = problemOf(a, b);
    const { M, N, K } = problem;
    return [
      {
        shader: 'matmul/pair-gated-32',
        constants: { HAS_SUMS: 0 },
        params: { splits: 1, hasBias: 0 },
        bindings: [
          { input: 0 },
          { input: 1 },
          { input: 2 },
          { input: 3 },
          { output: 0 },
          { output: 1 },
          { output: 2 },
          { output: 3 },
        ],
        workgroups: grid(problem, TILES.parts),
        flops: 4 * M * N * K,
      },
    ];
  },
  backward: { a: 'none', b: 'none', b2: 'none', gate: 'none' },
  reference: ([a, b, b2, gate], [, weight]) => {
    const kept = [referenceOf(a, b, null, weight), referenceOf(a, b2, null, weight)];
    const gates = required(gate, 'gatedPair: gate');
    const out = kept.map((values) =>
      values.map((value, i) => value * (gates[Math.floor((i * gates.length) / values.length)] ?? 0)),
    );
    return [...out, ...kept];
  },
  cases: [
    { inputs: [[1, 4], [4, 4], [4, 4], [1]], attrs: {} },
    { inputs: [[39, 68], [8, 68], [8, 68], [3]], attrs: {}, note: 'a gate for each of three samples' },
  ],
});

function referenceOf(
  a: Float64Array | null | undefined,
  b: Float64Array | null | undefined,
  bias: Float64Array | null | undefined,
  weight: Shape | null | undefined,
): Float64Array {
  const { reference } = linearOp;
  if (typeof reference !== 'function') throw new RangeError('linear has a reference');
  const [out] = reference([a ?? null, b ?? null, bias ?? null], [null, weight ?? null, null], {});
  return required(out, 'linear');
}
