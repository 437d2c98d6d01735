import type { SamConfig } from '../config/sam.ts';
import type { Tensor } from '../graph/graph.ts';
import { axis } from '../graph/shape.ts';
import { relu } from '../ops/activation/activation.ts';
import { add } from '../ops/add/add.ts';
import { attention } from '../ops/attention/attention.ts';
import { repeatLeading } from '../ops/sum-leading/sum-leading.ts';
import { layernormOf, linearOf } from './layers.ts';
import type { WeightSource } from './weight-source.ts';

const NAME = 'mask_decoder.transformer';

/** What is projected in attention: the tokens, or the cells of the image. */
export interface Rows {
  /** [N, rows, D], or [1, rows, D] where they are shared. */
  readonly values: Tensor;
  /**
   * How many objects share them: all that are asked about in one image, which is the same for them until they have written to it,
   * and is projected once. Absent: each has its own.
   */
  readonly sharedBy?: number;
}

/** Rows of each object. */
function ofEach({ values, sharedBy }: Rows): Tensor {
  if (sharedBy === undefined) return values;
  const [, ...shape] = values.shape;
  return repeatLeading(values.view(shape), [sharedBy, ...shape]);
}

/** Rows with a position, or something else of each row, added. */
const plus = (rows: Rows, other: Tensor): Rows => ({ ...rows, values: add(rows.values, other) });

interface State {
  readonly tokens: Tensor;
  readonly image: Rows;
}

/**
 * Tokens and image attend to each other (segment_anything/modeling/transformer.py).
 * @param image of h·w cells; @param imagePe [h·w, D], the same for every object; @param tokens [N, T, D].
 * @returns the tokens [N, T, D] and the image [N, h·w, D].
 */
export function traceTwoWayTransformer(
  config: SamConfig,
  image: Rows,
  imagePe: Tensor,
  tokens: Tensor,
  weights: WeightSource,
): { tokens: Tensor; image: Tensor } {
  let state: State = { tokens, image };
  for (let layer = 0; layer < config.decoder.depth; layer++) {
    state = traceLayer(config, layer, state, tokens, imagePe, weights);
  }
  const attended = traceAttention(
    config,
    'final_attn_token_to_image',
    { values: add(state.tokens, tokens) },
    plus(state.image, imagePe),
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
  return { tokens: out, image: ofEach(state.image) };
}

function traceLayer(
  config: SamConfig,
  layer: number,
  { tokens, image }: State,
  tokenPe: Tensor,
  imagePe: Tensor,
  weights: WeightSource,
): State {
  const name = `layers.${layer}`;
  const norm = (which: string, x: Tensor) =>
    layernormOf(weights, `${NAME}.${name}.${which}`, x, config.decoder.layerNormEps);
  const attend = (which: string, q: Rows, k: Rows, v: Rows) =>
    traceAttention(config, `${name}.${which}`, q, k, v, which !== 'self_attn', weights);

  // The first layer's tokens are their own position, and its self-attention replaces them.
  const before: Rows = { values: tokens };
  const own = plus(before, tokenPe);
  const self =
    layer === 0
      ? attend('self_attn', before, before, before)
      : add(tokens, attend('self_attn', own, own, before));
  const afterSelf = norm('norm1', self);

  const imageKeys = plus(image, imagePe);
  const read = attend('cross_attn_token_to_image', plus({ values: afterSelf }, tokenPe), imageKeys, image);
  const afterRead = norm('norm2', add(afterSelf, read));

  const hidden = relu(linearOf(weights, `${NAME}.${name}.mlp.lin1`, afterRead, config.decoder.mlpDim));
  const mlp = linearOf(weights, `${NAME}.${name}.mlp.lin2`, hidden, config.outputChannels);
  const out = norm('norm3', add(afterRead, mlp));

  const written = attend('cross_attn_image_to_token', imageKeys, plus({ values: out }, tokenPe), {
    values: out,
  });
  return { tokens: out, image: { values: norm('norm4', add(ofEach(image), written)) } };
}

function traceAttention(
  config: SamConfig,
  which: string,
  q: Rows,
  k: Rows,
  v: Rows,
  isCross: boolean,
  weights: WeightSource,
): Tensor {
  const { outputChannels: D, decoder } = config;
  const name = `${NAME}.${which}`;
  const inner = isCross ? D / decoder.attentionDownsampleRate : D;
  const projected = (part: string, { values, ...rows }: Rows): Rows => ({
    values: linearOf(weights, `${name}.${part}_proj`, values, inner),
    ...rows,
  });
  const out = traceHeads(decoder.numHeads, ofEach(projected('q', q)), projected('k', k), projected('v', v));
  return linearOf(weights, `${name}.out_proj`, out, D);
}

/** @param q [N, rows, inner]. */
function traceHeads(heads: number, q: Tensor, k: Rows, v: Rows): Tensor {
  const attend = (query: Tensor, key: Tensor, value: Tensor) =>
    attention(query, key, value, {}, { heads, prefix: 0, gridW: 1 });
  if (k.sharedBy === undefined) return attend(q, k.values, v.values);
  // The queries of objects that read the same rows can be those of one.
  const [objects, rows, inner] = [axis(q.shape, 0), axis(q.shape, 1), axis(q.shape, 2)];
  return attend(q.view([1, objects * rows, inner]), k.values, v.values).view([objects, rows, inner]);
}
