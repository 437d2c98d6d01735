import type { GateForm } from './gate-form.ts';
import { tokenGates } from './token-gates.ts';

/** Every contribution is multiplied by its gate, as in the paper; for a prefix, its keys and values are. */
export const unipelt: GateForm = {
  id: 'unipelt',
  label: 'UniPELT',
  help: 'Each method is multiplied by its gate, as in the paper. A closed prefix still takes a little attention.',
  ...tokenGates(false),
};
