import { gridOf } from '../../../config/sam.ts';
import type { Tensor } from '../../../graph/graph.ts';
import { add } from '../../../ops/add/add.ts';
import { patchify } from '../../../ops/patchify/patchify.ts';
import { addBlock, canAdaptBlockTensor, prepareBlockTensor } from '../../checkpoint/block-tensors.ts';
import { addConv, type ShapeMap } from '../../checkpoint/layer-shapes.ts';
import { traceEncoderBlock } from '../../encoder-block.ts';
import { patchConvOf } from '../../layers.ts';
import { addNeck, traceNeck } from '../../neck.ts';
import type { EncoderSite } from '../../site.ts';
import type { WeightSource } from '../../weight-source.ts';
import type { Encoder } from '../encoder.ts';
import {
  inferVitConfig,
  parseVitConfig,
  type VitConfig,
  type VitSam,
  vitContradictions,
  vitHfConfig,
  vitSites,
} from './config.ts';

const PATCH_EMBED = 'image_encoder.patch_embed.proj';
const POS_EMBED = 'image_encoder.pos_embed';

/** SAM's image encoder (segment_anything/modeling/image_encoder.py) in channels-last layout. */
export const vit: Encoder<VitConfig> = {
  id: 'vit',
  hfNames: [
    ['vision_encoder.pos_embed', POS_EMBED],
    ['vision_encoder.patch_embed.projection.', `${PATCH_EMBED}.`],
    ['vision_encoder.layers.#.layer_norm#.', 'image_encoder.blocks.#.norm#.'],
    ['vision_encoder.layers.#.', 'image_encoder.blocks.#.'],
  ],
  hfConfig: vitHfConfig,
  recognises: (shapes) => shapes.has(`${PATCH_EMBED}.weight`),
  inferConfig: inferVitConfig,
  parseConfig: parseVitConfig,
  contradictions: vitContradictions,
  sites: vitSites,
  tensorShapes: (config) => {
    const { hiddenSize: C, useAbsPos } = config.encoder;
    const [grid, P] = [gridOf(config), config.stride];
    const shapes: ShapeMap = new Map();
    if (useAbsPos) shapes.set(POS_EMBED, [1, grid, grid, C]);
    addConv(shapes, PATCH_EMBED, [C, 3, P, P], C);
    for (const site of vitSites(config)) addBlock(shapes, site);
    addNeck(shapes, config, C);
    return shapes;
  },
  canAdapt: canAdaptBlockTensor,
  prepare: (_, name, shape) => prepareBlockTensor(name, shape),
  intermediateWidth: (config) => (firstGlobal(config) ? config.encoder.hiddenSize : null),
  trace: ({ config, image, weights, slots, onBlock }) => {
    const early = firstGlobal(config);
    let x = tracePatchEmbed(config, image, weights);
    let intermediate: Tensor | null = null;
    for (const site of vitSites(config)) {
      x = traceEncoderBlock(site, x, weights, slots);
      x = onBlock?.(site.index, x) ?? x;
      if (site.index === early?.index) intermediate = x;
    }
    return { embedding: traceNeck(config, x, weights), ...(intermediate && { intermediate }) };
  },
};

/** The block whose output are the intermediate features. */
function firstGlobal(config: VitSam): EncoderSite | undefined {
  return vitSites(config).find(({ window }) => window === 0);
}

/** Patches to tokens with their absolute position: image [B, 3, S, S] → [B, H, W, C]. */
function tracePatchEmbed(config: VitSam, image: Tensor, weights: WeightSource): Tensor {
  const { hiddenSize: C, useAbsPos } = config.encoder;
  const P = config.stride;
  const tokens = patchConvOf(weights, PATCH_EMBED, patchify(image, P), [C, 3, P, P], true);
  if (!useAbsPos) return tokens;
  const grid = gridOf(config);
  return add(tokens, weights(POS_EMBED, [1, grid, grid, C]).view([grid, grid, C]));
}
