/** What adapters of other programs, and parts of them, are refused with. */
import { expect, test } from 'vitest';
import { writeSafetensors } from '../../sam/checkpoint/safetensors-write.ts';
import { understandAdapterFiles } from './adapter-files.ts';

const text = (path: string, content: string) => ({
  path,
  bytes: async () => new TextEncoder().encode(content),
});
const weights = (path: string, ...names: string[]) => {
  const tensors = names.map((name) => [name, { shape: [1], data: Float32Array.of(1) }] as const);
  return { path, bytes: async () => writeSafetensors(new Map(tensors)) };
};
const LORA = ['A', 'B'].map(
  (side) => `base_model.model.vision_encoder.layers.0.attn.qkv.lora_${side}.weight`,
);
const LOHA = 'base_model.model.vision_encoder.layers.0.attn.qkv.hada_w1_a';

test.each([
  ['of kohya', [weights('x.safetensors', 'lora_unet_layers_0_attn_qkv.lora_down.weight')]],
  ['as diffusers names it', [weights('x.safetensors', 'vision_encoder.layers.0.attn.qkv.lora.down.weight')]],
  [
    'which is a whole model',
    [weights('x.safetensors', 'mask_decoder.iou_token.weight', 'image_encoder.pos_embed')],
  ],
  [
    'beside a JSON of something else',
    [weights('x.safetensors', 'image_encoder.pos_embed'), text('config.json', '{}')],
  ],
])('a file of tensors %s is no LoRA that is read, and what is read is said', async (_what, files) => {
  await expect(understandAdapterFiles(files)).rejects.toMatchObject({
    record: {
      code: 'adapter/unknown',
      where: 'x.safetensors',
      cure: expect.stringContaining('PEFT LoRA and Sam_LoRA'),
    },
  });
});

test.each([
  ['blocks.0.lora.q.A', 'mask_decoder.iou_token.weight'],
  ['blocks.0.lora.q.A', 'tokens.dataset'],
])('a file of ours without its record (%s, %s) asks for adapter.json', async (...names) => {
  const asked = understandAdapterFiles([weights('adapter.safetensors', ...names)]);
  await expect(asked).rejects.toThrow(/its adapter\.json is missing/);
});

test.each([
  [
    'alone',
    [text('a/adapter_config.json', '{}')],
    /weights are not among the files.*adapter_model\.safetensors/,
  ],
  [
    'cut off',
    [weights('a/adapter_model.safetensors', ...LORA), text('a/adapter_config.json', '{"r": 4,')],
    /adapter_config\.json: It is not valid JSON/,
  ],
  [
    'of LoHa',
    [weights('a/adapter_model.safetensors', LOHA), text('a/adapter_config.json', '{"peft_type": "LOHA"}')],
    /adapter_config\.json.*peft_type: it is LOHA/,
  ],
  [
    'of prompt tuning',
    [
      weights('a/adapter_model.safetensors', 'prompt_embeddings'),
      text('a/adapter_config.json', '{"peft_type": "PROMPT_TUNING"}'),
    ],
    /adapter_config\.json.*peft_type: it is PROMPT_TUNING/,
  ],
  [
    'of OFT, whose r is none',
    [
      weights('a/adapter_model.safetensors', 'a.oft_R.weight'),
      text('a/adapter_config.json', '{"peft_type": "OFT", "r": 0}'),
    ],
    /adapter_config\.json.*peft_type: it is OFT/,
  ],
  [
    'that is a list',
    [weights('a/adapter_model.safetensors', ...LORA), text('a/adapter_config.json', '[]')],
    /adapter_config\.json.*no JSON object/,
  ],
])('a config of PEFT %s says what is wrong', async (_what, files, reason) => {
  await expect(understandAdapterFiles(files)).rejects.toThrow(reason);
});
