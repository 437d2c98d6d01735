import type { AdapterTraits } from '../../gpu/traits.ts';
import { defineOp } from '../../graph/graph.ts';
import { expectShape, lastOf, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { required } from '../required.ts';
import {
  type WindowAttributes,
  windowsShape,
  windowUnpartitionOp,
} from '../window-partition/window-partition.ts';
import { matmulProblem } from './matmul.ts';
import { type MatmulProblem, TILES, type Tile, tileFor } from './tiles.ts';

export interface ProductSumAttributes {
  /** Every `b` is stored [N, K]. */
  readonly bT: boolean;
  /** The rows of every `a` and of `other` are windows, and those of the output the images' tokens. */
  readonly windows?: WindowAttributes;
}

type Shapes = readonly (Shape | null | undefined)[];

/** The terms of the op's inputs. */
function termsOf(inputs: Shapes, bT: boolean): MatmulProblem[] {
  return [0, 2, 4]
    .filter((i) => inputs[i])
    .map((i) => {
      const [a, b] = [required(inputs[i], 'productSum: a'), required(inputs[i + 1], 'productSum: b')];
      return matmulProblem(a, b, { aT: false, bT });
    });
}

/** The kernels of {@link productSumOp} by those of a single product, which sum in the same order. */
const TERMS: Readonly<Record<string, string>> = {
  [TILES.square.shader]: 'matmul/terms-64',
  [TILES.narrow.shader]: 'matmul/terms-64-narrow',
  [TILES.wide.shader]: 'matmul/terms-128',
};

/** Whether a GPU computes a product by tiles that {@link productSumOp} has too. */
export function isTerm(problem: MatmulProblem, traits: AdapterTraits): boolean {
  return problem.batch === 1 && !problem.aT && tileFor(problem, traits).shader in TERMS;
}

/** The tile of a sum of products; software adapters, which only check it, and small products take that of 64 × 64. */
function termTile(problem: MatmulProblem, traits: AdapterTraits): Tile {
  const tile = tileFor(problem, traits);
  if (tile.shader in TERMS) return tile;
  return traits.hasFewRegisters ? TILES.narrow : TILES.square;
}

/**
 * `Σ a · op(b)` of two or three products + `other`, of the sums' shape or a suffix of it: a [M, K], b [K, N] (or [N, K]), each
 * with a K of its own, all multiples of 4 → [M, N], or [images, height, width, N] where the rows are windows. What graphs have
 * as several nodes (`src/ops/fusion.ts`), for GPUs.
 */
export const productSumOp = defineOp({
  name: 'productSum',
  inputs: ['a', 'b', 'a2', 'b2', 'a3', 'b3', 'other'],
  optional: ['a3', 'b3', 'other'],
  shapes: (inputs, { bT, windows }: ProductSumAttributes) => {
    const terms = termsOf(inputs, bT);
    const { M, N } = required(terms[0], 'productSum');
    const other = inputs[6];
    expectShape(
      terms.every((own) => own.batch === 1 && own.M === M && own.N === N && own.K % 4 === 0) &&
        N % 4 === 0 &&
        (!other || (lastOf(other) === N && (M * N) % sizeOf(other) === 0)),
      'productSum',
      () => inputs.map((shape) => show(shape ?? [])).join(' '),
    );
    if (!windows) return [[M, N]];
    const { window, height, width } = windows;
    const image = windowsShape([1, height, width, N], window);
    const images = (M * N) / sizeOf(image);
    expectShape(Number.isInteger(images), 'productSum', () => `${M} rows of windows of ${window}`);
    return [[images, height, width, N]];
  },
  passes: ({ inputs, attrs: { bT, windows }, traits }) => {
    const terms = termsOf(inputs, bT);
    const first = required(terms[0], 'productSum');
    const { M, N } = first;
    const { shader, rows, columns } = termTile(first, traits);
    const hasThird = Boolean(inputs[4]);
    return [
      {
        shader: required(TERMS[shader], 'productSum'),
        constants: {
          TERMS: terms.length,
          N,
          B_T: Number(bT),
          HAS_OTHER: Number(Boolean(inputs[6])),
          WINDOW: windows?.window ?? 0,
          GRID_H: windows?.height ?? 0,
          GRID_W: windows?.width ?? 0,
        },
        bindings: [
          { input: 0 },
          { input: 1 },
          { input: 2 },
          { input: 3 },
          { input: hasThird ? 4 : 0 },
          { input: hasThird ? 5 : 1 },
          { input: inputs[6] ? 6 : 0 },
          { output: 0 },
        ],
        workgroups: [Math.ceil(N / columns), Math.ceil(M / rows), 1],
        flops: terms.reduce((sum, { K }) => sum + 2 * M * N * K, 0),
      },
    ];
  },
  backward: { a: 'none', b: 'none', a2: 'none', b2: 'none', a3: 'none', b3: 'none', other: 'none' },
  reference: (values, shapes, { bT, windows }) => {
    const { M, N } = required(termsOf(shapes, bT)[0], 'productSum');
    const other = values[6];
    const sums = Float64Array.from({ length: M * N }, (_, i) => other?.[i % other.length] ?? 0);
    termsOf(shapes, bT).forEach(({ K }, term) => {
      const [a, b] = [values[2 * term], values[2 * term + 1]];
      for (let m = 0; m < M; m++)
        for (let n = 0; n < N; n++)
          for (let k = 0; k < K; k++) {
            const by = b?.[bT ? n * K + k : k * N + n] ?? 0;
            sums[m * N + n] = (sums[m * N + n] ?? 0) + (a?.[m * K + k] ?? 0) * by;
          }
    });
    if (!windows) return [sums];
    const { reference } = windowUnpartitionOp;
    if (typeof reference !== 'function') throw new RangeError('windowUnpartition has a reference');
    const { window } = windows;
    return reference([sums], [[M / window ** 2, window, window, N]], windows);
  },
  cases: [
    { inputs: [[1, 4], [4, 4], [1, 8], [8, 4], null, null, null], attrs: { bT: false } },
    { inputs: [[67, 36], [68, 36], [67, 8], [68, 8], null, null, [68]], attrs: { bT: true } },
    {
      inputs: [
        [130, 12],
        [12, 20],
        [130, 4],
        [4, 20],
        [130, 40],
        [40, 20],
        [130, 20],
      ],
      attrs: { bT: false },
    },
    {
      inputs: [
        [24, 16],
        [12, 16],
        [24, 4],
        [12, 4],
        [24, 20],
        [12, 20],
        [24, 12],
      ],
      attrs: { bT: true, windows: { window: 2, height: 3, width: 5 } },
      note: 'windows with padding',
    },
    {
      inputs: [[1152, 4], [4, 1024], [1152, 8], [8, 1024], null, null, [1024]],
      attrs: { bT: false },
      note: 'large tiles',
    },
  ],
});
