import { defineOp, type Graph, type Node, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';

/** Half-precision numbers, two in each word of `words` [n/2], the first in its low bits → the same in f32, in a shape of n. */
export const unpackHalfOp = defineOp({
  name: 'unpackHalf',
  inputs: ['words'],
  shapes: ([words], { shape }: { readonly shape: Shape }) => {
    if (!words) throw new RangeError('unpackHalf: one input');
    expectShape(
      words.length === 1 && 2 * axis(words, 0) === sizeOf(shape),
      'unpackHalf',
      () => `words ${show(words)} for ${show(shape)}`,
    );
    return [shape];
  },
  passes: ({ inputs: [words] }) => [
    {
      shader: 'unpack-half/forward',
      constants: {},
      bindings: [{ input: 0 }, { output: 0 }],
      workgroups: workgroups1d(sizeOf(words ?? [])),
      flops: 0,
    },
  ],
  backward: { words: 'none' },
  reference: ([words]) => {
    if (!words) throw new RangeError('unpackHalf: one input');
    const bits = new Uint32Array(Float32Array.from(words).buffer);
    return [Float64Array.from({ length: 2 * bits.length }, (_, i) => halfValue(halfOf(bits, i)))];
  },
  cases: [
    { inputs: [[1]], attrs: { shape: [2] }, values: { 0: () => packed([1.5, -0.375]) } },
    { inputs: [[70]], attrs: { shape: [7, 20] }, values: { 0: () => packed(ladder(140)) } },
  ],
});

/** Of every second power of two from the largest half to the smallest, which is subnormal, with both signs. */
function ladder(count: number): number[] {
  return Array.from({ length: count }, (_, i) => (i % 2 ? -1 : 1) * (1 + (i % 7) / 8) * 2 ** (15 - (i % 40)));
}

/** Words as the tensor that a graph binds, which is f32 by name only. */
function packed(values: readonly number[]): Float64Array {
  return Float64Array.from(new Float32Array(packHalves(Float32Array.from(values)).buffer));
}

function halfOf(words: Uint32Array, i: number): number {
  return ((words[i >> 1] ?? 0) >>> (16 * (i & 1))) & 0xffff;
}

/** The value of a half, for checks. */
export function halfValue(half: number): number {
  const [sign, exponent, fraction] = [half & 0x8000 ? -1 : 1, (half >> 10) & 31, half & 0x3ff];
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/**
 * Rounds an even number of values to the nearest halves, ties to even, as IEEE 754 does, two in a word. From 65,520 on they are
 * infinite.
 */
export function packHalves(values: Float32Array): Uint32Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const words = new Uint32Array(values.length / 2);
  for (let i = 0; i < words.length; i++)
    words[i] = roundToHalf(bits[2 * i] as number) | (roundToHalf(bits[2 * i + 1] as number) << 16);
  return words;
}

/** @param bits of an f32. */
function roundToHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x47800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (magnitude >= 0x38800000) {
    // A normal half: its exponent is biased by 15 and not by 127. A carry moves on into the exponent.
    const rebiased = magnitude - (112 << 23);
    return sign | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13);
  }
  // Under half of the smallest subnormal half.
  if (magnitude < 0x33000000) return sign;
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  const shift = 126 - (magnitude >>> 23);
  const whole = fraction >>> shift;
  const [rest, tie] = [fraction & ((1 << shift) - 1), 1 << (shift - 1)];
  return sign | (whole + (rest > tie || (rest === tie && whole & 1) ? 1 : 0));
}

/** Name of the graph input that holds a tensor as halves. */
export function halfName(name: string): string {
  return `${name}.half`;
}

/**
 * Reads inputs of a graph from halves: each use gets an unpacked copy of its own right before it, in its own phase, so that
 * none lives long. The last transform before a graph is planned.
 * @param isHalf whether an input, of an even size, is stored under {@link halfName}.
 */
export function unpackHalves(graph: Graph, isHalf: (name: string) => boolean): void {
  const unpack = new Map<number, Node>();
  for (const [name, { id, shape }] of [...graph.inputs]) {
    if (!isHalf(name)) continue;
    const words = graph.input(halfName(name), [sizeOf(shape) / 2]);
    graph.apply(unpackHalfOp, [words], { shape });
    const node = graph.nodes.pop();
    if (node) unpack.set(id, node);
  }
  if (unpack.size === 0) return;
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((tensor): Tensor | null => {
      const own = tensor && unpack.get(tensor.root.id);
      if (!tensor || !own) return tensor;
      const copy = graph.copy(own, own.inputs, node.phase);
      nodes.push(copy);
      return copy.outputs[0]?.view(tensor.shape) ?? null;
    });
    nodes.push(inputs.some((tensor, i) => tensor !== node.inputs[i]) ? { ...node, inputs } : node);
  }
  graph.rewrite(nodes);
}
