import type { Binding, Pass } from '../../graph/op.ts';
import { workgroups1d } from '../dispatch.ts';
import type { AttentionAttributes, AttentionSizes } from './sizes.ts';

/** Queries, or columns, that one thread of the register kernels holds. */
const TILE = 4;

/** The constants that lib/attention.wgsl declares. */
function shared(sizes: AttentionSizes, attrs: AttentionAttributes, hasRel: boolean, groups: number) {
  return {
    HEADS: attrs.heads,
    D: sizes.D,
    PREFIX: attrs.prefix,
    GRID_W: hasRel ? attrs.gridW : 1,
    WINDOWS: sizes.M / groups,
    SCALE: 1 / Math.sqrt(sizes.D),
    HAS_REL: Number(hasRel),
  };
}

/** Workgroups for `threads` threads of each of M windows. */
function perWindow(threads: number, M: number): [number, number, number] {
  const [x, y] = workgroups1d(threads);
  return [x, y, M];
}

/** Inputs q, k, v, relPos, mass; outputs out, lse. */
export function forwardPass(
  sizes: AttentionSizes,
  attrs: AttentionAttributes,
  { hasRel, groups }: { readonly hasRel: boolean; readonly groups: number | null },
): Pass {
  const { M, Nq, Nk, C } = sizes;
  return {
    shader: 'attention/forward',
    constants: { ...shared(sizes, attrs, hasRel, groups ?? 1), HAS_MASS: Number(groups !== null) },
    // A shader must have every binding; where relPos or mass is absent it gets q, which it then does not read.
    bindings: [
      { input: 0 },
      { input: 1 },
      { input: 2 },
      { input: hasRel ? 3 : 0 },
      { input: groups === null ? 0 : 4 },
      { output: 0 },
      { output: 1 },
    ],
    workgroups: perWindow(Math.ceil(Nq / TILE) * attrs.heads, M),
    flops: 4 * M * Nq * Nk * C,
  };
}

/** Inputs dout, out, lse, mass; output rows. */
export function deltaPass(sizes: AttentionSizes, attrs: AttentionAttributes, groups: number | null): Pass {
  const { M, Nq, C, D } = sizes;
  return {
    shader: 'attention/delta',
    constants: {
      HEADS: attrs.heads,
      D,
      NQ: Nq,
      WINDOWS: M / (groups ?? 1),
      HAS_MASS: Number(groups !== null),
    },
    bindings: [{ input: 0 }, { input: 1 }, { input: 2 }, { input: groups === null ? 2 : 3 }, { output: 0 }],
    workgroups: workgroups1d(M * attrs.heads * Nq),
    flops: 2 * M * Nq * C,
  };
}

/** The inputs of the backward kernels: q, k, v, relPos (or q again), dout, rows. */
function backwardInputs(hasRel: boolean): Binding[] {
  return [{ input: 0 }, { input: 1 }, { input: 2 }, { input: hasRel ? 3 : 0 }, { input: 4 }, { input: 5 }];
}

/** Inputs q, k, v, relPos, dout, rows; outputs dq and, with relPos, drelPos, else scratch. */
export function queriesPass(sizes: AttentionSizes, attrs: AttentionAttributes, hasRel: boolean): Pass {
  const { M, Nq, Nk, C } = sizes;
  return {
    shader: 'attention/dq',
    constants: shared(sizes, attrs, hasRel, 1),
    bindings: [...backwardInputs(hasRel), { output: 0 }, hasRel ? { output: 1 } : { scratch: 0 }],
    workgroups: perWindow(Math.ceil(Nq / TILE) * attrs.heads, M),
    flops: 6 * M * Nq * Nk * C,
  };
}

/** Inputs q, k, v, relPos, dout, rows; outputs dk, dv. */
export function keysPass(sizes: AttentionSizes, attrs: AttentionAttributes, hasRel: boolean): Pass {
  const { M, Nq, Nk, C } = sizes;
  const blocks = Math.ceil(attrs.prefix / TILE) + Math.ceil((Nk - attrs.prefix) / TILE);
  return {
    shader: 'attention/dkv',
    constants: shared(sizes, attrs, hasRel, 1),
    bindings: [...backwardInputs(hasRel), { output: 0 }, { output: 1 }],
    workgroups: perWindow(blocks * attrs.heads, M),
    flops: 8 * M * Nq * Nk * C,
  };
}
