import { expect, test } from 'vitest';
import { sortFiles } from './sort-files.ts';

/** A safetensors file with these tensor names and no data. */
function safetensors(
  path: string,
  names: readonly string[],
  metadata?: Readonly<Record<string, string>>,
): { path: string; file: File } {
  const tensors = names.map((name) => [name, { dtype: 'F32', shape: [0], data_offsets: [0, 0] }]);
  const header = new TextEncoder().encode(
    JSON.stringify({ ...(metadata && { __metadata__: metadata }), ...Object.fromEntries(tensors) }),
  );
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
  return { path, file: new File([length, header], path) };
}

const text = (path: string): { path: string; file: File } => ({ path, file: new File(['{}'], path) });

test('a model takes the json files beside it, images stay data', async () => {
  const model = safetensors('sam/model.safetensors', ['image_encoder.patch_embed.proj.weight']);
  const sorted = await sortFiles([model, text('sam/config.json'), text('set/images/a.png')]);
  expect(sorted.models.map((group) => group.map((file) => file.path))).toEqual([
    ['sam/model.safetensors', 'sam/config.json'],
  ]);
  expect(sorted.adapters).toEqual([]);
  expect(sorted.data.map((file) => file.path)).toEqual(['set/images/a.png']);
});

test('an adapter is known by its tensors', async () => {
  const adapter = safetensors('run/adapter.safetensors', [
    'blocks.0.lora.q.A',
    'mask_decoder.iou_token.weight',
  ]);
  const sorted = await sortFiles([text('run/adapter.json'), adapter]);
  expect(sorted.adapters.map((group) => group.length)).toEqual([2]);
  expect(sorted.models).toEqual([]);
});

test('the adapter of a run that kept the base model, which has no tensor, is an adapter', async () => {
  const adapter = safetensors('run/adapter.safetensors', [], { format: 'mopeft-adapter' });
  const sorted = await sortFiles([text('run/adapter.json'), adapter]);
  expect(paths(sorted.adapters)).toEqual([[adapter.path, 'run/adapter.json']]);
  expect(sorted.models).toEqual([]);
});

test('the folder of a run is its adapter; a checkpoint alone is left to the reader of models', async () => {
  const checkpoint = safetensors('run/checkpoint/last.safetensors', ['param.blocks.0.lora.q.A'], {
    format: 'mopeft-checkpoint',
  });
  const adapter = safetensors('run/adapter.safetensors', ['blocks.0.lora.q.A']);
  const others = ['adapter.json', 'config.json', 'split.json', 'metrics.jsonl', 'verdict.json', 'looks.json'];
  const sorted = await sortFiles([...others.map((name) => text(`run/${name}`)), adapter, checkpoint]);
  expect(paths(sorted.adapters)).toEqual([[adapter.path, ...others.map((name) => `run/${name}`)]]);
  expect([sorted.models, sorted.data]).toEqual([[], []]);
  expect(paths((await sortFiles([checkpoint])).models)).toEqual([[checkpoint.path]]);
});

test('a decoder alone is an adapter, a Hugging Face model is a model', async () => {
  const decoder = safetensors('d.safetensors', ['mask_decoder.mask_tokens.weight']);
  const model = safetensors('m.safetensors', ['vision_encoder.pos_embed', 'mask_decoder.iou_token.weight']);
  const sorted = await sortFiles([decoder, model]);
  expect(sorted.adapters.map((group) => group[0]?.path)).toEqual(['d.safetensors']);
  expect(sorted.models.map((group) => group[0]?.path)).toEqual(['m.safetensors']);
});

test('a header that lies goes to the model reader, which explains it', async () => {
  const lie = new Uint8Array(8).fill(255);
  const sorted = await sortFiles([{ path: 'bad.safetensors', file: new File([lie], 'bad.safetensors') }]);
  expect(sorted.models).toHaveLength(1);
});

const bytes = (path: string, ...values: number[]) => ({
  path,
  file: new File([Uint8Array.from(values)], path),
});
const paths = (groups: readonly (readonly { path: string }[])[]) =>
  groups.map((group) => group.map(({ path }) => path));

test('files of PyTorch are models, and a .bin is one by its first bytes only', async () => {
  const sorted = await sortFiles([
    bytes('medsam_vit_b.pth', 0x50, 0x4b, 3, 4),
    bytes('hf/pytorch_model.bin', 0x80, 2, 0x8a, 10),
    text('hf/config.json'),
    bytes('volume/labels.bin', 0, 1, 2, 3),
    bytes('lost/cut.pt'),
  ]);
  expect(paths(sorted.models)).toEqual([
    ['medsam_vit_b.pth'],
    ['hf/pytorch_model.bin', 'hf/config.json'],
    ['lost/cut.pt'],
  ]);
  expect(sorted.data.map(({ path }) => path)).toEqual(['volume/labels.bin']);
});

test('the shards and variants of a folder are one model', async () => {
  const names = ['vision_encoder.pos_embed'];
  const sorted = await sortFiles([
    safetensors('sam/model-00001-of-00002.safetensors', names),
    text('sam/model.safetensors.index.json'),
    safetensors('sam/model-00002-of-00002.safetensors', ['prompt_encoder.point_embed.0.weight']),
    safetensors('other/model.safetensors', names),
  ]);
  expect(paths(sorted.models)).toEqual([
    [
      'sam/model-00001-of-00002.safetensors',
      'sam/model.safetensors.index.json',
      'sam/model-00002-of-00002.safetensors',
    ],
    ['other/model.safetensors'],
  ]);
});

test('LoRA of other programs is an adapter, and a whole model with it is a model', async () => {
  const name = 'base_model.model.vision_encoder.layers.0.attn.qkv';
  const adapters = [
    safetensors('peft/adapter_model.safetensors', [`${name}.lora_A.weight`, `${name}.lora_B.weight`]),
    safetensors('lora.safetensors', ['w_a_000', 'w_b_000', 'prompt_encoder.no_mask_embed.weight']),
    { path: 'old/adapter_model.bin', file: new File([Uint8Array.of(0x50, 0x4b)], 'adapter_model.bin') },
  ];
  const whole = safetensors('whole.safetensors', [
    `${name}.base_layer.weight`,
    `${name}.lora_A.default.weight`,
  ]);
  const sorted = await sortFiles([...adapters, text('peft/adapter_config.json'), whole]);
  expect(sorted.adapters.map((group) => group.map(({ path }) => path))).toEqual([
    ['peft/adapter_model.safetensors', 'peft/adapter_config.json'],
    ['lora.safetensors'],
    ['old/adapter_model.bin'],
  ]);
  expect(sorted.models.map((group) => group[0]?.path)).toEqual(['whole.safetensors']);
});
