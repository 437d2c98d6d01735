import { activation } from '../../ops/activation/activation.ts';
import { linear } from '../../ops/linear/linear.ts';
import { addGated } from '../gates/add-gated.ts';
import { defineMethod } from '../method.ts';
import { kaimingUniform, zeros } from '../tensor-spec.ts';
import { bottleneckField } from './bottleneck.ts';

/** Bottleneck adapter (arXiv 1902.00751) after the MLP: f += g · (act(f Wdownᵀ + bdown) Wupᵀ + bup). */
export const adapter = defineMethod({
  id: 'adapter',
  label: 'Adapter',
  help: 'Adds a small bottleneck network after the MLP of every block.',
  colourSlot: 2,
  fields: (sites) =>
    ({
      bottleneck: bottleneckField(sites, 16),
      activation: {
        kind: 'choice',
        label: 'Activation',
        help: 'The nonlinearity between the two layers; GELU is smoother, ReLU cheaper.',
        options: [
          { value: 'gelu', label: 'GELU' },
          { value: 'relu', label: 'ReLU' },
        ],
        default: 'gelu',
      },
    }) as const,
  tensors: ({ bottleneck: m }, { width }) => [
    { name: 'adapter.down.weight', shape: [m, width], decay: true, init: kaimingUniform(width) },
    { name: 'adapter.down.bias', shape: [m], decay: false, init: kaimingUniform(width) },
    { name: 'adapter.up.weight', shape: [width, m], decay: true, init: zeros },
    { name: 'adapter.up.bias', shape: [width], decay: false, init: zeros },
  ],
  gateReads: 'mlp',
  attach: ({ settings, tensor }) => ({
    mlp: ({ output: f }, gate) => {
      const down = linear(f, tensor('adapter.down.weight'), tensor('adapter.down.bias'));
      const hidden = activation(down, settings.activation);
      return addGated(f, linear(hidden, tensor('adapter.up.weight'), tensor('adapter.up.bias')), gate);
    },
  }),
});
