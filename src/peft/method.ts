import type { Fields, SettingsOf } from '../config/field.ts';
import type { GateForm } from '../config/mopeft.ts';
import type { Random } from '../config/random.ts';
import type { Tensor } from '../graph/graph.ts';
import type { Shape } from '../graph/shape.ts';
import type { EncoderSite } from '../sam/site.ts';
import type { PrefixTokens, Qkv } from '../sam/slots.ts';

/** First values of a tensor. */
export type Initialiser = (shape: Shape, random: Random) => Float32Array;

/** A trainable tensor of one block; `name` without the `blocks.{i}.` in front. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: Shape;
  /** Whether weight decay applies; never to biases and gates. */
  readonly decay: boolean;
  /** What the methods' learning rate is multiplied by; default 1. */
  readonly rate?: number;
  readonly init: Initialiser;
}

/**
 * A method's gate in one block: `value` [B] in 0..1, or null for a method without gate (1 everywhere).
 * Multiply the contribution by it, unless `form` is `mass` and the method has a mass to give it to.
 */
export interface Gate {
  readonly value: Tensor | null;
  readonly form: GateForm;
}

/** What a method's gate is computed from: the block's LayerNorm1 output, or the output of its MLP; both [B, H, W, C]. */
export type GateSource = 'block.norm' | 'mlp.out';

/**
 * What a method adds at SAM's slots, as SAM's own hooks but with the gate handed in. A gate that reads `mlp.out`
 * exists only in `mlpOut`.
 */
export interface MethodHooks {
  /** `input` [Bw, h, w, C] is LayerNorm1's output after windows were cut. */
  readonly qkv?: (input: Tensor, qkv: Qkv, gate: Gate) => Qkv;
  readonly prefix?: (gate: Gate) => PrefixTokens;
  readonly attentionOut?: (out: Tensor, gate: Gate) => Tensor;
  readonly mlpOut?: (f: Tensor, gate: Gate) => Tensor;
}

/** What a method gets to attach itself to one block. */
export interface AttachContext<S> {
  readonly settings: S;
  readonly site: EncoderSite;
  /** One of the tensors that the method declared, by its name there. */
  readonly tensor: (name: string) => Tensor;
}

/** Whether a trained module can be written into the frozen weights, so that a plain SAM gives the same masks. */
export type Merge<S> =
  | {
      readonly kind: 'ungated';
      /** Changes the block's `attn.qkv.weight` [3C, C] in place. */
      readonly intoQkv: (qkvWeight: Float32Array, context: MergeContext<S>) => void;
    }
  | { readonly kind: 'never'; readonly why: string };

export interface MergeContext<S> {
  readonly settings: S;
  readonly site: EncoderSite;
  readonly tensor: (name: string) => Float32Array;
}

/**
 * One method of parameter-efficient fine-tuning: everything that the rest of the program knows of it. A new method is a
 * folder with one of these and a line in `registry.ts`.
 */
export interface Method<F extends Fields = Fields> {
  /** As in tensor names, files and the command line. */
  readonly id: string;
  readonly label: string;
  /** One sentence for a screen: what it adds to the model. */
  readonly help: string;
  /** Index into the palette of method colours. */
  readonly colourSlot: number;
  /** Settings with their limits and the defaults for an encoder of these sites. */
  readonly fields: (sites: readonly EncoderSite[]) => F;
  readonly tensors: (settings: SettingsOf<F>, site: EncoderSite) => readonly TensorSpec[];
  readonly gateReads: GateSource;
  readonly attach: (context: AttachContext<SettingsOf<F>>) => MethodHooks;
  readonly merge: Merge<SettingsOf<F>>;
}

/** A method with the type of its settings forgotten, as the registry holds it; settings are parsed before they reach it. */
// biome-ignore lint/suspicious/noExplicitAny: the settings' type is known only to the method itself
export type AnyMethod = Method<any>;

/** Keeps the type of a method's fields. */
export function defineMethod<F extends Fields>(method: Method<F>): Method<F> {
  return method;
}
