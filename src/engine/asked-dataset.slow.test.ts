import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { MopeftRequest } from '../config/mopeft.ts';
import { Random } from '../config/random.ts';
import { parseTrainConfig } from '../config/train.ts';
import { encodeImagePng, encodeMaskPng } from '../data/encode-png.ts';
import { MemoryStore } from '../data/memory-store.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { resolveMopeft } from '../peft/resolve.ts';
import { bytesSource } from '../sam/checkpoint/byte-source.ts';
import { openTestGpu } from '../testing/device.ts';
import { evaluateSet, summarise } from '../train/evaluate.ts';
import { localData } from '../train/training-data.ts';
import { trainingSet } from '../train/training-set.ts';
import { runDataset } from './datasets.ts';
import { GpuQueue } from './gpu-queue.ts';
import { type OpenModel, openModel } from './model.ts';
import { readRunAdapter } from './run/adapter-files.ts';
import { startTraining } from './run/run.ts';
import { RunFiles } from './run/run-files.ts';
import type { RunDataset } from './run/run-types.ts';
import { SessionPredictor } from './session-predictor.ts';

vi.setConfig({ testTimeout: 3_600_000 });

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

const SIDE = 128;
const IMAGES = 24;

/** Four discs with a bright middle, and the objects of either dataset: the middles; the whole discs. */
function drawDiscs(index: number) {
  const random = Random.fromSeed(index, 'discs');
  const data = new Uint8Array(3 * SIDE * SIDE);
  const labels = { inner: new Int32Array(SIDE * SIDE), whole: new Int32Array(SIDE * SIDE) };
  const discs = [0, 1, 2, 3].map((cell) => ({
    x: 32 + 64 * (cell % 2) + random.range(-4, 4),
    y: 32 + 64 * Math.floor(cell / 2) + random.range(-4, 4),
    radius: random.range(16, 27),
    share: random.range(0.45, 0.6),
    colour: [0, 1, 2].map(() => random.range(90, 220)),
  }));
  for (let i = 0; i < SIDE * SIDE; i++) {
    const [x, y] = [(i % SIDE) + 0.5, Math.floor(i / SIDE) + 0.5];
    const cell = discs.findIndex((disc) => Math.hypot(x - disc.x, y - disc.y) < disc.radius);
    const disc = discs[cell];
    const isMiddle = disc && Math.hypot(x - disc.x, y - disc.y) < disc.radius * disc.share;
    if (disc) labels.whole[i] = cell + 1;
    if (isMiddle) labels.inner[i] = cell + 1;
    for (const c of [0, 1, 2]) {
      const value = disc ? (disc.colour[c] ?? 0) * (isMiddle ? 1 : 0.6) : 60;
      data[3 * i + c] = Math.max(0, Math.min(255, value + 6 * random.normal()));
    }
  }
  return { image: { width: SIDE, height: SIDE, channels: 3, data } as const, labels };
}

const drawn = Array.from({ length: IMAGES }, (_, i) => drawDiscs(i));

/** Without validation images, so that the last weights are kept. */
function dataset(key: 'inner' | 'whole'): RunDataset {
  const file = (path: string, bytes: Uint8Array) => ({ path, size: bytes.length, bytes: async () => bytes });
  const samples = drawn.map(({ image, labels }, i) => {
    const name = `${String(i).padStart(2, '0')}.png`;
    const objects = { width: SIDE, height: SIDE, data: labels[key] };
    return {
      name,
      image: file(name, encodeImagePng(image)),
      instances: file(`i/${name}`, encodeMaskPng(objects)),
    };
  });
  const own = runDataset({ key, name: key }, { name: key, samples }, 0, 'shuffled');
  const { train, val, test: tested } = own.split;
  return { ...own, split: { train: [...train, ...val], val: [], test: tested } };
}

/** IoU by click on test images: by the dataset that is asked for, then by that of the objects. */
async function trainBoth(request: MopeftRequest) {
  const datasets = [dataset('inner'), dataset('whole')];
  const train = parseTrainConfig({
    steps: 80,
    imagesPerStep: 2,
    objectsPerImage: 4,
    corrections: 0,
    boxPrompts: false,
    flips: false,
    quarterTurns: false,
    minCrop: 1,
    brightness: 0,
    contrast: 0,
    lrDecoder: 1e-3,
  });
  const files = new RunFiles(new MemoryStore(), 'run');
  const parts = { gpu, queue: new GpuQueue(), model, files };
  const settings = { mopeft: resolveMopeft(request, model.config), train };
  await (await startTraining(parts, settings, datasets)).done;
  const predictor = await SessionPredictor.open(gpu, model, await readRunAdapter(files, model));
  const { sets } = localData(
    model.config,
    train,
    datasets.map((each) => trainingSet(each.key, each.dataset, each.split, model.config, train)),
  );
  const byAsked: number[][] = [];
  for (const asked of sets.keys()) {
    predictor.ask(asked);
    const ious: number[] = [];
    for (const set of sets) {
      const scores = await evaluateSet(predictor, set, set.split.test, { maxObjects: 4, maxImages: 4 });
      ious.push(summarise(scores).clickIou);
    }
    byAsked.push(ious);
  }
  await predictor.release();
  console.log(
    JSON.stringify(request),
    byAsked.map((ious) => ious.map((iou) => iou.toFixed(3)).join(' ')),
  );
  return byAsked;
}

/** Two methods in the last block, so that what lies below it is computed once. */
const MODULES = { methods: ['lora', 'adapter'], blocks: [5] } as const;

test.each<[string, MopeftRequest]>([
  ['a token for each dataset', { methods: [], token: true }],
  ['gates by dataset', { ...MODULES, gate: 'task' }],
])('with %s the same click gives the middle or the whole disc, as it is asked', async (_, request) => {
  const [[inner = 0, wholeAsInner = 1] = [], [innerAsWhole = 1, whole = 0] = []] = await trainBoth(request);
  expect(inner).toBeGreaterThan(0.8);
  expect(whole).toBeGreaterThan(0.8);
  expect(wholeAsInner).toBeLessThan(0.6);
  expect(innerAsWhole).toBeLessThan(0.6);
});

test('with gates that read the image a click gives one answer, whatever is asked, and so is wrong for one dataset', async () => {
  const byAsked = await trainBoth({ ...MODULES, gate: 'unipelt' });
  expect(byAsked[1], 'nothing asks for a dataset').toEqual(byAsked[0]);
  expect(Math.min(...(byAsked[0] ?? []))).toBeLessThan(0.6);
});
