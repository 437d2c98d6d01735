import { adapter } from './adapter/adapter.ts';
import { adaptformer } from './adaptformer/adaptformer.ts';
import { biasNorm } from './bias-norm/bias-norm.ts';
import { convPass } from './conv-pass/conv-pass.ts';
import { full } from './full/full.ts';
import { ia3 } from './ia3/ia3.ts';
import { lora } from './lora/lora.ts';
import type { AnyMethod } from './method.ts';
import { prefix } from './prefix/prefix.ts';
import { ssf } from './ssf/ssf.ts';

/**
 * Every method there is, in the order in which screens list them and hooks are chained. What scales a layer's output comes after
 * all that adds to it.
 */
export const METHODS: readonly AnyMethod[] = [
  lora,
  prefix,
  adapter,
  biasNorm,
  convPass,
  adaptformer,
  full,
  ssf,
  ia3,
];
