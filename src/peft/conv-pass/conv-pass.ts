import { gelu } from '../../ops/activation/activation.ts';
import { im2col3 } from '../../ops/im2col3/im2col3.ts';
import { linear } from '../../ops/linear/linear.ts';
import { bottleneckField } from '../adapter/bottleneck.ts';
import { addGated } from '../gates/add-gated.ts';
import { defineMethod } from '../method.ts';
import { type Initialiser, kaimingUniform, zeros } from '../tensor-spec.ts';

/**
 * ConvPass (arXiv 2207.07039), the branch beside the MLP: f += g · (gelu(K ∗ gelu(u Wdownᵀ + bdown) + bk) Wupᵀ + bup), u being
 * LayerNorm2's output on the grid and K ∗ a 3 × 3 convolution, zero outside. It is the one method that sees neighbouring tokens
 * as neighbours.
 */
export const convPass = defineMethod({
  id: 'conv_pass',
  label: 'ConvPass',
  help: 'Adds a small convolution beside the MLP of every block, which sees neighbouring patches: for thin or net-like things.',
  colourSlot: 4,
  fields: (sites) => ({ bottleneck: bottleneckField(sites, 16) }) as const,
  tensors: ({ bottleneck: m }, { width }) => [
    { name: 'conv_pass.down.weight', shape: [m, width], decay: true, init: kaimingUniform(width) },
    { name: 'conv_pass.down.bias', shape: [m], decay: false, init: kaimingUniform(width) },
    { name: 'conv_pass.conv.weight', shape: [m, m, 3, 3], decay: true, init: centreTaps },
    { name: 'conv_pass.conv.bias', shape: [m], decay: false, init: zeros },
    { name: 'conv_pass.up.weight', shape: [width, m], decay: true, init: zeros },
    { name: 'conv_pass.up.bias', shape: [width], decay: false, init: zeros },
  ],
  gateReads: 'mlp',
  attach: ({ settings: { bottleneck: m }, tensor }) => ({
    mlp: ({ input: u, output: f }, gate) => {
      const down = gelu(linear(u, tensor('conv_pass.down.weight'), tensor('conv_pass.down.bias')));
      const kernel = tensor('conv_pass.conv.weight').view([m, m * 9]);
      const mixed = gelu(linear(im2col3(down), kernel, tensor('conv_pass.conv.bias')));
      return addGated(f, linear(mixed, tensor('conv_pass.up.weight'), tensor('conv_pass.up.bias')), gate);
    },
  }),
});

/** A convolution that gives what it gets: [m, m, 3, 3], 1 in the middle of each channel's own kernel. */
const centreTaps: Initialiser = ([m = 0]) => {
  const weights = new Float32Array(m * m * 9);
  for (let channel = 0; channel < m; channel++) weights[(channel * m + channel) * 9 + 4] = 1;
  return weights;
};
