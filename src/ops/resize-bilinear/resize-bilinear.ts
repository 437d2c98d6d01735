import { defineOp, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, show } from '../../graph/shape.ts';
import { planesPass } from '../planes.ts';
import { required } from '../required.ts';

/**
 * Bilinear resize of planes x [N, h, w] → [N, outH, outW] without antialiasing, pixel centres aligned:
 * PyTorch's `F.interpolate(mode='bilinear', align_corners=False)`, which SAM scales its masks with. For inference
 * only.
 */
export const resizeBilinearOp = defineOp({
  name: 'resizeBilinear',
  inputs: ['x'],
  shapes: ([x], { outH, outW }: { readonly outH: number; readonly outW: number }) => {
    const shape = required(x, 'resizeBilinear: x');
    expectShape(shape.length === 3, 'resizeBilinear', () => `${show(shape)} is not [N, h, w]`);
    return [[axis(shape, 0), outH, outW]];
  },
  passes: ({ inputs: [x], attrs: { outH, outW } }) => [
    planesPass('resize-bilinear/forward', required(x, 'resizeBilinear: x'), [outH, outW], 12),
  ],
  backward: { x: 'none' },
  reference: ([x], [shape], { outH, outW }) => {
    const [N, h, w] = [axis(shape ?? [], 0), axis(shape ?? [], 1), axis(shape ?? [], 2)];
    const out = new Float64Array(N * outH * outW);
    const place = (o: number, from: number, to: number) => {
      const at = Math.max(((o + 0.5) * from) / to - 0.5, 0);
      const low = Math.min(Math.floor(at), from - 1);
      return { low, high: Math.min(low + 1, from - 1), share: at - low };
    };
    for (let n = 0; n < N; n++) {
      const pixel = (row: number, column: number) => x?.[(n * h + row) * w + column] ?? 0;
      for (let oy = 0; oy < outH; oy++) {
        const y = place(oy, h, outH);
        for (let ox = 0; ox < outW; ox++) {
          const c = place(ox, w, outW);
          const top = pixel(y.low, c.low) * (1 - c.share) + pixel(y.low, c.high) * c.share;
          const bottom = pixel(y.high, c.low) * (1 - c.share) + pixel(y.high, c.high) * c.share;
          out[(n * outH + oy) * outW + ox] = top * (1 - y.share) + bottom * y.share;
        }
      }
    }
    return [out];
  },
  cases: [
    { inputs: [[1, 1, 1]], attrs: { outH: 3, outW: 2 } },
    { inputs: [[3, 5, 7]], attrs: { outH: 20, outW: 28 } },
    { inputs: [[2, 16, 16]], attrs: { outH: 7, outW: 31 } },
    { inputs: [[1, 9, 11]], attrs: { outH: 9, outW: 11 } },
  ],
});

export function resizeBilinear(x: Tensor, outH: number, outW: number): Tensor {
  return x.graph.apply1(resizeBilinearOp, [x], { outH, outW });
}
