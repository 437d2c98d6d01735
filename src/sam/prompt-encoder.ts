import { gridOf, lowResOf, type SamConfig } from '../config/sam.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import { axis } from '../graph/shape.ts';
import { gelu } from '../ops/activation/activation.ts';
import { pointEmbed } from '../ops/point-embed/point-embed.ts';
import { spaceToDepth } from '../ops/space-to-depth/space-to-depth.ts';
import { layernormOf, patchConvOf } from './layers.ts';
import { graphInputs, type WeightSource } from './weight-source.ts';

/** Prompts of N objects, T tokens each. Without tokens (a mask alone) coords and labels are null. */
export interface PromptTensors {
  /** [N, T, 2] as (x, y) in model pixels. */
  readonly coords: Tensor | null;
  /** [N, T]: −1 padding point, 0 negative, 1 positive, 2 and 3 the corners of a box. */
  readonly labels: Tensor | null;
  /** Logits of an earlier mask [N, 4h, 4w]; null: no mask prompt. */
  readonly maskInput: Tensor | null;
}

/** What the decoder takes of the prompts. */
export interface PromptEmbeddings {
  /** [N, T, D], or null without tokens. */
  readonly sparse: Tensor | null;
  /** [N, h, w, D] of masks; without them [D], the same for every object and cell. */
  readonly dense: Tensor;
}

/** SAM's prompt encoder (segment_anything/modeling/prompt_encoder.py). Points, boxes and padding points come as tokens. */
export function tracePromptEncoder(
  graph: Graph,
  config: SamConfig,
  { coords, labels, maskInput }: PromptTensors,
  weights: WeightSource = graphInputs(graph),
): PromptEmbeddings {
  const sparse = coords && labels && traceTokens(config, coords, labels, weights);
  if (maskInput) return { sparse, dense: traceMaskPrompt(config, maskInput, weights) };
  if (!coords) throw new RangeError('prompt encoder: neither tokens nor a mask');
  const D = config.outputChannels;
  return { sparse, dense: weights('prompt_encoder.no_mask_embed.weight', [1, D]).view([D]) };
}

function traceTokens(config: SamConfig, coords: Tensor, labels: Tensor, weights: WeightSource): Tensor {
  const table = pointTable(config, weights);
  return pointEmbed(coords, labels, gaussianOf(config, weights), table, config.imageSize);
}

/** What is added for a point of each kind, [5, D]; the first row is the token that stands for no point. */
export function pointTable({ outputChannels }: SamConfig, weights: WeightSource): Tensor {
  return weights('prompt_encoder.point_table', [5, outputChannels]);
}

/**
 * The positional encoding of the embedding's cells, [h, w, D].
 * @param coords the centres of the cells, [1, h·w, 2]; see {@link cellCoords}.
 */
export function traceImagePe(
  graph: Graph,
  config: SamConfig,
  coords: Tensor,
  weights: WeightSource = graphInputs(graph),
): Tensor {
  const grid = gridOf(config);
  const cells = pointEmbed(coords, null, gaussianOf(config, weights), null, grid, { noOffset: true });
  return cells.view([grid, grid, config.outputChannels]);
}

/** Centres of the grid's cells in units of a cell, (x + 0.5, y + 0.5) in rows: [1, h·w, 2]. */
export function cellCoords(config: SamConfig): Float32Array {
  const grid = gridOf(config);
  return Float32Array.from({ length: grid * grid * 2 }, (_, i) => {
    const cell = Math.floor(i / 2);
    return (i % 2 === 0 ? cell % grid : Math.floor(cell / grid)) + 0.5;
  });
}

function gaussianOf(config: SamConfig, weights: WeightSource): Tensor {
  return weights('prompt_encoder.pe_layer.positional_encoding_gaussian_matrix', [
    2,
    config.outputChannels / 2,
  ]);
}

function traceMaskPrompt(config: SamConfig, mask: Tensor, weights: WeightSource): Tensor {
  const { maskInputChannels: m, outputChannels: D, layerNormEps } = config;
  const name = 'prompt_encoder.mask_downscaling';
  const side = lowResOf(config);
  const pixels = mask.view([axis(mask.shape, 0), side, side, 1]);
  const first = patchConvOf(weights, `${name}.0`, spaceToDepth(pixels), [m / 4, 1, 2, 2], true);
  const half = gelu(layernormOf(weights, `${name}.1`, first, layerNormEps));
  const second = patchConvOf(weights, `${name}.3`, spaceToDepth(half), [m, m / 4, 2, 2], true);
  const quarter = gelu(layernormOf(weights, `${name}.4`, second, layerNormEps));
  return patchConvOf(weights, `${name}.6`, quarter, [D, m, 1, 1], true);
}
