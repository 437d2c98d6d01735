import type { Settings } from './field.ts';

/** Blocks of the image encoder that get modules: all, the last half, or by index from 0. */
export type BlockChoice = 'all' | 'late' | readonly number[];

/** What says which modules are taken out first: the steps' gradients, or what validation objects lose without each. */
export type BudgetBy = 'training' | 'validation';

/** What a person asks for; everything left out gets its default for the model at hand. */
export interface MopeftRequest {
  /** Method ids in any order; empty trains the mask decoder alone. */
  readonly methods: readonly string[];
  /** Id of a gate form; default: the registry's for this number of methods. */
  readonly gate?: string;
  /** With a gate form that keeps a share of the modules' parameters: that share. */
  readonly budget?: number;
  /** With a form that takes modules out by scores: what gives these; default `training`. */
  readonly budgetBy?: BudgetBy;
  /** Default: `all`. */
  readonly blocks?: BlockChoice;
  /** Default: true. */
  readonly trainDecoder?: boolean;
  /** Settings by method id; settings left out get their defaults. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Whether each dataset has a learned prompt token; default: no. */
  readonly token?: boolean;
  /** Names of the datasets that train together, each once, for what tells them apart. */
  readonly datasets?: readonly string[];
}

/** Everything decided: what an adapter file records and a run resumes with. */
export interface MopeftConfig {
  /** Settings by method id, in the registry's order. */
  readonly methods: Readonly<Record<string, Settings>>;
  /** Id of a gate form, see `peft/gates/registry.ts`. */
  readonly gate: string;
  /** Ascending. Empty when there is no method. */
  readonly blocks: readonly number[];
  readonly trainDecoder: boolean;
  /** Whether each dataset has a learned token beside those of the prompt; absent: no. */
  readonly token?: boolean;
  /** Names of the datasets that it tells apart, by their index; absent where it tells none apart. */
  readonly datasets?: readonly string[];
  /** The share of the modules' parameters that training may keep, with a gate form that keeps a share; absent with others. */
  readonly budget?: number;
  /** What decides which modules are taken out, where it is not the steps of the training. */
  readonly budgetBy?: Exclude<BudgetBy, 'training'>;
  /**
   * Modules taken out of the compiled model by a person or by training: block indices by method id.
   * Absent when nothing was pruned.
   */
  readonly pruned?: Readonly<Record<string, readonly number[]>>;
}
