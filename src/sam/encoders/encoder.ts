import type { EncoderConfig, SamConfig } from '../../config/sam.ts';
import type { Tensor } from '../../graph/graph.ts';
import type { Shape } from '../../graph/shape.ts';
import type { ShapeReader } from '../checkpoint/shape-reader.ts';
import type { HostTensor } from '../checkpoint/tensor-file.ts';
import type { ToldConfig } from '../checkpoint/told-config.ts';
import type { EncoderSite } from '../site.ts';
import type { BlockSlots } from '../slots.ts';
import type { WeightSource } from '../weight-source.ts';

/** What an encoder says of a SAM's config; the rest is read for all encoders alike. */
export type EncoderPart<E extends EncoderConfig> = Pick<SamConfig<E>, 'imageSize' | 'stride' | 'encoder'>;

/** How tensors' names begin in Hugging Face's or another naming and in SAM's, `#` being a number; whole names where they end without a dot. */
export type HfName = readonly [other: string, sam: string];

/** A tensor as the engine holds it. */
export interface PreparedTensor {
  readonly name: string;
  readonly shape: Shape;
  /** Other tensors of the checkpoint that it is made of, by SAM's names; none by default. They are small. */
  readonly others?: readonly string[];
  /** Its values, from the checkpoint's tensor and from {@link others}, in their order. */
  readonly values: (tensor: HostTensor, others: readonly HostTensor[]) => Float32Array;
}

/** What the mask decoder reads of an image, in one form or another: tensors, shapes, buffers, values. */
export type Embeddings<T> = {
  /** The embedding, [h, w, D]. */
  readonly embedding: T;
  /** What an early part of the encoder gives, [h, w, C]; only an HQ-SAM has it. */
  readonly intermediate?: T;
  /** Features of finer grids, [4h, 4w, D/8] and [2h, 2w, D/4]; only a SAM 2 has them. */
  readonly highRes0?: T;
  readonly highRes1?: T;
};

/** One pass through an encoder while it is traced. */
export interface EncoderPass<E extends EncoderConfig> {
  readonly config: SamConfig<E>;
  /** Normalised and padded, [B, 3, S, S]. */
  readonly image: Tensor;
  readonly weights: WeightSource;
  /** Asked once for every site. */
  readonly slots: BlockSlots | undefined;
  /** Told the output [B, H, W, C] of every site's block, in order; what it gives takes the output's place. */
  readonly onBlock: ((index: number, x: Tensor) => Tensor | undefined) | undefined;
  /** Told, by a name of its own, what was made before blocks that do not read it, where it is read; what it gives takes its place. */
  readonly onSkip?: ((name: string, x: Tensor) => Tensor) | undefined;
}

/** How a checkpoint holds the norms and linear layers of its blocks, where it is not SAM's way. */
export interface StoredBlocks {
  /** A tensor's name there by SAM's, in a block of the checkpoint's name: `….norm1.weight`, `….attn.qkv.bias`. */
  readonly nameOf: (name: string) => string;
  /** The rows of `qkv` [3·C, …] as a checkpoint has them → all of q, all of k, all of v. */
  readonly splitQkv: (stored: Float32Array, heads: number) => Float32Array;
  /** The other way. */
  readonly joinQkv: (split: Float32Array, heads: number) => Float32Array;
}

/**
 * One kind of image encoder: everything that the rest of the program knows of it. A new encoder is a folder with one of these
 * and a line in `registry.ts`.
 */
export interface Encoder<E extends EncoderConfig = EncoderConfig> {
  /** `kind` of its config. */
  readonly id: E['kind'];
  /** Names of its tensors; the first pair that fits counts. Empty where Hugging Face has no such model. */
  readonly hfNames: readonly HfName[];
  /** Names in the files of its own program, where they are not SAM's, for the whole model; the first pair that fits counts. */
  readonly ownNames?: readonly HfName[];
  /** Its sizes as `vision_config` of a Hugging Face SamModel; absent, or null, where there is no such model. */
  readonly hfConfig?: (config: SamConfig<E>) => Readonly<Record<string, unknown>> | null;
  /** Whether a checkpoint has this encoder. @param shapes every tensor's, by SAM's names. */
  readonly recognises: (shapes: ReadonlyMap<string, Shape>) => boolean;
  /**
   * The sizes of a checkpoint's encoder: those that its shapes tell, and of the others what files say, else the usual ones
   * with a remark. @throws Failure `checkpoint/missing`, `checkpoint/shape`, `config/invalid`.
   */
  readonly inferConfig: (shapes: ShapeReader, told: ToldConfig) => EncoderPart<E>;
  /**
   * The sizes that a `config.json` alone tells, or null when it describes no encoder of this kind.
   * @param where the file's name, for messages. @throws Failure `config/invalid`.
   */
  readonly parseConfig: (json: unknown, where: string) => EncoderPart<E> | null;
  /** What contradicts itself in a config, each as a clause in the words of `config.json`. */
  readonly contradictions: (config: SamConfig<E>) => readonly string[];
  /** Where modules can stand, by index. */
  readonly sites: (config: SamConfig<E>) => readonly EncoderSite[];
  /** Every tensor by SAM's name, with its shape in a checkpoint. */
  readonly tensorShapes: (config: SamConfig<E>) => ReadonlyMap<string, Shape>;
  /** Whether a tensor that {@link tensorShapes} does not name may be left alone without a word; default: none. */
  readonly isSpare?: (name: string) => boolean;
  /** Whether {@link prepare} takes a tensor of another shape than {@link tensorShapes} names. */
  readonly canAdapt: (name: string, found: Shape, expected: Shape) => boolean;
  /** What the engine makes of one of {@link tensorShapes}. */
  readonly prepare: (config: SamConfig<E>, name: string, shape: Shape) => readonly PreparedTensor[];
  /** How a checkpoint holds the blocks; default: under SAM's names, in SAM's order. */
  readonly stored?: StoredBlocks;
  /** Width C of the intermediate features of {@link trace}; null where the encoder has none. */
  readonly intermediateWidth: (config: SamConfig<E>) => number | null;
  /** Whether {@link trace} gives the features of finer grids that SAM 2's decoder reads; default: it does not. */
  readonly hasHighRes?: boolean;
  /** Image [B, 3, S, S] → embedding [B, h, w, D], intermediate features [B, h, w, C] of an early part, and those of finer grids. */
  readonly trace: (pass: EncoderPass<E>) => Embeddings<Tensor>;
}

/** An encoder with the type of its config forgotten, as the registry holds it; configs are parsed before they reach it. */
// biome-ignore lint/suspicious/noExplicitAny: the config's type is known only to the encoder itself
export type AnyEncoder = Encoder<any>;
