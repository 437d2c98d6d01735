/** What modules cost and which of them are chosen, for gate forms that keep a share of the modules' parameters. */
import type { ChoiceField, NumberField } from '../config/field.ts';
import type { MopeftConfig } from '../config/mopeft.ts';
import { sizeOf } from '../graph/shape.ts';
import type { EncoderSite } from '../sam/site.ts';
import type { GateForm } from './gates/gate-form.ts';
import { gateFormById } from './gates/registry.ts';
import { keepModules, type ModuleId, modulesOf } from './modules.ts';

/** The share of the modules' parameters that is kept. */
export const BUDGET_FIELD = {
  kind: 'number',
  label: 'Share to keep',
  help: "Of the modules' parameters. Lower gives a smaller and faster adapter that has learned less.",
  min: 0.01,
  max: 1,
  default: 0.25,
  unit: '',
} as const satisfies NumberField;

/** What decides which modules are taken out. */
export const BUDGET_BY_FIELD = {
  kind: 'choice',
  label: 'Choose modules by',
  help: 'Training costs nothing. Validation measures what the validation images lose without each module, which takes longer and chose no better on four real datasets.',
  options: [
    { value: 'training', label: 'Training' },
    { value: 'validation', label: 'Validation' },
  ],
  default: 'training',
} as const satisfies ChoiceField;

/** The settings of a gate form, by name; none in forms that keep all modules. */
export function budgetFields({ budget }: Pick<GateForm, 'budget'>) {
  switch (budget?.by) {
    case 'scores':
      return { budget: BUDGET_FIELD, budgetBy: BUDGET_BY_FIELD };
    case 'price':
      return { budget: BUDGET_FIELD };
    case undefined:
      return {};
  }
}

/** A module with the number of its parameters, those of its gate not counted. */
export interface SizedModule extends ModuleId {
  readonly parameters: number;
}

/** The modules of a config that have parameters, in the order of `modulesOf`. */
export function sizedModules(config: MopeftConfig, sites: readonly EncoderSite[]): SizedModule[] {
  return modulesOf(config).flatMap(({ method, settings, block }) => {
    const site = sites.find(({ index }) => index === block);
    const tensors = site ? method.tensors(settings, site) : [];
    const parameters = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    return parameters > 0 ? [{ method: method.id, block, parameters }] : [];
  });
}

export function countParameters(modules: readonly SizedModule[]): number {
  return modules.reduce((sum, { parameters }) => sum + parameters, 0);
}

/** A gate whose gradient is its module's score, by the name of its tensor. */
export interface ScoredGate extends ModuleId {
  readonly name: string;
}

/** The gates of a config whose gradients are scores, in the order of `modulesOf`; none in forms that have no scores. */
export function scoredGates(config: MopeftConfig): ScoredGate[] {
  const { budget } = gateFormById(config.gate);
  if (budget?.by !== 'scores') return [];
  return modulesOf(config).map(({ method, block }) => ({
    method: method.id,
    block,
    name: `blocks.${block}.${budget.scored(method.id)}`,
  }));
}

/** The config of a trained model without the modules whose gates ended closed. @param values of every trained tensor, by name. */
export function withoutClosed(
  config: MopeftConfig,
  values: (name: string) => Float32Array | undefined,
): MopeftConfig {
  const { budget } = gateFormById(config.gate);
  if (budget?.by !== 'price') return config;
  return keepModules(config, ({ method, block }) => {
    const own = (name: string) => values(`blocks.${block}.${name}`) ?? new Float32Array();
    return !budget.isClosed(method, own);
  });
}
