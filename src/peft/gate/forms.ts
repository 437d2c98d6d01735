import type { GateForm } from '../../config/mopeft.ts';

/** What a screen needs to offer the gate forms. */
export const GATE_FORM_INFOS: readonly {
  readonly id: GateForm;
  readonly label: string;
  readonly help: string;
}[] = [
  {
    id: 'unipelt',
    label: 'UniPELT',
    help: 'Each method is multiplied by its gate, as in the paper; a closed prefix still takes a little attention.',
  },
  {
    id: 'mass',
    label: 'Mass',
    help: 'As UniPELT, but the prefix weighs by its gate inside the softmax: a closed gate is exactly the frozen model.',
  },
  { id: 'none', label: 'None', help: 'Every method acts with full strength; there is nothing to watch.' },
];

/** The form when nobody chose one: methods that share a block are gated, a single one is not. */
export function defaultGateForm(methodCount: number): GateForm {
  return methodCount > 1 ? 'unipelt' : 'none';
}
