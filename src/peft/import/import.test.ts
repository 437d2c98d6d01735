import { describe, expect, it } from 'vitest';
import { Failure } from '../../config/failure.ts';
import { sizeOf } from '../../graph/shape.ts';
import { bytesSource } from '../../sam/checkpoint/byte-source.ts';
import { samTensorShapes } from '../../sam/checkpoint/expected-shapes.ts';
import { openTensorFile } from '../../sam/checkpoint/open-tensor-file.ts';
import { writeSafetensors } from '../../sam/checkpoint/safetensors-write.ts';
import type { HostTensor } from '../../sam/checkpoint/tensor-file.ts';
import { ENCODERS } from '../../sam/encoders/registry.ts';
import { MICRO_SAM } from '../../testing/micro-model.ts';
import { TWO_STAGE_SAM, twoStage } from '../../testing/two-stage-encoder.ts';
import { withEntry } from '../../testing/with-entry.ts';
import { type Adapter, readAdapterFiles, writeAdapter } from '../adapter-file.ts';
import { foreignReader } from './registry.ts';
import { adapterOfForeign, type ForeignBase } from './to-adapter.ts';

const SHAPES = samTensorShapes(MICRO_SAM);
const base: ForeignBase = {
  name: 'micro',
  hash: '0'.repeat(64),
  config: MICRO_SAM,
  // Weights of ones.
  weights: { values: async (name) => new Float32Array(sizeOf(SHAPES.get(name) ?? [])).fill(1) },
};
/** Of the micro model. */
const C = 16;

type Shapes = Readonly<Record<string, readonly number[]>>;

/** Tensors of these shapes with values 1, 2, 3 … */
function tensorsOf(shapes: Shapes): Map<string, HostTensor> {
  return new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return [name, { shape, data: Float32Array.from({ length: size }, (_, i) => i + 1) }];
    }),
  );
}

async function imported(
  tensors: ReadonlyMap<string, HostTensor>,
  json?: unknown,
  on = base,
): Promise<Adapter> {
  const file = await openTensorFile(bytesSource('lora.safetensors', writeSafetensors(tensors)));
  const reader = foreignReader([...file.tensors.keys()]);
  if (!reader) throw new Error('no reader knows it');
  const config = json === undefined ? null : { name: 'adapter_config.json', json };
  return adapterOfForeign(await reader.read(file, config), on);
}

async function failureOf(adapter: Promise<Adapter>): Promise<string> {
  const thrown = await adapter.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(thrown instanceof Failure)) throw new Error(`no failure: ${String(thrown)}`);
  expect(thrown.record.cure.length).toBeGreaterThan(20);
  return `${thrown.record.code} ${thrown.message}`;
}

const CONFIG = { peft_type: 'LORA', r: 2, lora_alpha: 4 };
const layer = (block: number, module = 'attn.qkv', out = 3 * C, rank = 2, input = C): Shapes => {
  const path = `base_model.model.vision_encoder.layers.${block}.${module}`;
  return { [`${path}.lora_A.weight`]: [rank, input], [`${path}.lora_B.weight`]: [out, rank] };
};
/** By SAM's names. */
const originalLayer = (block: number): Shapes =>
  Object.fromEntries(
    Object.entries(layer(block)).map(([name, shape]) => [
      name.replace('vision_encoder.layers', 'image_encoder.blocks'),
      shape,
    ]),
  );
const decoderLayer = (module: string, input: number, output: number): Shapes => ({
  [`base_model.model.mask_decoder.${module}.lora_A.weight`]: [2, input],
  [`base_model.model.mask_decoder.${module}.lora_B.weight`]: [output, 2],
});
const peft = (shapes: Shapes, config: object = {}, on = base) =>
  imported(tensorsOf(shapes), { ...CONFIG, ...config }, on);

describe('PEFT LoRA', () => {
  it('of the fused projection becomes q, k and v, each with the shared A and its rows of B times the scale', async () => {
    const { mopeft, tensors, maskThreshold, preprocessing } = await peft(layer(1));
    expect(mopeft).toEqual({
      methods: { lora: { rank: 2, alpha: 0, targets: 'qkv' } },
      gate: 'none',
      blocks: [1],
      trainDecoder: false,
    });
    expect({ maskThreshold, preprocessing }).toEqual({
      maskThreshold: 0,
      preprocessing: MICRO_SAM.preprocessing,
    });
    const a = Array.from({ length: 2 * C }, (_, i) => i + 1);
    for (const [part, name] of ['q', 'k', 'v'].entries()) {
      expect([...(tensors.get(`blocks.1.lora.${name}.A`)?.data ?? [])]).toEqual(a);
      const rows = a.map((value) => 2 * (value + 2 * C * part));
      expect([...(tensors.get(`blocks.1.lora.${name}.B`)?.data ?? [])]).toEqual(rows);
    }
  });

  it('of the mask decoder is merged into a decoder of its own', async () => {
    const [width = 0, side = 0] =
      SHAPES.get('mask_decoder.transformer.layers.0.self_attn.q_proj.weight') ?? [];
    const [last = 0, hidden = 0] =
      SHAPES.get('mask_decoder.output_hypernetworks_mlps.2.layers.2.weight') ?? [];
    const { mopeft, tensors, training } = await peft({
      ...decoderLayer('transformer.layers.0.self_attn.q_proj', side, width),
      ...decoderLayer('output_hypernetworks_mlps.2.proj_out', hidden, last),
    });
    expect(mopeft).toEqual({ methods: {}, gate: 'none', blocks: [], trainDecoder: true });
    // The first element: 1 + 2 · (B[0, 0] · A[0, 0] + B[0, 1] · A[1, 0])
    const first = (input: number) => 1 + 2 * (1 + 2 * (input + 1));
    const name = 'mask_decoder.transformer.layers.0.self_attn';
    expect(tensors.get(`${name}.q_proj.weight`)?.data[0]).toBe(first(side));
    expect(tensors.get(`${name}.k_proj.weight`)?.data[0]).toBe(1);
    expect(tensors.get('mask_decoder.output_hypernetworks_mlps.2.layers.2.weight')?.data[0]).toBe(
      first(hidden),
    );
    expect(String(training.understood)).toContain('2 layers of the mask decoder, merged into it');
  });

  it.each([
    ['Hugging Face', layer(0), 1],
    ['SAM', originalLayer(0), 0],
  ] as const)('of an inner layer of a head is that which %s counts', async (_, beside, changed) => {
    const [hidden = 0] = SHAPES.get('mask_decoder.output_hypernetworks_mlps.2.layers.0.weight') ?? [];
    const [input = 0] =
      SHAPES.get('mask_decoder.output_hypernetworks_mlps.2.layers.0.weight')?.slice(1) ?? [];
    const module = 'output_hypernetworks_mlps.2.layers.0';
    const shapes = decoderLayer(module, changed === 0 ? input : hidden, hidden);
    const { tensors } = await peft({ ...beside, ...shapes });
    const isPlain = (index: number) =>
      tensors
        .get(`mask_decoder.output_hypernetworks_mlps.2.layers.${index}.weight`)
        ?.data.every((value) => value === 1);
    expect([0, 1, 2].map(isPlain)).toEqual([0, 1, 2].map((index) => index !== changed));
    expect(await failureOf(peft(shapes))).toMatch(/adapter\/layers.*counted as in SAM or as in Hugging Face/);
  });

  it.each([
    'module.base_model.model.',
    'model.base_model.model.',
    'base_model.model._orig_mod.',
    'base_model.model.module.',
  ])('is the same where wrappers have put %s in front of its names', async (before) => {
    const renamed = Object.entries(layer(0)).map(([name, shape]) => [
      name.replace('base_model.model.', before),
      shape,
    ]);
    expect(await peft(Object.fromEntries(renamed))).toEqual(await peft(layer(0)));
  });

  it('is taken out of a whole model in which it is not merged', async () => {
    const whole = {
      ...layer(0),
      'base_model.model.vision_encoder.layers.0.attn.qkv.base_layer.weight': [3 * C, C],
      'base_model.model.vision_encoder.layers.0.attn.proj.weight': [C, C],
      'base_model.model.mask_decoder.iou_token.weight': [1, 8],
    };
    expect(await peft(whole)).toEqual(await peft(layer(0)));
  });

  it('is written and read in our own format', async () => {
    const adapter = await peft(
      { ...layer(0), ...layer(1, 'mlp.lin2', C, 1, MICRO_SAM.encoder.mlpDim) },
      { rank_pattern: { lin2: 1 } },
    );
    const back = await readAdapterFiles(base, writeAdapter(base, adapter));
    expect(back.mopeft).toEqual(adapter.mopeft);
    expect(back.mopeft.methods.lora).toEqual({ rank: 2, alpha: 0, targets: 'all' });
    expect(back.training).toEqual(adapter.training);
    // The lower rank is filled up with zeros.
    const a = back.tensors.get('blocks.1.lora.lin2.A')?.data ?? [];
    expect([...a.slice(0, C)].every((value) => value > 0)).toBe(true);
    expect([...a.slice(C)]).toEqual(Array(C).fill(0));
    const b = back.tensors.get('blocks.1.lora.lin2.B')?.data ?? [];
    expect([...b.slice(0, 4)]).toEqual([4, 0, 8, 0]);
    expect(new Set(back.tensors.get('blocks.1.lora.q.B')?.data)).toEqual(new Set([0]));
  });

  it.each([
    [{ lora_alpha: 3 }, 1.5],
    [{ use_rslora: true, lora_alpha: 2 ** 0.5 }, 1],
    [{ alpha_pattern: { qkv: 1 } }, 0.5],
    [{ alpha_pattern: { 'layers.1.attn.qkv': 1 } }, 2],
    [{ alpha_pattern: { '^qkv': 1 } }, 2],
    [{ alpha_pattern: { 'vision_encoder\\.layers\\.0\\.attn\\.qkv$': -1 } }, -0.5],
    [{ lora_alpha: 0 }, 0],
    [{ lora_alpha: undefined }, 4],
  ])('of %j has the scale %d', async (config, scale) => {
    const { tensors } = await peft(layer(0), config);
    expect(tensors.get('blocks.0.lora.q.B')?.data[0]).toBeCloseTo(scale, 6);
  });

  it.each([
    ['under its name in a state', `base_model.model.vision_encoder.layers.0.attn.qkv.lora_A.default.weight`],
    ['of the encoder alone', 'base_model.model.layers.0.attn.qkv.lora_A.weight'],
    ['with SAM’s own names', 'base_model.model.image_encoder.blocks.0.attn.qkv.lora_A.weight'],
    ['in a wrapper', 'base_model.model.model.vision_encoder.layers.0.attn.qkv.lora_A.weight'],
  ])('%s is read', async (_, a) => {
    const { mopeft } = await peft({ [a]: [2, C], [a.replace('_A', '_B')]: [3 * C, 2] });
    expect(mopeft.blocks).toEqual([0]);
  });

  it('says what it assumed, and that the base cannot be told', async () => {
    const said = (adapter: Adapter) => (adapter.training.understood as string[]).join('\n');
    const named = said(
      await peft(layer(0), { base_model_name_or_path: 'facebook/sam-vit-base', lora_alpha: undefined }),
    );
    expect(named).toContain(
      'PEFT LoRA, rank 2, scale 4, block 0, q, k and v from rows 0…15, 16…31, 32…47 of attn.qkv.',
    );
    expect(named).toMatch(/does not hold a hash .* names facebook\/sam-vit-base, and micro is open/);
    expect(named).toMatch(/does not say lora_alpha, so PEFT's default of 8 counts/);
    const unnamed = said(await peft(layer(0)));
    expect(unnamed).toContain('does not hold a hash');
    expect(unnamed).not.toMatch(/names|lora_alpha/);
  });

  it.each([
    [{ peft_type: 'LOHA' }, 'peft_type'],
    [{ bias: 'all' }, 'bias'],
    [{ use_dora: true }, 'use_dora'],
    [{ use_qalora: true }, 'use_qalora'],
    [{ lora_bias: true }, 'lora_bias'],
    [{ init_lora_weights: 'pissa_niter_4' }, 'init_lora_weights'],
    [{ layer_replication: [[0, 1]] }, 'layer_replication'],
    [{ alpha_pattern: { '(\\w+)+!': 2 } }, 'alpha_pattern'],
    [{ r: '8' }, 'r'],
    [{ r: Number.POSITIVE_INFINITY }, 'r'],
    [{ lora_alpha: 'eight' }, 'lora_alpha'],
    [{ rank_pattern: { qkv: 'two' } }, 'rank_pattern'],
  ])('with %j is refused by the setting', async (config, setting) => {
    const said = await failureOf(peft(layer(0), config));
    expect(said).toMatch(/^adapter\/setting/);
    expect(said).toContain(`its setting ${setting}`);
  });

  it.each([
    ['a missing B', 'adapter/pair', { 'base_model.model.layers.0.attn.qkv.lora_A.weight': [2, C] }],
    [
      'another rank in B',
      'adapter/shapes',
      { ...layer(0), 'base_model.model.vision_encoder.layers.0.attn.qkv.lora_B.weight': [3 * C, 3] },
    ],
    [
      'a convolution',
      'adapter/shapes',
      { ...layer(0), 'base_model.model.vision_encoder.layers.0.attn.qkv.lora_A.weight': [2, C, 1, 1] },
    ],
    ['no rank', 'adapter/shapes', layer(0, 'attn.qkv', 3 * C, 0)],
    ['a rank that its config does not say', 'adapter/rank', layer(0, 'attn.qkv', 3 * C, 3)],
    ['a huge rank', 'adapter/rank', layer(0, 'attn.qkv', 3 * C, 257)],
    ['another width', 'adapter/other-model', layer(0, 'attn.qkv', 3 * C, 2, 24)],
    ['another output', 'adapter/other-model', layer(0, 'attn.qkv', C)],
    ['a block that is not there', 'adapter/other-model', layer(99_999_999)],
    ['a layer of something else', 'adapter/layers', layer(0, 'self_attn.q_proj', C)],
    ['a layer of another decoder', 'adapter/decoder', decoderLayer('transformer.layers.0.mlp.lin3', 8, 8)],
    [
      'another width of the decoder',
      'adapter/decoder',
      decoderLayer('transformer.layers.0.self_attn.q_proj', 7, 8),
    ],
    ['an inner layer of a head', 'adapter/layers', decoderLayer('iou_prediction_head.layers.1', 8, 8)],
    [
      'a magnitude of DoRA',
      'adapter/layers',
      { ...layer(0), 'base_model.model.vision_encoder.layers.0.attn.qkv.lora_magnitude_vector': [3 * C] },
    ],
    [
      'part of a decoder',
      'adapter/decoder',
      { ...layer(0), 'base_model.model.mask_decoder.iou_token.weight': [1, 16] },
    ],
    [
      'a layer twice',
      'adapter/several',
      { ...layer(0), 'base_model.model.layers.0.attn.qkv.lora_A.weight': [2, C] },
    ],
    ['q beside the fused projection', 'adapter/layers', { ...layer(0), ...layer(0, 'attn.q', C) }],
    [
      'two adapters',
      'adapter/several',
      {
        'layers.0.attn.qkv.lora_A.one.weight': [2, C],
        'layers.0.attn.qkv.lora_B.two.weight': [3 * C, 2],
      },
    ],
  ] as const)('with %s is refused', async (_, code, shapes) => {
    expect(await failureOf(peft(shapes))).toContain(`${code} `);
  });

  it('without its config, with NaN, with an infinite scale or on another encoder is refused', async () => {
    expect(await failureOf(imported(tensorsOf(layer(0))))).toMatch(
      /adapter\/no-config .*adapter_config\.json/,
    );
    expect(await failureOf(imported(tensorsOf(layer(0)), null))).toMatch(/adapter\/setting/);
    const tensors = tensorsOf(layer(0));
    for (const { data } of tensors.values()) data[1] = Number.NaN;
    expect(await failureOf(imported(tensors, CONFIG))).toMatch(/checkpoint\/not-finite .*lora_A/);
    expect(await failureOf(peft(layer(0), { lora_alpha: 1e300 }))).toMatch(/adapter\/scale .*lora_alpha/);
    await withEntry<unknown>(ENCODERS, twoStage, async () => {
      const other = { ...base, config: TWO_STAGE_SAM };
      expect(await failureOf(peft(layer(0), {}, other))).toMatch(/adapter\/encoder/);
    });
  });
});

describe('Sam_LoRA', () => {
  const pairs = (count: number, width = C): Shapes =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => String(i).padStart(3, '0')).flatMap((i) => [
        [`w_a_${i}`, [2, width]],
        [`w_b_${i}`, [width, 2]],
      ]),
    );
  const without = (name: string): Shapes =>
    Object.fromEntries(Object.entries(pairs(4)).filter(([key]) => key !== name));

  it('has first q, then v of every block, unscaled', async () => {
    const given = tensorsOf({ ...pairs(4), fc_16in_10out: [10, C] });
    const { mopeft, tensors, training } = await imported(given);
    expect(mopeft.methods).toEqual({ lora: { rank: 2, alpha: 0, targets: 'qv' } });
    expect(mopeft.blocks).toEqual([0, 1]);
    for (const [i, name] of [
      'blocks.0.lora.q',
      'blocks.0.lora.v',
      'blocks.1.lora.q',
      'blocks.1.lora.v',
    ].entries()) {
      expect(tensors.get(`${name}.A`), name).toEqual(given.get(`w_a_00${i}`));
      expect(tensors.get(`${name}.B`), name).toEqual(given.get(`w_b_00${i}`));
    }
    expect((training.understood as string[])[0]).toBe('Sam_LoRA, rank 2, scale 1, blocks 0-1, q, v.');
  });

  it.each(['module.', 'lora.'])('is the same where all names begin with %s', async (before) => {
    const renamed = Object.entries(pairs(4)).map(([name, shape]) => [before + name, shape]);
    expect(await imported(tensorsOf(Object.fromEntries(renamed)))).toEqual(
      await imported(tensorsOf(pairs(4))),
    );
  });

  it.each([
    [
      'of two trainings',
      { ...pairs(4), 'ema.w_a_000': [2, C] },
      'adapter/several',
      /w_a_000 and ema\.w_a_000|ema\.w_a_000 and w_a_000/,
    ],
    ['of another number of blocks', pairs(2), 'adapter/other-model', /1 block.*has 2 blocks/],
    ['of another width', pairs(4, 24), 'adapter/other-model', /24 → 24.*16 → 16/],
    ['without a B', without('w_b_003'), 'adapter/pair', /w_a_003/],
    ['without an A', without('w_a_001'), 'adapter/pair', /w_b_001/],
    ['with a gap', { w_a_007: [2, C], w_b_007: [C, 2] }, 'adapter/pair', /w_a_000 and w_b_000/],
    [
      'beside a trained decoder',
      { ...pairs(4), 'mask_decoder.iou_token.weight': [1, 16] },
      'adapter/layers',
      /SAMed/,
    ],
  ] as const)('%s is refused', async (_, shapes, code, text) => {
    const said = await failureOf(imported(tensorsOf(shapes)));
    expect(said).toContain(`${code} `);
    expect(said).toMatch(text);
  });
});
