import { type GateForm, OPEN } from './gate-form.ts';

/** Every module contributes fully; there is no gate to learn. */
export const none: GateForm = {
  id: 'none',
  label: 'None',
  help: 'Every method acts at full strength, so there are no gates to watch.',
  varies: 'never',
  differsInTraining: false,
  reads: () => 'nothing',
  tensors: () => [],
  constant: () => null,
  trace: (methods) => methods.map(() => OPEN),
};
