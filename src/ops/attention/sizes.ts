import { axis, expectShape, lastOf, type Shape, sameShape, show } from '../../graph/shape.ts';

/** Settings of attention. */
export interface AttentionAttributes {
  readonly heads: number;
  /** How many of the first columns are prefix tokens, which have no relative position and are weighted by `mass`. */
  readonly prefix: number;
  /** Width in tokens of the grid of keys; read only where relative position is given. */
  readonly gridW: number;
}

/** Sizes of one attention: M windows or images, queries, keys (prefix included), features, features of a head. */
export interface AttentionSizes {
  readonly M: number;
  readonly Nq: number;
  readonly Nk: number;
  readonly C: number;
  readonly D: number;
}

/** Largest head, in features, that the tile kernels take (lib/attention-tile); ViT-H has 80. */
export const MAX_HEAD = 96;

/** Reads the sizes off q and k. */
export function attentionSizes(q: Shape, k: Shape, { heads }: { readonly heads: number }): AttentionSizes {
  return { M: axis(q, 0), Nq: axis(q, 1), Nk: axis(k, 1), C: lastOf(q), D: lastOf(q) / heads };
}

/** Fails and names what does not fit, unless the shapes of the inputs agree. */
export function expectAttention(
  [q, k, v, relPos, mass, bias]: readonly (Shape | null | undefined)[],
  attrs: AttentionAttributes,
): void {
  expectShape(
    q?.length === 3 &&
      k?.length === 3 &&
      Boolean(v && sameShape(k, v)) &&
      axis(q, 0) === axis(k, 0) &&
      lastOf(q) === lastOf(k),
    'attention',
    () => `q ${show(q ?? [])}, k ${show(k ?? [])}, v ${show(v ?? [])}`,
  );
  const { M, Nq, Nk, C, D } = attentionSizes(q, k, attrs);
  const { heads, prefix, gridW } = attrs;
  expectShape(Number.isInteger(D), 'attention', () => `${C} features do not divide into ${heads} heads`);
  expectShape(prefix >= 0 && prefix < Nk, 'attention', () => `${prefix} prefix columns of ${Nk}`);
  expectShape(
    !relPos || sameShape(relPos, [M, heads, Nq, (Nk - prefix) / gridW + gridW]),
    'attention',
    () =>
      `relPos ${show(relPos ?? [])} for q ${show(q)}, k ${show(k)}, prefix ${prefix}, grid width ${gridW}`,
  );
  expectShape(
    !bias || (!relPos && sameShape(bias, [heads, Nq, Nk - prefix])),
    'attention',
    () =>
      `bias ${show(bias ?? [])}${relPos ? ' beside relPos' : ''} for q ${show(q)}, k ${show(k)}, prefix ${prefix}`,
  );
  expectShape(
    !mass || (mass.length === 1 && M % axis(mass, 0) === 0 && prefix > 0),
    'attention',
    () => `mass ${show(mass ?? [])} for ${M} windows and ${prefix} prefix columns`,
  );
}
