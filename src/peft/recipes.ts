import { Failure } from '../config/failure.ts';
import { adapter } from './adapter/adapter.ts';
import { lora } from './lora/lora.ts';
import type { AnyMethod } from './method.ts';
import { prefix } from './prefix/prefix.ts';
import { METHODS } from './registry.ts';

/** A named choice of methods, as screens, the command line and files offer it. */
export interface Recipe {
  readonly id: string;
  readonly label: string;
  /** One sentence for a screen. */
  readonly help: string;
  /** Ids of the methods, in the registry's order; none trains the mask decoder alone. */
  readonly methods: readonly string[];
}

/** The paper's mixture, and no method at all. A method on its own needs no recipe. */
export const RECIPES: readonly Recipe[] = [
  {
    id: 'mopeft',
    label: 'MoPEFT',
    help: 'LoRA, Prefix and Adapter together, each with a gate in every block, as in the paper.',
    methods: [lora.id, prefix.id, adapter.id],
  },
  {
    id: 'decoder',
    label: 'Decoder only',
    help: 'Trains the mask decoder and leaves the image encoder as it is.',
    methods: [],
  },
];

/**
 * The methods behind a name: a recipe's, `a+b` for a mix, otherwise one method.
 * @throws Failure `peft/no-method` for a name that neither registry has.
 */
export function methodsByName(name: string): string[] {
  const recipe = RECIPES.find(({ id }) => id === name);
  return methodsOf(recipe?.methods ?? name.split('+').map((id) => id.trim())).map(({ id }) => id);
}

/** The shortest name of a set of methods, the inverse of {@link methodsByName}. */
export function nameOfMethods(ids: readonly string[]): string {
  const joined = methodsOf(ids)
    .map(({ id }) => id)
    .join('+');
  return RECIPES.find(({ methods }) => methods.join('+') === joined)?.id ?? joined;
}

/**
 * The methods of a list of ids, in the registry's order, each once.
 * @throws Failure `peft/no-method`.
 */
export function methodsOf(ids: readonly string[]): readonly AnyMethod[] {
  const unknown = ids.find((id) => !METHODS.some((method) => method.id === id));
  if (unknown !== undefined) {
    const names = [...METHODS, ...RECIPES].map(({ id }) => id).join(', ');
    throw new Failure({
      code: 'peft/no-method',
      what: `There is no method "${unknown}".`,
      where: 'method',
      cure: `Choose one of ${names}, or join several methods with +.`,
    });
  }
  return METHODS.filter(({ id }) => ids.includes(id));
}
