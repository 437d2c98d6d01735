import type { Tensor } from '../graph/graph.ts';
import { axis } from '../graph/shape.ts';
import { gelu } from '../ops/activation/activation.ts';
import { add } from '../ops/add/add.ts';
import { attention } from '../ops/attention/attention.ts';
import { prependTokens } from '../ops/prepend-tokens/prepend-tokens.ts';
import { relPosBias } from '../ops/rel-pos-bias/rel-pos-bias.ts';
import { windowPartition, windowUnpartition } from '../ops/window-partition/window-partition.ts';
import { layernormOf, linearOf } from './layers.ts';
import { attentionGrid, type EncoderSite } from './site.ts';
import type { BlockHooks, BlockSlots, Slot } from './slots.ts';
import type { WeightSource } from './weight-source.ts';

/** What an encoder does otherwise than SAM's ViT in its blocks. Weights are asked for by SAM's names behind the site's. */
export interface BlockParts {
  /** Cuts norm1's output [B, H, W, C] into windows [Bw, window, window, C]; default: padded with zeros. */
  readonly windows?: (u: Tensor, weights: WeightSource) => Tensor;
  /** A bias of the scores of every window, [heads, N, N]. */
  readonly attentionBias?: (weights: WeightSource) => Tensor;
  /** What stands between attention's sum and norm2, on the grid. */
  readonly beforeMlp?: (x: Tensor, weights: WeightSource) => Tensor;
}

/** The transformer block of a site: x [B, H, W, C] → [B, H, W, C]. */
export function traceEncoderBlock(
  site: EncoderSite,
  x: Tensor,
  weights: WeightSource,
  slots?: BlockSlots,
  parts: BlockParts = {},
): Tensor {
  const block = blockOf(site, weights, slots?.(site) ?? {});
  const norm = (slot: 'norm1' | 'norm2', input: Tensor) =>
    block.at(slot, input, layernormOf(block.weights, slot, input, site.layerNormEps));
  const linear = (slot: 'lin1' | 'lin2', input: Tensor, width: number) =>
    block.at(slot, input, linearOf(block.weights, `mlp.${slot}`, input, width));

  const u = norm('norm1', x);
  const attended = block.at('attention', u, traceAttention(site, u, block, parts));
  const sum = add(x, attended);
  const afterAttention = parts.beforeMlp?.(sum, block.weights) ?? sum;
  const normed = norm('norm2', afterAttention);
  const inner = linear('lin1', normed, site.mlpWidth);
  const hidden = block.at('gelu', inner, gelu(inner));
  return add(afterAttention, block.at('mlp', normed, linear('lin2', hidden, site.width)));
}

/** A block with what methods change in it. */
interface Block {
  /** The block's own weights by SAM's names behind the site's. */
  readonly weights: WeightSource;
  readonly hooks: BlockHooks;
  /** A layer's output as methods leave it. */
  readonly at: (slot: Slot, input: Tensor, output: Tensor) => Tensor;
}

function blockOf(site: EncoderSite, weights: WeightSource, hooks: BlockHooks): Block {
  return {
    weights: (name, shape) => {
      const frozen = weights(`${site.name}.${name}`, shape);
      return hooks.weight?.(name, frozen) ?? frozen;
    },
    hooks,
    at: (slot, input, output) => hooks[slot]?.({ input, output }) ?? output,
  };
}

function traceAttention(
  site: EncoderSite,
  u: Tensor,
  { weights, hooks, at }: Block,
  { windows = (x) => windowPartition(x, site.window), attentionBias }: BlockParts,
): Tensor {
  const { width, attentionWidth, heads, window } = site;
  const [gridH, gridW] = attentionGrid(site);
  const input = window > 0 ? windows(u, weights) : u;
  const tokens = [axis(input.shape, 0), gridH * gridW, attentionWidth];
  const project = (slot: 'q' | 'k' | 'v') =>
    at(slot, input, linearOf(weights, `attn.${slot}`, input, attentionWidth, site.qkvBias)).view(tokens);
  const [q, k, v] = [project('q'), project('k'), project('v')];
  const relPos = site.useRelPos
    ? relPosBias(
        q,
        weights('attn.rel_pos_h', [2 * gridH - 1, attentionWidth / heads]),
        weights('attn.rel_pos_w', [2 * gridW - 1, attentionWidth / heads]),
        { heads, gridH, gridW },
      )
    : null;
  const prefix = hooks.prefix?.() ?? null;
  const mixed = attention(
    q,
    prefix ? prependTokens(k, prefix.key) : k,
    prefix ? prependTokens(v, prefix.value) : v,
    { relPos, bias: attentionBias?.(weights) ?? null, mass: prefix?.mass ?? null },
    { heads, prefix: prefix ? axis(prefix.key.shape, 1) : 0, gridW },
  ).view([...input.shape.slice(0, -1), attentionWidth]);
  const out = at('proj', mixed, linearOf(weights, 'attn.proj', mixed, width));
  return window > 0 ? windowUnpartition(out, window, u.shape) : out;
}
