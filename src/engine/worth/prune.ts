import type { MopeftConfig } from '../../config/mopeft.ts';
import type { SamConfig } from '../../config/sam.ts';
import type { Adapter } from '../../peft/adapter-file.ts';
import { keepModules, type ModuleId } from '../../peft/modules.ts';
import { trainableTensors } from '../../peft/tensors.ts';

/** The config with some modules alone, such as those of a greedy curve. */
function keepOnly(config: MopeftConfig, kept: readonly ModuleId[]): MopeftConfig {
  return keepModules(config, ({ method, block }) =>
    kept.some((module) => module.method === method && module.block === block),
  );
}

/** An adapter with some of its modules alone: the others are neither traced nor stored, and their gates go with them. */
export function pruneAdapter(adapter: Adapter, kept: readonly ModuleId[], sam: SamConfig): Adapter {
  const mopeft = keepOnly(adapter.mopeft, kept);
  const names = new Set(trainableTensors(mopeft, sam).map(({ name }) => name));
  return {
    ...adapter,
    mopeft,
    tensors: new Map([...adapter.tensors].filter(([name]) => names.has(name))),
  };
}
