import { defineOp, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';

type Grid = readonly [B: number, H: number, W: number, C: number];

function grid(shape: Shape | null | undefined, op: string): Grid {
  const given = required(shape, `${op}: x`);
  expectShape(given.length === 4, op, () => `${show(given)} is not [B, H, W, C]`);
  const dims: Grid = [axis(given, 0), axis(given, 1), axis(given, 2), axis(given, 3)];
  expectShape(
    dims[1] % 2 === 0 && dims[2] % 2 === 0,
    op,
    () => `a grid of ${dims[1]} × ${dims[2]} is not even`,
  );
  return dims;
}

/** The largest of each 2 × 2 cells, channel by channel: [B, H, W, C] → [B, H/2, W/2, C]. */
export const maxPoolOp = defineOp({
  name: 'maxPool',
  inputs: ['x'],
  shapes: ([x]) => {
    const [B, H, W, C] = grid(x, 'maxPool');
    return [[B, H / 2, W / 2, C]];
  },
  passes: ({ inputs: [x] }) => {
    const [B, H, W, C] = grid(x, 'maxPool');
    const n = (B * H * W * C) / 4;
    return [
      {
        shader: 'max-pool/forward',
        constants: {},
        params: { width: W, channels: C },
        bindings: [{ input: 0 }, { output: 0 }],
        workgroups: workgroups1d(n),
        flops: 4 * n,
      },
    ];
  },
  backward: { x: ({ graph, input, dout }) => graph.apply1(maxPoolBackwardOp, [input(0), dout], {}) },
  reference: ([x], [shape]) => {
    const [B, H, W, C] = grid(shape, 'maxPool');
    const out = new Float64Array((x?.length ?? 0) / 4).fill(Number.NEGATIVE_INFINITY);
    for (let row = 0; row < B * H; row++)
      for (let w = 0; w < W; w++)
        for (let c = 0; c < C; c++) {
          const to = ((row >> 1) * (W / 2) + (w >> 1)) * C + c;
          out[to] = Math.max(out[to] ?? 0, x?.[(row * W + w) * C + c] ?? 0);
        }
    return [out];
  },
  cases: [
    { inputs: [[1, 2, 2, 1]], attrs: {} },
    { inputs: [[3, 6, 10, 7]], attrs: {} },
  ],
});

/** Gradient of {@link maxPoolOp}: all of it goes to the first of the largest cells in the order of rows, as in PyTorch. */
export const maxPoolBackwardOp = defineOp({
  name: 'maxPoolBackward',
  inputs: ['x', 'dout'],
  shapes: ([x]) => [required(x, 'maxPoolBackward: x')],
  passes: ({ inputs: [x] }) => {
    const [, , W, C] = grid(x, 'maxPoolBackward');
    const n = sizeOf(required(x, 'maxPoolBackward: x'));
    return [
      {
        shader: 'max-pool/backward',
        constants: {},
        params: { width: W, channels: C },
        bindings: [{ input: 0 }, { input: 1 }, { output: 0 }],
        workgroups: workgroups1d(n / 4),
        flops: 2 * n,
      },
    ];
  },
  backward: { x: 'none', dout: 'none' },
  reference: { checkedBy: 'maxPool' },
  cases: [],
});

export function maxPool(x: Tensor): Tensor {
  return x.graph.apply1(maxPoolOp, [x], {});
}
