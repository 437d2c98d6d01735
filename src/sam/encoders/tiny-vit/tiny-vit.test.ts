import { describe, expect, it } from 'vitest';
import { Failure } from '../../../config/failure.ts';
import { SAM_DEFAULTS, SAM_PREPROCESSING } from '../../../config/sam.ts';
import { planGraph } from '../../../graph/plan.ts';
import { sizeOf } from '../../../graph/shape.ts';
import { bytesSource } from '../../checkpoint/byte-source.ts';
import { openCheckpoint } from '../../checkpoint/checkpoint.ts';
import { samTensorShapes } from '../../checkpoint/expected-shapes.ts';
import { inferSamConfig } from '../../checkpoint/infer-config.ts';
import { parseSamConfig } from '../../checkpoint/parse-config.ts';
import { writeSafetensors } from '../../checkpoint/safetensors-write.ts';
import { ShapeReader } from '../../checkpoint/shape-reader.ts';
import type { HostTensor } from '../../checkpoint/tensor-file.ts';
import { ToldConfig } from '../../checkpoint/told-config.ts';
import { sitesOf } from '../../encoder.ts';
import { encodeGraph } from '../../graphs.ts';
import type { TinyVitSam } from './config.ts';
import { tinyVit } from './tiny-vit.ts';

/** MobileSAM, and micro-sam's `vit_t`. */
const MOBILE_SAM: TinyVitSam = {
  ...SAM_DEFAULTS,
  imageSize: 1024,
  stride: 16,
  outputChannels: 256,
  encoder: {
    kind: 'tiny-vit',
    stemKernel: 3,
    widths: [64, 128, 160, 320],
    depths: [2, 2, 6, 2],
    heads: [4, 4, 5, 10],
    windows: [7, 7, 14, 7],
    mlpRatio: 4,
    expandRatio: 4,
  },
  preprocessing: SAM_PREPROCESSING,
};
/** LiteMedSAM: a stem without stride, on images of 256 pixels. */
const LITE_MEDSAM: TinyVitSam = {
  ...MOBILE_SAM,
  imageSize: 256,
  stride: 4,
  encoder: { ...MOBILE_SAM.encoder, stemKernel: 1 },
};
const FLAT = {
  image_size: 20,
  stem_kernel: 1,
  embed_dims: [4, 8, 8, 8],
  depths: [1, 2, 1, 1],
  num_heads: [1, 1, 2, 4],
  window_sizes: [3, 3, 4, 3],
  output_channels: 16,
  decoder_heads: 2,
};

const sam = (change: object = {}) => parseSamConfig({ ...FLAT, ...change }, 'config.json') as TinyVitSam;

describe('a TinyViT', () => {
  it.each([
    ['MobileSAM', MOBILE_SAM],
    ['LiteMedSAM', LITE_MEDSAM],
  ])('has its sizes read off the shapes of %s', (_name, config) => {
    expect(inferSamConfig(tinyVit, new ShapeReader(samTensorShapes(config), 'sam.pt'))).toEqual(config);
  });

  it('is taken to be at the size of the published ones, which is said, where no file says it', () => {
    const { num_heads, ...told } = FLAT;
    const shapes = new ShapeReader(samTensorShapes(sam()), 'sam.pt');
    const remarks = (from: object | null) => {
      const config = new ToldConfig(from ? [{ name: 'config.json', json: { ...from } }] : []);
      const { imageSize } = inferSamConfig(tinyVit, shapes, config, { decoderHeads: 2 });
      return [imageSize, ...config.remarks.map(({ code }) => code)];
    };
    expect(remarks(null)).toEqual([256, 'config/assumed']);
    expect(remarks(told)).toEqual([20]);
    expect(remarks({ ...told, depths: [1, 2, 1, 2] })).toEqual([20, 'config/contradicts']);
  });

  it('has a site for every attention block, each of its own width, heads, grid and window', () => {
    expect(
      sitesOf(MOBILE_SAM).map(({ width, heads, grid, window }) => [width, heads, grid[0], window]),
    ).toEqual([
      ...Array.from({ length: 2 }, () => [128, 4, 128, 7]),
      ...Array.from({ length: 6 }, () => [160, 5, 64, 14]),
      ...Array.from({ length: 2 }, () => [320, 10, 64, 7]),
    ]);
    expect(sitesOf(MOBILE_SAM)[2]?.name).toBe('image_encoder.layers.2.blocks.0');
  });

  it('opens below a wrapper, and leaves counters, tables and the classifier alone without a word', async () => {
    const config = sam();
    const values = (shape: readonly number[]): HostTensor => ({
      shape,
      data: new Float32Array(sizeOf(shape)).fill(0.5),
    });
    const tensors = new Map<string, HostTensor>();
    for (const [name, shape] of samTensorShapes(config)) tensors.set(`module.${name}`, values(shape));
    for (const spare of [
      'patch_embed.seq.0.bn.num_batches_tracked',
      'layers.1.blocks.0.attn.attention_bias_idxs',
    ])
      tensors.set(`module.image_encoder.${spare}`, values([1]));
    tensors.set('module.image_encoder.norm_head.weight', values([8]));
    tensors.set('module.image_encoder.head.bias', values([1000]));
    const open = () =>
      openCheckpoint({
        weights: [bytesSource('tiny.safetensors', writeSafetensors(tensors))],
        config: { name: 'config.json', text: JSON.stringify(FLAT) },
      });
    const { config: found, unused, remarks } = await open();
    expect(found).toEqual(config);
    expect(unused).toEqual([]);
    expect(remarks.map(({ code }) => code)).toEqual(['config/preprocessing']);
    tensors.set('module.image_encoder.layers.1.blocks.0.attn.scale', values([8]));
    await expect(open()).rejects.toMatchObject({ record: { code: 'checkpoint/tuned' } });
  });

  it('is refused with stages without end, at once', () => {
    const shapes = new Map(samTensorShapes(sam()));
    for (let i = 4; i < 20_000; i++)
      shapes.set(`image_encoder.layers.${i}.blocks.0.attn.proj.weight`, [8, 8]);
    expect(() => inferSamConfig(tinyVit, new ShapeReader(shapes, 'sam.pt'))).toThrow(/20000 stages/);
  });

  it('runs at 1,024 pixels within the limits that every device has', () => {
    const traits = { isSoftware: false, hasSubgroups: false };
    const { passes, slotBytes } = planGraph(encodeGraph(MOBILE_SAM), traits);
    const MiB = 2 ** 20;
    expect(Math.max(...passes.flatMap(({ bytes }) => bytes))).toBeLessThanOrEqual(128 * MiB);
    expect(Math.max(...slotBytes)).toBeLessThanOrEqual(256 * MiB);
  });

  it('says which part a file that is cut short lacks', async () => {
    const stem = new Map([
      ['image_encoder.patch_embed.seq.0.c.weight', { shape: [2, 3, 1, 1], data: new Float32Array(6) }],
    ]);
    await expect(
      openCheckpoint({ weights: [bytesSource('cut.safetensors', writeSafetensors(stem))] }),
    ).rejects.toThrow(/no such tensor of the image encoder/);
  });

  it.each([
    [{ num_heads: [1, 3, 2, 4] }, 'num_heads 1, 3, 2, 4'],
    [{ image_size: 22 }, 'image_size 22'],
    [{ depths: [1, 2, 1] }, 'depths 3'],
    [{ window_sizes: [3, 33, 4, 3] }, 'window_sizes 3, 33, 4, 3'],
    [{ embed_dims: Array.from({ length: 9 }, () => 8) }, 'embed_dims'],
    [{ stem_kernel: 5 }, 'stem_kernel'],
  ])('refuses a config with %j by its name', (change, named) => {
    expect(() => sam(change)).toThrow(Failure);
    expect(() => sam(change)).toThrow(named);
  });
});
