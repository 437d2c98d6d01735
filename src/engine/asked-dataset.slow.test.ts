import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MopeftRequest } from '../config/mopeft.ts';
import { parseTrainConfig, type TrainConfig } from '../config/train.ts';
import { readDatasets } from '../data/read-datasets.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { resolveMopeft } from '../peft/resolve.ts';
import { bytesSource } from '../sam/checkpoint/byte-source.ts';
import { openTestGpu } from '../testing/device.ts';
import { OPPOSITE, oppositeFiles } from '../testing/opposite-discs.ts';
import type { BestWeights } from '../train/checkpoint.ts';
import { evaluateSet, summarise } from '../train/evaluate.ts';
import { Trainer } from '../train/loop.ts';
import { localData } from '../train/training-data.ts';
import { type TrainingSet, trainingSet } from '../train/training-set.ts';
import { splitOf } from './datasets.ts';
import { type OpenModel, openModel } from './model.ts';
import { SessionPredictor } from './session-predictor.ts';

let gpu: Gpu;
let model: OpenModel;
beforeAll(async () => {
  gpu = await openTestGpu();
  const folder = new URL('../../public/models/mopeft-sam-tiny/', import.meta.url);
  const sources = await Promise.all(
    (await readdir(folder)).map(async (name) =>
      bytesSource(name, new Uint8Array(await readFile(new URL(name, folder)))),
    ),
  );
  model = await openModel(gpu, sources);
});
afterAll(() => gpu?.destroy());

/** Clicks alone, since a box would say what is meant, on whole images as they are. */
const SETTINGS = {
  corrections: 0,
  boxPrompts: false,
  flips: false,
  quarterTurns: false,
  minCrop: 1,
  brightness: 0,
  contrast: 0,
} as const;

/** Both datasets, as a drop of their folders is read. No image is for validation, so that the last weights are kept. */
async function openSets(train: TrainConfig): Promise<TrainingSet[]> {
  const files = [...oppositeFiles()].map(([path, bytes]) => ({ path, bytes: async () => bytes }));
  const { datasets } = await readDatasets(files);
  expect(datasets.map(({ name }) => name)).toEqual(OPPOSITE);
  return datasets.map((dataset) => {
    const split = { ...splitOf(dataset, train.seed, train.splitOrder), val: [] };
    return trainingSet(dataset.name, dataset, split, model.config, train);
  });
}

/** IoU by click on a test image: by the dataset that is asked for, then by that of the objects. */
async function trainBoth(request: MopeftRequest, settings: Partial<TrainConfig>): Promise<number[][]> {
  const config = parseTrainConfig({ ...SETTINGS, ...settings });
  const data = localData(model.config, config, await openSets(config));
  const kept: BestWeights[] = [];
  const trainer = await Trainer.open({
    gpu,
    model,
    mopeft: resolveMopeft({ ...request, datasets: OPPOSITE }, model.config),
    config,
    data,
    storage: {
      readCheckpoint: async () => null,
      writeCheckpoint: async () => undefined,
      readBest: async () => null,
      writeBest: async (best) => void kept.push(best),
    },
    emit: () => undefined,
  });
  await trainer.run();
  trainer.release();
  const best = kept.at(-1);
  expect(best?.step, 'the last weights are kept').toBe(config.steps);
  const { preprocessing } = model.config;
  const predictor = await SessionPredictor.open(gpu, model, best ? { ...best, preprocessing } : null);
  const byAsked: number[][] = [];
  for (const asked of data.sets.keys()) {
    predictor.ask(asked);
    const ious: number[] = [];
    for (const set of data.sets) {
      const scores = await evaluateSet(predictor, set, set.split.test, { maxObjects: 4, maxImages: 1 });
      ious.push(summarise(scores).clickIou);
    }
    byAsked.push(ious);
  }
  await predictor.release();
  return byAsked;
}

/** Two methods in the last block, so that what lies below it is computed once for each image. */
const MODULES = { methods: ['lora', 'adapter'], blocks: [5] } as const;

test.each<[string, MopeftRequest, Partial<TrainConfig>]>([
  [
    'a token for each dataset',
    { methods: [], trainDecoder: false, token: true },
    { steps: 6, imagesPerStep: 2, objectsPerImage: 4, lrPeft: 0.02 },
  ],
  [
    'gates by dataset',
    { ...MODULES, gate: 'task' },
    { steps: 80, imagesPerStep: 2, objectsPerImage: 4, lrGate: 1 / 300, lrDecoder: 1e-3 },
  ],
])(
  'with %s the same click gives the middle or the whole disc, as it is asked',
  async (_, request, settings) => {
    const [[inner = 0, wholeAsInner = 1] = [], [innerAsWhole = 1, whole = 0] = []] = await trainBoth(
      request,
      settings,
    );
    expect(inner).toBeGreaterThan(0.8);
    expect(whole).toBeGreaterThan(0.8);
    expect(wholeAsInner).toBeLessThan(0.6);
    expect(innerAsWhole).toBeLessThan(0.6);
  },
);

test('with gates that read the image a click gives one answer, whatever is asked, and so is wrong for one dataset', async () => {
  const settings = { steps: 2, imagesPerStep: 2, objectsPerImage: 2 };
  const byAsked = await trainBoth({ ...MODULES, gate: 'unipelt' }, settings);
  expect(byAsked[1], 'nothing asks for a dataset').toEqual(byAsked[0]);
  // A middle is at most .36 of its disc, so no mask is right for both.
  expect(Math.min(...(byAsked[0] ?? []))).toBeLessThan(0.8);
});
