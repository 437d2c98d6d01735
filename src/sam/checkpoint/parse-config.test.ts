import { describe, expect, it } from 'vitest';
import { Failure } from '../../config/failure.ts';
import { gridOf, imageRecordOf, lowResOf, SAM_PREPROCESSING } from '../../config/sam.ts';
import { sitesOf } from '../encoder.ts';
import { attentionGrid } from '../site.ts';
import { parsePreprocessor, parseSamConfig } from './parse-config.ts';

const HF = { vision_config: { hidden_size: 768 }, prompt_encoder_config: {}, mask_decoder_config: {} };

function failureOf(work: () => unknown): Failure {
  try {
    work();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe("Hugging Face's config.json", () => {
  it('has the sizes of ViT-B where it says nothing', () => {
    const config = parseSamConfig(HF, 'config.json');
    expect(config).toMatchObject({
      imageSize: 1024,
      stride: 16,
      outputChannels: 256,
      encoder: {
        kind: 'vit',
        hiddenSize: 768,
        numHiddenLayers: 12,
        mlpDim: 3072,
        windowSize: 14,
        globalAttnIndexes: [2, 5, 8, 11],
      },
      decoder: { depth: 2, numHeads: 8, mlpDim: 2048, iouHidden: 256, layerNormEps: 1e-5 },
      preprocessing: SAM_PREPROCESSING,
    });
    expect([gridOf(config), lowResOf(config)]).toEqual([64, 256]);
    const sites = sitesOf(config);
    expect(sites).toHaveLength(12);
    expect(sites[3]).toEqual({
      index: 3,
      name: 'image_encoder.blocks.3',
      width: 768,
      attentionWidth: 768,
      mlpWidth: 3072,
      heads: 12,
      grid: [64, 64],
      window: 14,
      qkvBias: true,
      useRelPos: true,
      layerNormEps: 1e-6,
    });
    expect(sites.slice(1, 3).map(attentionGrid)).toEqual([
      [14, 14],
      [64, 64],
    ]);
  });

  it('takes the eps that the file names', () => {
    const config = parseSamConfig({ ...HF, mask_decoder_config: { layer_norm_eps: 1e-6 } }, 'config.json');
    expect(config.decoder.layerNormEps).toBe(1e-6);
  });

  it.each([
    [
      'a text for a size',
      { ...HF, vision_config: { hidden_size: 'large' } },
      'config/invalid',
      'vision_config.hidden_size',
    ],
    [
      'another activation',
      { ...HF, vision_config: { hidden_act: 'relu' } },
      'config/invalid',
      'vision_config.hidden_act',
    ],
    [
      'a size of 0',
      { ...HF, vision_config: { patch_size: 0 } },
      'config/invalid',
      'vision_config.patch_size',
    ],
    [
      'five masks',
      { ...HF, mask_decoder_config: { num_multimask_outputs: 4 } },
      'config/invalid',
      'num_multimask_outputs',
    ],
    [
      'heads that do not divide',
      { ...HF, vision_config: { num_attention_heads: 7 } },
      'config/inconsistent',
      'num_attention_heads 7',
    ],
    [
      'a patch that does not divide',
      { ...HF, vision_config: { patch_size: 15 } },
      'config/inconsistent',
      'patch_size 15',
    ],
    [
      'a global block that is not there',
      { ...HF, vision_config: { global_attn_indexes: [12] } },
      'config/inconsistent',
      '12',
    ],
    ['another model', { model_type: 'vit', hidden_size: 768 }, 'config/not-sam', 'vision_config'],
    ['nothing', null, 'config/not-sam', 'config.json'],
  ])('refuses %s by name', (_what, json, code, names) => {
    const failure = failureOf(() => parseSamConfig(json, 'config.json'));
    expect(failure.record.code).toBe(code);
    expect(failure.message).toContain('config.json');
    expect(failure.message).toContain(names);
  });
});

describe('preprocessor_config.json', () => {
  it('says how values are scaled and whether the aspect is kept', () => {
    const kept = parsePreprocessor({ size: { longest_edge: 1024 }, image_mean: [0, 0, 0] }, 'p.json');
    expect(kept).toEqual({
      aspect: 'keep',
      normalisation: { kind: 'mean-std', mean: [0, 0, 0], std: [0.229, 0.224, 0.225], range: 1 },
    });
    expect(parsePreprocessor({ size: { height: 256, width: 256 } }, 'p.json').aspect).toBe('stretch');
    expect(parsePreprocessor({ normalisation: 'min-max' }, 'p.json').normalisation).toEqual({
      kind: 'min-max',
    });
    expect(parsePreprocessor({ do_normalize: false }, 'p.json').normalisation).toMatchObject({
      mean: [0, 0, 0],
      std: [1, 1, 1],
    });
  });

  it.each([
    [1 / 255, 1],
    [0.003921569, 1],
    [1, 255],
  ])('with a rescale_factor of %d says values up to %d', (rescaleFactor, range) => {
    expect(parsePreprocessor({ rescale_factor: rescaleFactor }, 'p.json').normalisation).toMatchObject({
      range,
    });
    const off = parsePreprocessor({ rescale_factor: rescaleFactor, do_rescale: false }, 'p.json');
    expect(off.normalisation).toMatchObject({ range: 255 });
  });

  it.each([
    [{ image_std: [0.2, 0, 0.2] }, 'image_std.1'],
    [{ image_std: [-1, 1, 1] }, 'image_std.0'],
    [{ rescale_factor: 0.5 }, 'rescale_factor'],
    [[], 'the file'],
  ])('%j is refused by name', (json, name) => {
    expect(failureOf(() => parsePreprocessor(json, 'p.json')).message).toContain(name);
  });

  it('goes with the side of the model', () => {
    expect(imageRecordOf(parseSamConfig(HF, 'config.json'))).toEqual({ size: 1024, ...SAM_PREPROCESSING });
  });
});
