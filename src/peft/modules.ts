import type { Settings } from '../config/field.ts';
import type { MopeftConfig } from '../config/mopeft.ts';
import { gateFormById } from './gates/registry.ts';
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
  return unprunedModules(config).filter(({ method, block }) => !config.pruned?.[method.id]?.includes(block));
}

function unprunedModules(config: MopeftConfig): Module[] {
  return config.blocks.flatMap((block) =>
    METHODS.flatMap((method) => {
      const settings = config.methods[method.id];
      return settings && (method.isIn?.(settings, block) ?? true) ? [{ method, settings, block }] : [];
    }),
  );
}

/** Which module: a method's id and a block. */
export interface ModuleId {
  readonly method: string;
  readonly block: number;
}

/** The config with those of its modules alone; the others are pruned, as if they had never been there. */
export function keepModules(config: MopeftConfig, isKept: (module: ModuleId) => boolean): MopeftConfig {
  const kept = modulesOf(config).filter(({ method, block }) => isKept({ method: method.id, block }));
  const gone = unprunedModules(config).filter(
    ({ method, block }) => !kept.some((module) => module.method === method && module.block === block),
  );
  const pruned = Object.keys(config.methods).flatMap((id) => {
    const blocks = gone.filter(({ method }) => method.id === id).map(({ block }) => block);
    return blocks.length > 0 ? [[id, blocks] as const] : [];
  });
  const { pruned: _, ...rest } = config;
  return pruned.length > 0 ? { ...rest, pruned: Object.fromEntries(pruned) } : rest;
}

/** The first block with a module; those below it are as in the base model. Infinite without any. */
export function firstTunedBlock(config: MopeftConfig): number {
  return Math.min(...modulesOf(config).map(({ block }) => block));
}

/** Whether the encoder of a config gives something else in training than in evaluation. */
export function differsInTraining(config: MopeftConfig): boolean {
  const modules = modulesOf(config);
  if (modules.length === 0) return false;
  return (
    gateFormById(config.gate).differsInTraining || modules.some(({ method }) => method.differsInTraining)
  );
}
