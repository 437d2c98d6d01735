import { Failure } from '../../config/failure.ts';
import { budget } from './budget.ts';
import type { GateForm } from './gate-form.ts';
import { hard } from './hard.ts';
import { mass } from './mass.ts';
import { none } from './none.ts';
import { task } from './task.ts';
import { unipelt } from './unipelt.ts';

/** Every gate form there is, in the order in which screens list them. */
export const GATE_FORMS: readonly GateForm[] = [unipelt, mass, task, none, budget, hard];

/** The default forms: methods that share a block are gated, a single one is not. */
export const DEFAULT_GATE_FORMS = { several: unipelt.id, single: none.id } as const;

/** The form of a config that names none but a share to keep. */
export const DEFAULT_BUDGET_FORM = budget.id;

/** @throws Failure `config/invalid` for an id that the registry lacks. */
export function gateFormById(id: string): GateForm {
  const form = GATE_FORMS.find((candidate) => candidate.id === id);
  if (form) return form;
  throw new Failure({
    code: 'config/invalid',
    what: `There is no gate form "${id}".`,
    where: 'gate',
    cure: `Choose one of ${GATE_FORMS.map((candidate) => candidate.id).join(', ')}.`,
  });
}
