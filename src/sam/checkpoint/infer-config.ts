import * as v from 'valibot';
import { Failure } from '../../config/failure.ts';
import type { ModelChoices } from '../../config/model-choices.ts';
import { SAM_DEFAULTS, type SamConfig, usualPreprocessing } from '../../config/sam.ts';
import type { AnyEncoder } from '../encoders/encoder.ts';
import { HQ_TOKEN } from '../hq-mask.ts';
import { count, eps } from './config-fields.ts';
import { activationOf, kindOf } from './parse-config.ts';
import type { ShapeReader } from './shape-reader.ts';
import { ToldConfig } from './told-config.ts';

/**
 * The config of a checkpoint: what its shapes tell, and of the rest what files beside them say, else SAM's own with a remark.
 * Its preprocessing is the usual one. Not yet checked for contradictions.
 * @throws Failure `checkpoint/missing`, `checkpoint/shape`, `config/invalid`, `config/decoder-heads`.
 */
export function inferSamConfig(
  encoder: AnyEncoder,
  shapes: ShapeReader,
  told = new ToldConfig(),
  { decoderHeads }: Pick<ModelChoices, 'decoderHeads'> = {},
): SamConfig {
  const part = encoder.inferConfig(shapes, told);
  // A model with other activations cannot be run.
  for (const section of ['vision_config', 'vision_config.backbone_config', 'prompt_encoder_config'])
    told.value(v.literal('gelu'), `${section}.hidden_act`);
  told.value(v.literal(activationOf(encoder)), 'mask_decoder_config.hidden_act');
  const outputChannels = told.decided(
    shapes.axis('mask_decoder.iou_token.weight', 1),
    'vision_config.output_channels',
    'output_channels',
  );
  const kind = kindOf(encoder, told.decided(shapes.has(HQ_TOKEN), 'hq'));
  const inner = shapes.axis('mask_decoder.transformer.final_attn_token_to_image.q_proj.weight', 0);
  const decoder = (field: string, flat: string) => [`mask_decoder_config.${field}`, flat] as const;
  return {
    ...part,
    outputChannels,
    maskInputChannels: told.decided(
      shapes.axis('prompt_encoder.mask_downscaling.3.weight', 0),
      'prompt_encoder_config.mask_input_channels',
      'mask_input_channels',
      'mask_channels',
    ),
    layerNormEps: told.value(eps, 'vision_config.layer_norm_eps') ?? SAM_DEFAULTS.layerNormEps,
    decoder: {
      depth: told.decided(
        shapes.count(/^mask_decoder\.transformer\.layers\.(\d+)\./),
        ...decoder('num_hidden_layers', 'decoder_depth'),
      ),
      numHeads: decoderHeads ?? decoderHeadsOf(told, inner),
      mlpDim: told.decided(
        shapes.axis('mask_decoder.transformer.layers.0.mlp.lin1.weight', 0),
        ...decoder('mlp_dim', 'decoder_mlp_dim'),
      ),
      attentionDownsampleRate: told.decided(
        outputChannels / inner,
        ...decoder('attention_downsample_rate', 'attention_downsample_rate'),
      ),
      iouHeadDepth: told.decided(
        shapes.count(/^mask_decoder\.iou_prediction_head\.layers\.(\d+)\./),
        ...decoder('iou_head_depth', 'iou_head_depth'),
      ),
      iouHidden: told.decided(
        shapes.axis('mask_decoder.iou_prediction_head.layers.0.weight', 0),
        ...decoder('iou_head_hidden_dim', 'iou_hidden'),
      ),
      layerNormEps:
        told.value(eps, 'mask_decoder_config.layer_norm_eps') ?? SAM_DEFAULTS.decoder.layerNormEps,
      kind,
    },
    preprocessing: usualPreprocessing(kind),
  };
}

/** No shape tells them. @param inner width of the narrower attentions. */
function decoderHeadsOf(told: ToldConfig, inner: number): number {
  const heads = told.value(count, 'mask_decoder_config.num_attention_heads', 'decoder_heads');
  if (heads !== undefined) return heads;
  const usual = SAM_DEFAULTS.decoder.numHeads;
  if (inner % usual !== 0) {
    throw new Failure({
      code: 'config/decoder-heads',
      what: `${told.gap()} the number of the mask decoder's heads is not known, since no shape tells it, and the ${usual} of every published SAM do not divide its width of ${inner}.`,
      cure: 'Open the weights with their config.json, or choose the number.',
      asks: 'decoderHeads',
      options: divisorsOf(inner).map(String),
    });
  }
  told.assume(
    `the mask decoder is taken to have ${usual} heads as in every published SAM, since no shape tells their number.`,
    {
      cure: 'If the model has another number, open it with its config.json, or choose the number.',
      asks: 'decoderHeads',
    },
  );
  return usual;
}

function divisorsOf(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1).filter((divisor) => n % divisor === 0);
}
