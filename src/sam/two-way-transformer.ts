import type { SamConfig } from '../config/sam.ts';
import type { Tensor } from '../graph/graph.ts';
import { relu } from '../ops/activation/activation.ts';
import { add } from '../ops/add/add.ts';
import { attention } from '../ops/attention/attention.ts';
import { layernormOf, linearOf } from './layers.ts';
import type { WeightSource } from './weight-source.ts';

const NAME = 'mask_decoder.transformer';

/**
 * Tokens and image attend to each other (segment_anything/modeling/transformer.py).
 * @param image [N, h·w, D]; @param imagePe [h·w, D], the same for every object; @param tokens [N, T, D].
 * @returns the tokens [N, T, D] and the image [N, h·w, D].
 */
export function traceTwoWayTransformer(
  config: SamConfig,
  image: Tensor,
  imagePe: Tensor,
  tokens: Tensor,
  weights: WeightSource,
): { tokens: Tensor; image: Tensor } {
  let state = { tokens, image };
  for (let layer = 0; layer < config.decoder.depth; layer++) {
    state = traceLayer(config, layer, state, tokens, imagePe, weights);
  }
  const attended = traceAttention(
    config,
    'final_attn_token_to_image',
    add(state.tokens, tokens),
    add(state.image, imagePe),
    state.image,
    true,
    weights,
  );
  const out = layernormOf(
    weights,
    `${NAME}.norm_final_attn`,
    add(state.tokens, attended),
    config.decoder.layerNormEps,
  );
  return { tokens: out, image: state.image };
}

function traceLayer(
  config: SamConfig,
  layer: number,
  { tokens, image }: { tokens: Tensor; image: Tensor },
  tokenPe: Tensor,
  imagePe: Tensor,
  weights: WeightSource,
): { tokens: Tensor; image: Tensor } {
  const name = `layers.${layer}`;
  const norm = (which: string, x: Tensor) =>
    layernormOf(weights, `${NAME}.${name}.${which}`, x, config.decoder.layerNormEps);
  const attend = (which: string, q: Tensor, k: Tensor, v: Tensor) =>
    traceAttention(config, `${name}.${which}`, q, k, v, which !== 'self_attn', weights);

  // The first layer's tokens are their own position, and its self-attention replaces them.
  const own = add(tokens, tokenPe);
  const self =
    layer === 0
      ? attend('self_attn', tokens, tokens, tokens)
      : add(tokens, attend('self_attn', own, own, tokens));
  const afterSelf = norm('norm1', self);

  const imageKeys = add(image, imagePe);
  const read = attend('cross_attn_token_to_image', add(afterSelf, tokenPe), imageKeys, image);
  const afterRead = norm('norm2', add(afterSelf, read));

  const hidden = relu(linearOf(weights, `${NAME}.${name}.mlp.lin1`, afterRead, config.decoder.mlpDim));
  const mlp = linearOf(weights, `${NAME}.${name}.mlp.lin2`, hidden, config.outputChannels);
  const out = norm('norm3', add(afterRead, mlp));

  const written = attend('cross_attn_image_to_token', imageKeys, add(out, tokenPe), out);
  return { tokens: out, image: norm('norm4', add(image, written)) };
}

function traceAttention(
  config: SamConfig,
  which: string,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  isCross: boolean,
  weights: WeightSource,
): Tensor {
  const { outputChannels: D, decoder } = config;
  const name = `${NAME}.${which}`;
  const inner = isCross ? D / decoder.attentionDownsampleRate : D;
  const out = attention(
    linearOf(weights, `${name}.q_proj`, q, inner),
    linearOf(weights, `${name}.k_proj`, k, inner),
    linearOf(weights, `${name}.v_proj`, v, inner),
    {},
    { heads: decoder.numHeads, prefix: 0, gridW: 1 },
  );
  return linearOf(weights, `${name}.out_proj`, out, D);
}
