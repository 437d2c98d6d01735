import { defineOp, type Tensor } from '../../graph/graph.ts';
import type { Pass } from '../../graph/pass.ts';
import { axis, expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';
import { sumLeading } from '../sum-leading/sum-leading.ts';

type Grid = readonly [B: number, H: number, W: number, C: number];

function grid(shape: Shape | null | undefined, op: string): Grid {
  const given = required(shape, `${op}: x`);
  expectShape(given.length === 4, op, () => `${show(given)} is not [B, H, W, C]`);
  return [axis(given, 0), axis(given, 1), axis(given, 2), axis(given, 3)];
}

/**
 * Calls `visit(fine, coarse)` with the positions of one element on the grid [B, H, W, C] and on [B, H/2, W/2, C·4].
 */
function eachElement([B, H, W, C]: Grid, visit: (fine: number, coarse: number) => void) {
  for (let b = 0; b < B; b++)
    for (let h = 0; h < H; h++)
      for (let w = 0; w < W; w++)
        for (let c = 0; c < C; c++) {
          const cell = (b * (H / 2) + (h >> 1)) * (W / 2) + (w >> 1);
          visit(((b * H + h) * W + w) * C + c, (cell * C + c) * 4 + (h % 2) * 2 + (w % 2));
        }
}

/**
 * Folds 2 × 2 cells into features: [B, H, W, C] → [B, H/2, W/2, C·4], ordered (c, dy, dx) as a weight [O, C, 2, 2] is.
 */
export const spaceToDepthOp = defineOp({
  name: 'spaceToDepth',
  inputs: ['x'],
  shapes: ([x]) => {
    const [B, H, W, C] = grid(x, 'spaceToDepth');
    expectShape(H % 2 === 0 && W % 2 === 0, 'spaceToDepth', () => `a grid of ${H} × ${W} is not even`);
    return [[B, H / 2, W / 2, C * 4]];
  },
  passes: ({ inputs: [x] }) => passes(grid(x, 'spaceToDepth'), true),
  backward: { x: ({ dout }) => depthToSpace(dout) },
  reference: ([x], [shape]) => {
    const out = new Float64Array(x?.length ?? 0);
    eachElement(grid(shape, 'spaceToDepth'), (fine, coarse) => {
      out[coarse] = x?.[fine] ?? 0;
    });
    return [out];
  },
  cases: [
    { inputs: [[1, 2, 2, 1]], attrs: {} },
    { inputs: [[3, 6, 10, 7]], attrs: {} },
    { inputs: [[2, 6, 10, 12]], attrs: {}, note: 'in fours' },
  ],
});

/**
 * The inverse, as a transposed convolution needs it: features to 2 × 2 cells, [B, H, W, C·4] → [B, H·2, W·2, C], plus bias [C].
 */
export const depthToSpaceOp = defineOp({
  name: 'depthToSpace',
  inputs: ['x', 'bias'],
  optional: ['bias'],
  shapes: ([x, bias]) => {
    const [B, H, W, F] = grid(x, 'depthToSpace');
    expectShape(
      F % 4 === 0 && (!bias || sizeOf(bias) === F / 4),
      'depthToSpace',
      () => `${F} features are not four a channel, or ${show(bias ?? [])} is no bias for them`,
    );
    return [[B, H * 2, W * 2, F / 4]];
  },
  passes: ({ inputs: [, bias], outputs: [out] }) => passes(grid(out, 'depthToSpace'), false, Boolean(bias)),
  backward: {
    x: ({ dout }) => spaceToDepth(dout),
    bias: ({ dout, input }) => sumLeading(dout, input(1).shape),
  },
  reference: ([x, bias], [shape]) => {
    const [B, H, W, F] = grid(shape, 'depthToSpace');
    const out = new Float64Array(x?.length ?? 0);
    eachElement([B, H * 2, W * 2, F / 4], (fine, coarse) => {
      out[fine] = (x?.[coarse] ?? 0) + (bias?.[fine % (F / 4)] ?? 0);
    });
    return [out];
  },
  cases: [
    { inputs: [[1, 1, 1, 4]], attrs: {} },
    { inputs: [[2, 3, 5, 28]], attrs: {} },
    { inputs: [[2, 3, 5, 28], [7]], attrs: {} },
    { inputs: [[2, 3, 5, 48]], attrs: {}, note: 'in fours' },
    { inputs: [[2, 3, 5, 48], [12]], attrs: {} },
  ],
});

/** The one dispatch of both directions; the sizes are those of the larger grid. */
function passes(fine: Grid, toDepth: boolean, hasBias = false): Pass[] {
  const [, H, W, C] = fine;
  const n = sizeOf(fine);
  const inFours = C % 4 === 0;
  return [
    {
      shader: inFours ? 'space-to-depth/fours' : 'space-to-depth/any',
      constants: { TO_DEPTH: Number(toDepth), HAS_BIAS: Number(hasBias) },
      params: { height: H, width: W, channels: C },
      bindings: [{ input: 0 }, { output: 0 }, { input: hasBias ? 1 : 0 }],
      workgroups: workgroups1d(inFours ? n / 16 : n),
      flops: n,
    },
  ];
}

export function spaceToDepth(x: Tensor): Tensor {
  return x.graph.apply1(spaceToDepthOp, [x], {});
}

export function depthToSpace(x: Tensor): Tensor {
  return x.graph.apply1(depthToSpaceOp, [x, null], {});
}
