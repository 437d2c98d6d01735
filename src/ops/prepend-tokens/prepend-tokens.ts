import { type BackwardContext, defineOp, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, lastOf, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';

/** The tokens `p` [G, P, C] before those of `x` [M, N, C] → [M, P+N, C]; group g serves M/G consecutive windows. */
export const prependTokensOp = defineOp({
  name: 'prependTokens',
  inputs: ['x', 'p'],
  shapes: ([x, p]) => {
    expectShape(
      x?.length === 3 && p?.length === 3 && lastOf(x) === lastOf(p) && axis(x, 0) % axis(p, 0) === 0,
      'prependTokens',
      () => `${show(p ?? [])} before ${show(x ?? [])}`,
    );
    return [[axis(x, 0), axis(p, 1) + axis(x, 1), lastOf(x)]];
  },
  passes: ({ inputs: [x, p], outputs: [out] }) => {
    if (!x || !p || !out) throw new RangeError('prependTokens: x and p');
    return [
      {
        shader: lastOf(x) % 4 === 0 ? 'prepend-tokens/forward-fours' : 'prepend-tokens/forward-any',
        constants: {},
        params: paramsOf(x, p),
        bindings: [{ input: 0 }, { input: 1 }, { output: 0 }],
        workgroups: workgroups1d(countOf(out)),
        flops: 0,
      },
    ];
  },
  backward: {
    x: (context) => gradientsOf(context)[0],
    p: (context) => gradientsOf(context)[1],
  },
  reference: ([x, p], [xShape, pShape]) => {
    if (!x || !p || !xShape || !pShape) throw new RangeError('prependTokens: x and p');
    const windows = axis(xShape, 0);
    const [xSize, pSize] = [x.length / windows, p.length / axis(pShape, 0)];
    const out = new Float64Array(windows * (xSize + pSize));
    for (let m = 0; m < windows; m++) {
      const g = Math.floor((m * axis(pShape, 0)) / windows);
      out.set(p.subarray(g * pSize, (g + 1) * pSize), m * (xSize + pSize));
      out.set(x.subarray(m * xSize, (m + 1) * xSize), m * (xSize + pSize) + pSize);
    }
    return [out];
  },
  cases: [
    {
      inputs: [
        [1, 1, 1],
        [1, 1, 1],
      ],
      attrs: {},
    },
    {
      inputs: [
        [2, 7, 3],
        [2, 5, 3],
      ],
      attrs: {},
      note: 'a group a window',
    },
    {
      inputs: [
        [6, 9, 5],
        [2, 1, 5],
      ],
      attrs: {},
      note: 'three windows a group',
    },
    {
      inputs: [
        [5, 3, 13],
        [1, 4, 13],
      ],
      attrs: {},
      note: 'one group',
    },
    {
      inputs: [
        [6, 5, 12],
        [2, 3, 12],
      ],
      attrs: {},
      note: 'in fours',
    },
  ],
});

/** Gradients of {@link prependTokensOp} to x, what stands behind the prefix, and to p, summed over its windows. */
export const prependTokensBackwardOp = defineOp({
  name: 'prependTokensBackward',
  inputs: ['dout'],
  shapes: ([dout], { prefix, groups }: { readonly prefix: number; readonly groups: number }) => {
    if (!dout) throw new RangeError('prependTokensBackward: dout');
    return [
      [axis(dout, 0), axis(dout, 1) - prefix, lastOf(dout)],
      [groups, prefix, lastOf(dout)],
    ];
  },
  passes: ({ outputs: [dx, dp] }) => {
    if (!dx || !dp) throw new RangeError('prependTokensBackward: dout');
    return [
      {
        shader: lastOf(dx) % 4 === 0 ? 'prepend-tokens/backward-fours' : 'prepend-tokens/backward-any',
        constants: {},
        params: paramsOf(dx, dp),
        bindings: [{ input: 0 }, { output: 0 }, { output: 1 }],
        workgroups: workgroups1d(countOf(dx) + countOf(dp)),
        flops: (axis(dx, 0) / axis(dp, 0)) * sizeOf(dp),
      },
    ];
  },
  backward: { dout: 'none' },
  reference: { checkedBy: 'prependTokens' },
  cases: [],
});

/** Values that the kernels count in: vectors of four where the features allow it. */
export function countOf(shape: Shape): number {
  return lastOf(shape) % 4 === 0 ? sizeOf(shape) / 4 : sizeOf(shape);
}

/** Sizes for the kernels of x [M, N, C] and p [G, P, C]. */
export function paramsOf(x: Shape, p: Shape): Record<string, number> {
  return {
    row: countOf(x) / axis(x, 0),
    front: countOf(p) / axis(p, 0),
    windows: axis(x, 0) / axis(p, 0),
  };
}

function gradientsOf({ graph, input, dout }: BackwardContext<object>): [Tensor, Tensor] {
  const { shape } = input(1);
  const [dx, dp] = graph.apply(prependTokensBackwardOp, [dout], {
    prefix: axis(shape, 1),
    groups: axis(shape, 0),
  });
  if (!dx || !dp) throw new RangeError('prependTokensBackward: two outputs');
  return [dx, dp];
}

/** The prefix tokens `p` before the tokens `x`. */
export function prependTokens(x: Tensor, p: Tensor): Tensor {
  return x.graph.apply1(prependTokensOp, [x, p], {});
}
