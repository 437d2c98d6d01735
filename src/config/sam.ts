/** How an image becomes the model's input; kept in the adapter's file so that a tuned model sees what it was trained on. */
export interface PreprocessingRecord {
  /** `keep`: the longer side to `imageSize`, padded right and below (SAM). `stretch`: both sides to `imageSize` (MedSAM). */
  readonly aspect: 'keep' | 'stretch';
  /**
   * What happens to the values after the resize: (v − mean) / std with v from 0 to `range` (255 as in SAM, 1 as in Hugging
   * Face), or (v − min) / (max − min) of the image (MedSAM).
   */
  readonly normalisation:
    | { readonly kind: 'mean-std'; readonly mean: Rgb; readonly std: Rgb; readonly range: 255 | 1 }
    | { readonly kind: 'min-max' };
}

type Rgb = readonly [number, number, number];

/**
 * Whose mask decoder it is. HQ-SAM's has a token and layers that refine every mask by the encoder's intermediate features; SAM 2's
 * reads features of two finer grids, has a token that tells whether there is an object, and predicts the IoU by a sigmoid.
 */
export type DecoderKind = 'sam' | 'hq' | 'sam2';

/** The mask decoder's sizes. Its width is the encoder's `outputChannels`. */
export interface SamDecoderConfig {
  /** Layers of the two-way transformer. */
  readonly depth: number;
  readonly numHeads: number;
  readonly mlpDim: number;
  /** Cross-attentions work at the width divided by this. */
  readonly attentionDownsampleRate: number;
  /** Linear layers of the head that predicts the IoU. */
  readonly iouHeadDepth: number;
  readonly iouHidden: number;
  /** Of the transformer's LayerNorms. */
  readonly layerNormEps: number;
  readonly kind: DecoderKind;
}

/** The sizes of an image encoder. What they are depends on `kind`, and only the encoder of that kind reads them. */
export interface EncoderConfig {
  /** An id of `sam/encoders/registry.ts`. */
  readonly kind: string;
}

/** Everything that decides the shapes of a SAM. Sizes in pixels, tokens or channels as the name says. */
export interface SamConfig<E extends EncoderConfig = EncoderConfig> {
  /** Side of the square input, pixels. */
  readonly imageSize: number;
  /** Side of the pixels' square that one cell of the embedding stands for. */
  readonly stride: number;
  /** Width D of the embedding, the prompts and the decoder. */
  readonly outputChannels: number;
  readonly encoder: E;
  /** Channels of a mask prompt before it meets the embedding's width. */
  readonly maskInputChannels: number;
  /** Of the encoder's and the neck's LayerNorms, and of every LayerNorm2d. */
  readonly layerNormEps: number;
  readonly decoder: SamDecoderConfig;
  readonly preprocessing: PreprocessingRecord;
}

/** Mask tokens of the decoder: one for unambiguous prompts, three candidates. */
export const MASK_TOKENS = 4;

/** SAM's own numbers (segment_anything/build_sam.py). */
export const SAM_PREPROCESSING: PreprocessingRecord = {
  aspect: 'keep',
  normalisation: {
    kind: 'mean-std',
    mean: [123.675, 116.28, 103.53],
    std: [58.395, 57.12, 57.375],
    range: 255,
  },
};

/** SAM 2's: the same numbers, on images that are stretched to the square (sam2/utils/transforms.py). */
export const SAM2_PREPROCESSING: PreprocessingRecord = { ...SAM_PREPROCESSING, aspect: 'stretch' };

/** How a model's images are prepared where no file says it. */
export function usualPreprocessing(kind: DecoderKind): PreprocessingRecord {
  return kind === 'sam2' ? SAM2_PREPROCESSING : SAM_PREPROCESSING;
}

/** The record with the side of the model's square, as decoding an image needs it. */
export function imageRecordOf({
  imageSize,
  preprocessing,
}: SamConfig): PreprocessingRecord & { readonly size: number } {
  return { size: imageSize, ...preprocessing };
}

/** What the original code fixes and no file has to say. */
export const SAM_DEFAULTS = {
  maskInputChannels: 16,
  layerNormEps: 1e-6,
  decoder: {
    depth: 2,
    numHeads: 8,
    mlpDim: 2048,
    attentionDownsampleRate: 2,
    iouHeadDepth: 3,
    iouHidden: 256,
    layerNormEps: 1e-5,
    kind: 'sam',
  },
} as const;

/** What kind of model a config describes, for people. */
export function familyOf({ decoder }: SamConfig): 'SAM' | 'SAM-HQ' | 'SAM 2' {
  return FAMILIES[decoder.kind];
}

const FAMILIES = { sam: 'SAM', hq: 'SAM-HQ', sam2: 'SAM 2' } as const;

/** Side of the embedding's grid, cells. */
export function gridOf({ imageSize, stride }: SamConfig): number {
  return imageSize / stride;
}

/** Side of a mask that the decoder makes, four times the grid. */
export function lowResOf(config: SamConfig): number {
  return 4 * gridOf(config);
}
