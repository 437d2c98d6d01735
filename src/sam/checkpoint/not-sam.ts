import { Failure, type FailureRecord } from '../../config/failure.ts';
import { someOf } from './left-alone.ts';

/** Files that people take for a SAM, by the names of their tensors: what it is, and what to do. */
const KNOWN: readonly {
  readonly test: RegExp;
  readonly what: string;
  readonly cure: string;
  readonly asks?: FailureRecord['asks'];
}[] = [
  {
    test: /(^|\.)(detector|detector_model|tracker_model|tracker)\.(?=.*(backbone|vision_encoder|transformer|sam_mask_decoder|mask_decoder|detr))/,
    what: 'It is a SAM 3, whose encoder and decoder are others than those of SAM and SAM 2',
    cure: 'Use a SAM or SAM 2, such as facebook/sam-vit-base or facebook/sam2.1-hiera-tiny.',
  },
  {
    test: /(^|\.)(image_encoder\.trunk\.|sam_mask_decoder\.|vision_encoder\.backbone\.|memory_attention\.)/,
    what: 'It is a SAM 2 with an image encoder that is not known, or only a part of one',
    cure: 'Use a whole SAM 2 or 2.1 with Hiera as it was published, such as facebook/sam2.1-hiera-tiny.',
  },
  {
    test: /(^|\.)blocks\.\d+\.(lora|prefix|adapter|gate|bias_norm)\./,
    what: 'It is an adapter of MoPEFT, without the model that it belongs to',
    cure: 'Open the model first, then the adapter.',
    asks: 'adapter',
  },
  {
    test: /\.lora_[AB](\.|$)|^base_model\.model\./,
    what: 'It is an adapter of PEFT (LoRA), without the model that it changes',
    cure: 'Open its model first, then this file with its adapter_config.json as an adapter.',
    asks: 'adapter',
  },
  {
    test: /(^|\.)(w_[ab]_\d+|linear_[ab]_[qkv])(\.|$)/,
    what: 'It is a LoRA file as SAMed writes them, without the model that it changes',
    cure: 'Open its model first, then this file as an adapter.',
    asks: 'adapter',
  },
  {
    test: /(^|\.)(image_encoder|vision_encoder)\.(stages|backbone|norm|features)\b/,
    what: 'It has an image encoder that is not known, as EdgeSAM and EfficientViT-SAM have others than SAM',
    cure: 'Use a SAM of the first kind, such as facebook/sam-vit-base.',
  },
  {
    test: /(^|\.)(image_encoder|vision_encoder)\./,
    what: 'It has an image encoder that is not known, or only a part of one',
    cure: 'Use a SAM of the first kind, such as facebook/sam-vit-base; of a model in several files open all of them.',
  },
  {
    test: /^state\.\d+\.(step|exp_avg|exp_avg_sq|momentum_buffer)$/,
    what: 'It is the state of an optimizer, which holds no weights',
    cure: 'Open the weights that were saved in the same training.',
  },
  {
    test: /(^|\.)(blocks|layers)\.\d+\.attn\.rel_pos_[hw]$/,
    what: 'It is the image encoder of a SAM alone, without prompt encoder and mask decoder',
    cure: 'Open the whole checkpoint; an encoder that was saved alone has to be put into its model first.',
  },
  {
    test: /(^|\.)(mask_decoder|prompt_encoder)\.|^(iou_token|mask_tokens)\.weight$/,
    what: 'It has parts of a SAM and no image encoder that is known',
    cure: 'Open the whole checkpoint; a decoder that was trained alone needs its model.',
  },
];

/** The failure for a file without the image encoder of a SAM: what it is instead, where the names tell. */
export function notSam(names: readonly string[], where: string): Failure {
  for (const { test, what, cure, asks } of KNOWN) {
    const found = names.filter((name) => test.test(name));
    if (found.length === 0) continue;
    return new Failure({
      code: 'checkpoint/not-sam',
      what: `${what}: ${found.length} of its ${names.length} tensors are such as ${someOf(found, 1)}.`,
      where,
      cure,
      ...(asks && { asks }),
    });
  }
  const some =
    names.length > 0 ? `, but ${names.length} others such as ${someOf(names, 2)}` : ' nor any other';
  return new Failure({
    code: 'checkpoint/not-sam',
    what: `It has no tensor of a known SAM image encoder${some}.`,
    where,
    cure: 'Open a SAM checkpoint, such as facebook/sam-vit-base, MedSAM or micro-sam. An adapter is opened after its model.',
  });
}
