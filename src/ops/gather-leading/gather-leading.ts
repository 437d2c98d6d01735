import { defineOp, type OpCase, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';

/** `x[index[n]]` for every n: x [B, ...], index [N] of whole numbers under B → [N, ...]. */
export const gatherLeadingOp = defineOp({
  name: 'gatherLeading',
  inputs: ['x', 'index'],
  shapes: ([x, index]) => {
    const from = required(x, 'gatherLeading: x');
    const rows = required(index, 'gatherLeading: index');
    expectShape(rows.length === 1, 'gatherLeading', () => `index ${show(rows)} is not [N]`);
    return [[axis(rows, 0), ...from.slice(1)]];
  },
  passes: ({ inputs: [x], outputs: [out] }) => [
    {
      shader: 'gather-leading/forward',
      constants: { ROW: rowOf(x) },
      bindings: [{ input: 0 }, { input: 1 }, { output: 0 }],
      workgroups: workgroups1d(sizeOf(required(out, 'gatherLeading: out'))),
      flops: 0,
    },
  ],
  backward: {
    x: ({ graph, dout, input }) =>
      graph.apply1(gatherLeadingBackwardOp, [dout, input(1)], { count: axis(input(0).shape, 0) }),
    index: 'none',
  },
  reference: ([x, index], [shape]) => {
    const [values, rows] = [required(x, 'gatherLeading: x'), required(index, 'gatherLeading: index')];
    const row = rowOf(shape);
    const out = new Float64Array(rows.length * row);
    rows.forEach((from, n) => {
      out.set(values.subarray(from * row, (from + 1) * row), n * row);
    });
    return [out];
  },
  cases: [gatherCase([1, 1], [0]), gatherCase([3, 7, 5], [0, 0, 2, 0]), gatherCase([2, 67], [1, 0, 1, 1, 0])],
});

/** Gradient of {@link gatherLeadingOp} to x: `dx[b]` is the sum of `dout[n]` over the n with index[n] = b, in order. */
export const gatherLeadingBackwardOp = defineOp({
  name: 'gatherLeadingBackward',
  inputs: ['dout', 'index'],
  shapes: ([dout], { count }: { readonly count: number }) => {
    if (!dout) throw new RangeError('gatherLeadingBackward: dout');
    return [[count, ...dout.slice(1)]];
  },
  passes: ({ inputs: [dout], outputs: [dx] }) => [
    {
      shader: 'gather-leading/backward',
      constants: { ROW: rowOf(dout) },
      bindings: [{ input: 0 }, { input: 1 }, { output: 0 }],
      workgroups: workgroups1d(sizeOf(required(dx, 'gatherLeadingBackward: dx'))),
      flops: sizeOf(required(dout, 'gatherLeadingBackward: dout')),
    },
  ],
  backward: { dout: 'none', index: 'none' },
  reference: { checkedBy: 'gatherLeading' },
  cases: [],
});

function rowOf(shape: Shape | null | undefined): number {
  return sizeOf(required(shape, 'gatherLeading').slice(1));
}

function gatherCase(x: Shape, index: readonly number[]): OpCase<object> {
  return { inputs: [x, [index.length]], attrs: {}, values: { 1: () => Float64Array.from(index) } };
}

/** The rows of `x` [B, ...] that `index` [N] names: [N, ...]. */
export function gatherLeading(x: Tensor, index: Tensor): Tensor {
  return x.graph.apply1(gatherLeadingOp, [x, index], {});
}
