import type { ForeignReader } from './foreign-lora.ts';
import { peft, peftIa3 } from './peft.ts';
import { samLora } from './sam-lora.ts';

/** Every form of adapters of other programs that can be imported. */
const FOREIGN_READERS: readonly ForeignReader[] = [peft, peftIa3, samLora];

/** The reader of tensors with these names; null when no reader knows them. */
export function foreignReader(names: readonly string[]): ForeignReader | null {
  return FOREIGN_READERS.find(({ recognises }) => recognises(names)) ?? null;
}
