import type { GateForm } from './gate-form.ts';
import { tokenGates } from './token-gates.ts';

/** As UniPELT, but prefix columns weigh gate·exp(score) in the softmax, so that a gate of 0 is exactly the frozen block. */
export const mass: GateForm = {
  id: 'mass',
  label: 'Mass',
  help: 'As UniPELT, but the gate of a prefix acts inside the softmax: a closed gate is exactly the base model.',
  ...tokenGates(true),
};
