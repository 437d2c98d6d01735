import { expect, it } from 'vitest';
import { sizeOf } from '../../graph/shape.ts';
import { MICRO_SAM } from '../../testing/micro-model.ts';
import { bytesSource } from './byte-source.ts';
import { openCheckpoint } from './checkpoint.ts';
import { samTensorShapes } from './expected-shapes.ts';
import { writeSafetensors } from './safetensors-write.ts';
import type { HostTensor } from './tensor-file.ts';

const heads = { decoderHeads: MICRO_SAM.decoder.numHeads };
const QKV = 'image_encoder.blocks.0.attn.qkv';
const DECODER = 'mask_decoder.transformer.layers.0.self_attn.q_proj';
const PATCHES = 'image_encoder.patch_embed.proj';
const SHAPES = samTensorShapes(MICRO_SAM);
const config = (json: object) => ({ name: 'adapter_config.json', text: JSON.stringify(json) });
const LORA = config({ r: 2, lora_alpha: 6 });

const filled = (shape: readonly number[], value: number): HostTensor => ({
  shape,
  data: new Float32Array(sizeOf(shape)).fill(value),
});

/** A SAM of ones with LoRA beside some of its layers: A is of twos, B of threes. */
function unmerged(
  layers: readonly string[],
  change: (tensors: Map<string, HostTensor>) => void = () => undefined,
) {
  const tensors = new Map<string, HostTensor>();
  for (const [name, shape] of SHAPES) {
    const layer = layers.find((one) => name.startsWith(`${one}.`));
    const own = layer ? name.replace(layer, `${layer}.base_layer`) : name;
    tensors.set(`base_model.model.${own}`, filled(shape, 1));
  }
  for (const layer of layers) {
    const [output = 0, ...input] = SHAPES.get(`${layer}.weight`) ?? [];
    tensors.set(`base_model.model.${layer}.lora_A.default.weight`, filled([2, ...input], 2));
    tensors.set(
      `base_model.model.${layer}.lora_B.default.weight`,
      filled([output, 2, ...input.slice(1).map(() => 1)], 3),
    );
  }
  change(tensors);
  return { weights: [bytesSource('whole.safetensors', writeSafetensors(tensors))] };
}

const valuesOf = async (opened: Awaited<ReturnType<typeof openCheckpoint>>, layer: string) => [
  ...new Set((await opened.read(`${layer}.weight`)).data),
];

it('linear layers, those of the decoder and convolutions are merged by the scale of adapter_config.json', async () => {
  const files = { ...unmerged([QKV, DECODER, PATCHES]), adapterConfig: LORA };
  const opened = await openCheckpoint(files, heads);
  // 1 + 6 / 2 · (2 · 3 + 2 · 3)
  for (const layer of [QKV, DECODER, PATCHES]) expect(await valuesOf(opened, layer)).toEqual([37]);
  expect((await opened.read(`${PATCHES}.weight`)).shape).toEqual(SHAPES.get(`${PATCHES}.weight`));
  expect(await valuesOf(opened, 'image_encoder.blocks.0.mlp.lin1')).toEqual([1]);
  expect(opened.unused).toEqual([]);
  expect(opened.remarks).toContainEqual(
    expect.objectContaining({
      code: 'checkpoint/merged',
      what: expect.stringMatching(/^PEFT LoRA of 3 layers .*scale 3 by adapter_config\.json/),
      choices: { withoutTuned: true },
    }),
  );
});

it('without its config the scale is asked for, and the rest is the base model', async () => {
  const files = unmerged([QKV]);
  await expect(openCheckpoint(files, heads)).rejects.toMatchObject({
    record: { code: 'checkpoint/tuned', asks: 'loraAlpha', choices: { withoutTuned: true } },
  });
  const told = await openCheckpoint(files, { ...heads, loraAlpha: 1 });
  expect(await valuesOf(told, QKV)).toEqual([7]);
  const base = await openCheckpoint({ ...files, adapterConfig: LORA }, { ...heads, withoutTuned: true });
  expect(await valuesOf(base, QKV)).toEqual([1]);
  expect(base.unused).toHaveLength(2);
});

it('a module that was trained whole counts in place of what it was', async () => {
  const name = 'mask_decoder.iou_token.weight';
  const files = unmerged([QKV], (tensors) => {
    const own = tensors.get(`base_model.model.${name}`);
    if (!own) throw new Error('no token');
    tensors.delete(`base_model.model.${name}`);
    tensors.set('base_model.model.mask_decoder.original_module.iou_token.weight', own);
    const trained = filled(own.shape, 5);
    tensors.set('base_model.model.mask_decoder.modules_to_save.default.iou_token.weight', trained);
  });
  const opened = await openCheckpoint({ ...files, adapterConfig: LORA }, heads);
  expect([...new Set((await opened.read(name)).data)]).toEqual([5]);
  expect(opened.unused).toEqual([]);
});

const A = `base_model.model.${QKV}.lora_A.default.weight`;
const B = `base_model.model.${QKV}.lora_B.default.weight`;
it.each<[string, object, (tensors: Map<string, HostTensor>) => void]>([
  ['checkpoint/missing', {}, (tensors) => tensors.delete(B)],
  ['checkpoint/shape', {}, (tensors) => tensors.set(A, filled([2, 15], 1))],
  ['checkpoint/shape', {}, (tensors) => tensors.set(B, filled([48, 3], 1))],
  ['checkpoint/shape', {}, (tensors) => tensors.set(A, filled([0, 16], 1))],
  ['adapter/rank', { r: 4 }, () => undefined],
  ['adapter/several', {}, (tensors) => tensors.set(A.replace('default', 'other'), filled([2, 16], 1))],
  ['adapter/setting', { use_dora: true }, () => undefined],
  ['checkpoint/tuned', {}, (tensors) => tensors.set(A.replace('lora_A', 'lora_magnitude'), filled([48], 1))],
])('%s refuses what cannot be merged', async (code, more, change) => {
  const adapterConfig = config({ r: 2, lora_alpha: 6, ...more });
  const opened = openCheckpoint({ ...unmerged([QKV], change), adapterConfig }, heads);
  await expect(opened).rejects.toMatchObject({ record: { code } });
});

it('an infinite sum is refused when it is read', async () => {
  const adapterConfig = config({ r: 2, lora_alpha: 1e300 });
  const opened = await openCheckpoint({ ...unmerged([QKV]), adapterConfig }, heads);
  await expect(opened.read(`${QKV}.weight`)).rejects.toMatchObject({ record: { code: 'adapter/scale' } });
});
