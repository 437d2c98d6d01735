/** What the engine offers, from which screens draw themselves: as the engine says it. */
export type { FieldInfo, FieldValue, Settings as FieldValues } from '../../config/field.ts';
export type { Capabilities, GateFormInfo, MethodInfo, PresetInfo } from '../../engine/capabilities.ts';
export type { Recipe } from '../../peft/recipes.ts';
