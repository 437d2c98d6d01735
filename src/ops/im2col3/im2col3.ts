import { defineOp, type OpCase, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';

const TAPS = 9;

/** Calls `visit(column element, image element)` for every tap that lies inside the image. */
function eachTap(
  [B, H, W, C]: readonly [number, number, number, number],
  visit: (col: number, x: number) => void,
) {
  for (let token = 0; token < B * H * W; token++) {
    const [w, h, b] = [token % W, Math.floor(token / W) % H, Math.floor(token / (W * H))];
    for (let c = 0; c < C; c++) {
      for (let tap = 0; tap < TAPS; tap++) {
        const [y, x] = [h + Math.floor(tap / 3) - 1, w + (tap % 3) - 1];
        if (y < 0 || y >= H || x < 0 || x >= W) continue;
        visit((token * C + c) * TAPS + tap, ((b * H + y) * W + x) * C + c);
      }
    }
  }
}

function grid(shape: Shape, op: string): [number, number, number, number] {
  expectShape(shape.length === 4, op, () => `${show(shape)} is not [B, H, W, C]`);
  return [axis(shape, 0), axis(shape, 1), axis(shape, 2), axis(shape, 3)];
}

const GRIDS: readonly Shape[] = [
  [1, 1, 1, 1],
  [2, 3, 5, 7],
  [1, 7, 2, 16],
];

/**
 * The 3 × 3 neighbourhood of every token, zero outside the image: [B, H, W, C] → [B, H, W, C·9], features in the order
 * (c, dy, dx), that of a convolution weight [O, C, 3, 3]; a convolution with padding 1 is then a `linear`.
 */
export const im2col3Op = defineOp({
  name: 'im2col3',
  inputs: ['x'],
  shapes: ([x]) => {
    const [B, H, W, C] = grid(required(x, 'im2col3: x'), 'im2col3');
    return [[B, H, W, C * TAPS]];
  },
  passes: ({ inputs: [x], outputs: [out] }) => {
    const [, H, W, C] = grid(required(x, 'im2col3: x'), 'im2col3');
    const n = sizeOf(required(out, 'im2col3: out'));
    return [
      {
        shader: 'im2col3/forward',
        constants: { H, W, C },
        bindings: [{ input: 0 }, { output: 0 }],
        workgroups: workgroups1d(n),
        flops: n,
      },
    ];
  },
  backward: { x: ({ dout }) => col2im3(dout) },
  reference: ([x], [shape]) => {
    const dims = grid(required(shape, 'im2col3: x'), 'im2col3');
    const out = new Float64Array(sizeOf(dims) * TAPS);
    eachTap(dims, (col, from) => {
      out[col] = x?.[from] ?? 0;
    });
    return [out];
  },
  cases: GRIDS.map((shape): OpCase<object> => ({ inputs: [shape], attrs: {} })),
});

/** The adjoint of {@link im2col3Op}: sums every tap back to the token it came from, [B, H, W, C·9] → [B, H, W, C]. */
export const col2im3Op = defineOp({
  name: 'col2im3',
  inputs: ['columns'],
  shapes: ([columns]) => {
    const [B, H, W, F] = grid(required(columns, 'col2im3: columns'), 'col2im3');
    expectShape(F % TAPS === 0, 'col2im3', () => `${F} features are not nine taps a channel`);
    return [[B, H, W, F / TAPS]];
  },
  passes: ({ outputs: [out] }) => {
    const [, H, W, C] = grid(required(out, 'col2im3: out'), 'col2im3');
    const n = sizeOf(required(out, 'col2im3: out'));
    return [
      {
        shader: 'im2col3/adjoint',
        constants: { H, W, C },
        bindings: [{ input: 0 }, { output: 0 }],
        workgroups: workgroups1d(n),
        flops: n * TAPS,
      },
    ];
  },
  backward: { columns: ({ dout }) => im2col3(dout) },
  reference: ([columns], [shape]) => {
    const [B, H, W, F] = grid(required(shape, 'col2im3: columns'), 'col2im3');
    const out = new Float64Array((B * H * W * F) / TAPS);
    eachTap([B, H, W, F / TAPS], (col, to) => {
      out[to] = (out[to] ?? 0) + (columns?.[col] ?? 0);
    });
    return [out];
  },
  cases: GRIDS.map(
    (shape): OpCase<object> => ({ inputs: [[...shape.slice(0, 3), axis(shape, 3) * TAPS]], attrs: {} }),
  ),
});

export function im2col3(x: Tensor): Tensor {
  return x.graph.apply1(im2col3Op, [x], {});
}

function col2im3(columns: Tensor): Tensor {
  return columns.graph.apply1(col2im3Op, [columns], {});
}
