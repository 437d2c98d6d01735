import type { Tensor } from '../../graph/graph.ts';
import type { EncoderSite } from '../../sam/site.ts';
import type { TensorSpec } from '../tensor-spec.ts';

/** What opens one module. Methods multiply their contribution by it and never know which form made it. */
export interface Gate {
  /** [B], or [1] for all images alike, in 0..1; null: the module always contributes fully. */
  readonly value: Tensor | null;
  /** Whether a prefix lets its columns weigh `value`·exp(score) in the softmax instead of scaling its keys and values. */
  readonly insideSoftmax: boolean;
}

/** The gate of a module that always contributes fully. */
export const OPEN: Gate = { value: null, insideSoftmax: false };

/**
 * What gates can be computed from, in the order in which a block has it: nothing but their own tensors; the block's LayerNorm1
 * output; its MLP's output. The features are [B, H, W, C], as the layer gives them before any method changes them.
 */
export const GATE_SOURCES = ['nothing', 'norm1', 'mlp'] as const;
export type GateSource = (typeof GATE_SOURCES)[number];

/** What a form may know of a method. */
export interface GatedMethod {
  readonly id: string;
  /** What a gate that looks at the image reads. */
  readonly gateReads: Exclude<GateSource, 'nothing'>;
}

/** `training` may draw and may add to the loss, `evaluation` is a function of the image. */
export type TraceMode = 'training' | 'evaluation';

/** What methods and gate forms may use while a block is traced. */
export interface TraceContext {
  readonly mode: TraceMode;
  /** `count` numbers, uniform in (0, 1), the same for all images of a step and new in every step. In training only. */
  readonly random: (count: number) => Tensor;
  /** Adds a value [1] to the loss of every image, as it is. In training only. */
  readonly addLoss: (value: Tensor) => void;
}

/** Which dataset is asked for. */
export interface AskedDatasets {
  /** [B, count]: of each image 1 at the index of its dataset and 0 elsewhere. */
  readonly rows: Tensor;
  /** How many datasets the config tells apart. */
  readonly count: number;
}

/** What a form gets to trace the gates of one block. */
export interface GateContext extends TraceContext {
  readonly site: EncoderSite;
  /** The features of the source; null for `nothing`. */
  readonly features: Tensor | null;
  /** For forms that vary by dataset. */
  readonly dataset: () => AskedDatasets;
  /** One of the tensors that the form declared for this block, by its name there. */
  readonly tensor: (name: string) => Tensor;
}

/** A module as a price sees it. */
export interface PricedModule {
  readonly method: string;
  /** Its part of all modules' parameters. */
  readonly share: number;
  /** One of its block's tensors that the form declared. */
  readonly tensor: (name: string) => Tensor;
}

/**
 * How a form keeps only a share of the modules' parameters (`MopeftConfig.budget`), which falls as a run goes on
 * (`src/train/budget.ts`).
 */
export type BudgetRule =
  | {
      /** Modules are taken out while the run trains, first those that the loss is least sensitive to. */
      readonly by: 'scores';
      /** The block's tensor that is a method's gate, at 1: its gradient is the score. */
      readonly scored: (method: string) => string;
    }
  | {
      /** Keeping more than the budget has a price, and gates that end closed are taken out. */
      readonly by: 'price';
      /** Trainable tensors that belong to no block, by their whole names. */
      readonly tensors: readonly TensorSpec[];
      /** @param budget [1], the share that a step may keep. @returns [1], what is added to the loss. */
      readonly price: (
        modules: readonly PricedModule[],
        budget: Tensor,
        tensor: (name: string) => Tensor,
      ) => Tensor;
      /** Whether a module's gate is 0 outside of training, by the values of its block's tensors. */
      readonly isClosed: (method: string, values: (name: string) => Float32Array) => boolean;
    };

/**
 * A form of gates: how the strength of every module is decided. A new form is a file with one of these and a line in
 * `registry.ts`.
 */
export interface GateForm {
  /** As in configs, files and the command line. */
  readonly id: string;
  readonly label: string;
  /** One sentence for a screen: what changes when it is chosen. */
  readonly help: string;
  /** With what gates differ: with the image, with the dataset that is asked for, not within a run; or there are none. */
  readonly varies: 'by-image' | 'by-dataset' | 'by-run' | 'never';
  /** Whether {@link trace} gives something else in training than in evaluation. */
  readonly differsInTraining: boolean;
  /** What the gate of a method is computed from. */
  readonly reads: (method: GatedMethod) => GateSource;
  /** Absent: every module is kept. */
  readonly budget?: BudgetRule;
  /**
   * Trainable tensors for all modules of a block at once. Their learning rate is the gates', times their own `rate`.
   * @param datasets how many datasets the config tells apart; 0 for a form that does not vary by dataset.
   */
  readonly tensors: (
    methods: readonly GatedMethod[],
    site: EncoderSite,
    datasets: number,
  ) => readonly TensorSpec[];
  /**
   * A module's gate outside of training, null where it always contributes fully; absent in forms whose gates differ from image to
   * image.
   * @param values of the tensors that the form declared for the block, by name. @param dataset the index of the one that is asked for.
   */
  readonly constant?: (
    method: string,
    values: (name: string) => Float32Array,
    dataset: number,
  ) => number | null;
  /**
   * The gates of a block's modules that read one source.
   * @param methods the methods of these modules, in the registry's order.
   * @returns a gate for each of them, in the same order.
   */
  readonly trace: (methods: readonly GatedMethod[], context: GateContext) => readonly Gate[];
}
