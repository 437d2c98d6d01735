import type { AdapterTraits } from '../../gpu/traits.ts';
import type { Binding, Pass } from '../../graph/pass.ts';
import type { Shape } from '../../graph/shape.ts';
import { ACTIVATION_CODES, type ActivationKind, NO_ACTIVATION } from '../activation/activation.ts';
import { workgroups1d } from '../dispatch.ts';
import { type MatmulProblem, restTileFor, splitsOf, type Tile, tileFor } from './tiles.ts';

/** What is done with the sums of a product before they are stored, in this order (shaders/lib/matmul-epilogue). */
export interface Epilogue {
  /** Added to every row, [N]. */
  readonly bias?: Binding | null;
  /** Gets the value so far, of out's shape. */
  readonly kept?: Binding | null;
  readonly activation?: ActivationKind | null;
  /** Multiplies with the activation's derivative at `other`, in place of the activation. */
  readonly isDerivative?: boolean;
  /** Multiplies each sample with its own, [B]: rows come sample by sample. */
  readonly gate?: Binding | null;
  /** Added, unless the derivative is taken there: of out's shape or a suffix of it. */
  readonly other?: Binding | null;
  /** Adds to what out and the sums hold. */
  readonly adds?: boolean;
  /** Gets the sums of op(a) along K, [M]; not with `kept`. */
  readonly sums?: Binding | null;
}

/**
 * Where the kernel finds its tensors. Without scratch K is never split, and on a software adapter the sums of a row do not
 * depend on the number of rows; `unused` must then be a tensor that nobody else writes meanwhile.
 */
export interface MatmulBindings {
  readonly a: Binding;
  readonly b: Binding;
  readonly out: Binding;
  /** Position of the first of {@link matmulScratch}, or a tensor to bind in place of one that is not written. */
  readonly scratch: { readonly from: number } | { readonly unused: Binding };
}

/** A tensor that is bound and not written: one vector of four. */
const UNUSED: Shape = [4];

/**
 * Temporaries of a product: one that stands for what it does not write; and where K is split the partial products
 * [batch, splits, M, N] and sums [splits, M].
 */
export function matmulScratch(
  problem: MatmulProblem,
  { sums }: Pick<Epilogue, 'sums'>,
  traits: AdapterTraits,
  tile = tileFor(problem, traits),
): Shape[] {
  const { batch, M, N } = problem;
  const splits = splitsOf(problem, tile);
  if (splits === 1) return [UNUSED];
  return [UNUSED, [batch, splits, M, N], ...(sums ? [[splits, M]] : [])];
}

/**
 * The dispatches of a product: one, or two where its last columns are computed apart, or with a split K the partial products and
 * then their sum, in order.
 */
export function matmulPasses(
  problem: MatmulProblem,
  { a, b, out, scratch }: MatmulBindings,
  epilogue: Epilogue,
  traits: AdapterTraits,
  tile = tileFor(problem, traits),
): Pass[] {
  const { batch, M, N } = problem;
  const splits = 'from' in scratch ? splitsOf(problem, tile) : 1;
  const place = (i: number): Binding => ('from' in scratch ? { scratch: scratch.from + i } : scratch.unused);
  if (splits === 1) {
    const tensors = { a, b, out, unused: place(0) };
    const rest = restTileFor(problem, tile);
    if (!rest) return [productPass(problem, tensors, 1, epilogue, tile)];
    const left = N % tile.columns;
    return [
      productPass(problem, tensors, 1, epilogue, tile, N - left),
      // Sums of op(a) are there already.
      productPass(problem, tensors, 1, { ...epilogue, sums: null }, rest, left),
    ];
  }
  const partial = { out: place(1), sums: epilogue.sums ? place(2) : null };
  const [x, y] = workgroups1d(M * N + (epilogue.sums ? M : 0));
  return [
    productPass(problem, { a, b, out: partial.out, unused: place(0) }, splits, { sums: partial.sums }, tile),
    {
      shader: 'matmul/sum-splits',
      constants: epilogueConstants(epilogue),
      params: { splits, hasBias: Number(Boolean(epilogue.bias)) },
      bindings: [partial.out, partial.sums ?? b, ...epilogueBindings(epilogue, b, out, place(0))],
      workgroups: [x, y, batch],
      flops: batch * splits * M * N,
    },
  ];
}

/** Ranges that K is cut into. */
export function matmulSplits(problem: MatmulProblem, traits: AdapterTraits): number {
  return splitsOf(problem, tileFor(problem, traits));
}

/** The partial products alone, [batch, splits, M, N], with the sums of op(a) along each range, [splits, M], where wanted. */
export function partialPass(
  problem: MatmulProblem,
  { a, b, out, sums, unused }: ProductBindings & { readonly sums: Binding | null },
  splits: number,
  traits: AdapterTraits,
): Pass {
  return productPass(problem, { a, b, out, unused }, splits, { sums }, tileFor(problem, traits));
}

/** Where one dispatch finds its tensors; `unused` is bound in place of one that is not written. */
interface ProductBindings extends Pick<MatmulBindings, 'a' | 'b' | 'out'> {
  readonly unused: Binding;
}

/** Both operands from textures; out, and what is kept beside it, are written. */
const SAMPLED = { copied: [0, 1], written: [3, 6] } as const;

/** @param columns of out that the dispatch computes. */
function productPass(
  problem: MatmulProblem,
  { a, b, out, unused }: ProductBindings,
  splits: number,
  epilogue: Epilogue,
  kernel: Tile,
  columns = problem.N,
): Pass {
  const { batch, M, K, aT, bT } = problem;
  const [across, down] = [Math.ceil(columns / kernel.columns), Math.ceil(M / kernel.rows)];
  return {
    shader: kernel.shader,
    constants: {
      A_T: Number(aT),
      B_T: Number(bT),
      ...kernel.constants,
      ...epilogueConstants(epilogue),
    },
    params: { splits, hasBias: Number(Boolean(epilogue.bias)) },
    bindings: [a, b, ...epilogueBindings(epilogue, b, out, unused)],
    ...(kernel.needs.includes('texels') && { texels: SAMPLED }),
    workgroups: kernel.constants.ALONG_M ? [down, across, batch * splits] : [across, down, batch * splits],
    flops: 2 * batch * M * columns * K,
  };
}

function epilogueConstants({ kept, activation, isDerivative, gate, other, adds, sums }: Epilogue) {
  return {
    KEEPS: Number(Boolean(kept)),
    KIND: activation ? ACTIVATION_CODES[activation] : NO_ACTIVATION,
    DERIVATIVE: Number(Boolean(isDerivative)),
    HAS_GATE: Number(Boolean(gate)),
    HAS_OTHER: Number(Boolean(other) && !isDerivative),
    ADDS: Number(Boolean(adds)),
    HAS_SUMS: Number(Boolean(sums)),
  };
}

/** A shader must have every binding; in place of what is missing it gets something that it does not read or write. */
function epilogueBindings(
  { bias, kept, gate, other, sums }: Epilogue,
  read: Binding,
  out: Binding,
  written: Binding,
): Binding[] {
  return [bias ?? read, out, other ?? read, gate ?? read, kept ?? sums ?? written];
}
