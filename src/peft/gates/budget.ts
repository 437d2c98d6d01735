import { filled } from '../tensor-spec.ts';
import type { GatedMethod, GateForm } from './gate-form.ts';

/** The tensor that is a method's gate. */
const open = (method: string) => `gate.${method}.open`;

/**
 * Every gate is 1 and stays there; its gradient says what the loss would lose without the module, and training takes out
 * modules by it until a share of their parameters is left (AdaLoRA's schedule, arXiv 2303.10512, over whole modules).
 */
export const budget: GateForm = {
  id: 'budget',
  label: 'Budget',
  help: 'Takes out modules while it trains, until the share to keep is left: the run gets faster, the adapter smaller.',
  varies: 'never',
  differsInTraining: false,
  reads: () => 'nothing',
  tensors: (methods: readonly GatedMethod[]) =>
    methods.map(({ id }) => ({ name: open(id), shape: [1], decay: false, rate: 0, init: filled(1) })),
  budget: { by: 'scores', scored: open },
  constant: () => 1,
  trace: (methods, { tensor }) => methods.map(({ id }) => ({ value: tensor(open(id)), insideSoftmax: true })),
};
