import type { SamConfig } from '../../config/sam.ts';
import type { Adapter } from '../../peft/adapter-file.ts';
import { keepModules, type ModuleId } from '../../peft/modules.ts';
import { trainableTensors } from '../../peft/tensors.ts';

/** An adapter with some of its modules alone: the others are neither traced nor stored, and their gates go with them. */
export function pruneAdapter(adapter: Adapter, kept: readonly ModuleId[], sam: SamConfig): Adapter {
  const mopeft = keepModules(adapter.mopeft, ({ method, block }) =>
    kept.some((module) => module.method === method && module.block === block),
  );
  const names = new Set(trainableTensors(mopeft, sam).map(({ name }) => name));
  return {
    ...adapter,
    mopeft,
    tensors: new Map([...adapter.tensors].filter(([name]) => names.has(name))),
  };
}
