import { describe, expect, it } from 'vitest';
import { sizeOf } from '../../graph/shape.ts';
import { MICRO_SAM } from '../../testing/micro-model.ts';
import { bytesSource } from './byte-source.ts';
import { openCheckpoint } from './checkpoint.ts';
import { samTensorShapes } from './expected-shapes.ts';
import { writeSafetensors } from './safetensors-write.ts';
import type { HostTensor } from './tensor-file.ts';

const stray: HostTensor = { shape: [1], data: Float32Array.of(1) };

/** A SAM's tensors, each under the names that `rename` gives it, and strangers. */
function file(
  rename: (name: string) => string | readonly string[] = (name) => name,
  strangers: readonly string[] = [],
) {
  const tensors = new Map<string, HostTensor>();
  for (const [name, shape] of samTensorShapes(MICRO_SAM))
    for (const renamed of [rename(name)].flat())
      tensors.set(renamed, { shape, data: new Float32Array(sizeOf(shape)).fill(renamed.length) });
  for (const name of strangers) tensors.set(name, stray);
  return { weights: [bytesSource('tuned.safetensors', writeSafetensors(tensors))] };
}

const heads = { decoderHeads: 2 };

describe('tuned layers that are not understood', () => {
  it.each([
    [
      'adapters',
      ['image_encoder.blocks.0.MLP_Adapter.D_fc1.weight', 'image_encoder.blocks.1.Space_Adapter.D_fc1.bias'],
    ],
    ['a layer of any name in a block', ['image_encoder.blocks.1.surprise.weight']],
    ['another input of a layer', ['image_encoder.blocks.1.attn.scale_factors']],
    ['prompts of the encoder', ['image_encoder.prompt_generator.shared_mlp.weight']],
    [
      'LoRA of PEFT in the decoder',
      ['mask_decoder.transformer.layers.0.self_attn.q_proj.lora_A.default.weight'],
    ],
    ['LoRA as a list beside the model', ['w_a_000.weight', 'w_b_000.weight']],
  ])('%s are refused, and the rest loads on purpose', async (_what, strangers) => {
    const files = file(undefined, strangers);
    await expect(openCheckpoint(files, heads)).rejects.toMatchObject({
      record: {
        code: 'checkpoint/tuned',
        where: 'tuned.safetensors',
        what: expect.stringMatching(
          /belongs? to a fine-tuning that this reader does not know; .* base model/,
        ),
        choices: { withoutTuned: true },
      },
    });
    const opened = await openCheckpoint(files, { ...heads, withoutTuned: true });
    expect(opened.unused).toEqual(strangers);
    expect(opened.remarks.map(({ code }) => code)).toContain('checkpoint/without-tuned');
  });

  it('counts them and names two', async () => {
    const strangers = [0, 1, 2].map((i) => `image_encoder.blocks.0.Adapter.${i}`);
    await expect(openCheckpoint(file(undefined, strangers), heads)).rejects.toThrow(
      /3 tensors such as image_encoder\.blocks\.0\.Adapter\.0, image_encoder\.blocks\.0\.Adapter\.1 belong/,
    );
  });

  it('are also what PEFT and SAMed wrap layers with, whose base is found', async () => {
    const wrap = (part: string, inner: string) => (name: string) =>
      name.replace(new RegExp(`\\.${part}\\.(weight|bias)$`), `.${part}.${inner}.$1`);
    const peft = file(
      (name) => `base_model.model.${wrap('qkv', 'base_layer')(name)}`,
      ['base_model.model.image_encoder.blocks.0.attn.qkv.lora_A.default.weight'],
    );
    await expect(openCheckpoint(peft, heads)).rejects.toThrow(/PEFT.*lora_alpha/);
    expect((await openCheckpoint(peft, { ...heads, withoutTuned: true })).unused).toHaveLength(1);
    const samed = file(wrap('qkv', 'qkv'), ['image_encoder.blocks.0.attn.qkv.linear_a_q.weight']);
    await expect(openCheckpoint(samed, heads)).rejects.toThrow(/linear_a_q/);
    const opened = await openCheckpoint(samed, { ...heads, withoutTuned: true });
    expect((await opened.read('image_encoder.blocks.0.attn.qkv.weight')).shape).toEqual([48, 16]);
  });

  it('are not what changes no answer: it is named and left alone', async () => {
    const strangers = [
      'optimizer.state.0.lora_A.exp_avg',
      'epoch',
      'decoder_state.out_conv.weight',
      'mask_decoder.other_token.weight',
      'image_encoder.blocks.0.attn.total_ops',
    ];
    const opened = await openCheckpoint(file(undefined, strangers), heads);
    expect(opened.unused).toEqual(strangers);
    expect(opened.remarks.map(({ code }) => code)).toEqual(['config/preprocessing']);
  });
});

describe('several models in one file', () => {
  const both = file((name) => [`student.${name}`, `ema.${name}`], ['ema.updates']);

  it('are asked for by their prefixes', async () => {
    await expect(openCheckpoint(both, heads)).rejects.toMatchObject({
      record: {
        code: 'checkpoint/several-models',
        what: expect.stringMatching(/"student\."and "ema\."|"student\." and "ema\."/),
        asks: 'prefix',
        options: ['student.', 'ema.'],
      },
    });
    await expect(openCheckpoint(both, { prefix: 'teacher' })).rejects.toThrow(/"student\.", "ema\."/);
  });

  it.each(['student', 'ema.'])('%s is taken, and the other is named', async (prefix) => {
    const opened = await openCheckpoint(both, { ...heads, prefix });
    const { data } = await opened.read('image_encoder.pos_embed');
    const other = prefix === 'student' ? 'ema.' : 'student.';
    expect(data[0]).toBe(`${prefix.replace('.', '')}.image_encoder.pos_embed`.length);
    expect(opened.unused.every((name) => name.startsWith(other) || name === 'ema.updates')).toBe(true);
    expect(opened.remarks).toContainEqual(
      expect.objectContaining({
        code: 'checkpoint/other-model',
        what: expect.stringContaining(`"${other}"`),
        choices: { prefix: other },
      }),
    );
  });

  it("are not an optimizer's moments, nor an encoder alone", async () => {
    const moments = file((name) => [`model.${name}`, `optimizer.exp_avg.${name}`]);
    expect((await openCheckpoint(moments, heads)).remarks).toHaveLength(1);
    const teacher = file((name) => (name.startsWith('image_') ? [name, `teacher.${name}`] : name));
    const opened = await openCheckpoint(teacher, heads);
    expect(opened.unused.every((name) => name.startsWith('teacher.'))).toBe(true);
    const [remark] = opened.remarks.filter(({ code }) => code === 'checkpoint/other-model');
    expect(remark?.cure).toMatch(/no mask decoder/);
    expect(remark).not.toHaveProperty('choices');
  });

  it('of the same names in two namings are refused, and a thousand prefixes cost no time', async () => {
    const twice = file((name) => [
      name,
      name.replace(/^image_encoder\.pos_embed$/, 'vision_encoder.pos_embed'),
    ]);
    await expect(openCheckpoint(twice, heads)).rejects.toMatchObject({
      record: { code: 'checkpoint/twice' },
    });
    const many = Array.from({ length: 1000 }, (_, i) => `p${i}.image_encoder.patch_embed.proj.weight`);
    await expect(openCheckpoint(file(undefined, many), heads)).resolves.toMatchObject({
      config: { imageSize: 32 },
    });
  });
});

describe('q, k and v as layers of their own', () => {
  const parts = ['q', 'k', 'v'];
  /** The micro SAM whose `qkv` is split as SlimSAM's; `change` may spoil a part. */
  function split(change: (name: string, shape: number[]) => number[] = (_, shape) => shape) {
    const tensors = new Map<string, HostTensor>();
    for (const [name, shape] of samTensorShapes(MICRO_SAM)) {
      const names = name.includes('.qkv.') ? parts.map((part) => name.replace('.qkv.', `.${part}.`)) : [name];
      for (const [i, each] of names.entries()) {
        const own = change(each, [(shape[0] ?? 0) / names.length, ...shape.slice(1)]);
        tensors.set(each, { shape: own, data: new Float32Array(sizeOf(own)).fill(i) });
      }
    }
    return { weights: [bytesSource('slim.safetensors', writeSafetensors(tensors))] };
  }

  it('are joined in their order', async () => {
    const opened = await openCheckpoint(split(), heads);
    expect(opened.config.encoder).toEqual(MICRO_SAM.encoder);
    expect(opened.unused).toEqual([]);
    const { shape, data } = await opened.read('image_encoder.blocks.1.attn.qkv.weight');
    expect(shape).toEqual([48, 16]);
    expect([data[0], data[16 * 16], data[2 * 16 * 16]]).toEqual([0, 1, 2]);
  });

  it('are refused where they differ, or where one is missing', async () => {
    const uneven = split((name, shape) => (name.endsWith('.0.attn.v.weight') ? [8, 16] : shape));
    await expect(openCheckpoint(uneven, heads)).rejects.toThrow(
      /q, k and v are \[16, 16\], \[16, 16\], \[8, 16\]/,
    );
    const without = split((name, shape) => (name.endsWith('.0.attn.k.weight') ? [0] : shape));
    await expect(openCheckpoint(without, heads)).rejects.toMatchObject({
      record: { code: 'checkpoint/shape' },
    });
  });
});

describe('what is no SAM', () => {
  it.each([
    ['image_encoder.trunk.blocks.0.attn.qkv.weight', /SAM 2/],
    ['detector.backbone.vision_backbone.trunk.pos_embed', /SAM 3/],
    ['tracker_model.mask_decoder.iou_token.weight', /SAM 3/],
    ['state.0.exp_avg', /state of an optimizer/],
    ['blocks.0.attn.rel_pos_h', /image encoder of a SAM alone/],
    ['iou_token.weight', /parts of a SAM and no image encoder/],
    ['blocks.0.lora.q.A', /adapter of MoPEFT/],
    ['base_model.model.vision_encoder.layers.0.attn.qkv.lora_A.weight', /adapter of PEFT/],
    ['w_a_000', /LoRA file/],
    ['mask_decoder.iou_token.weight', /no image encoder/],
    ['image_encoder.tower.0.weight', /image encoder that is not known.*such as image_encoder\.tower/],
    ['conv1.weight', /1 others such as conv1\.weight/],
  ])('%s is said to be what it is', async (name, text) => {
    const weights = [bytesSource('other.safetensors', writeSafetensors(new Map([[name, stray]])))];
    await expect(openCheckpoint({ weights })).rejects.toMatchObject({
      record: { code: 'checkpoint/not-sam', where: 'other.safetensors', what: expect.stringMatching(text) },
    });
  });
});
