import type { AdapterTraits } from '../../gpu/traits.ts';
import type { Binding, Pass } from '../../graph/pass.ts';
import type { Shape } from '../../graph/shape.ts';
import { ACTIVATION_CODES, type ActivationKind } from '../activation/activation.ts';
import { workgroups1d } from '../dispatch.ts';
import { selectFamily } from '../select.ts';

/** One product `op(a) · op(b) (+ bias)`, `batch` times; `aT`: a is stored [K, M], `bT`: b is stored [N, K]. */
export interface MatmulProblem {
  readonly batch: number;
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly aT: boolean;
  readonly bT: boolean;
}

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
 * Where the kernel finds its tensors. Without scratch K is never split, and the sums of a row do not depend on the number
 * of rows; `unused` must then be a tensor that nobody else writes meanwhile.
 */
export interface MatmulBindings {
  readonly a: Binding;
  readonly b: Binding;
  readonly out: Binding;
  /** Position of the first of {@link matmulScratch}, or a tensor to bind in place of one that is not written. */
  readonly scratch: { readonly from: number } | { readonly unused: Binding };
}

/** Rows and columns of out that one workgroup computes, and how a kernel is compiled for a problem. */
interface Kernel {
  readonly shader: string;
  readonly rows: number;
  readonly columns: number;
  readonly constants: Readonly<Record<string, number>>;
  /** Workgroups that keep the adapter busy; with fewer, K is split. */
  readonly enough: number;
}

/** Shortest range of K that is worth a workgroup of its own. */
const SHORTEST_RANGE = 128;

/** The tile that loads least for each sum, on software adapters with subgroups. */
const LARGE: Kernel = { shader: 'matmul/large', rows: 32, columns: 64, constants: {}, enough: 16 };

/** Multiply-adds below which a narrow product is over sooner than a pipeline of its own would be compiled. */
const LEAST_ALONG_M = 2 ** 20;

/** Whether tiles of that length leave at most an eighth of themselves empty. */
function fills(length: number, tile: number): boolean {
  return Math.ceil(length / tile) * tile <= length * 1.125;
}

/** The kernel for a product, by the family that suits the adapter and then by the layout. */
function kernelFor({ batch, M, N, K, aT, bT }: MatmulProblem, traits: AdapterTraits): Kernel {
  switch (selectFamily('matmul', traits)) {
    case 'workgroup':
      return { shader: 'matmul/workgroup', rows: 64, columns: 64, constants: {}, enough: 128 };
    case 'register': {
      // Threads that lie side by side along n would have no work for a narrow out.
      const isWorthIt = batch * M * N * K >= LEAST_ALONG_M;
      const alongM = isWorthIt && Math.ceil(N / 8) * 8 * 1.25 < Math.ceil(N / 32) * 32;
      const inFours = N % 4 === 0 && (aT ? M : K) % 4 === 0 && (!bT || K % 4 === 0);
      if (inFours && traits.hasSubgroups && fills(M, LARGE.rows) && fills(N, LARGE.columns)) return LARGE;
      return {
        shader: !inFours ? 'matmul/any' : traits.hasSubgroups ? 'matmul/quad' : 'matmul/register',
        rows: alongM ? 64 : 16,
        columns: alongM ? 8 : 32,
        constants: { ALONG_M: Number(alongM) },
        enough: 16,
      };
    }
  }
}

/** Ranges that K is cut into: a power of four, so that few pipelines serve every size. */
function splitsOf({ batch, M, N, K }: MatmulProblem, kernel: Kernel): number {
  const groups = batch * Math.ceil(M / kernel.rows) * Math.ceil(N / kernel.columns);
  const wanted = Math.min(kernel.enough / groups, K / SHORTEST_RANGE);
  return wanted < 2 ? 1 : 4 ** Math.max(1, Math.floor(Math.log2(wanted) / 2));
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
): Shape[] {
  const { batch, M, N } = problem;
  const splits = splitsOf(problem, kernelFor(problem, traits));
  if (splits === 1) return [UNUSED];
  return [UNUSED, [batch, splits, M, N], ...(sums ? [[splits, M]] : [])];
}

/** The dispatches of a product: one, or with a split K the partial products and then their sum, in order. */
export function matmulPasses(
  problem: MatmulProblem,
  { a, b, out, scratch }: MatmulBindings,
  epilogue: Epilogue,
  traits: AdapterTraits,
): Pass[] {
  const { batch, M, N, K, aT, bT } = problem;
  const kernel = kernelFor(problem, traits);
  const splits = 'from' in scratch ? splitsOf(problem, kernel) : 1;
  const place = (i: number): Binding => ('from' in scratch ? { scratch: scratch.from + i } : scratch.unused);
  const [across, down] = [Math.ceil(N / kernel.columns), Math.ceil(M / kernel.rows)];
  const partial = splits === 1 ? null : { out: place(1), sums: epilogue.sums ? place(2) : null };
  const product: Pass = {
    shader: kernel.shader,
    constants: {
      A_T: Number(aT),
      B_T: Number(bT),
      SPLITS: splits,
      ...kernel.constants,
      ...epilogueConstants(partial ? { sums: partial.sums } : epilogue),
    },
    bindings: [
      a,
      b,
      ...epilogueBindings(partial ? { sums: partial.sums } : epilogue, b, partial?.out ?? out, place(0)),
    ],
    workgroups: kernel.constants.ALONG_M ? [down, across, batch * splits] : [across, down, batch * splits],
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
