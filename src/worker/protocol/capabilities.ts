/** What the engine offers, from which screens draw themselves: as the engine says it. */
export type { FieldInfo, FieldValue, Settings as FieldValues } from '../../config/field.ts';
export type { GateForm as GateFormId } from '../../config/mopeft.ts';
export type { Capabilities, MethodInfo, PresetInfo } from '../../engine/capabilities.ts';
