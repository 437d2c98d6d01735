import { type EncoderConfig, SAM_DEFAULTS, SAM_PREPROCESSING, type SamConfig } from '../config/sam.ts';
import { patchify } from '../ops/patchify/patchify.ts';
import { spaceToDepth } from '../ops/space-to-depth/space-to-depth.ts';
import { addBlock, canAdaptBlockTensor, prepareBlockTensor } from '../sam/checkpoint/block-tensors.ts';
import { addLinear, type ShapeMap } from '../sam/checkpoint/layer-shapes.ts';
import { traceEncoderBlock } from '../sam/encoder-block.ts';
import type { Encoder } from '../sam/encoders/encoder.ts';
import { linearOf } from '../sam/layers.ts';
import { addNeck, traceNeck } from '../sam/neck.ts';
import type { EncoderSite } from '../sam/site.ts';

interface TwoStageConfig extends EncoderConfig {
  readonly kind: 'two-stage';
  /** Of the first block, on patches of half the stride, and of the second, on patches of the stride. */
  readonly widths: readonly [number, number];
}

type TwoStageSam = SamConfig<TwoStageConfig>;

const STEM = 'image_encoder.stem';
const MERGE = 'image_encoder.merge';

/** A second encoder for tests: two blocks of different width, grid and window, with a merge of 2 × 2 tokens between them. */
export const twoStage: Encoder<TwoStageConfig> = {
  id: 'two-stage',
  hfNames: [],
  recognises: (shapes) => shapes.has(`${STEM}.weight`),
  inferConfig: (shapes) => ({
    imageSize: 32,
    stride: 2 * Math.sqrt(shapes.axis(`${STEM}.weight`, 1) / 3),
    encoder: {
      kind: 'two-stage',
      widths: [shapes.axis(`${STEM}.weight`, 0), shapes.axis(`${MERGE}.weight`, 0)],
    },
  }),
  parseConfig: () => null,
  contradictions: () => [],
  sites,
  tensorShapes: (config) => {
    const { stride, encoder } = config;
    const [first, second] = encoder.widths;
    const shapes: ShapeMap = new Map();
    addLinear(shapes, STEM, 3 * (stride / 2) ** 2, first);
    addLinear(shapes, MERGE, 4 * first, second);
    for (const site of sites(config)) addBlock(shapes, site);
    addNeck(shapes, config, second);
    return shapes;
  },
  canAdapt: canAdaptBlockTensor,
  prepare: (_, name, shape) => prepareBlockTensor(name, shape),
  intermediateWidth: () => null,
  trace: ({ config, image, weights, slots, onBlock }) => {
    let x = linearOf(weights, STEM, patchify(image, config.stride / 2), config.encoder.widths[0]);
    for (const site of sites(config)) {
      if (site.index === 1) x = linearOf(weights, MERGE, spaceToDepth(x), site.width);
      x = traceEncoderBlock(site, x, weights, slots);
      x = onBlock?.(site.index, x) ?? x;
    }
    return { embedding: traceNeck(config, x, weights) };
  },
};

function sites({ imageSize, stride, encoder }: TwoStageSam): EncoderSite[] {
  const grid = imageSize / stride;
  return encoder.widths.map((width, index) => ({
    index,
    name: `image_encoder.stages.${index}.block`,
    width,
    attentionWidth: width,
    mlpWidth: 2 * width,
    heads: index + 1,
    grid: index === 0 ? [2 * grid, 2 * grid] : [grid, grid],
    window: index === 0 ? 4 : 0,
    qkvBias: true,
    useRelPos: true,
    layerNormEps: 1e-6,
  }));
}

/** A SAM with that encoder. */
export const TWO_STAGE_SAM: TwoStageSam = {
  ...SAM_DEFAULTS,
  imageSize: 32,
  stride: 8,
  outputChannels: 16,
  encoder: { kind: 'two-stage', widths: [8, 24] },
  decoder: { ...SAM_DEFAULTS.decoder, mlpDim: 16, iouHidden: 16, numHeads: 2 },
  maskInputChannels: 8,
  preprocessing: SAM_PREPROCESSING,
};
