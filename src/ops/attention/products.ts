import type { Binding, Pass } from '../../graph/pass.ts';
import type { Shape } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { matmulPasses } from '../matmul/kernels.ts';
import type { MatmulProblem } from '../matmul/tiles.ts';
import { type AttentionProblem, positionBinding } from './problem.ts';

/**
 * Attention by matmul's kernels, for software adapters: heads are laid out one after the other, scores are stored, and
 * softmax goes over them row by row. A thread of a fused kernel could keep neither its queries nor its sums in
 * registers.
 */

/** Scores written out at a time, unless one head has more: 64 MiB. */
const MOST_SCORES = 2 ** 24;
/** Threads of a workgroup that goes over rows of scores: few, so that few rows keep every core busy. */
export const SOFTMAX_ROWS = 4;

/** Threads of a workgroup that lays heads out, a row each. */
const MOVED_ROWS = 16;

/** Positions of the temporaries; the backward has them all, the forward those before `dout`. */
const SCRATCH = {
  q: { scratch: 0 },
  k: { scratch: 1 },
  v: { scratch: 2 },
  scores: { scratch: 3 },
  dout: { scratch: 4 },
  dscores: { scratch: 5 },
} as const;

/** Sizes of the layout in `lib/attention-heads`: heads of a dispatch and columns of a row of scores. */
interface HeadLayout {
  readonly each: number;
  readonly columns: number;
}

function layoutOf(
  { sizes: { M, Nq, Nk }, attrs: { heads, prefix } }: AttentionProblem,
  mostScores: number,
): HeadLayout {
  const columns = fours(prefix) + fours(Nk - prefix);
  const fits = (each: number) => heads % each === 0 && M * each * Nq * columns <= mostScores;
  const each = Array.from({ length: heads }, (_, i) => heads - i).find(fits) ?? 1;
  return { each, columns };
}

function fours(n: number): number {
  return 4 * Math.ceil(n / 4);
}

/** Whether rows of scores can be read in vectors: each line of columns after the prefix is a multiple of 4. */
function inFours({ sizes: { Nk }, attrs: { prefix, gridW }, hasRel }: AttentionProblem): boolean {
  return (hasRel ? gridW : Nk - prefix) % 4 === 0;
}

/** Shapes of the forward's temporaries. */
export function forwardScratch(problem: AttentionProblem, mostScores = MOST_SCORES): Shape[] {
  const { M, Nq, D } = problem.sizes;
  const { each, columns } = layoutOf(problem, mostScores);
  const keys = [M * each, columns, D];
  return [[M * each, Nq, D], keys, keys, [M * each, Nq, columns]];
}

/** Shapes of the backward's temporaries; without relPos the last one stands for its gradient. */
export function backwardScratch(problem: AttentionProblem, mostScores = MOST_SCORES): Shape[] {
  const shapes = forwardScratch(problem, mostScores);
  return [...shapes, ...shapes.filter((_, i) => i % 3 === 0), ...(problem.hasRel ? [] : [[1]])];
}

/** Inputs q, k, v, relPos, mass, bias; outputs out, lse. `groups`: the number of masses, null without mass. */
export function forwardProducts(
  problem: AttentionProblem,
  groups: number | null,
  mostScores = MOST_SCORES,
): Pass[] {
  const { M } = problem.sizes;
  return inTurn(problem, mostScores, (turn) => [
    ...turn.gather(),
    ...turn.product('scores', 'q', 'k', { bT: true }),
    turn.rows(inFours(problem) ? 'attention/softmax-fours' : 'attention/softmax-any', {
      constants: { HAS_MASS: Number(groups !== null) },
      windows: M / (groups ?? M),
      bindings: [
        SCRATCH.scores,
        { input: 1 },
        positionBinding(problem),
        { input: groups === null ? 0 : 4 },
        { output: 1 },
      ],
    }),
    ...turn.product('q', 'scores', 'v', {}),
    turn.scatter('q', 0, 1),
  ]);
}

/** Inputs q, k, v, relPos, dout, bias, rows; outputs dq, dk, dv, with relPos drelPos. */
export function backwardProducts(problem: AttentionProblem, mostScores = MOST_SCORES): Pass[] {
  const { hasRel, sizes } = problem;
  const noRel = backwardScratch(problem, mostScores).length - 1;
  return inTurn(problem, mostScores, (turn) => [
    ...turn.gather(),
    turn.toHeads({ input: 4 }, 'dout', 1),
    ...turn.product('scores', 'q', 'k', { bT: true }),
    ...turn.product('dscores', 'dout', 'v', { bT: true }),
    turn.rows(inFours(problem) ? 'attention/softmax-backward-fours' : 'attention/softmax-backward-any', {
      constants: {},
      bindings: [
        SCRATCH.scores,
        { input: 1 },
        positionBinding(problem),
        { input: 6 },
        SCRATCH.dscores,
        hasRel ? { output: 3 } : { scratch: noRel },
      ],
    }),
    // Every result overwrites a temporary that is no longer needed.
    ...turn.product('v', 'scores', 'dout', { aT: true }),
    turn.scatter('v', 2, 1),
    ...turn.product('dout', 'dscores', 'k', {}),
    turn.scatter('dout', 0, 1 / Math.sqrt(sizes.D)),
    // q carries the scale already.
    ...turn.product('k', 'dscores', 'q', { aT: true }),
    turn.scatter('k', 1, 1),
  ]);
}

type Name = keyof typeof SCRATCH;

/** The dispatches of every turn, some heads each. */
function inTurn(problem: AttentionProblem, mostScores: number, passes: (turn: Turn) => Pass[]): Pass[] {
  const layout = layoutOf(problem, mostScores);
  return Array.from({ length: problem.attrs.heads / layout.each }, (_, i) =>
    passes(new Turn(problem, layout, i * layout.each)),
  ).flat();
}

/** What a dispatch reads besides the layout: windows that share a gate or mass, and a factor. */
interface Own {
  readonly windows?: number;
  readonly scale?: number;
}

/** Makes the dispatches for the heads from `fromHead` on. */
class Turn {
  constructor(
    private readonly problem: AttentionProblem,
    private readonly layout: HeadLayout,
    private readonly fromHead: number,
  ) {}

  /** q with its scale, k and v to heads. */
  gather(): Pass[] {
    const scale = 1 / Math.sqrt(this.problem.sizes.D);
    return [
      this.toHeads({ input: 0 }, 'q', scale),
      this.toHeads({ input: 1 }, 'k', 1),
      this.toHeads({ input: 2 }, 'v', 1),
    ];
  }

  toHeads(x: Binding, out: Name, scale: number): Pass {
    return this.move('attention/to-heads', out, this.rowsOf(out), scale, [x, SCRATCH[out]]);
  }

  /** Back to the output of that position. */
  scatter(x: Name, output: number, scale: number): Pass {
    const { Nq, Nk } = this.problem.sizes;
    const bindings = [SCRATCH[x], { output }];
    return this.move('attention/from-heads', x, isOfKeys(x) ? Nk : Nq, scale, bindings);
  }

  product(out: Name, a: Name, b: Name, { aT = false, bT = false }: { aT?: boolean; bT?: boolean }): Pass[] {
    const [M, K] = aT ? [this.widthOf(a), this.rowsOf(a)] : [this.rowsOf(a), this.widthOf(a)];
    const batch = this.problem.sizes.M * this.layout.each;
    const product: MatmulProblem = { batch, M, N: bT ? this.rowsOf(b) : this.widthOf(b), K, aT, bT };
    // One of them takes no part.
    const unused = SCRATCH[(['q', 'k', 'v'] as const).find((name) => ![a, b, out].includes(name)) ?? 'q'];
    const bindings = { a: SCRATCH[a], b: SCRATCH[b], out: SCRATCH[out], scratch: { unused } };
    return matmulPasses(product, bindings, {}, this.problem.traits);
  }

  /** A dispatch over rows of scores. */
  rows(
    shader: string,
    {
      constants,
      windows = 1,
      bindings,
    }: Pick<Pass, 'constants' | 'bindings'> & { readonly windows?: number },
  ): Pass {
    const { sizes, attrs, hasRel, hasBias } = this.problem;
    return {
      shader,
      constants: { HAS_REL: Number(hasRel), HAS_BIAS: Number(hasBias), ...constants },
      params: this.params(attrs.prefix, { windows }),
      bindings,
      workgroups: [Math.ceil(sizes.Nq / SOFTMAX_ROWS), this.layout.each, sizes.M],
      flops: 10 * sizes.M * this.layout.each * sizes.Nq * this.layout.columns,
    };
  }

  private move(shader: string, name: Name, rows: number, scale: number, bindings: Binding[]): Pass {
    const { M, D } = this.problem.sizes;
    const [x] = workgroups1d(rows, MOVED_ROWS);
    return {
      shader,
      constants: {},
      params: this.params(isOfKeys(name) ? this.problem.attrs.prefix : 0, { scale }),
      bindings,
      workgroups: [x, this.layout.each, M],
      flops: M * this.layout.each * rows * D,
    };
  }

  /** As `lib/attention-heads` has them. */
  private params(prefix: number, { windows = 1, scale = 1 }: Own): Record<string, number> {
    const { attrs, sizes, hasRel } = this.problem;
    return {
      heads: attrs.heads,
      fromHead: this.fromHead,
      d: sizes.D,
      prefix,
      gridW: hasRel ? attrs.gridW : 1,
      windows,
      scale,
    };
  }

  private rowsOf(name: Name): number {
    return isOfKeys(name) ? this.layout.columns : this.problem.sizes.Nq;
  }

  private widthOf(name: Name): number {
    return name === 'scores' || name === 'dscores' ? this.layout.columns : this.problem.sizes.D;
  }
}

function isOfKeys(name: Name): boolean {
  return name === 'k' || name === 'v';
}
