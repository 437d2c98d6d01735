import * as v from 'valibot';
import { Failure } from './failure.ts';

/** A setting, with what a screen needs to show it and a parser needs to check it. */
export type Field = NumberField | ChoiceField | SwitchField;

interface Worded {
  readonly label: string;
  /** What changes when the setting changes. */
  readonly help: string;
}

export interface NumberField extends Worded {
  readonly kind: 'integer' | 'number';
  /** Inclusive, as `max` is. */
  readonly min: number;
  readonly max: number;
  readonly default: number;
  /** Shown with the number; empty if it has none. */
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

/** The values of fields, by name. */
export type SettingsOf<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> };

export type FieldValue = number | string | boolean;

/** Values by field name, of unknown fields. */
export type Settings = Readonly<Record<string, FieldValue>>;

/** A field with a unique id, for screens. */
export type FieldInfo = Field & { readonly id: string };

/** Fields with the ids `<prefix>.<name>`, for screens. */
export function fieldInfos(prefix: string, fields: Fields): FieldInfo[] {
  return Object.entries(fields).map(([name, field]) => ({ ...field, id: `${prefix}.${name}` }));
}

/**
 * Checks values against their fields and fills in the defaults.
 * @param where what the settings belong to, for the failure.
 * @throws Failure `config/invalid` that names the setting, what was given and what is allowed; also for unknown names.
 */
export function parseSettings<F extends Fields>(fields: F, given: unknown, where: string): SettingsOf<F> {
  const parsed = v.safeParse(settingsSchema(fields), given ?? {});
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const name = v.getDotPath(issue) ?? '';
  throw new Failure({
    code: 'config/invalid',
    what: `The value ${issue.received} is not allowed${issue.expected ? ` (expected: ${issue.expected})` : ''}.`,
    where: name ? `${where}.${name}` : where,
    cure: cureFor(name, fields),
  });
}

/** What values of fields are: each within its limits, its default where it is missing, and no others. */
export function settingsSchema<F extends Fields>(fields: F): v.GenericSchema<unknown, SettingsOf<F>> {
  const entries = Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, v.optional(schemaOf(field), field.default)]),
  );
  return v.strictObject(entries) as unknown as v.GenericSchema<unknown, SettingsOf<F>>;
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
