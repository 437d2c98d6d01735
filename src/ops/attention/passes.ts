import type { Binding, Pass } from '../../graph/pass.ts';
import { workgroups1d } from '../dispatch.ts';
import { selectFamily } from '../select.ts';
import { type AttentionProblem, positionBinding } from './problem.ts';
import { type AttentionAttributes, type AttentionSizes, MAX_HEAD } from './sizes.ts';

/** How the threads of a kernel share the work. */
type Kernel = 'tile' | 'any';

/** Rows that a workgroup of the tile kernels owns (lib/attention-tile). */
const TILE = 32;

/** Whether attention goes by matmul's kernels (`products.ts`) on this adapter; else by the kernels here. */
export function goesByProducts({ sizes: { D }, traits }: AttentionProblem): boolean {
  return D % 4 === 0 && selectFamily('attention', traits) === 'register';
}

function kernelFor({ sizes: { D } }: AttentionProblem): Kernel {
  return D % 4 !== 0 || D > MAX_HEAD ? 'any' : 'tile';
}

/** What a pipeline is compiled with, and what one that can do some of the heads is told. */
function settingsOf(
  { sizes, attrs, hasRel, hasBias }: AttentionProblem,
  kernel: Kernel,
  own: Readonly<Record<string, number>> = {},
): Pick<Pass, 'constants' | 'params'> {
  const constants = {
    HEADS: attrs.heads,
    D: sizes.D,
    PREFIX: attrs.prefix,
    GRID_W: hasRel ? attrs.gridW : 1,
    SCALE: 1 / Math.sqrt(sizes.D),
    HAS_REL: Number(hasRel),
    HAS_BIAS: Number(hasBias),
    ...own,
  };
  return kernel === 'any'
    ? { constants: { ...constants, NQ: sizes.Nq, NK: sizes.Nk } }
    : { constants, params: { firstHead: 0 } };
}

/** Workgroups for the rows that a kernel owns: queries, or columns of the prefix and of the rest. */
function workgroupsOf(
  { sizes, attrs }: AttentionProblem,
  kernel: Kernel,
  rows: readonly number[],
): [number, number, number] {
  const all = rows.reduce((sum, n) => sum + n, 0);
  if (kernel === 'any') return workgroups1d(sizes.M * all * sizes.C);
  return [rows.reduce((sum, n) => sum + Math.ceil(n / TILE), 0), attrs.heads, sizes.M];
}

/** Inputs q, k, v, relPos, mass, bias; outputs out, lse. `groups`: the number of masses, null without mass. */
export function forwardPass(problem: AttentionProblem, groups: number | null): Pass {
  const { M, Nq, Nk, C } = problem.sizes;
  const shaders = {
    any: 'attention/forward-any',
    tile: 'attention/forward-tile',
  } as const;
  const kernel = kernelFor(problem);
  return {
    shader: shaders[kernel],
    ...settingsOf(problem, kernel, { HAS_MASS: Number(groups !== null), WINDOWS: M / (groups ?? M) }),
    bindings: [
      { input: 0 },
      { input: 1 },
      { input: 2 },
      positionBinding(problem),
      { input: groups === null ? 0 : 4 },
      { output: 0 },
      { output: 1 },
    ],
    workgroups: workgroupsOf(problem, kernel, [Nq]),
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
    constants: { HAS_MASS: Number(groups !== null) },
    params: { heads, d: D, queries: Nq, windows: M / (groups ?? M) },
    bindings: [{ input: 0 }, { input: 1 }, { input: 2 }, { input: groups === null ? 2 : 3 }, { output: 0 }],
    workgroups: workgroups1d(M * heads * Nq),
    flops: 2 * M * Nq * C,
  };
}

/**
 * Whether the backward's kernel over queries can make the rows of `attentionDelta` itself, which needs the bindings that position
 * would take.
 */
export function makesRows(problem: AttentionProblem): boolean {
  return !goesByProducts(problem) && kernelFor(problem) === 'tile' && !problem.hasRel && !problem.hasBias;
}

/** Inputs q, k, v, relPos, dout, bias, rows; outputs dq and, with relPos, drelPos (output 3), else scratch. */
export function queriesPass(problem: AttentionProblem): Pass {
  const position = problem.hasRel ? { output: 3 } : { scratch: 0 };
  return overQueries(problem, positionBinding(problem), { input: 6 }, position, false);
}

/** Inputs q, k, v, dout and, as 7 and 8, out and lse; output dq. The rows go to scratch. */
export function queriesAndRowsPass(problem: AttentionProblem): Pass {
  return overQueries(problem, { input: 7 }, { input: 8 }, { scratch: 0 }, true);
}

function overQueries(
  problem: AttentionProblem,
  position: Binding,
  stats: Binding,
  written: Binding,
  ownStats: boolean,
): Pass {
  const { M, Nq, Nk, C } = problem.sizes;
  const shaders = {
    any: 'attention/dq-any',
    tile: 'attention/dq-tile',
  } as const;
  const kernel = kernelFor(problem);
  return {
    shader: shaders[kernel],
    ...settingsOf(problem, kernel, kernel === 'tile' ? { OWN_STATS: Number(ownStats) } : {}),
    bindings: [
      { input: 0 },
      { input: 1 },
      { input: 2 },
      position,
      { input: 4 },
      stats,
      { output: 0 },
      written,
    ],
    workgroups: workgroupsOf(problem, kernel, [Nq]),
    flops: 6 * M * Nq * Nk * C,
  };
}

/** Inputs q, k, v, relPos, dout, bias; outputs dk (output 1) and dv. */
export function keysPass(problem: AttentionProblem, rows: Binding): Pass {
  const { M, Nq, Nk, C } = problem.sizes;
  const { prefix } = problem.attrs;
  const shaders = {
    any: 'attention/dkv-any',
    tile: 'attention/dkv-tile',
  } as const;
  const kernel = kernelFor(problem);
  return {
    shader: shaders[kernel],
    ...settingsOf(problem, kernel),
    bindings: [
      { input: 0 },
      { input: 1 },
      { input: 2 },
      positionBinding(problem),
      { input: 4 },
      rows,
      { output: 1 },
      { output: 2 },
    ],
    workgroups: workgroupsOf(problem, kernel, [prefix, Nk - prefix]),
    flops: 8 * M * Nq * Nk * C,
  };
}
