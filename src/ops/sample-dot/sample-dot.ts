import type { AdapterTraits } from '../../gpu/traits.ts';
import { defineOp, type Tensor } from '../../graph/graph.ts';
import { expectShape, show, sizeOf } from '../../graph/shape.ts';
import { slicesFor, workgroups1d } from '../dispatch.ts';
import { selectFamily } from '../select.ts';
import { reductionPasses, reductionScratch } from '../sum-leading/reduce.ts';

/**
 * Product summed per sample: `out[b] = Σ_k a[b, k] · v[b, k]`, the gradient of a gate. `a` has `samples` equal parts,
 * `v` as many elements or those of one part, used for every sample. → [samples]
 */
export const sampleDotOp = defineOp({
  name: 'sampleDot',
  inputs: ['a', 'v'],
  shapes: ([a, v], { samples }: { readonly samples: number }) => {
    if (!a || !v) throw new RangeError('sampleDot: two inputs');
    const each = sizeOf(a) / samples;
    expectShape(
      Number.isInteger(each) && (sizeOf(v) === sizeOf(a) || sizeOf(v) === each),
      'sampleDot',
      () => `${show(a)} and ${show(v)} for ${samples} samples`,
    );
    return [[samples]];
  },
  scratch: ({ inputs: [a], attrs: { samples }, traits }) => {
    const slices = slicesOf(sizeOf(a ?? []) / samples, samples, traits);
    return [[samples, slices], ...reductionScratch({ batch: samples, length: slices, columns: 1 }, traits)];
  },
  passes: ({ inputs: [a], attrs: { samples }, traits }) => {
    if (!a) throw new RangeError('sampleDot: two inputs');
    const each = sizeOf(a) / samples;
    const slices = slicesOf(each, samples, traits);
    return [
      {
        shader: each % 4 === 0 ? 'sample-dot/fours' : 'sample-dot/any',
        constants: { PER_SAMPLE: each % 4 === 0 ? each / 4 : each },
        bindings: [{ input: 0 }, { input: 1 }, { scratch: 0 }],
        workgroups: workgroups1d(samples * slices),
        flops: 2 * sizeOf(a),
      },
      ...reductionPasses(
        { batch: samples, length: slices, columns: 1 },
        { from: { scratch: 0 }, to: { output: 0 }, scratch: 1 },
        traits,
      ),
    ];
  },
  backward: { a: 'none', v: 'none' },
  reference: ([a, v], _shapes, { samples }) => {
    if (!a || !v) throw new RangeError('sampleDot: two inputs');
    const out = new Float64Array(samples);
    const each = a.length / samples;
    a.forEach((value, i) => {
      const b = Math.floor(i / each);
      out[b] = (out[b] ?? 0) + value * (v[i % v.length] ?? 0);
    });
    return [out];
  },
  cases: [
    { inputs: [[1], [1]], attrs: { samples: 1 } },
    {
      inputs: [
        [3, 5, 7],
        [3, 5, 7],
      ],
      attrs: { samples: 3 },
    },
    {
      inputs: [[6, 67], [134]],
      attrs: { samples: 3 },
      note: 'one v for every sample; two leading rows a sample',
    },
    { inputs: [[6, 66], [132]], attrs: { samples: 3 }, note: 'the same in fours' },
    {
      inputs: [
        [2, 131, 97],
        [2, 131, 97],
      ],
      attrs: { samples: 2 },
      note: 'many slices',
    },
  ],
});

/** Slices of the `each` products of a sample, no more than their sum takes in one dispatch. */
function slicesOf(each: number, samples: number, traits: AdapterTraits): number {
  if (selectFamily('reduce', traits) === 'register') return slicesFor(each);
  return Math.max(1, Math.min(Math.ceil(each / 64), Math.ceil(8192 / samples)));
}

/** `Σ a·v` of each of `samples` parts. */
export function sampleDot(a: Tensor, v: Tensor, samples: number): Tensor {
  return a.graph.apply1(sampleDotOp, [a, v], { samples });
}
