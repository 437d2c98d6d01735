import * as v from 'valibot';
import { Failure } from './failure.ts';

/** A setting that a person may change, with everything that a screen needs to show it and a parser to check it. */
export type Field = NumberField | ChoiceField | SwitchField;

interface Worded {
  readonly label: string;
  /** One sentence. */
  readonly help: string;
}

export interface NumberField extends Worded {
  readonly kind: 'integer' | 'number';
  /** Both ends are allowed. */
  readonly min: number;
  readonly max: number;
  readonly default: number;
  /** Shown after the number; empty when it has none. */
  readonly unit: string;
}

export interface ChoiceField<V extends string = string> extends Worded {
  readonly kind: 'choice';
  readonly options: readonly { readonly value: V; readonly label: string }[];
  readonly default: V;
}

export interface SwitchField extends Worded {
  readonly kind: 'switch';
  readonly default: boolean;
}

export type Fields = Readonly<Record<string, Field>>;

type ValueOf<F> = F extends NumberField
  ? number
  : F extends SwitchField
    ? boolean
    : F extends ChoiceField<infer V>
      ? V
      : never;

/** The values of a set of fields. */
export type SettingsOf<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> };

export type FieldValue = number | string | boolean;

/** Values by field name, types forgotten. */
export type Settings = Readonly<Record<string, FieldValue>>;

/** A field with its unique id, as it goes to a screen. */
export type FieldInfo = Field & { readonly id: string };

/** Fields as a screen gets them, with ids `<prefix>.<name>`. */
export function fieldInfos(prefix: string, fields: Fields): FieldInfo[] {
  return Object.entries(fields).map(([name, field]) => ({ ...field, id: `${prefix}.${name}` }));
}

/**
 * Checks given values against their fields and fills in the defaults.
 * @param where what the settings belong to, named in the failure.
 * @throws Failure `config/invalid` that names the setting, what was given and what is allowed; also for unknown names.
 */
export function parseSettings<F extends Fields>(fields: F, given: unknown, where: string): SettingsOf<F> {
  const entries = Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, v.optional(schemaOf(field), field.default)]),
  );
  const parsed = v.safeParse(v.strictObject(entries), given ?? {});
  if (parsed.success) return parsed.output as SettingsOf<F>;
  const [issue] = parsed.issues;
  const name = v.getDotPath(issue) ?? '';
  throw new Failure({
    code: 'config/invalid',
    what: `The value ${issue.received} does not fit${issue.expected ? ` (${issue.expected} is expected)` : ''}.`,
    where: name ? `${where}.${name}` : where,
    cure: cureFor(name, fields),
  });
}

function schemaOf(field: Field): v.GenericSchema<unknown, number | string | boolean> {
  switch (field.kind) {
    case 'integer':
      return v.pipe(v.number(), v.integer(), v.minValue(field.min), v.maxValue(field.max));
    case 'number':
      return v.pipe(v.number(), v.finite(), v.minValue(field.min), v.maxValue(field.max));
    case 'choice':
      return v.picklist(field.options.map(({ value }) => value));
    case 'switch':
      return v.boolean();
  }
}

function cureFor(name: string, fields: Fields): string {
  const field = fields[name];
  if (!field) return `Settings here are ${Object.keys(fields).join(', ')}.`;
  switch (field.kind) {
    case 'integer':
      return `Give a whole number from ${field.min} to ${field.max}.`;
    case 'number':
      return `Give a number from ${field.min} to ${field.max}.`;
    case 'choice':
      return `Give one of ${field.options.map(({ value }) => value).join(', ')}.`;
    case 'switch':
      return 'Give true or false.';
  }
}
