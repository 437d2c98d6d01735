import type { Tensor } from '../../../graph/graph.ts';
import { axis, lastOf } from '../../../graph/shape.ts';
import { gelu } from '../../../ops/activation/activation.ts';
import { add } from '../../../ops/add/add.ts';
import { attention } from '../../../ops/attention/attention.ts';
import { maxPool } from '../../../ops/max-pool/max-pool.ts';
import { patchify } from '../../../ops/patchify/patchify.ts';
import { windowPartition, windowUnpartition } from '../../../ops/window-partition/window-partition.ts';
import { traceEncoderBlock } from '../../encoder-block.ts';
import { layernormOf, linearOf, patchConvOf, transposedConvOf } from '../../layers.ts';
import type { WeightSource } from '../../weight-source.ts';
import type { Encoder } from '../encoder.ts';
import {
  type HieraBlock,
  type HieraConfig,
  type HieraSam,
  hiddenWidth,
  hieraBlocks,
  hieraContradictions,
  hieraHfConfig,
  hieraSites,
  inferHieraConfig,
  PATCH_EMBED,
  POS_EMBED,
  POS_EMBED_WINDOW,
  parseHieraConfig,
  STEM_STRIDE,
  sitesByName,
  stageGrid,
} from './config.ts';
import {
  COARSER,
  EMBEDDING,
  ENGINE_KERNEL,
  FINER,
  HIERA_HF_NAMES,
  hieraShapes,
  prepareHieraTensor,
  SAM2_NAMES,
} from './tensors.ts';

/** The image encoder of SAM 2 (sam2/modeling/backbones/hieradet.py and image_encoder.py), for images alone, in channels-last layout. */
export const hiera: Encoder<HieraConfig> = {
  id: 'hiera',
  hfNames: HIERA_HF_NAMES,
  ownNames: SAM2_NAMES,
  hfConfig: hieraHfConfig,
  recognises: (shapes) => shapes.has(POS_EMBED_WINDOW),
  inferConfig: inferHieraConfig,
  parseConfig: parseHieraConfig,
  contradictions: hieraContradictions,
  sites: hieraSites,
  tensorShapes: hieraShapes,
  canAdapt: () => false,
  prepare: prepareHieraTensor,
  intermediateWidth: () => null,
  hasHighRes: true,
  trace: ({ config, image, weights, slots, onBlock, onSkip }) => {
    const { outputChannels: D } = config;
    const sites = sitesByName(config);
    const blocks = hieraBlocks(config);
    const narrow = (name: string, features: Tensor, out: number) =>
      patchConvOf(weights, name, features, [out, lastOf(features.shape), 1, 1], true);
    // Each level of the pyramid as soon as its stage is over, so that what lies below the first module ends where that does.
    const levels: Tensor[] = [];
    let x = traceStem(config, image, weights);
    for (const block of blocks) {
      const site = sites.get(block.name);
      x = site ? traceEncoderBlock(site, x, weights, slots) : traceTransition(config, block, x, weights);
      if (site) x = onBlock?.(site.index, x) ?? x;
      if (blocks[block.number + 1]?.stage === block.stage) continue;
      const [name, width] = LEVELS[block.stage] ?? [];
      if (name && width) levels.push(narrow(name, x, D / width));
    }
    const [highRes0 = x, highRes1 = x, level = x] = levels;
    // The pyramid's top has no bias of its own: the embedding's holds it.
    const coarser = transposedConvOf(weights, COARSER, x, D, false);
    return { embedding: add(onSkip?.('level', level) ?? level, coarser), highRes0, highRes1 };
  },
};

/** Of the first three stages the convolution to its level of the pyramid, and by what the embedding's width is divided there. */
const LEVELS = [
  [FINER[0], 8],
  [FINER[1], 4],
  [EMBEDDING, 1],
] as const;

/** Patches that overlap, with their position: image [B, 3, S, S] → [B, S/4, S/4, C]. */
function traceStem(config: HieraSam, image: Tensor, weights: WeightSource): Tensor {
  const [width = 0] = config.encoder.widths;
  const k = ENGINE_KERNEL;
  const tokens = patchConvOf(weights, PATCH_EMBED, patchify(image, k, STEM_STRIDE), [width, 3, k, k], true);
  const grid = stageGrid(0, config);
  return add(tokens, weights(POS_EMBED, [grid, grid, width]));
}

/** The first block of a stage: x [B, H, W, C] → [B, H/2, W/2, C′], of whose queries and residual the largest of 2 × 2 are taken. */
function traceTransition(config: HieraSam, block: HieraBlock, x: Tensor, weights: WeightSource): Tensor {
  const { name, width, heads, window } = block;
  const { layerNormEps } = config;
  const u = layernormOf(weights, `${name}.norm1`, x, layerNormEps);
  const residual = maxPool(linearOf(weights, `${name}.proj`, u, width));
  const windows = windowPartition(u, window);
  const project = (part: 'q' | 'k' | 'v') => linearOf(weights, `${name}.attn.${part}`, windows, width);
  const count = axis(windows.shape, 0);
  const half = window / 2;
  const mixed = attention(
    maxPool(project('q')).view([count, half * half, width]),
    project('k').view([count, window * window, width]),
    project('v').view([count, window * window, width]),
    { relPos: null, bias: null, mass: null },
    { heads, prefix: 0, gridW: window },
  ).view([count, half, half, width]);
  const attended = windowUnpartition(
    linearOf(weights, `${name}.attn.proj`, mixed, width),
    half,
    residual.shape,
  );
  const sum = add(residual, attended);
  const normed = layernormOf(weights, `${name}.norm2`, sum, layerNormEps);
  const hidden = gelu(linearOf(weights, `${name}.mlp.lin1`, normed, hiddenWidth(block, config)));
  return add(sum, linearOf(weights, `${name}.mlp.lin2`, hidden, width));
}
