import { defineOp, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, lastOf, sameShape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';

interface RelPosAttributes {
  readonly heads: number;
  /** Size in tokens of the image or window that attends to itself. */
  readonly gridH: number;
  readonly gridW: number;
}

function constants(C: number, { heads, gridH, gridW }: RelPosAttributes) {
  return { HEADS: heads, D: C / heads, GRID_H: gridH, GRID_W: gridW };
}

/** Queries, and entries, that one thread of the tiled kernels computes. */
const TILE = 4;

/** Whether the tiled kernels serve: they read four features at once, and the dispatch's z is the window and head. */
function isTiled(C: number, { heads }: RelPosAttributes): boolean {
  return (C / heads) % 4 === 0;
}

/** Threads per window and head in the tiled forward kernel: first the rows' half, then the columns' half. */
function tilesOf({ gridH, gridW }: RelPosAttributes): number {
  const across = Math.ceil(gridH / TILE) * Math.ceil(gridW / TILE);
  return (gridH + gridW) * across;
}

function tileGroups(tiles: number, windows: number, heads: number): [number, number, number] {
  const [x, y] = workgroups1d(tiles);
  return [x, y, windows * heads];
}

/**
 * SAM's decomposed relative position: what a query adds to the scores of every row and of every column of keys.
 * q [M, gridH·gridW, C] unscaled, relPosH [2·gridH−1, C/heads], relPosW [2·gridW−1, C/heads]
 * → [M, heads, gridH·gridW, gridH+gridW], rows first. The tables are frozen.
 */
export const relPosBiasOp = defineOp({
  name: 'relPosBias',
  inputs: ['q', 'relPosH', 'relPosW'],
  shapes: ([q, relPosH, relPosW], { heads, gridH, gridW }: RelPosAttributes) => {
    if (!q || !relPosH || !relPosW) throw new RangeError('relPosBias: q, relPosH and relPosW');
    const d = lastOf(q) / heads;
    expectShape(
      q.length === 3 &&
        axis(q, 1) === gridH * gridW &&
        sameShape(relPosH, [2 * gridH - 1, d]) &&
        sameShape(relPosW, [2 * gridW - 1, d]),
      'relPosBias',
      () =>
        `tables ${show(relPosH)} and ${show(relPosW)} for q ${show(q)}, ${heads} heads, grid ${gridH} × ${gridW}`,
    );
    return [[axis(q, 0), heads, gridH * gridW, gridH + gridW]];
  },
  passes: ({ inputs: [q], outputs: [out], attrs }) => {
    if (!q || !out) throw new RangeError('relPosBias: q');
    const tiled = isTiled(lastOf(q), attrs);
    return [
      {
        shader: tiled ? 'rel-pos-bias/forward-tile' : 'rel-pos-bias/forward',
        constants: constants(lastOf(q), attrs),
        bindings: [{ input: 0 }, { input: 1 }, { input: 2 }, { output: 0 }],
        workgroups: tiled ? tileGroups(tilesOf(attrs), axis(out, 0), attrs.heads) : workgroups1d(sizeOf(out)),
        flops: (2 * sizeOf(out) * lastOf(q)) / attrs.heads,
      },
    ];
  },
  backward: {
    q: ({ graph, input, dout, attrs }) =>
      graph.apply1(relPosBiasBackwardOp, [input(1), input(2), dout, null], attrs).view(input(0).shape),
    relPosH: 'none',
    relPosW: 'none',
  },
  reference: ([q, relPosH, relPosW], [shape], { heads, gridH, gridW }) => {
    if (!q || !relPosH || !relPosW || !shape) throw new RangeError('relPosBias: q, relPosH and relPosW');
    const [M, tokens, d] = [axis(shape, 0), gridH * gridW, lastOf(shape) / heads];
    const out: number[] = [];
    for (let m = 0; m < M; m++) {
      for (let head = 0; head < heads; head++) {
        for (let n = 0; n < tokens; n++) {
          const start = ((m * tokens + n) * heads + head) * d;
          const dot = (table: Float64Array, row: number) => {
            let sum = 0;
            for (let c = 0; c < d; c++) sum += (q[start + c] ?? 0) * (table[row * d + c] ?? 0);
            return sum;
          };
          for (let k = 0; k < gridH; k++) out.push(dot(relPosH, Math.floor(n / gridW) - k + gridH - 1));
          for (let k = 0; k < gridW; k++) out.push(dot(relPosW, (n % gridW) - k + gridW - 1));
        }
      }
    }
    return [Float64Array.from(out)];
  },
  cases: [
    {
      inputs: [
        [1, 1, 1],
        [1, 1],
        [1, 1],
      ],
      attrs: { heads: 1, gridH: 1, gridW: 1 },
    },
    {
      inputs: [
        [2, 15, 14],
        [5, 7],
        [9, 7],
      ],
      attrs: { heads: 2, gridH: 3, gridW: 5 },
      note: 'not square, an odd head size',
    },
    {
      inputs: [
        [3, 49, 24],
        [13, 8],
        [13, 8],
      ],
      attrs: { heads: 3, gridH: 7, gridW: 7 },
    },
    {
      inputs: [
        [1, 66, 32],
        [21, 16],
        [11, 16],
      ],
      attrs: { heads: 2, gridH: 11, gridW: 6 },
    },
  ],
});

/** Gradient of {@link relPosBiasOp} to q, with `more`, of its size, added to it: [M, tokens, C]. */
export const relPosBiasBackwardOp = defineOp({
  name: 'relPosBiasBackward',
  inputs: ['relPosH', 'relPosW', 'dout', 'more'],
  optional: ['more'],
  shapes: ([relPosH, , dout, more], { heads }: RelPosAttributes) => {
    if (!relPosH || !dout) throw new RangeError('relPosBiasBackward: relPosH and dout');
    const dq = [axis(dout, 0), axis(dout, 2), heads * lastOf(relPosH)];
    expectShape(
      !more || sizeOf(more) === sizeOf(dq),
      'relPosBiasBackward',
      () => `${show(more ?? [])} for ${show(dq)}`,
    );
    return [dq];
  },
  passes: ({ inputs: [relPosH, , dout, more], outputs: [dq], attrs }) => {
    if (!relPosH || !dq || !dout) throw new RangeError('relPosBiasBackward: dq');
    // Not from dq, which may be there under another shape.
    const C = attrs.heads * lastOf(relPosH);
    const tiled = isTiled(C, attrs);
    const tiles = (attrs.gridH * Math.ceil(attrs.gridW / TILE) * C) / attrs.heads / 4;
    return [
      {
        shader: tiled ? 'rel-pos-bias/backward-tile' : 'rel-pos-bias/backward',
        constants: { ...constants(C, attrs), HAS_MORE: Number(Boolean(more)) },
        bindings: [{ input: 0 }, { input: 1 }, { input: 2 }, { output: 0 }, { input: more ? 3 : 0 }],
        workgroups: tiled ? tileGroups(tiles, axis(dout, 0), attrs.heads) : workgroups1d(sizeOf(dq)),
        flops: 2 * sizeOf(dq) * lastOf(dout),
      },
    ];
  },
  backward: { relPosH: 'none', relPosW: 'none', dout: 'none', more: 'none' },
  reference: { checkedBy: 'relPosBias' },
  cases: [],
});

/** What relative position adds to attention's scores, for rows and columns apart; `attention` adds the two. */
export function relPosBias(
  q: Tensor,
  relPosH: Tensor,
  relPosW: Tensor,
  attrs: { readonly heads: number; readonly gridH: number; readonly gridW: number },
): Tensor {
  return q.graph.apply1(relPosBiasOp, [q, relPosH, relPosW], attrs);
}
