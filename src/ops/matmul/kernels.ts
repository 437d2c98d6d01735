import type { AdapterTraits } from '../../gpu/traits.ts';
import type { Binding, Pass } from '../../graph/pass.ts';
import type { Shape } from '../../graph/shape.ts';
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

/**
 * Where the kernel finds its tensors. `scratch` is bound only when {@link matmulScratch} asks for it. Without it K
 * is never split, and the sums of a row do not depend on the number of rows.
 */
export interface MatmulBindings {
  readonly a: Binding;
  readonly b: Binding;
  readonly bias: Binding | null;
  readonly out: Binding;
  readonly scratch: Binding | null;
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
function splitsOf(problem: MatmulProblem, hasBias: boolean, kernel: Kernel): number {
  if (hasBias) return 1;
  const { batch, M, N, K } = problem;
  const groups = batch * Math.ceil(M / kernel.rows) * Math.ceil(N / kernel.columns);
  const wanted = Math.min(kernel.enough / groups, K / SHORTEST_RANGE);
  return wanted < 2 ? 1 : 4 ** Math.max(1, Math.floor(Math.log2(wanted) / 2));
}

/** The scratch tensor for partial products when K is split: [batch, splits, M, N]. */
export function matmulScratch(problem: MatmulProblem, hasBias: boolean, traits: AdapterTraits): Shape[] {
  const splits = splitsOf(problem, hasBias, kernelFor(problem, traits));
  return splits === 1 ? [] : [[problem.batch, splits, problem.M, problem.N]];
}

/** The dispatches of a product: one, or with a split K the partial products and then their sum, in order. */
export function matmulPasses(
  problem: MatmulProblem,
  bindings: MatmulBindings,
  traits: AdapterTraits,
): Pass[] {
  const { batch, M, N, K, aT, bT } = problem;
  const kernel = kernelFor(problem, traits);
  const { scratch } = bindings;
  const splits = scratch ? splitsOf(problem, bindings.bias !== null, kernel) : 1;
  const [across, down] = [Math.ceil(N / kernel.columns), Math.ceil(M / kernel.rows)];
  const product: Pass = {
    shader: kernel.shader,
    constants: {
      A_T: Number(aT),
      B_T: Number(bT),
      HAS_BIAS: Number(bindings.bias !== null),
      SPLITS: splits,
      ...kernel.constants,
    },
    // A shader must have every binding; without a bias it gets b, which it then does not read.
    bindings: [
      bindings.a,
      bindings.b,
      bindings.bias ?? bindings.b,
      scratch && splits > 1 ? scratch : bindings.out,
    ],
    workgroups: kernel.constants.ALONG_M ? [down, across, batch * splits] : [across, down, batch * splits],
    flops: 2 * batch * M * N * K,
  };
  if (!scratch || splits === 1) return [product];
  const [x, y] = workgroups1d(M * N);
  return [
    product,
    {
      shader: 'matmul/sum-splits',
      constants: { SPLITS: splits },
      bindings: [scratch, bindings.out],
      workgroups: [x, y, batch],
      flops: batch * splits * M * N,
    },
  ];
}
