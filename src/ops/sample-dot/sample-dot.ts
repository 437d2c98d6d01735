import type { AdapterTraits } from '../../gpu/traits.ts';
import { defineOp, type Tensor } from '../../graph/graph.ts';
import { MOST_WORKGROUPS } from '../../graph/pass.ts';
import { expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { slicesFor, workgroups1d } from '../dispatch.ts';
import { selectFamily } from '../select.ts';
import { reductionPasses, reductionScratch } from '../sum-leading/reduce.ts';

/**
 * Product summed per sample: `out[b] = Σ_k a[b, k] · v[b, k]`, the gradient of a gate. `a` has `samples` equal parts,
 * `v` as many elements or those of one part, used for every sample. With `a2` and `v2` the sum of both, as a gate has it that
 * serves two layers. With a `gate` [samples] in place of these, where {@link isWhole} does not hold, it also gives `gate · a`. →
 * [samples]
 */
export const sampleDotOp = defineOp({
  name: 'sampleDot',
  inputs: ['a', 'v', 'a2', 'v2', 'gate'],
  optional: ['a2', 'v2', 'gate'],
  shapes: ([a, v, a2, v2, gate], { samples }: { readonly samples: number }) => {
    if (!a || !v) throw new RangeError('sampleDot: two inputs');
    const fits = (x: Shape, y: Shape) =>
      sizeOf(x) % samples === 0 && (sizeOf(y) === sizeOf(x) || sizeOf(y) === sizeOf(x) / samples);
    expectShape(
      fits(a, v) && (a2 && v2 ? fits(a2, v2) : !a2 && !v2) && (!gate || (!a2 && sizeOf(gate) === samples)),
      'sampleDot',
      () => `${show(a)} and ${show(v)}, ${show(a2 ?? [])} and ${show(v2 ?? [])} for ${samples} samples`,
    );
    return gate ? [[samples], a] : [[samples]];
  },
  scratch: ({ inputs: [a, , a2, , gate], attrs: { samples }, traits }) => {
    if (!gate && isWhole([a, a2], samples, traits)) return [];
    const slices = slicesOf(sizeOf(a ?? []) / samples, samples, traits);
    return [
      [samples, slices],
      UNUSED,
      ...reductionScratch({ batch: samples, length: slices, columns: 1 }, traits),
    ];
  },
  passes: ({ inputs: [a, , a2, , gate], attrs: { samples }, traits }) => {
    if (!a) throw new RangeError('sampleDot: two inputs');
    const [each, each2] = [sizeOf(a) / samples, a2 ? sizeOf(a2) / samples : 0];
    const slices = slicesOf(each, samples, traits);
    const wide = each % 4 === 0 && each2 % 4 === 0 ? 4 : 1;
    if (!gate && isWhole([a, a2], samples, traits)) {
      return [
        {
          shader: 'sample-dot/whole',
          constants: { PER_SAMPLE: each / 4, PER_SAMPLE_2: each2 / 4 },
          bindings: [{ input: 0 }, { input: 1 }, { input: a2 ? 2 : 0 }, { input: a2 ? 3 : 1 }, { output: 0 }],
          workgroups: [samples, 1, 1],
          flops: 2 * samples * (each + each2),
        },
      ];
    }
    return [
      {
        shader: wide === 4 ? 'sample-dot/fours' : 'sample-dot/any',
        constants: {
          PER_SAMPLE: each / wide,
          PER_SAMPLE_2: each2 / wide,
          HAS_GATE: Number(Boolean(gate)),
        },
        bindings: [
          { input: 0 },
          { input: 1 },
          { input: a2 ? 2 : 0 },
          { input: a2 ? 3 : 1 },
          { scratch: 0 },
          { input: gate ? 4 : 0 },
          gate ? { output: 1 } : { scratch: 1 },
        ],
        workgroups: workgroups1d(samples * slices),
        flops: 2 * samples * (each + each2),
      },
      ...reductionPasses(
        { batch: samples, length: slices, columns: 1 },
        { from: { scratch: 0 }, to: { output: 0 }, scratch: 2 },
        traits,
      ),
    ];
  },
  backward: { a: 'none', v: 'none', a2: 'none', v2: 'none', gate: 'none' },
  reference: ([a, v, a2, v2, gate], _shapes, { samples }) => {
    const out = new Float64Array(samples);
    for (const [x, y] of [
      [a, v],
      [a2, v2],
    ]) {
      x?.forEach((value, i) => {
        const b = Math.floor((i * samples) / x.length);
        out[b] = (out[b] ?? 0) + value * (y?.[i % y.length] ?? 0);
      });
    }
    if (!a || !gate) return [out];
    return [out, a.map((value, i) => value * (gate[Math.floor((i * samples) / a.length)] ?? 0))];
  },
  cases: [
    { inputs: [[3, 5, 7], [3, 5, 7], null, null, [3]], attrs: { samples: 3 }, note: 'what the gate leaves' },
    { inputs: [[2, 131, 12], [131, 12], null, null, [2]], attrs: { samples: 2 }, note: 'the same in fours' },
    { inputs: [[1], [1], null, null], attrs: { samples: 1 } },
    {
      inputs: [[3, 5, 7], [3, 5, 7], null, null],
      attrs: { samples: 3 },
    },
    {
      inputs: [[6, 67], [134], null, null],
      attrs: { samples: 3 },
      note: 'one v for every sample; two leading rows a sample',
    },
    { inputs: [[6, 66], [132], null, null], attrs: { samples: 3 }, note: 'the same in fours' },
    {
      inputs: [[2, 131, 97], [2, 131, 97], null, null],
      attrs: { samples: 2 },
      note: 'many slices',
    },
    { inputs: [[3, 7], [3, 7], [3, 11], [11]], attrs: { samples: 3 }, note: 'two pairs' },
    { inputs: [[2, 260], [260], [2, 36], [2, 36]], attrs: { samples: 2 }, note: 'two pairs in fours' },
  ],
});

/** Stands for what a gate would leave: one vector of four. */
const UNUSED: Shape = [4];

/** Slices of the `each` products of a sample, no more than their sum takes in one dispatch. */
function slicesOf(each: number, samples: number, traits: AdapterTraits): number {
  if (selectFamily('reduce', traits) === 'register') return slicesFor(each);
  return Math.max(1, Math.min(Math.ceil(each / 64), Math.ceil(8192 / samples)));
}

/** `Σ a·v` of each of `samples` parts. */
export function sampleDot(a: Tensor, v: Tensor, samples: number): Tensor {
  return a.graph.apply1(sampleDotOp, [a, v, null, null, null], { samples });
}

/** Values of a sample up to which one workgroup sums them in less time than a second dispatch takes. */
const MOST_OF_WORKGROUP = 2 ** 18;

/** Whether a workgroup sums each sample on its own. */
export function isWhole(
  inputs: readonly (Shape | null | undefined)[],
  samples: number,
  traits: AdapterTraits,
): boolean {
  const each = inputs.map((shape) => (shape ? sizeOf(shape) / samples : 0));
  const total = each.reduce((sum, n) => sum + n, 0);
  const isShared = selectFamily('reduce', traits) === 'workgroup';
  return (
    isShared && each.every((n) => n % 4 === 0) && total <= MOST_OF_WORKGROUP && samples < MOST_WORKGROUPS
  );
}
