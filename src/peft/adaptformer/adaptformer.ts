import { relu } from '../../ops/activation/activation.ts';
import { gated } from '../../ops/gated-add/gated-add.ts';
import { linear } from '../../ops/linear/linear.ts';
import { bottleneckField } from '../adapter/bottleneck.ts';
import { addGated } from '../gates/add-gated.ts';
import { defineMethod } from '../method.ts';
import { type Initialiser, kaimingUniform, zeros } from '../tensor-spec.ts';

/**
 * AdaptFormer (arXiv 2205.13535): an adapter beside the MLP in place of after it, with a learned scale, f += g · s · (relu(u
 * Wdownᵀ + bdown) Wupᵀ + bup), u being LayerNorm2's output.
 */
export const adaptformer = defineMethod({
  id: 'adaptformer',
  label: 'AdaptFormer',
  help: 'Adds a small bottleneck network beside the MLP of every block, with a learned scale.',
  colourSlot: 5,
  fields: (sites) => ({ bottleneck: bottleneckField(sites, 12) }) as const,
  tensors: ({ bottleneck: m }, { width }) => [
    { name: 'adaptformer.down.weight', shape: [m, width], decay: true, init: kaimingUniform(width) },
    { name: 'adaptformer.down.bias', shape: [m], decay: false, init: kaimingUniform(width) },
    { name: 'adaptformer.up.weight', shape: [width, m], decay: true, init: zeros },
    { name: 'adaptformer.up.bias', shape: [width], decay: false, init: zeros },
    { name: 'adaptformer.scale', shape: [1], decay: false, init: tenth },
  ],
  gateReads: 'mlp',
  attach: ({ tensor }) => ({
    mlp: ({ input: u, output: f }, gate) => {
      const down = relu(linear(u, tensor('adaptformer.down.weight'), tensor('adaptformer.down.bias')));
      const up = linear(down, tensor('adaptformer.up.weight'), tensor('adaptformer.up.bias'));
      return addGated(f, gated(up, tensor('adaptformer.scale')), gate);
    },
  }),
});

/** The scale that the paper found best. */
const tenth: Initialiser = () => Float32Array.of(0.1);
