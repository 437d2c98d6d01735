import { defineOp, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';

interface PatchifyAttributes {
  /** Side of a square patch in pixels. */
  readonly patch: number;
  /** Pixels from patch to patch; divides both sides of the image. A larger patch begins so much earlier, at zeros outside. */
  readonly stride: number;
}

function sizes(image: Shape, { patch, stride }: PatchifyAttributes) {
  expectShape(image.length === 4, 'patchify', () => `image ${show(image)} is not [B, C, height, width]`);
  const [B, C, height, width] = [axis(image, 0), axis(image, 1), axis(image, 2), axis(image, 3)];
  expectShape(
    height % stride === 0 && width % stride === 0 && patch >= stride,
    'patchify',
    () => `patches of ${patch} every ${stride} pixels do not tile ${show(image)}`,
  );
  return { B, C, height, width, H: height / stride, W: width / stride, before: patch - stride };
}

/**
 * Cuts an image [B, C, height, width] into patches [B, H, W, C·patch·patch]; features in the order (c, dy, dx),
 * that of a convolution weight [O, C, patch, patch], so that the patch embedding is a `linear`. Patches overlap where they are
 * larger than their stride.
 */
export const patchifyOp = defineOp({
  name: 'patchify',
  inputs: ['image'],
  shapes: ([image], attrs: PatchifyAttributes) => {
    const { B, C, H, W } = sizes(required(image, 'patchify: image'), attrs);
    return [[B, H, W, C * attrs.patch * attrs.patch]];
  },
  passes: ({ inputs: [image], outputs: [out], attrs }) => {
    const { C, height, width } = sizes(required(image, 'patchify: image'), attrs);
    const n = sizeOf(required(out, 'patchify: out'));
    return [
      {
        shader: 'patchify/forward',
        constants: { CHANNELS: C, HEIGHT: height, WIDTH: width, PATCH: attrs.patch, STRIDE: attrs.stride },
        bindings: [{ input: 0 }, { output: 0 }],
        workgroups: workgroups1d(n),
        flops: n,
      },
    ];
  },
  backward: { image: 'none' },
  reference: ([image], [shape], attrs) => {
    const x = required(image, 'patchify: image');
    const { B, C, height, width, H, W, before } = sizes(required(shape, 'patchify: image'), attrs);
    const { patch: p, stride } = attrs;
    const out = new Float64Array(B * H * W * C * p * p);
    let at = 0;
    for (let b = 0; b < B; b++)
      for (let h = 0; h < H; h++)
        for (let w = 0; w < W; w++)
          for (let c = 0; c < C; c++)
            for (let dy = 0; dy < p; dy++)
              for (let dx = 0; dx < p; dx++) {
                const [row, column] = [h * stride + dy - before, w * stride + dx - before];
                const isInside = row >= 0 && column >= 0;
                out[at++] = isInside ? (x[((b * C + c) * height + row) * width + column] ?? 0) : 0;
              }
    return [out];
  },
  cases: [
    { inputs: [[1, 1, 1, 1]], attrs: { patch: 1, stride: 1 } },
    { inputs: [[2, 3, 21, 14]], attrs: { patch: 7, stride: 7 } },
    { inputs: [[1, 3, 32, 32]], attrs: { patch: 16, stride: 16 } },
    { inputs: [[2, 3, 12, 8]], attrs: { patch: 8, stride: 4 }, note: 'overlapping' },
    { inputs: [[1, 2, 6, 9]], attrs: { patch: 4, stride: 3 }, note: 'overlapping by one' },
  ],
});

export function patchify(image: Tensor, patch: number, stride = patch): Tensor {
  return image.graph.apply1(patchifyOp, [image], { patch, stride });
}
