/** Runs that differ in one thing, to be compared. */
import type { Capabilities, TrainSettings } from '../../worker/protocol.ts';
import { fieldsOf, gateOf, nameFor } from './setup.ts';

/** What a comparison changes from run to run; everything else, the split included, is the same. */
export type Comparison = 'methods' | 'seeds';

const SEED = 'train.seed';
const SEEDS = 3;

/** The runs of a comparison: the first recipe and each of its methods alone, or the same run with three seeds. */
export function comparedRuns(
  kind: Comparison,
  settings: TrainSettings,
  capabilities: Capabilities,
): readonly TrainSettings[] {
  switch (kind) {
    case 'methods': {
      const together = capabilities.recipes[0]?.methods ?? [];
      return [together, ...together.map((method) => [method])].map((methods) => {
        const fields = fieldsOf(capabilities, methods).map((field) => [
          field.id,
          settings.values[field.id] ?? field.default,
        ]);
        const gate = gateOf({ gate: null }, methods, capabilities);
        const name = nameFor(methods, capabilities);
        return { ...settings, name, methods, gate, values: Object.fromEntries(fields) };
      });
    }
    case 'seeds': {
      const first = Number(settings.values[SEED] ?? 0);
      return Array.from({ length: SEEDS }, (_, i) => ({
        ...settings,
        name: `${settings.name}, seed ${first + i}`,
        values: { ...settings.values, [SEED]: first + i },
      }));
    }
  }
}
