import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import type { SamConfig } from '../../../config/sam.ts';
import type { Adapter } from '../../../peft/adapter-file.ts';
import { MICRO_SAM, MICRO_SAM2 } from '../../../testing/micro-model.ts';
import { anylabeling, modelConfig } from './anylabeling.ts';

const LARGE: SamConfig = { ...MICRO_SAM, imageSize: 1024 };

/** Why a model cannot go out, or null. */
function refusalOf(config: SamConfig, preprocessing = config.preprocessing) {
  const adapter = { preprocessing } as Adapter;
  return anylabeling.refusal({ adapter, checkpoint: { config, read: () => Promise.reject(new Error()) } });
}

describe('a model for AnyLabeling', () => {
  it('sees images as these programs give them', () => {
    const { normalisation } = LARGE.preprocessing;
    expect(refusalOf(LARGE)).toBeNull();
    expect(refusalOf(MICRO_SAM)?.what).toMatch(/at 32 pixels, and these programs have 1024/);
    expect(refusalOf(LARGE, { aspect: 'stretch', normalisation })?.what).toMatch(/neither stretched/);
    expect(refusalOf(LARGE, { aspect: 'keep', normalisation: { kind: 'min-max' } })?.what).toMatch(/darkest/);
    expect(refusalOf({ ...LARGE, decoder: { ...LARGE.decoder, kind: 'hq' } })?.cure).toMatch(/as merged/);
    expect(refusalOf(MICRO_SAM2)?.cure).toMatch(/as onnx/);
  });

  it('has a config that they read, with a name of its own', () => {
    const base = { name: 'SAM "ViT-B"', hash: '', licence: null, repository: null };
    expect(load(modelConfig({ base, run: null }))).toEqual({
      type: 'segment_anything',
      name: 'mopeft-sam-vit-b-tuned',
      display_name: 'SAM "ViT-B", tuned',
      encoder_model_path: 'encoder.onnx',
      decoder_model_path: 'decoder.onnx',
      input_size: 1024,
      max_width: 1024,
      max_height: 684,
    });
  });
});
