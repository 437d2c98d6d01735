import { defineOp, type OpCase, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';

const TAPS = 9;

interface ConvAttributes {
  /** Distance of neighbouring outputs in tokens: 1, or 2 for a grid of half the size, rounded up. */
  readonly stride: number;
  /** Whether the taps are in the opposite order, (c, 2 − dy, 2 − dx). */
  readonly isMirrored: boolean;
}

interface AdjointAttributes extends ConvAttributes {
  /** Size of the grid in tokens before the stride. */
  readonly height: number;
  readonly width: number;
}

type Grid = readonly [B: number, H: number, W: number, C: number];

/** Calls `visit(column element, image element)` for every tap that lies inside the image [B, H, W, C]. */
function eachTap(
  [B, H, W, C]: Grid,
  { stride, isMirrored }: ConvAttributes,
  visit: (col: number, x: number) => void,
): void {
  const [outH, outW] = [Math.ceil(H / stride), Math.ceil(W / stride)];
  for (let token = 0; token < B * outH * outW; token++) {
    const [w, h, b] = [token % outW, Math.floor(token / outW) % outH, Math.floor(token / (outW * outH))];
    for (let c = 0; c < C; c++) {
      for (let tap = 0; tap < TAPS; tap++) {
        const [y, x] = [h * stride + Math.floor(tap / 3) - 1, w * stride + (tap % 3) - 1];
        if (y < 0 || y >= H || x < 0 || x >= W) continue;
        visit((token * C + c) * TAPS + (isMirrored ? TAPS - 1 - tap : tap), ((b * H + y) * W + x) * C + c);
      }
    }
  }
}

function grid(shape: Shape, op: string): Grid {
  expectShape(shape.length === 4, op, () => `${show(shape)} is not [B, H, W, C]`);
  return [axis(shape, 0), axis(shape, 1), axis(shape, 2), axis(shape, 3)];
}

const CASES: readonly (readonly [shape: Grid, stride: number, isMirrored?: boolean])[] = [
  [[1, 1, 1, 1], 1],
  [[2, 3, 5, 7], 1],
  [[1, 7, 2, 16], 1],
  [[1, 1, 1, 1], 2],
  [[2, 5, 8, 3], 2],
  [[2, 3, 5, 1], 1, true],
  [[2, 5, 8, 3], 2, true],
];

/**
 * The 3 × 3 neighbourhood of every token, or of every other one on both axes, zero outside the image: [B, H, W, C] →
 * [B, ⌈H/stride⌉, ⌈W/stride⌉, C·9], features in the order (c, dy, dx), that of a convolution weight [O, C, 3, 3]; a
 * convolution with padding 1 is then a `linear`.
 */
export const im2col3Op = defineOp({
  name: 'im2col3',
  inputs: ['x'],
  shapes: ([x], { stride }: ConvAttributes) => {
    const [B, H, W, C] = grid(required(x, 'im2col3: x'), 'im2col3');
    return [[B, Math.ceil(H / stride), Math.ceil(W / stride), C * TAPS]];
  },
  passes: ({ inputs: [x], outputs: [out], attrs: { stride, isMirrored } }) => {
    const [, H, W, C] = grid(required(x, 'im2col3: x'), 'im2col3');
    const n = sizeOf(required(out, 'im2col3: out'));
    return [
      {
        shader: 'im2col3/forward',
        constants: { H, W, C, STRIDE: stride, MIRRORED: Number(isMirrored) },
        bindings: [{ input: 0 }, { output: 0 }],
        workgroups: workgroups1d(n),
        flops: n,
      },
    ];
  },
  backward: {
    x: ({ graph, input, dout, attrs }) => {
      const [height, width] = [axis(input(0).shape, 1), axis(input(0).shape, 2)];
      return graph.apply1(col2im3Op, [dout], { ...attrs, height, width });
    },
  },
  reference: ([x], [shape], attrs) => {
    const { stride } = attrs;
    const dims = grid(required(shape, 'im2col3: x'), 'im2col3');
    const [B, H, W, C] = dims;
    const out = new Float64Array(B * Math.ceil(H / stride) * Math.ceil(W / stride) * C * TAPS);
    eachTap(dims, attrs, (col, from) => {
      out[col] = x?.[from] ?? 0;
    });
    return [out];
  },
  cases: CASES.map(
    ([shape, stride, isMirrored = false]): OpCase<ConvAttributes> => ({
      inputs: [shape],
      attrs: { stride, isMirrored },
    }),
  ),
});

/** The adjoint of {@link im2col3Op}: sums every tap back to the token it came from, [B, h, w, C·9] → [B, H, W, C]. */
export const col2im3Op = defineOp({
  name: 'col2im3',
  inputs: ['columns'],
  shapes: ([columns], { stride, height, width }: AdjointAttributes) => {
    const [B, h, w, F] = grid(required(columns, 'col2im3: columns'), 'col2im3');
    expectShape(F % TAPS === 0, 'col2im3', () => `${F} features are not nine taps a channel`);
    expectShape(
      h === Math.ceil(height / stride) && w === Math.ceil(width / stride),
      'col2im3',
      () => `${h} × ${w} columns of a grid of ${height} × ${width} with stride ${stride}`,
    );
    return [[B, height, width, F / TAPS]];
  },
  passes: ({ outputs: [out], attrs: { stride, isMirrored } }) => {
    const [, H, W, C] = grid(required(out, 'col2im3: out'), 'col2im3');
    const n = sizeOf(required(out, 'col2im3: out'));
    return [
      {
        shader: 'im2col3/adjoint',
        constants: { H, W, C, STRIDE: stride, MIRRORED: Number(isMirrored) },
        bindings: [{ input: 0 }, { output: 0 }],
        workgroups: workgroups1d(n),
        flops: n * TAPS,
      },
    ];
  },
  backward: {
    columns: ({ dout, attrs: { stride, isMirrored } }) => im2col3(dout, stride, isMirrored),
  },
  reference: ([columns], [shape], { height, width, ...attrs }) => {
    const [B, , , F] = grid(required(shape, 'col2im3: columns'), 'col2im3');
    const out = new Float64Array((B * height * width * F) / TAPS);
    eachTap([B, height, width, F / TAPS], attrs, (col, to) => {
      out[to] = (out[to] ?? 0) + (columns?.[col] ?? 0);
    });
    return [out];
  },
  cases: CASES.map(
    ([[B, height, width, C], stride, isMirrored = false]): OpCase<AdjointAttributes> => ({
      inputs: [[B, Math.ceil(height / stride), Math.ceil(width / stride), C * TAPS]],
      attrs: { stride, isMirrored, height, width },
    }),
  ),
});

/** The columns of a 3 × 3 convolution with padding 1; see {@link im2col3Op}. */
export function im2col3(x: Tensor, stride = 1, isMirrored = false): Tensor {
  return x.graph.apply1(im2col3Op, [x], { stride, isMirrored });
}

/**
 * A 3 × 3 convolution with padding 1 whose taps were multiplied before they were moved: [B, H, W, C·9], each tap of a
 * kernel times the token it reads → [B, H, W, C]. The nine products of a token take less room than its neighbourhood where
 * a convolution has few outputs.
 */
export function sumTaps3(products: Tensor): Tensor {
  const [height, width] = [axis(products.shape, 1), axis(products.shape, 2)];
  return products.graph.apply1(col2im3Op, [products], { stride: 1, isMirrored: true, height, width });
}
