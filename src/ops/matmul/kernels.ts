import type { AdapterTraits } from '../../gpu/traits.ts';
import type { Binding, Pass } from '../../graph/pass.ts';
import type { Shape } from '../../graph/shape.ts';
import { ACTIVATION_CODES, type ActivationKind } from '../activation/activation.ts';
import { workgroups1d } from '../dispatch.ts';
import { type MatmulProblem, splitsOf, tileFor } from './tiles.ts';

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

/** The dispatches of a product: one, or with a split K the partial products and then their sum, in order. */
export function matmulPasses(
  problem: MatmulProblem,
  { a, b, out, scratch }: MatmulBindings,
  epilogue: Epilogue,
  traits: AdapterTraits,
  tile = tileFor(problem, traits, isPlain(epilogue)),
): Pass[] {
  const { batch, M, N, K, aT, bT } = problem;
  const splits = 'from' in scratch ? splitsOf(problem, tile) : 1;
  const place = (i: number): Binding => ('from' in scratch ? { scratch: scratch.from + i } : scratch.unused);
  const [across, down] = [Math.ceil(N / tile.columns), Math.ceil(M / tile.rows)];
  const partial = splits === 1 ? null : { out: place(1), sums: epilogue.sums ? place(2) : null };
  const product: Pass = {
    shader: tile.shader,
    constants: {
      A_T: Number(aT),
      B_T: Number(bT),
      SPLITS: splits,
      ...tile.constants,
      ...epilogueConstants(partial ? { sums: partial.sums } : epilogue),
    },
    bindings: [
      a,
      b,
      ...epilogueBindings(partial ? { sums: partial.sums } : epilogue, b, partial?.out ?? out, place(0)),
    ],
    workgroups: tile.constants.ALONG_M ? [down, across, batch * splits] : [across, down, batch * splits],
    flops: 2 * batch * M * N * K,
  };
  if (!partial) return [product];
  const [x, y] = workgroups1d(M * N + (epilogue.sums ? M : 0));
  return [
    product,
    {
      shader: 'matmul/sum-splits',
      constants: { SPLITS: splits, ...epilogueConstants(epilogue) },
      bindings: [partial.out, partial.sums ?? b, ...epilogueBindings(epilogue, b, out, place(0))],
      workgroups: [x, y, batch],
      flops: batch * splits * M * N,
    },
  ];
}

function isPlain({ kept, activation, gate, other }: Epilogue): boolean {
  return !(kept || activation || gate || other);
}

function epilogueConstants({ bias, kept, activation, isDerivative, gate, other, adds, sums }: Epilogue) {
  return {
    HAS_BIAS: Number(Boolean(bias)),
    KEEPS: Number(Boolean(kept)),
    KIND: activation ? ACTIVATION_CODES[activation] : NO_ACTIVATION,
    DERIVATIVE: Number(Boolean(isDerivative)),
    HAS_GATE: Number(Boolean(gate)),
    HAS_OTHER: Number(Boolean(other) && !isDerivative),
    ADDS: Number(Boolean(adds)),
    HAS_SUMS: Number(Boolean(sums)),
  };
}

/** The shader's KIND without an activation. */
const NO_ACTIVATION = 3;

/** A shader must have every binding; in place of what is missing it gets something that it does not read or write. */
function epilogueBindings(
  { bias, kept, gate, other, sums }: Epilogue,
  read: Binding,
  out: Binding,
  written: Binding,
): Binding[] {
  return [bias ?? read, out, other ?? read, gate ?? read, kept ?? sums ?? written];
}
