import type { AdapterTraits } from '../../gpu/traits.ts';
import type { Binding, Pass } from '../../graph/op.ts';
import { sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { type AttentionAttributes, type AttentionSizes, MAX_HEAD } from './sizes.ts';

/** What a pass of attention is made for. */
export interface AttentionProblem {
  readonly sizes: AttentionSizes;
  readonly attrs: AttentionAttributes;
  readonly hasRel: boolean;
  readonly traits: AdapterTraits;
}

/** How the threads of a kernel share the work. */
type Kernel = 'register' | 'quad' | 'any';

/** Queries, or columns, of a workgroup of the register kernels. */
const TILE = 16;

function kernelFor({ sizes: { D }, traits }: AttentionProblem): Kernel {
  if (D % 4 !== 0 || D > MAX_HEAD) return 'any';
  return traits.hasSubgroups ? 'quad' : 'register';
}

function constantsOf({ sizes, attrs, hasRel }: AttentionProblem, kernel: Kernel): Record<string, number> {
  return {
    HEADS: attrs.heads,
    D: sizes.D,
    PREFIX: attrs.prefix,
    GRID_W: hasRel ? attrs.gridW : 1,
    SCALE: 1 / Math.sqrt(sizes.D),
    HAS_REL: Number(hasRel),
    ...(kernel === 'any' && { NQ: sizes.Nq, NK: sizes.Nk }),
  };
}

/** Workgroups for `tiles` tiles of every head and window, or a thread for every one of `elements`. */
function workgroupsOf(
  { sizes, attrs }: AttentionProblem,
  kernel: Kernel,
  tiles: number,
  elements: number,
): [number, number, number] {
  return kernel === 'any' ? workgroups1d(elements) : [tiles, attrs.heads, sizes.M];
}

/** Inputs q, k, v, relPos, mass; outputs out, lse. `groups`: the number of masses, null without mass. */
export function forwardPass(problem: AttentionProblem, groups: number | null): Pass {
  const { M, Nq, Nk, C } = problem.sizes;
  const shaders = {
    any: 'attention/forward-any',
    quad: 'attention/forward-quad',
    register: 'attention/forward-register',
  } as const;
  const kernel = kernelFor(problem);
  return {
    shader: shaders[kernel],
    constants: {
      ...constantsOf(problem, kernel),
      HAS_MASS: Number(groups !== null),
      WINDOWS: M / (groups ?? M),
    },
    // A shader must have every binding; where relPos or mass is absent it gets q, which it then does not read.
    bindings: [
      { input: 0 },
      { input: 1 },
      { input: 2 },
      { input: problem.hasRel ? 3 : 0 },
      { input: groups === null ? 0 : 4 },
      { output: 0 },
      { output: 1 },
    ],
    workgroups: workgroupsOf(problem, kernel, Math.ceil(Nq / TILE), sizeOf([M, Nq, C])),
    flops: 4 * M * Nq * Nk * C,
  };
}

/** Inputs dout, out, lse, mass; output rows. */
export function deltaPass(
  { M, Nq, C, D }: AttentionSizes,
  { heads }: AttentionAttributes,
  groups: number | null,
): Pass {
  return {
    shader: 'attention/delta',
    constants: { HEADS: heads, D, NQ: Nq, WINDOWS: M / (groups ?? M), HAS_MASS: Number(groups !== null) },
    bindings: [{ input: 0 }, { input: 1 }, { input: 2 }, { input: groups === null ? 2 : 3 }, { output: 0 }],
    workgroups: workgroups1d(M * heads * Nq),
    flops: 2 * M * Nq * C,
  };
}

/** The inputs of the backward kernels: q, k, v, relPos (or q again), dout, rows. */
function backwardInputs(hasRel: boolean): Binding[] {
  return [{ input: 0 }, { input: 1 }, { input: 2 }, { input: hasRel ? 3 : 0 }, { input: 4 }, { input: 5 }];
}

/** Inputs q, k, v, relPos, dout, rows; outputs dq and, with relPos, drelPos, else scratch. */
export function queriesPass(problem: AttentionProblem): Pass {
  const { M, Nq, Nk, C } = problem.sizes;
  const shaders = {
    any: 'attention/dq-any',
    quad: 'attention/dq-quad',
    register: 'attention/dq-register',
  } as const;
  const kernel = kernelFor(problem);
  return {
    shader: shaders[kernel],
    constants: constantsOf(problem, kernel),
    bindings: [
      ...backwardInputs(problem.hasRel),
      { output: 0 },
      problem.hasRel ? { output: 1 } : { scratch: 0 },
    ],
    workgroups: workgroupsOf(problem, kernel, Math.ceil(Nq / TILE), sizeOf([M, Nq, C])),
    flops: 6 * M * Nq * Nk * C,
  };
}

/** Inputs q, k, v, relPos, dout, rows; outputs dk, dv. */
export function keysPass(problem: AttentionProblem): Pass {
  const { M, Nq, Nk, C } = problem.sizes;
  const { prefix } = problem.attrs;
  const shaders = {
    any: 'attention/dkv-any',
    quad: 'attention/dkv-quad',
    register: 'attention/dkv-register',
  } as const;
  const kernel = kernelFor(problem);
  return {
    shader: shaders[kernel],
    constants: constantsOf(problem, kernel),
    bindings: [...backwardInputs(problem.hasRel), { output: 0 }, { output: 1 }],
    workgroups: workgroupsOf(
      problem,
      kernel,
      Math.ceil(prefix / TILE) + Math.ceil((Nk - prefix) / TILE),
      sizeOf([M, Nk, C]),
    ),
    flops: 8 * M * Nq * Nk * C,
  };
}
