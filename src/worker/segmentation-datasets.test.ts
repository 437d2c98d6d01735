import { expect, test, vi } from 'vitest';
import { encodeImagePng } from '../data/encode-png.ts';
import { writeFeature } from '../engine/asked-dataset.ts';
import type { Segmenter, VariantWeights } from '../engine/segmenter.ts';
import { drawSample } from '../testing/training-sets.ts';
import type { EngineState } from './engine-state.ts';
import { SegmentationService } from './segmentation-service.ts';

const { image } = drawSample('a', 1, 90, 60);
const plain = { methods: {}, gate: 'none', blocks: [], trainDecoder: true };
const names = ['inner', 'whole'];

test('a run that tells datasets apart answers for the one that is asked for, else for that of the nearest images', async () => {
  const asked: (number | null | undefined)[] = [];
  const note = async ({ tuning }: VariantWeights) => {
    asked.push(tuning ? (await tuning()).dataset : null);
  };
  const segmenter = {
    embed: async (_: unknown, weights: VariantWeights) => {
      await note(weights);
      return { milliseconds: 1, gates: null };
    },
    predict: async (_: unknown, weights: VariantWeights) => {
      await note(weights);
      return [];
    },
    feature: vi.fn(async () => Float32Array.of(0, 1)),
  };
  const features = [Float32Array.of(1, 0), Float32Array.of(0, 1)].map(writeFeature);
  const tuningOf = (mopeft: object) => async () => ({ mopeft, training: { features } });
  const service = new SegmentationService(
    {
      needModel: () => ({
        segmenter: segmenter as unknown as Segmenter,
        open: { hash: 'micro', config: {} },
      }),
    } as unknown as EngineState,
    async (key) => {
      const mopeft = key === 'apart' ? { ...plain, token: true, datasets: names } : plain;
      return { name: key, weights: { key, tuning: tuningOf(mopeft) as never } };
    },
    () => {
      throw new Error('no adapter is shipped');
    },
  );
  const file = new File([new Uint8Array(encodeImagePng(image))], 'a.png');
  const imageId = (await service.open({ kind: 'file', file })).id;
  const apart = { kind: 'run', runId: 'apart' } as const;
  const embed = async (variant: Parameters<typeof service.embed>[0]['variant']) =>
    (await service.embed({ imageId, variant })).asked;

  expect(await embed(apart)).toEqual({ index: 1, name: 'whole', by: 'features', names });
  expect(await embed({ ...apart, dataset: 0 })).toEqual({ index: 0, name: 'inner', by: 'name', names });
  await service.predict({
    imageId,
    variant: apart,
    points: [{ x: 1, y: 1, positive: true }],
    box: null,
    previous: null,
  });
  expect(await embed({ kind: 'base' })).toBe(undefined);
  expect(await embed({ kind: 'run', runId: 'together' })).toBe(undefined);
  expect(asked).toEqual([1, 0, 1, null, undefined]);
  expect(segmenter.feature).toHaveBeenCalledOnce();
});
