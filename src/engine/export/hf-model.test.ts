import { describe, expect, it } from 'vitest';
import { wholeTensorShapes } from '../../sam/checkpoint/expected-shapes.ts';
import { mapHfNames } from '../../sam/checkpoint/names.ts';
import { parsePreprocessor, parseSamConfig } from '../../sam/checkpoint/parse-config.ts';
import { ENCODERS } from '../../sam/encoders/registry.ts';
import { MICRO_SAM, MICRO_SAM2 } from '../../testing/micro-model.ts';
import { TWO_STAGE_SAM, twoStage } from '../../testing/two-stage-encoder.ts';
import { withEntry } from '../../testing/with-entry.ts';
import { hfConfig, hfPreprocessor, hfRefusal, hfTensorNames } from './hf-model.ts';

const HQ = { ...MICRO_SAM, decoder: { ...MICRO_SAM.decoder, kind: 'hq' as const, iouHeadDepth: 4 } };
const BLOCKS = [
  { heads: 2, attentionWidth: 16, mlpDim: 16 },
  { heads: 1, attentionWidth: 8, mlpDim: 12 },
];

describe('a model in Hugging Face’s form', () => {
  it.each([
    ['SAM', MICRO_SAM],
    ['HQ-SAM', HQ],
    ['SAM 2', MICRO_SAM2],
  ])('%s: has names and sizes that are read back as they were', (_, config) => {
    const inFile = hfTensorNames(config);
    expect([...inFile.keys()]).toEqual([...wholeTensorShapes(config).keys()]);
    // Sam2Model's one table of points is read as the four that a SamModel has.
    const asRead = (hf: string, original: string) =>
      hf === 'prompt_encoder.point_embed.weight' ? original.replace('embeddings', 'embed') : hf;
    const names = new Map([...inFile].map(([original, hf]) => [original, asRead(hf, original)]));
    expect(new Set(inFile.values()).size).toBe(names.size - (config.decoder.kind === 'sam2' ? 3 : 0));
    const original = /image_encoder|output_upscaling|\.norm\d\.|hf_|compress_vit_feat|embedding_/;
    expect([...names.values()].filter((name) => original.test(name))).toEqual([]);
    const back = mapHfNames([...names.values()]);
    for (const [original, hf] of names) expect(back.get(original)).toBe(hf);
    expect(back.size).toBe(names.size);
    const preprocessor = hfPreprocessor(config, config.preprocessing);
    const read = parseSamConfig(JSON.parse(JSON.stringify(hfConfig(config))), 'config.json', {
      preprocessor,
    });
    expect({ ...read, preprocessing: null }).toEqual({ ...config, preprocessing: null });
  });

  it('prepares images as the record says, or carries what it cannot say', () => {
    const stretched = { aspect: 'stretch', normalisation: { kind: 'min-max' } } as const;
    expect(parsePreprocessor(hfPreprocessor(MICRO_SAM, stretched), 'p')).toEqual(stretched);
    const { normalisation } = parsePreprocessor(hfPreprocessor(MICRO_SAM, MICRO_SAM.preprocessing), 'p');
    if (normalisation.kind !== 'mean-std') throw new Error(normalisation.kind);
    expect(normalisation.range).toBe(1);
    expect(normalisation.mean.map((value) => value * 255)).toEqual([123.675, 116.28, 103.53]);
  });

  it('is refused where Hugging Face has no such encoder', async () => {
    expect(hfRefusal(MICRO_SAM)).toBeNull();
    await withEntry(ENCODERS, twoStage, () =>
      expect(hfRefusal(TWO_STAGE_SAM)?.what).toMatch(/another image encoder/),
    );
    const pruned = { ...MICRO_SAM, encoder: { ...MICRO_SAM.encoder, blockSizes: BLOCKS } };
    expect(hfRefusal(pruned)?.what).toMatch(/pruned to different sizes/);
  });
});
