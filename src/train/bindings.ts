import type { BufferRange } from '../gpu/gpu.ts';
import type { Plan } from '../graph/plan.ts';

/** Finds the buffer of an input, or says that it has none. */
export type FindRange = (name: string) => BufferRange | undefined;

/** The ranges for every outside buffer of a plan; of several sources the first that has it counts. What none has is left out. */
export function bindingsOf(plan: Plan, ...sources: readonly FindRange[]): Map<string, BufferRange> {
  const found = new Map<string, BufferRange>();
  for (const name of plan.inputs.keys()) {
    for (const source of sources) {
      const range = source(name);
      if (!range) continue;
      found.set(name, range);
      break;
    }
  }
  return found;
}
