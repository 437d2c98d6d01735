import type { Tensor } from '../../../graph/graph.ts';
import { lastOf } from '../../../graph/shape.ts';
import { gelu } from '../../../ops/activation/activation.ts';
import { add } from '../../../ops/add/add.ts';
import { depthwiseConv3 } from '../../../ops/depthwise-conv3/depthwise-conv3.ts';
import { im2col3 } from '../../../ops/im2col3/im2col3.ts';
import { patchify } from '../../../ops/patchify/patchify.ts';
import { scale } from '../../../ops/scale/scale.ts';
import { windowPartition } from '../../../ops/window-partition/window-partition.ts';
import { traceEncoderBlock } from '../../encoder-block.ts';
import { patchConvOf } from '../../layers.ts';
import { traceNeck } from '../../neck.ts';
import type { EncoderSite } from '../../site.ts';
import type { WeightSource } from '../../weight-source.ts';
import type { Encoder } from '../encoder.ts';
import {
  hiddenWidth,
  inferTinyVitConfig,
  mergeStride,
  parseTinyVitConfig,
  STEM,
  stageName,
  stageOf,
  type TinyVitConfig,
  tinyVitContradictions,
  tinyVitSites,
} from './config.ts';
import { isSpareTensor, prepareTinyVitTensor, tinyVitBlocks, tinyVitShapes } from './tensors.ts';

/** TinyViT (arXiv 2207.10666) in the form that SAMs have it, in channels-last layout and with batch norms folded. */
export const tinyVit: Encoder<TinyVitConfig> = {
  id: 'tiny-vit',
  hfNames: [],
  recognises: (shapes) => shapes.has(`${STEM[0]}.c.weight`),
  inferConfig: inferTinyVitConfig,
  parseConfig: parseTinyVitConfig,
  contradictions: tinyVitContradictions,
  sites: tinyVitSites,
  tensorShapes: tinyVitShapes,
  isSpare: isSpareTensor,
  canAdapt: () => false,
  prepare: prepareTinyVitTensor,
  stored: tinyVitBlocks,
  intermediateWidth: ({ encoder: { widths } }) => widths.at(-2) ?? null,
  trace: ({ config, image, weights, slots, onBlock }) => {
    const { encoder } = config;
    const sites = tinyVitSites(config);
    let x = traceStem(encoder, image, weights);
    let intermediate: Tensor | null = null;
    for (const [stage, depth] of encoder.depths.entries()) {
      // The first whose grid is the embedding's: the merge behind it keeps the grid.
      if (stage === encoder.widths.length - 2) intermediate = x;
      if (stage === 0) {
        for (let i = 0; i < depth; i++)
          x = traceConvBlock(encoder, `${stageName(0)}.blocks.${i}`, x, weights);
      }
      for (const site of sites.filter((candidate) => stageOf(candidate) === stage)) {
        x = traceEncoderBlock(site, x, weights, slots, {
          windows: (u, own) => paddedWindows(site, u, own),
          attentionBias: (own) => own('attn.bias', [site.heads, site.window ** 2, site.window ** 2]),
          beforeMlp: (afterAttention, own) => depthwiseOf(own, 'local_conv', afterAttention),
        });
        x = onBlock?.(site.index, x) ?? x;
      }
      const next = encoder.widths[stage + 1];
      if (next)
        x = traceMerge(`${stageName(stage)}.downsample`, x, next, mergeStride(stage, encoder), weights);
    }
    return { embedding: traceNeck(config, x, weights), ...(intermediate && { intermediate }) };
  },
};

/** Image [B, 3, S, S] → [B, H, W, C] of the first stage. */
function traceStem(
  { stemKernel: k, widths: [width = 0] }: TinyVitConfig,
  image: Tensor,
  weights: WeightSource,
) {
  const conv = (name: string, x: Tensor, out: number) =>
    k === 3
      ? patchConvOf(weights, name, im2col3(x, 2), [out, lastOf(x.shape), 3, 3], true)
      : pointwiseOf(weights, name, x, out);
  // Patches of one pixel: channels last.
  return conv(STEM[1], gelu(conv(STEM[0], patchify(image, 1), width / 2)), width);
}

/** An inverted bottleneck (MBConv) of the first stage. */
function traceConvBlock(encoder: TinyVitConfig, name: string, x: Tensor, weights: WeightSource): Tensor {
  const wide = gelu(pointwiseOf(weights, `${name}.conv1`, x, hiddenWidth(0, encoder)));
  const mixed = gelu(depthwiseOf(weights, `${name}.conv2`, wide));
  return gelu(add(x, pointwiseOf(weights, `${name}.conv3`, mixed, lastOf(x.shape))));
}

/** To the next stage's width, and to half the grid with stride 2. */
function traceMerge(name: string, x: Tensor, width: number, stride: 1 | 2, weights: WeightSource): Tensor {
  const wide = gelu(pointwiseOf(weights, `${name}.conv1`, x, width));
  const merged = gelu(depthwiseOf(weights, `${name}.conv2`, wide, stride));
  return pointwiseOf(weights, `${name}.conv3`, merged, width);
}

/**
 * Cuts what the block's norm gives into windows. TinyViT pads before its norm, which makes its bias of zeros: the padding
 * tokens are that bias, where SAM's are zero.
 */
function paddedWindows({ window, fillsWithBias }: EncoderSite, u: Tensor, weights: WeightSource): Tensor {
  if (!fillsWithBias) return windowPartition(u, window);
  const bias = weights('norm1.bias', [lastOf(u.shape)]);
  return add(windowPartition(add(u, scale(bias, -1)), window), bias);
}

function pointwiseOf(weights: WeightSource, name: string, x: Tensor, out: number): Tensor {
  return patchConvOf(weights, name, x, [out, lastOf(x.shape), 1, 1], true);
}

function depthwiseOf(weights: WeightSource, name: string, x: Tensor, stride = 1): Tensor {
  const channels = lastOf(x.shape);
  return depthwiseConv3(
    x,
    weights(`${name}.weight`, [9, channels]),
    weights(`${name}.bias`, [channels]),
    stride,
  );
}
