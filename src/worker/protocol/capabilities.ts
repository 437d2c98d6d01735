/** What the engine offers, from which screens draw themselves. Conventions: ../protocol.ts. */

/** Everything the Train screen needs to draw itself. The studio knows no method by name. */
export interface Capabilities {
  /** In the registry's order, which is also the order of the heat map's rows. */
  readonly methods: readonly MethodInfo[];
  readonly gateForms: readonly GateFormInfo[];
  readonly presets: readonly PresetInfo[];
  /** Fields of the training itself (steps, learning rates, seed, blocks, clicks …). */
  readonly trainFields: readonly FieldInfo[];
}

export interface MethodInfo {
  /** As in the adapter file: "lora", "prefix", "adapter". */
  readonly id: string;
  readonly label: string;
  /** One sentence: what it adds to the model. */
  readonly help: string;
  /** Index into the studio's method palette; one colour per method everywhere. */
  readonly colourSlot: number;
  readonly fields: readonly FieldInfo[];
}

export interface GateFormInfo {
  readonly id: GateFormId;
  readonly label: string;
  readonly help: string;
}

export type GateFormId = 'unipelt' | 'mass' | 'none';

export interface PresetInfo {
  readonly id: string;
  readonly label: string;
  readonly help: string;
  /** Values by field id; what is not named keeps its default. */
  readonly values: FieldValues;
}

export type FieldInfo = NumberField | ChoiceField | SwitchField;

interface FieldCommon {
  /** Unique over all fields: "train.steps", "lora.rank". */
  readonly id: string;
  readonly label: string;
  readonly help: string;
}

export interface NumberField extends FieldCommon {
  readonly kind: 'integer' | 'number';
  readonly min: number;
  readonly max: number;
  readonly default: number;
  /** Shown after the number, e.g. "steps"; empty when it has none. */
  readonly unit: string;
}

export interface ChoiceField extends FieldCommon {
  readonly kind: 'choice';
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly default: string;
}

export interface SwitchField extends FieldCommon {
  readonly kind: 'switch';
  readonly default: boolean;
}

export type FieldValue = number | string | boolean;
export type FieldValues = Readonly<Record<string, FieldValue>>;
