import { attentionSizeOf, type SamConfig } from '../config/sam.ts';
import type { Tensor } from '../graph/graph.ts';
import { axis } from '../graph/shape.ts';
import { gelu } from '../ops/activation/activation.ts';
import { add } from '../ops/add/add.ts';
import { attention } from '../ops/attention/attention.ts';
import { prependTokens } from '../ops/prepend-tokens/prepend-tokens.ts';
import { relPosBias } from '../ops/rel-pos-bias/rel-pos-bias.ts';
import { windowPartition, windowUnpartition } from '../ops/window-partition/window-partition.ts';
import { layernormOf, linearOf } from './layers.ts';
import type { EncoderSite } from './site.ts';
import type { BlockHooks, BlockSlots } from './slots.ts';
import type { WeightSource } from './weight-source.ts';

/** The block of a site of the image encoder: x [B, H, W, C] → [B, H, W, C]. */
export function traceEncoderBlock(
  config: SamConfig,
  site: EncoderSite,
  x: Tensor,
  weights: WeightSource,
  slots?: BlockSlots,
): Tensor {
  const name = `image_encoder.blocks.${site.index}`;
  const u = layernormOf(weights, `${name}.norm1`, x, config.layerNormEps);
  const hooks = slots?.(site, u) ?? {};
  const attended = traceAttention(config, site, u, weights, hooks);
  const afterAttention = add(x, hooks.attentionOut?.(attended) ?? attended);
  const hidden = linearOf(
    weights,
    `${name}.mlp.lin1`,
    layernormOf(weights, `${name}.norm2`, afterAttention, config.layerNormEps),
    config.mlpDim,
  );
  const f = linearOf(weights, `${name}.mlp.lin2`, gelu(hidden), site.width);
  return add(afterAttention, hooks.mlpOut?.(f) ?? f);
}

function traceAttention(
  config: SamConfig,
  site: EncoderSite,
  u: Tensor,
  weights: WeightSource,
  hooks: BlockHooks,
): Tensor {
  const name = `image_encoder.blocks.${site.index}.attn`;
  const { width, heads, window } = site;
  const side = attentionSizeOf(config, site.index);
  const input = window > 0 ? windowPartition(u, window) : u;
  const projected = {
    q: linearOf(weights, `${name}.q`, input, width, config.qkvBias),
    k: linearOf(weights, `${name}.k`, input, width, config.qkvBias),
    v: linearOf(weights, `${name}.v`, input, width, config.qkvBias),
  };
  const hooked = hooks.qkv?.(input, projected) ?? projected;
  const tokens = [axis(input.shape, 0), side * side, width];
  const [q, k, v] = [hooked.q.view(tokens), hooked.k.view(tokens), hooked.v.view(tokens)];
  const relPos = config.useRelPos
    ? relPosBias(
        q,
        weights(`${name}.rel_pos_h`, [2 * side - 1, width / heads]),
        weights(`${name}.rel_pos_w`, [2 * side - 1, width / heads]),
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
  const out = linearOf(weights, `${name}.proj`, attended.view(input.shape), width);
  return window > 0 ? windowUnpartition(out, window, u.shape) : out;
}
