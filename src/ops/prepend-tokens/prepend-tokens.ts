import { defineOp, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, lastOf, show, sizeOf } from '../../graph/shape.ts';
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
        shader: 'prepend-tokens/forward',
        constants: { C: lastOf(x), P: axis(p, 1), WINDOWS: axis(x, 0) / axis(p, 0) },
        bindings: [{ input: 0 }, { input: 1 }, { output: 0 }],
        workgroups: workgroups1d(sizeOf(out)),
        flops: 0,
      },
    ];
  },
  backward: {
    x: ({ graph, dout, input }) =>
      graph.apply1(prependTokensRestOp, [dout], { prefix: axis(input(1).shape, 1) }),
    p: ({ graph, dout, input }) =>
      graph.apply1(prependTokensFrontOp, [dout], {
        prefix: axis(input(1).shape, 1),
        groups: axis(input(1).shape, 0),
      }),
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
  ],
});

/** Gradient of {@link prependTokensOp} to x: what stands behind the prefix. */
export const prependTokensRestOp = defineOp({
  name: 'prependTokensRest',
  inputs: ['dout'],
  shapes: ([dout], { prefix }: { readonly prefix: number }) => {
    if (!dout) throw new RangeError('prependTokensRest: dout');
    return [[axis(dout, 0), axis(dout, 1) - prefix, lastOf(dout)]];
  },
  passes: ({ outputs: [dx], attrs: { prefix } }) => {
    if (!dx) throw new RangeError('prependTokensRest: dx');
    return [
      {
        shader: 'prepend-tokens/rest',
        constants: { ROW: axis(dx, 1) * lastOf(dx), SKIP: prefix * lastOf(dx) },
        bindings: [{ input: 0 }, { output: 0 }],
        workgroups: workgroups1d(sizeOf(dx)),
        flops: 0,
      },
    ];
  },
  backward: { dout: 'none' },
  reference: { checkedBy: 'prependTokens' },
  cases: [],
});

/** Gradient of {@link prependTokensOp} to p: the prefix's gradient summed over the windows of its group. */
export const prependTokensFrontOp = defineOp({
  name: 'prependTokensFront',
  inputs: ['dout'],
  shapes: ([dout], { prefix, groups }: { readonly prefix: number; readonly groups: number }) => {
    if (!dout) throw new RangeError('prependTokensFront: dout');
    return [[groups, prefix, lastOf(dout)]];
  },
  passes: ({ inputs: [dout], outputs: [dp], attrs: { prefix, groups } }) => {
    if (!dout || !dp) throw new RangeError('prependTokensFront: dout');
    const windows = axis(dout, 0) / groups;
    return [
      {
        shader: 'prepend-tokens/front',
        constants: {
          ROW: (axis(dout, 1) - prefix) * lastOf(dout),
          FRONT: prefix * lastOf(dout),
          WINDOWS: windows,
        },
        bindings: [{ input: 0 }, { output: 0 }],
        workgroups: workgroups1d(sizeOf(dp)),
        flops: windows * sizeOf(dp),
      },
    ];
  },
  backward: { dout: 'none' },
  reference: { checkedBy: 'prependTokens' },
  cases: [],
});

/** The prefix tokens `p` before the tokens `x`. */
export function prependTokens(x: Tensor, p: Tensor): Tensor {
  return x.graph.apply1(prependTokensOp, [x, p], {});
}
