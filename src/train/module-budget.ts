/** A run's modules where its gate form keeps a share of them: what each is worth, and which are left. */
import type { MopeftConfig } from '../config/mopeft.ts';
import type { BudgetRule } from '../peft/gates/gate-form.ts';
import { gateFormById } from '../peft/gates/registry.ts';
import {
  countParameters,
  type SizedModule,
  scoredGates,
  sizedModules,
  withoutClosed,
} from '../peft/kept-modules.ts';
import type { ModuleId } from '../peft/modules.ts';
import { sitesOf } from '../sam/encoder.ts';
import { type ModuleScore, sensitivity } from './budget.ts';
import type { ModulesEvent } from './events.ts';
import type { TrainingStep } from './step.ts';
import type { Validation } from './validation.ts';

/** How a config's gate form keeps a share of its modules; undefined where it keeps all, or there are none. */
export function budgetRule({ gate, methods }: MopeftConfig): BudgetRule | undefined {
  return Object.keys(methods).length > 0 ? gateFormById(gate).budget : undefined;
}

/** What is known of modules in a run. */
interface KnownModules {
  readonly step: TrainingStep;
  readonly scores: readonly ModuleScore[];
  /** Null where scores in training say what a module is worth. */
  readonly validation: Validation | null;
  readonly isInterrupted: () => boolean;
}

/**
 * What each module is worth: its sensitivity in training, or what the validation objects lose without it, where that is asked for
 * and there are any. Null when a pause or stop interrupted it; a resumed run then starts it again.
 */
export async function worthOfModules(
  modules: readonly SizedModule[],
  { step, scores, validation, isInterrupted }: KnownModules,
): Promise<((module: SizedModule) => number) | null> {
  const keyOf = ({ method, block }: ModuleId) => `${block} ${method}`;
  const values = new Map(scores.map((score) => [keyOf(score), sensitivity(score)]));
  const known = (module: SizedModule) => values.get(keyOf(module)) ?? 0;
  if (!validation) return known;
  const all = await validation.score(isInterrupted);
  if (all === null) return null;
  if (all.score === null) return known;
  const gates = new Map(scoredGates(step.mopeft).map((gate) => [keyOf(gate), gate.name]));
  for (const module of modules) {
    const key = keyOf(module);
    const gate = gates.get(key);
    if (gate === undefined) throw new RangeError(`${key} has no gate`);
    // A gate of 0 is as if its module were not there.
    step.parameters.write('param', gate, Float32Array.of(0));
    const without = await validation.score(isInterrupted);
    step.parameters.write('param', gate, Float32Array.of(1));
    if (without === null) return null;
    values.set(key, all.score - (without.score ?? 0));
  }
  return known;
}

/** Which modules a step has left, by site, and their parameters; null where its gate form keeps all. */
export async function modulesLeft({
  sam,
  mopeft,
  parameters,
}: TrainingStep): Promise<Pick<ModulesEvent, 'left' | 'parameters'> | null> {
  const rule = budgetRule(mopeft);
  if (!rule) return null;
  const gates = parameters.layout.tensors.filter(({ group }) => group === 'gate');
  const values = rule.by === 'price' ? await parameters.read('param', gates) : null;
  const left = sizedModules(
    withoutClosed(mopeft, (name) => values?.get(name)),
    sitesOf(sam),
  );
  return {
    left: sitesOf(sam).map(({ index }) =>
      left.flatMap(({ method, block }) => (block === index ? [method] : [])),
    ),
    parameters: countParameters(left),
  };
}
