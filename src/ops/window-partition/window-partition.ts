import { defineOp, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, type Shape, sameShape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';

/** Windows that images are cut into. */
export interface WindowAttributes {
  /** Side of a window in tokens, at least 1. */
  readonly window: number;
  /** Size of the image in tokens. */
  readonly height: number;
  readonly width: number;
}

/** Windows an image of [B, H, W, C] is cut into: [B·nH·nW, window, window, C]. */
export function windowsShape(image: Shape, window: number): Shape {
  const windows = axis(image, 0) * Math.ceil(axis(image, 1) / window) * Math.ceil(axis(image, 2) / window);
  return [windows, window, window, axis(image, 3)];
}

function constants(C: number, { window, height, width }: WindowAttributes) {
  return { H: height, W: width, C, WINDOW: window };
}

/** [B, H, W, C] → [B·nH·nW, window, window, C], padded with zeros right and below; windows in row order. */
export const windowPartitionOp = defineOp({
  name: 'windowPartition',
  inputs: ['x'],
  shapes: ([x], { window, height, width }: WindowAttributes) => {
    expectShape(
      x?.length === 4 && axis(x, 1) === height && axis(x, 2) === width && window >= 1,
      'windowPartition',
      () => `windows of ${window} on ${show(x ?? [])}`,
    );
    return [windowsShape(x, window)];
  },
  passes: ({ outputs: [out], attrs }) => [
    {
      shader: 'window-partition/partition',
      constants: constants(axis(out ?? [], 3), attrs),
      bindings: [{ input: 0 }, { output: 0 }],
      workgroups: workgroups1d(sizeOf(out ?? [])),
      flops: 0,
    },
  ],
  backward: { x: ({ dout, input, attrs }) => windowUnpartition(dout, attrs.window, input(0).shape) },
  reference: ([x], [shape], { window }) => {
    if (!x || !shape) throw new RangeError('windowPartition: one input');
    const out = new Float64Array(sizeOf(windowsShape(shape, window)));
    forEachElement(shape, window, (inImage, inWindows) => {
      out[inWindows] = x[inImage] ?? 0;
    });
    return [out];
  },
  cases: [
    { inputs: [[1, 1, 1, 1]], attrs: { window: 1, height: 1, width: 1 } },
    { inputs: [[1, 1, 1, 3]], attrs: { window: 3, height: 1, width: 1 }, note: 'a window of mostly padding' },
    { inputs: [[2, 5, 7, 3]], attrs: { window: 3, height: 5, width: 7 }, note: 'padded on both axes' },
    { inputs: [[3, 8, 4, 5]], attrs: { window: 4, height: 8, width: 4 }, note: 'no padding' },
  ],
});

/** The inverse of {@link windowPartitionOp}: [B·nH·nW, window, window, C] → [B, H, W, C], padding cut off. */
export const windowUnpartitionOp = defineOp({
  name: 'windowUnpartition',
  inputs: ['x'],
  shapes: ([x], { window, height, width }: WindowAttributes) => {
    expectShape(x?.length === 4, 'windowUnpartition', () => `windows of ${show(x ?? [])}`);
    const image = [
      axis(x, 0) / (Math.ceil(height / window) * Math.ceil(width / window)),
      height,
      width,
      axis(x, 3),
    ];
    expectShape(
      Number.isInteger(image[0]) && sameShape(windowsShape(image, window), x),
      'windowUnpartition',
      () => `${show(x)} are not the windows of images of ${height} × ${width}`,
    );
    return [image];
  },
  passes: ({ outputs: [out], attrs }) => [
    {
      shader: 'window-partition/unpartition',
      constants: constants(axis(out ?? [], 3), attrs),
      bindings: [{ input: 0 }, { output: 0 }],
      workgroups: workgroups1d(sizeOf(out ?? [])),
      flops: 0,
    },
  ],
  backward: { x: ({ dout, attrs }) => windowPartition(dout, attrs.window) },
  reference: ([x], [shape], { window, height, width }) => {
    if (!x || !shape) throw new RangeError('windowUnpartition: one input');
    const image = [
      axis(shape, 0) / (Math.ceil(height / window) * Math.ceil(width / window)),
      height,
      width,
      axis(shape, 3),
    ];
    const out = new Float64Array(sizeOf(image));
    forEachElement(image, window, (inImage, inWindows) => {
      out[inImage] = x[inWindows] ?? 0;
    });
    return [out];
  },
  cases: [
    { inputs: [[1, 1, 1, 1]], attrs: { window: 1, height: 1, width: 1 } },
    { inputs: [[12, 3, 3, 3]], attrs: { window: 3, height: 5, width: 7 }, note: 'two images, padded' },
    { inputs: [[6, 4, 4, 5]], attrs: { window: 4, height: 8, width: 4 }, note: 'no padding' },
  ],
});

/** Calls `visit` with the index of every element of [B, H, W, C] and where the same stands among the windows. */
function forEachElement(
  image: Shape,
  window: number,
  visit: (inImage: number, inWindows: number) => void,
): void {
  const [B, H, W, C] = [axis(image, 0), axis(image, 1), axis(image, 2), axis(image, 3)];
  const [nH, nW] = [Math.ceil(H / window), Math.ceil(W / window)];
  for (let b = 0; b < B; b++) {
    for (let y = 0; y < H; y++) {
      for (let x = 0; x < W; x++) {
        const index = (b * nH + Math.floor(y / window)) * nW + Math.floor(x / window);
        const token = (index * window + (y % window)) * window + (x % window);
        for (let c = 0; c < C; c++) visit(((b * H + y) * W + x) * C + c, token * C + c);
      }
    }
  }
}

/**
 * Cuts `x` [B, H, W, C] into zero-padded windows of `window` × `window` tokens. Not for global attention (window 0).
 */
export function windowPartition(x: Tensor, window: number): Tensor {
  const attrs = { window, height: axis(x.shape, 1), width: axis(x.shape, 2) };
  return x.graph.apply1(windowPartitionOp, [x], attrs);
}

/** Puts windows back together to `shape` = [B, H, W, C]. */
export function windowUnpartition(x: Tensor, window: number, shape: Shape): Tensor {
  const attrs = { window, height: axis(shape, 1), width: axis(shape, 2) };
  const image = x.graph.apply1(windowUnpartitionOp, [x], attrs);
  expectShape(
    sameShape(image.shape, shape),
    'windowUnpartition',
    () => `${show(image.shape)} is not ${show(shape)}`,
  );
  return image;
}
