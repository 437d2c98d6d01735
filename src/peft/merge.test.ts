import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MopeftConfig, MopeftRequest } from '../config/mopeft.ts';
import type { SamConfig } from '../config/sam.ts';
import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import { samTensorShapes } from '../sam/checkpoint/expected-shapes.ts';
import type { HostTensor } from '../sam/checkpoint/tensor-file.ts';
import type { TinyVitSam } from '../sam/encoders/tiny-vit/config.ts';
import { SamSession } from '../sam/session.ts';
import { graphInputs } from '../sam/weight-source.ts';
import { loadModel } from '../sam/weights.ts';
import { relativeError } from '../testing/allclose.ts';
import { openTestGpu } from '../testing/device.ts';
import { MICRO_SAM, microTensor } from '../testing/micro-model.ts';
import { normals } from '../testing/random.ts';
import { attachModules } from './build.ts';
import { DATASET_INPUT, datasetCount, datasetRows } from './datasets.ts';
import { mergeAdapter } from './merge.ts';
import { METHODS } from './registry.ts';
import { resolveMopeft } from './resolve.ts';
import { moduleTensors } from './tensors.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu?.destroy());

/** A TinyViT whose first stage with attention fills up its windows, and the others do not. */
const TINY: TinyVitSam = {
  ...MICRO_SAM,
  imageSize: 64,
  stride: 16,
  encoder: {
    kind: 'tiny-vit',
    stemKernel: 3,
    widths: [8, 16, 24, 32],
    depths: [1, 2, 1, 1],
    heads: [1, 2, 3, 4],
    windows: [3, 3, 4, 2],
    mlpRatio: 2,
    expandRatio: 2,
  },
};

/** A base model's tensors; variances are above 0. */
const readerOf = (sam: SamConfig) => async (name: string) =>
  microTensor(sam, name, 1, (own, value) => (own.endsWith('running_var') ? 1 + Math.abs(value) : value));
const read = readerOf(MICRO_SAM);

/** Values as after a training, none of which is 0. */
function trained(config: MopeftConfig, sam: SamConfig = MICRO_SAM): Map<string, HostTensor> {
  return new Map(
    moduleTensors(config, sam).map(({ name, shape, init }) => {
      const isDecided = /\.(alpha|open)$/.test(name);
      const data = init(3).map((value, i) => value + (isDecided ? 0 : 0.2 * Math.sin(1 + 2 * i)));
      return [name, { shape, data }];
    }),
  );
}

/** The embedding of a base model with the modules of a config. */
async function embed(
  config: MopeftConfig | null,
  tensors: ReadonlyMap<string, HostTensor>,
  weights: (name: string) => Promise<HostTensor>,
  sam: SamConfig = MICRO_SAM,
): Promise<Float32Array> {
  const model = await loadModel(gpu, { name: 'micro', config: sam, read: weights });
  const own = new Map<string, BufferRange>();
  for (const [name, { data }] of config ? tensors : []) own.set(name, gpu.upload(data, name));
  const count = config ? datasetCount(config) : 0;
  if (count > 0) own.set(DATASET_INPUT, gpu.upload(datasetRows([1], count), DATASET_INPUT));
  const session = await SamSession.open(gpu, model, {
    tensors: own,
    ...(config && { slots: (graph) => attachModules(graph, config, graphInputs(graph), 'evaluation').slots }),
  });
  await session.encode(Float32Array.from(normals(3 * sam.imageSize ** 2, 5)));
  const { embedding } = await session.embeddings();
  await session.release();
  for (const { buffer } of own.values()) gpu.release(buffer);
  model.weights.release();
  return embedding;
}

const config = (request: MopeftRequest, sam: SamConfig = MICRO_SAM) => resolveMopeft(request, sam);
const MERGEABLE = METHODS.filter(({ merge }) => merge).map(({ id }) => id);

describe('merging modules into plain weights', () => {
  const cases: [name: string, request: MopeftRequest, dataset: string | undefined][] = [
    ...MERGEABLE.map((id): [string, MopeftRequest, undefined] => [id, { methods: [id] }, undefined]),
    [
      'LoRA with a scale',
      { methods: ['lora'], settings: { lora: { rank: 3, alpha: 6, targets: 'all' } } },
      undefined,
    ],
    ['all that can be merged, together', { methods: MERGEABLE, gate: 'none' }, undefined],
    ['under a budget', { methods: MERGEABLE, gate: 'budget' }, undefined],
    ['with hard gates', { methods: MERGEABLE, gate: 'hard' }, undefined],
    ['by dataset', { methods: MERGEABLE, gate: 'task', datasets: ['a', 'b'] }, 'b'],
  ];
  it.each(cases)('%s: gives the same embedding without a module', async (name, request, dataset) => {
    const mopeft = config(request);
    const tensors = trained(mopeft);
    const merged = await mergeAdapter({ mopeft, tensors }, MICRO_SAM, read, dataset);
    const [base, tuned, plain] = [
      await embed(null, tensors, read),
      await embed(mopeft, tensors, read),
      await embed(null, tensors, async (own) => merged.get(own) ?? (await read(own))),
    ];
    expect(relativeError(tuned, base), name).toBeGreaterThan(1e-2);
    expect(relativeError(plain, tuned), name).toBeLessThan(1e-5);
  });

  it.each<[name: string, request: MopeftRequest, dataset: string | undefined]>([
    ['all that can be merged', { methods: MERGEABLE, gate: 'none' }, undefined],
    ['all that can be merged, with hard gates', { methods: MERGEABLE, gate: 'hard' }, undefined],
    ['by dataset', { methods: ['lora', 'ia3'], gate: 'task', datasets: ['a', 'b'] }, 'b'],
    [
      'by dataset, where windows are full',
      { methods: ['ssf', 'bias_norm', 'full'], blocks: [2, 3], gate: 'task', datasets: ['a', 'b'] },
      'b',
    ],
  ])('%s in a TinyViT: gives the same embedding without a module', async (name, request, dataset) => {
    const base = readerOf(TINY);
    const mopeft = config(request, TINY);
    const tensors = trained(mopeft, TINY);
    const merged = await mergeAdapter({ mopeft, tensors }, TINY, base, dataset);
    const [frozen, tuned, plain] = [
      await embed(null, tensors, base, TINY),
      await embed(mopeft, tensors, base, TINY),
      await embed(null, tensors, async (own) => merged.get(own) ?? (await base(own)), TINY),
    ];
    expect(relativeError(tuned, frozen), name).toBeGreaterThan(1e-2);
    expect(relativeError(plain, tuned), name).toBeLessThan(1e-5);
    for (const [own, { shape }] of merged) expect(samTensorShapes(TINY).get(own), own).toEqual(shape);
  });

  it('refuses gates by dataset on the norms of a TinyViT whose windows are filled up', async () => {
    const mopeft = config(
      { methods: ['lora', 'bias_norm', 'ssf'], gate: 'task', datasets: ['a', 'b'] },
      TINY,
    );
    const merging = mergeAdapter({ mopeft, tensors: trained(mopeft, TINY) }, TINY, readerOf(TINY), 'b');
    await expect(merging).rejects.toMatchObject({
      record: { code: 'merge/not-exact', what: expect.stringContaining('Bias and norm and Scale and shift') },
    });
  });

  it('changes copies alone, and nothing outside of the blocks that have a module', async () => {
    const mopeft = config({ methods: ['lora'], blocks: [1] });
    const merged = await mergeAdapter({ mopeft, tensors: trained(mopeft) }, MICRO_SAM, read);
    expect([...merged.keys()].every((name) => name.startsWith('image_encoder.blocks.1.'))).toBe(true);
    for (const [name, { shape }] of merged) expect(samTensorShapes(MICRO_SAM).get(name), name).toEqual(shape);
  });

  it('takes the mask decoder that was trained', async () => {
    const mopeft = config({ methods: [] });
    const name = 'mask_decoder.iou_token.weight';
    const own = { shape: [1, 16], data: new Float32Array(16).fill(3) };
    const merged = await mergeAdapter({ mopeft, tensors: new Map([[name, own]]) }, MICRO_SAM, read);
    expect([...merged]).toEqual([[name, own]]);
  });

  it.each([
    [['prefix'], 'none', 'Prefix is beside'],
    [['lora', 'adapter', 'conv_pass'], 'none', 'Adapter and ConvPass are beside'],
    [['lora'], 'unipelt', 'differ from image to image'],
  ])('refuses %s with gates %s, and says why', async (methods, gate, why) => {
    const mopeft = config({ methods, gate });
    const merging = mergeAdapter({ mopeft, tensors: trained(mopeft) }, MICRO_SAM, read);
    await expect(merging).rejects.toMatchObject({
      record: { code: 'merge/not-exact', what: expect.stringContaining(why) },
    });
  });

  it('asks which dataset is meant, and refuses one that it does not know', async () => {
    const mopeft = config({ methods: ['lora'], gate: 'task', datasets: ['a', 'b'] });
    const adapter = { mopeft, tensors: trained(mopeft) };
    for (const asked of [undefined, 'c'])
      await expect(mergeAdapter(adapter, MICRO_SAM, read, asked)).rejects.toMatchObject({
        record: { code: 'merge/which-dataset', cure: expect.stringContaining('a, b') },
      });
  });
});
