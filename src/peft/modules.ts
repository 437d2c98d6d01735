import type { Settings } from '../config/field.ts';
import type { MopeftConfig } from '../config/mopeft.ts';
import type { AnyMethod } from './method.ts';
import { METHODS } from './registry.ts';

/** One method in one block. */
export interface Module {
  readonly method: AnyMethod;
  readonly settings: Settings;
  readonly block: number;
}

/** Every module that a config names, blocks ascending and methods in the registry's order within a block; pruned ones are left out. */
export function modulesOf(config: MopeftConfig): Module[] {
  return config.blocks.flatMap((block) =>
    METHODS.flatMap((method) => {
      const settings = config.methods[method.id];
      const isThere = settings && !config.pruned?.[method.id]?.includes(block);
      return isThere ? [{ method, settings, block }] : [];
    }),
  );
}
