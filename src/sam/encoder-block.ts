import { attentionSizeOf, gridOf, type SamConfig, windowOf } from '../config/sam.ts';
import type { Tensor } from '../graph/graph.ts';
import { axis } from '../graph/shape.ts';
import { gelu } from '../ops/activation/activation.ts';
import { add } from '../ops/add/add.ts';
import { attention } from '../ops/attention/attention.ts';
import { prependTokens } from '../ops/prepend-tokens/prepend-tokens.ts';
import { relPosBias } from '../ops/rel-pos-bias/rel-pos-bias.ts';
import { windowPartition, windowUnpartition } from '../ops/window-partition/window-partition.ts';
import { layernormOf, linearOf } from './layers.ts';
import type { BlockHooks, BlockSite, BlockSlots } from './slots.ts';
import type { WeightSource } from './weight-source.ts';

/** Block `index` of the image encoder: x [B, H, W, C] → [B, H, W, C]. */
export function traceEncoderBlock(
  config: SamConfig,
  index: number,
  x: Tensor,
  weights: WeightSource,
  slots?: BlockSlots,
): Tensor {
  const name = `image_encoder.blocks.${index}`;
  const u = layernormOf(weights, `${name}.norm1`, x, config.layerNormEps);
  const site = siteOf(config, index);
  const hooks = slots?.(site, u) ?? {};
  const attended = traceAttention(config, site, u, weights, hooks);
  const afterAttention = add(x, hooks.attentionOut?.(attended) ?? attended);
  const hidden = linearOf(
    weights,
    `${name}.mlp.lin1`,
    layernormOf(weights, `${name}.norm2`, afterAttention, config.layerNormEps),
    config.mlpDim,
  );
  const f = linearOf(weights, `${name}.mlp.lin2`, gelu(hidden), config.hiddenSize);
  return add(afterAttention, hooks.mlpOut?.(f) ?? f);
}

/** What plug-ins may know of block `index`. */
export function siteOf(config: SamConfig, index: number): BlockSite {
  const grid = gridOf(config);
  return {
    index,
    dim: config.hiddenSize,
    heads: config.numAttentionHeads,
    grid: [grid, grid],
    window: windowOf(config, index),
  };
}

function traceAttention(
  config: SamConfig,
  site: BlockSite,
  u: Tensor,
  weights: WeightSource,
  hooks: BlockHooks,
): Tensor {
  const name = `image_encoder.blocks.${site.index}.attn`;
  const { dim, heads, window } = site;
  const side = attentionSizeOf(config, site.index);
  const input = window > 0 ? windowPartition(u, window) : u;
  const projected = {
    q: linearOf(weights, `${name}.q`, input, dim, config.qkvBias),
    k: linearOf(weights, `${name}.k`, input, dim, config.qkvBias),
    v: linearOf(weights, `${name}.v`, input, dim, config.qkvBias),
  };
  const hooked = hooks.qkv?.(input, projected) ?? projected;
  const tokens = [axis(input.shape, 0), side * side, dim];
  const [q, k, v] = [hooked.q.view(tokens), hooked.k.view(tokens), hooked.v.view(tokens)];
  const relPos = config.useRelPos
    ? relPosBias(
        q,
        weights(`${name}.rel_pos_h`, [2 * side - 1, dim / heads]),
        weights(`${name}.rel_pos_w`, [2 * side - 1, dim / heads]),
        { heads, gridH: side, gridW: side },
      )
    : null;
  const prefix = hooks.prefix?.() ?? null;
  const attended = attention(
    q,
    prefix ? prependTokens(k, prefix.key) : k,
    prefix ? prependTokens(v, prefix.value) : v,
    relPos,
    prefix?.mass ?? null,
    { heads, prefix: prefix ? axis(prefix.key.shape, 1) : 0, gridW: side },
  );
  const out = linearOf(weights, `${name}.proj`, attended.view(input.shape), dim);
  return window > 0 ? windowUnpartition(out, window, u.shape) : out;
}
