import type { AdapterTraits } from '../../gpu/traits.ts';
import type { Binding, Pass } from '../../graph/op.ts';

/** One product `op(a) · op(b) (+ bias)`, `batch` times; `aT`: a is stored [K, M], `bT`: b is stored [N, K]. */
export interface MatmulProblem {
  readonly batch: number;
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly aT: boolean;
  readonly bT: boolean;
}

/** Where the kernel finds its tensors. */
export interface MatmulBindings {
  readonly a: Binding;
  readonly b: Binding;
  readonly bias: Binding | null;
  readonly out: Binding;
}

/** The dispatch for a product, by the kernel family that suits the adapter. */
export function matmulPass(problem: MatmulProblem, bindings: MatmulBindings, _traits: AdapterTraits): Pass {
  const { batch, M, N, K, aT, bT } = problem;
  return {
    shader: 'matmul/register',
    constants: { N, A_T: Number(aT), B_T: Number(bT), HAS_BIAS: Number(bindings.bias !== null) },
    // A shader must have every binding; without a bias it gets b, which it then does not read.
    bindings: [bindings.a, bindings.b, bindings.bias ?? bindings.b, bindings.out],
    workgroups: [Math.ceil(N / 32), Math.ceil(M / 32), batch],
    flops: 2 * batch * M * N * K,
  };
}
