import { defineOp } from '../../graph/graph.ts';
import { expectShape, lastOf, rowsOf, type Shape, show } from '../../graph/shape.ts';
import { required } from '../required.ts';
import { partialProductOp } from './fused.ts';
import { TILES } from './tiles.ts';

/** Inputs and products of one node: with what it gives as many as eight bindings allow, and the shader has. */
const INPUTS = ['in0', 'in1', 'in2', 'in3', 'in4', 'in5', 'in6'] as const;
export const MOST_INPUTS = INPUTS.length;
export const MOST_TERMS = 4;

/** One product aᵀ · b. */
export interface PartialTerm {
  /** Positions of the inputs a [K, M] and b [K, N]. */
  readonly a: number;
  readonly b: number;
  /** Whether the sums of a's columns are wanted too. */
  readonly sums: boolean;
}

interface PartialsAttributes {
  /** Ranges that every K is cut into. */
  readonly splits: number;
  readonly terms: readonly PartialTerm[];
}

type Shapes = readonly (Shape | null | undefined)[];

/** Sizes of a term, and its part of a row of the output. */
function sizesOf(inputs: Shapes, { a, b, sums }: PartialTerm) {
  const [left, right] = [
    required(inputs[a], 'partialProducts: a'),
    required(inputs[b], 'partialProducts: b'),
  ];
  const [M, N, K] = [lastOf(left), lastOf(right), rowsOf(left)];
  return { M, N, K, columns: M * N + (sums ? M : 0), rowsOfB: rowsOf(right) };
}

/**
 * Several products of `partialProduct` in one dispatch, for GPUs: `aᵀ · b` over each range of a split K and, with `sums`, the sums
 * of a's columns, term after term → [splits, Σ (M · N, and M with sums)]. Every M and N is a multiple of 4.
 */
export const partialProductsOp = defineOp({
  name: 'partialProducts',
  inputs: INPUTS,
  optional: INPUTS.slice(2),
  shapes: (inputs, { splits, terms }: PartialsAttributes) => {
    const sizes = terms.map((term) => sizesOf(inputs, term));
    const fits = sizes.every(({ M, N, K, rowsOfB }) => M % 4 === 0 && N % 4 === 0 && K === rowsOfB);
    expectShape(fits && terms.length > 0 && terms.length <= MOST_TERMS && splits > 1, 'partialProducts', () =>
      inputs.map((shape) => show(shape ?? [])).join(' '),
    );
    return [[splits, sizes.reduce((sum, { columns }) => sum + columns, 0)]];
  },
  passes: ({ inputs, attrs: { splits, terms } }) => {
    const sizes = terms.map((term) => sizesOf(inputs, term));
    const { rows, columns } = TILES.parts;
    const tiles = Math.max(...sizes.map(({ M, N }) => Math.ceil(M / rows) * Math.ceil(N / columns)));
    return [
      {
        shader: 'matmul/partials',
        params: { splits, hasBias: 0 },
        constants: {
          HAS_SUMS: Number(terms.some(({ sums }) => sums)),
          ...Object.fromEntries(
            Array.from({ length: MOST_TERMS }, (_, i) => {
              const [term, size] = [terms[i], sizes[i]];
              return [
                [`A_${i}`, term?.a ?? 0],
                [`B_${i}`, term?.b ?? 0],
                [`M_${i}`, size?.M ?? 0],
                [`N_${i}`, size?.N ?? 0],
                [`SUMS_${i}`, Number(term?.sums ?? false)],
              ] as const;
            }).flat(),
          ),
        },
        bindings: [...INPUTS.map((_, i) => ({ input: inputs[i] ? i : 0 })), { output: 0 }],
        workgroups: [tiles, 1, terms.length * splits],
        flops: sizes.reduce((sum, { M, N, K }) => sum + 2 * M * N * K, 0),
      },
    ];
  },
  backward: { in0: 'none', in1: 'none', in2: 'none', in3: 'none', in4: 'none', in5: 'none', in6: 'none' },
  reference: (values, shapes, { splits, terms }) => {
    const { reference } = partialProductOp;
    if (typeof reference !== 'function') throw new RangeError('partialProduct has a reference');
    const parts = terms.flatMap(({ a, b, sums }) =>
      reference([values[a] ?? null, values[b] ?? null], [shapes[a] ?? null, shapes[b] ?? null], {
        aT: true,
        bT: false,
        splits,
        sums,
      }),
    );
    const rows = Array.from({ length: splits }, (_, split) =>
      parts.flatMap((part) => {
        const each = part.length / splits;
        return [...part.subarray(split * each, (split + 1) * each)];
      }),
    );
    return [Float64Array.from(rows.flat())];
  },
  cases: [
    {
      inputs: [[519, 68], [519, 8], [519, 12], [519, 44], null, null, null],
      attrs: {
        splits: 4,
        terms: [
          { a: 0, b: 1, sums: true },
          { a: 2, b: 3, sums: false },
        ],
      },
      note: 'more tiles of one than of the other',
    },
    {
      inputs: [
        [131, 36],
        [131, 4],
        [131, 8],
        [131, 40],
        [131, 72],
        [131, 12],
        [131, 4],
      ],
      attrs: {
        splits: 16,
        terms: [
          { a: 0, b: 1, sums: false },
          { a: 2, b: 3, sums: false },
          { a: 4, b: 5, sums: true },
          { a: 6, b: 3, sums: true },
        ],
      },
      note: 'four products, of which two read the same',
    },
  ],
});
