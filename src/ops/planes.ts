import type { Pass } from '../graph/pass.ts';
import { axis, type Shape } from '../graph/shape.ts';

/**
 * A pass that makes planes of another size, x [N, h, w] → [N, outH, outW], by a shader that includes `lib/planes`.
 * @param each floating-point operations for a pixel of the output.
 */
export function planesPass(
  shader: string,
  x: Shape,
  [outH, outW]: readonly [number, number],
  each: number,
): Pass {
  const [planes, inH, inW] = [axis(x, 0), axis(x, 1), axis(x, 2)];
  return {
    shader,
    constants: {},
    params: { inH, inW, outH, outW },
    bindings: [{ input: 0 }, { output: 0 }],
    workgroups: [Math.ceil(outW / 64), outH, planes],
    flops: each * planes * outH * outW,
  };
}
