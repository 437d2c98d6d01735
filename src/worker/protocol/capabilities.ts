/** What the engine offers, from which screens draw themselves: as the engine says it. */
export type { FieldInfo, FieldValue, Settings as FieldValues } from '../../config/field.ts';
export type { Capabilities } from '../../engine/capabilities.ts';
