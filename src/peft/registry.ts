import { adapter } from './adapter/adapter.ts';
import { adaptformer } from './adaptformer/adaptformer.ts';
import { biasNorm } from './bias-norm/bias-norm.ts';
import { convPass } from './conv-pass/conv-pass.ts';
import { lora } from './lora/lora.ts';
import type { AnyMethod } from './method.ts';
import { prefix } from './prefix/prefix.ts';

/** Every method there is, in the order in which screens list them and hooks are chained. */
export const METHODS: readonly AnyMethod[] = [lora, prefix, adapter, biasNorm, convPass, adaptformer];
