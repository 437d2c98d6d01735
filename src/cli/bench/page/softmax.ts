import { defineOp, type Tensor } from '../../../graph/graph.ts';
import { sizeOf } from '../../../graph/shape.ts';
import { SOFTMAX_ROWS } from '../../../ops/attention/products.ts';
import { workgroups1d } from '../../../ops/dispatch.ts';

/**
 * Softmax over the last axis, alone: the pass by which attention turns scores into weights on software adapters.
 * Training has no such op, so it stands here, for the bench. The pass works in place, so a copy of x goes before it.
 * `keys` [1, columns, heads] is not read: attention's shader takes the number of keys from the length of k.
 */
const softmaxOp = defineOp({
  name: 'softmax',
  inputs: ['x', 'keys'],
  shapes: ([x, keys], _attrs: object) => {
    if (x?.length !== 3 || keys?.length !== 3)
      throw new RangeError('softmax: x [heads, rows, columns], keys');
    return [x];
  },
  scratch: ({ inputs: [x] }) => [x?.slice(0, 2) ?? []],
  passes: ({ outputs: [out = []] }) => {
    const [heads = 0, rows = 0] = out;
    return [
      {
        shader: 'scale/forward',
        constants: { FACTOR: 1 },
        bindings: [{ input: 0 }, { output: 0 }],
        workgroups: workgroups1d(sizeOf(out)),
        flops: sizeOf(out),
      },
      {
        shader: 'attention/softmax-fours',
        constants: { HAS_REL: 0, HAS_BIAS: 0, HAS_MASS: 0 },
        params: { heads, fromHead: 0, d: 1, prefix: 0, gridW: 1, windows: 1, scale: 1 },
        bindings: [{ output: 0 }, { input: 1 }, { input: 1 }, { input: 1 }, { scratch: 0 }],
        workgroups: [Math.ceil(rows / SOFTMAX_ROWS), heads, 1],
        flops: 5 * sizeOf(out),
      },
    ];
  },
  backward: { x: 'none', keys: 'none' },
  reference: ([x], [shape]) => {
    const width = shape?.at(-1) ?? 0;
    const out = new Float64Array(x?.length ?? 0);
    for (let at = 0; at < out.length; at += width) {
      const row = (x ?? out).subarray(at, at + width);
      const largest = row.reduce((a, b) => Math.max(a, b));
      const exps = row.map((value) => Math.exp(value - largest));
      const total = exps.reduce((a, b) => a + b);
      out.set(
        exps.map((value) => value / total),
        at,
      );
    }
    return [out];
  },
  cases: [],
});

/** @param x [heads, rows, columns], columns a multiple of four. */
export function softmax(x: Tensor, keys: Tensor): Tensor {
  return x.graph.apply1(softmaxOp, [x, keys], {});
}
