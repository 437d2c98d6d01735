/** Sample values of protocol types for tests. */
import type { Capabilities, StepPoint } from '../../worker/protocol.ts';

export function stepPoint(step: number, loss = 1): StepPoint {
  return { step, loss, focal: 0, dice: 0, iou: 0, learningRate: 0, milliseconds: 1 };
}

export const CAPABILITIES: Capabilities = {
  methods: [
    {
      id: 'lora',
      label: 'LoRA',
      help: 'Low-rank change of q and v.',
      colourSlot: 0,
      fields: [
        { id: 'lora.rank', kind: 'integer', label: 'Rank', help: '', min: 1, max: 64, default: 8, unit: '' },
      ],
    },
    {
      id: 'prefix',
      label: 'Prefix',
      help: 'Learned keys and values.',
      colourSlot: 1,
      fields: [
        {
          id: 'prefix.count',
          kind: 'integer',
          label: 'Tokens',
          help: '',
          min: 1,
          max: 64,
          default: 10,
          unit: '',
        },
      ],
    },
    {
      id: 'adapter',
      label: 'Adapter',
      help: 'A bottleneck after the MLP.',
      colourSlot: 2,
      fields: [
        {
          id: 'adapter.width',
          kind: 'integer',
          label: 'Width',
          help: '',
          min: 1,
          max: 256,
          default: 12,
          unit: '',
        },
      ],
    },
  ],
  gateForms: [
    { id: 'unipelt', label: 'UniPELT', help: 'As in the paper.', fields: [], varies: 'by-image' },
    { id: 'mass', label: 'Mass', help: 'Off is exactly off.', fields: [], varies: 'by-image' },
    { id: 'none', label: 'None', help: 'Every method at full strength.', fields: [], varies: 'never' },
  ],
  recipes: [
    { id: 'mopeft', label: 'MoPEFT', help: 'All three.', methods: ['lora', 'prefix', 'adapter'] },
    { id: 'decoder', label: 'Decoder only', help: '', methods: [] },
  ],
  defaultGateForms: { several: 'unipelt', single: 'none' },
  presets: [
    { id: 'quick', label: 'Quick', help: 'A first look.', values: { 'train.steps': 60 } },
    { id: 'balanced', label: 'Balanced', help: '', values: { 'train.steps': 300 } },
  ],
  trainFields: [
    {
      id: 'train.steps',
      kind: 'integer',
      label: 'Steps',
      help: '',
      min: 1,
      max: 20000,
      default: 200,
      unit: 'steps',
    },
    {
      id: 'train.seed',
      kind: 'integer',
      label: 'Seed',
      help: '',
      min: 0,
      max: 4294967295,
      default: 0,
      unit: '',
    },
    {
      id: 'peft.blocks',
      kind: 'choice',
      label: 'Blocks',
      help: '',
      options: [
        { value: 'all', label: 'All' },
        { value: 'late', label: 'Last half' },
      ],
      default: 'all',
    },
  ],
};
