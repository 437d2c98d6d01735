import type { Fields, SettingsOf } from '../config/field.ts';
import type { Tensor } from '../graph/graph.ts';
import type { HostTensor } from '../sam/checkpoint/tensor-file.ts';
import type { EncoderSite } from '../sam/site.ts';
import type { LayerTensors, PrefixTokens, Slot } from '../sam/slots.ts';
import type { Gate, GateSource, TraceContext } from './gates/gate-form.ts';
import type { TensorSpec } from './tensor-spec.ts';

/** What a method changes in one block: SAM's own hooks (`sam/slots.ts`) with the module's gate handed in. */
export type MethodHooks = {
  readonly [S in Slot]?: (layer: LayerTensors, gate: Gate) => Tensor;
} & {
  readonly prefix?: (gate: Gate) => PrefixTokens;
  /** Only where the gate is the same for all images, see {@link AttachContext.gatesByImage}. */
  readonly weight?: (name: string, frozen: Tensor, gate: Gate) => Tensor;
};

/** What a method gets to attach itself to one block. */
export interface AttachContext<S> extends TraceContext {
  readonly settings: S;
  readonly site: EncoderSite;
  /** One of the tensors that the method declared, by its name there. */
  readonly tensor: (name: string) => Tensor;
  /** Whether the gates of a batch's images may differ; if not, a method may change the block's weights instead of its outputs. */
  readonly gatesByImage: boolean;
}

/** A linear layer's own weights, to be changed in place. */
export interface LayerWeights {
  readonly inputs: number;
  readonly outputs: number;
  /** [outputs, inputs] */
  readonly weight: Float32Array;
  /** [outputs]; null where the layer has none. */
  readonly bias: Float32Array | null;
}

/** A norm's own weights [C], to be changed in place. */
export interface NormWeights {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

/** What a method gets to merge one module into the block's own weights, with earlier methods' in them. */
export interface MergeContext<S> {
  readonly settings: S;
  readonly site: EncoderSite;
  /** The module's gate, the same for all images; null: it always contributes fully. */
  readonly gate: number | null;
  /** Values of one of the tensors that the method declared, by its name there. */
  readonly tensor: (name: string) => Float32Array;
  readonly layer: (slot: 'q' | 'k' | 'v' | 'proj' | 'lin1' | 'lin2') => LayerWeights;
  readonly norm: (slot: 'norm1' | 'norm2') => NormWeights;
}

/** What a method gets to write one module as PEFT of Hugging Face holds it. */
export type PeftContext<S> = Pick<MergeContext<S>, 'settings' | 'site' | 'gate' | 'tensor'>;

/** A module in PEFT's form: what it adds to a linear layer of SAM. */
export interface PeftLayer {
  readonly layer: 'attn.qkv' | 'attn.proj' | 'mlp.lin1' | 'mlp.lin2';
  /** By their names behind the layer's. */
  readonly tensors: Readonly<Record<string, HostTensor>>;
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
  /** Settings with their limits and the defaults for this encoder. */
  readonly fields: (sites: readonly EncoderSite[]) => F;
  /** Whether it has a module in a block that was chosen; default: in each. */
  readonly isIn?: (settings: SettingsOf<F>, block: number) => boolean;
  /** The trainable tensors of one module. */
  readonly tensors: (settings: SettingsOf<F>, site: EncoderSite) => readonly TensorSpec[];
  /** Whether its modules change the model's output before they have learned anything; default no. */
  readonly changesAtStart?: boolean;
  /** What a gate that looks at the image reads: the features nearest to the method's own input. */
  readonly gateReads: Exclude<GateSource, 'nothing'>;
  /** Whether {@link attach} gives something else in training than in evaluation, as dropout does; default: no. */
  readonly differsInTraining?: boolean;
  readonly attach: (context: AttachContext<SettingsOf<F>>) => MethodHooks;
  /** Puts a module into the block's own weights, where that gives the same output; absent where it cannot. */
  readonly merge?: (context: MergeContext<SettingsOf<F>>) => void;
  /** How PEFT of Hugging Face holds a module, which gives the same output there; absent where it has no such method. */
  readonly peft?: {
    readonly type: 'LORA' | 'IA3';
    readonly layers: (context: PeftContext<SettingsOf<F>>) => readonly PeftLayer[];
  };
}

/** A method with the type of its settings forgotten, as the registry holds it; settings are parsed before they reach it. */
// biome-ignore lint/suspicious/noExplicitAny: the settings' type is known only to the method itself
export type AnyMethod = Method<any>;

/** Keeps the type of a method's fields. */
export function defineMethod<F extends Fields>(method: Method<F>): Method<F> {
  return method;
}
