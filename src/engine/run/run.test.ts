import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../../config/random.ts';
import { parseTrainConfig } from '../../config/train.ts';
import type { Dataset } from '../../data/dataset.ts';
import { encodeImagePng, encodeMaskPng } from '../../data/encode-png.ts';
import type { LazyFile } from '../../data/lazy-file.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { resolveMopeft } from '../../peft/resolve.ts';
import { writeSafetensors } from '../../sam/checkpoint/safetensors-write.ts';
import { openTestGpu } from '../../testing/device.ts';
import { MICRO_SAM, openMicroModel } from '../../testing/micro-model.ts';
import { drawSample } from '../../testing/training-sets.ts';
import { nearestDataset } from '../asked-dataset.ts';
import { resumedDataset, runDataset } from '../datasets.ts';
import { GpuQueue } from '../gpu-queue.ts';
import type { OpenModel } from '../model.ts';
import { type Prompts, Segmenter, SegmentImage } from '../segmenter.ts';
import { adapterFiles, readIncomingAdapter, readRunAdapter, storeAdapterFiles } from './adapter-files.ts';
import { readLooks } from './looks.ts';
import type { MetricsLine } from './metrics.ts';
import { planRun } from './plan-run.ts';
import { resumeTraining, startTraining } from './run.ts';
import { KEPT_FOLDER, RUN_FILES, RunFiles } from './run-files.ts';
import type { RunDataset, RunObserver } from './run-types.ts';

let gpu: Gpu;
let model: OpenModel;
beforeAll(async () => {
  gpu = await openTestGpu();
  model = { ...(await openMicroModel(gpu)), parameterCount: 0, fileBytes: 0, unused: [], remarks: [] };
});
afterAll(() => gpu?.destroy());

/** Drawn images as PNG files. */
function drawnDataset(name: string, seed: number, count = 8): Dataset {
  const file = (path: string, bytes: Uint8Array): LazyFile => ({
    path,
    size: bytes.length,
    bytes: async () => bytes,
  });
  const samples = Array.from({ length: count }, (_, i) => {
    const sample = drawSample(`${i}.png`, seed);
    const labels = sample.labelling?.labelMap;
    return {
      name: sample.name,
      image: file(`images/${i}.png`, encodeImagePng(sample.image)),
      ...(labels && { mask: file(`masks/${i}.png`, encodeMaskPng(labels)) }),
    };
  });
  return { name, samples };
}

const settings = {
  mopeft: resolveMopeft({ methods: ['lora', 'prefix', 'adapter'] }, MICRO_SAM),
  train: parseTrainConfig({
    steps: 4,
    seed: 3,
    imagesPerStep: 1,
    objectsPerImage: 1,
    corrections: 1,
    evalEvery: 2,
    evalObjects: 1,
    checkpointEvery: 1,
    lrPeft: 1e-2,
  }),
};
const sources = { left: drawnDataset('Left', 1), right: drawnDataset('Right', 2) };
const datasets = (): RunDataset[] =>
  Object.entries(sources).map(([key, dataset]) =>
    runDataset({ key, name: dataset.name }, dataset, 0, 'shuffled'),
  );

/** Without a validation image, so that the last weights are kept whatever they are. */
const unchecked = (): RunDataset[] =>
  datasets().map((dataset) => ({ ...dataset, split: { ...dataset.split, val: [] } }));

function partsFor(files: RunFiles, observer: RunObserver = {}) {
  return { gpu, queue: new GpuQueue(), model, files, name: 'Try', observer };
}

/** What must be equal in two runs: everything but the time it took. */
const timeless = (lines: readonly MetricsLine[]) =>
  lines.map((line) => (line.type === 'step' ? { ...line, ms: 0, spans: null } : line));

test('a run that was stored before objects had a least size and LoRA its layers resumes as it was', async () => {
  const files = new RunFiles(new MemoryStore(), '');
  const first = await startTraining(partsFor(files), settings, datasets());
  first.pause();
  await first.done;
  const { train, mopeft, ...rest } = await files.readConfig();
  expect(train.minSize).toBe(4);
  expect(mopeft.methods.lora).toMatchObject({ targets: 'qv' });
  const { minSize: _, ...older } = train;
  const { targets: __, ...lora } = mopeft.methods.lora ?? {};
  const before = { ...mopeft, methods: { ...mopeft.methods, lora } };
  await files.writeText(RUN_FILES.config, JSON.stringify({ ...rest, mopeft: before, train: older }));
  const second = await resumeTraining(partsFor(files), await files.readConfig(), datasets());
  second.pause();
  await second.done;
  expect(second.config.train).toEqual({ ...older, minSize: 0 });
  expect(second.config.mopeft).toEqual(mopeft);
});

test('a run on crops keeps their scale, resumes with it bit for bit, and says it in its adapter', async () => {
  const store = new MemoryStore();
  const [left] = datasets();
  if (!left) throw new Error('there is a dataset');
  const crops = { ...left, dataset: { ...left.dataset, scale: 20 } };
  const short = { ...settings, train: { ...settings.train, steps: 2 } };
  const whole = new RunFiles(store, 'whole');
  const outcome = await (await startTraining(partsFor(whole), short, [crops])).done;
  expect(outcome.status).toBe('finished');
  expect((await whole.readConfig()).datasets).toEqual([{ key: 'left', name: 'Left', scale: 20 }]);
  const parts = new RunFiles(store, 'parts');
  const onMetrics: RunObserver['onMetrics'] = ([line]) => {
    if (line?.type === 'step') first.pause();
  };
  const first = await startTraining(partsFor(parts, { onMetrics }), short, [crops]);
  expect((await first.done).step).toBe(1);
  const second = await resumeTraining(partsFor(parts), await parts.readConfig(), [left]);
  await second.done;
  expect(timeless(await parts.readMetrics())).toEqual(timeless(await whole.readMetrics()));
  expect((await readRunAdapter(whole, model)).training).toMatchObject({ scale: 20 });
});

test('a run that tells datasets apart names them in its adapter, and says how their images look', async () => {
  const files = new RunFiles(new MemoryStore(), '');
  const mopeft = resolveMopeft({ methods: ['lora'], gate: 'task', token: true }, MICRO_SAM);
  const short = { mopeft, train: { ...settings.train, steps: 2 } };
  const [left, right] = unchecked();
  if (!left || !right) throw new Error('there are datasets');
  const plan = planRun(gpu, model, short, [left, right]);
  expect(plan.problems).toEqual([]);
  expect(plan.trainable.map(({ label }) => label)).toContain("Datasets' tokens");
  const onMetrics: RunObserver['onMetrics'] = ([line]) => {
    if (line?.type === 'step') first.pause();
  };
  const first = await startTraining(partsFor(files, { onMetrics }), short, [left, right]);
  expect((await first.done).status).toBe('paused');
  // Given in another order, they keep their indices.
  const second = await resumeTraining(partsFor(files), await files.readConfig(), [right, left]);
  expect((await second.done).status).toBe('finished');
  const adapter = await readRunAdapter(files, model);
  expect(adapter.mopeft.datasets).toEqual(['Left', 'Right']);
  const shapes = [...adapter.tensors].map(([name, { shape }]) => [name, shape] as const);
  expect(new Map(shapes).get('tokens.dataset')).toEqual([2, MICRO_SAM.outputChannels]);
  const { features } = adapter.training;
  expect(features).toHaveLength(2);
  expect(new Set(features as string[]).size).toBe(2);
  const own = (features as string[])[1]?.split(' ').map(Number) ?? [];
  const asked = await nearestDataset(adapter, async () => Float32Array.from(own));
  expect(asked).toEqual({ index: 1, name: 'Right', by: 'features' });
});

test('a run leaves all its files and a verdict, and a paused one goes on to the same end, bit for bit', async () => {
  const store = new MemoryStore();
  const before = gpu.allocatedBytes;
  const whole = new RunFiles(store, 'runs/whole');
  const { name, hash } = model;
  await whole.writeConfig({ format: 1, model: { name, hash }, method: 'lora', ...settings, datasets: [] });
  await whole.writeText(`${KEPT_FOLDER}/7`, 'left by a run that was cut off');
  const run = await startTraining(partsFor(whole), settings, unchecked());
  const outcome = await run.done;
  expect(outcome).toMatchObject({ status: 'finished', step: 4, checkpointStep: 4 });
  expect(outcome.verdict?.perDataset.map(({ name }) => name)).toEqual(['Left', 'Right']);
  expect(outcome.verdict?.box.n).toBe(4);
  for (const name of Object.values({ ...RUN_FILES, looks: RUN_FILES.verdict, worth: RUN_FILES.verdict }))
    expect(await store.exists(whole.path(name))).toBe(true);
  expect(await store.exists(whole.path(KEPT_FOLDER)), 'what only saves work').toBe(false);
  const lines = await whole.readMetrics();
  expect(lines.filter(({ type }) => type === 'step')).toHaveLength(4);
  expect(lines.filter((line) => line.type === 'eval' && line.split === 'test')).toHaveLength(2);

  const parts = new RunFiles(store, 'runs/parts');
  const first = await startTraining(
    partsFor(parts, {
      onMetrics: ([line]) => {
        if (line?.type === 'step' && line.step === 2) first.pause();
      },
    }),
    settings,
    unchecked(),
  );
  expect(await first.done).toMatchObject({ status: 'paused', step: 2, checkpointStep: 2, verdict: null });
  const config = await parts.readConfig();
  const split = await parts.readSplit();
  const again = config.datasets.map((named) => {
    const dataset = sources[named.key as 'left' | 'right'];
    return resumedDataset(named, dataset, split[named.key] ?? { train: [], val: [], test: [] });
  });
  const second = await resumeTraining(partsFor(parts), config, again);
  expect(await second.done).toEqual({
    ...outcome,
    secondsPerStep: expect.anything(),
    secondsPerImage: expect.anything(),
  });
  expect(timeless(await parts.readMetrics())).toEqual(timeless(lines));
  expect(await store.read(parts.path(RUN_FILES.adapter))).toEqual(
    await store.read(whole.path(RUN_FILES.adapter)),
  );
  expect(gpu.allocatedBytes).toBe(before);

  // Taken out and brought in again, the adapter answers alike.
  const { json, weights } = await adapterFiles(whole);
  const imported = new RunFiles(store, 'runs/imported');
  await storeAdapterFiles([{ path: weights.name, bytes: async () => weights.bytes }], model, imported);
  expect(await adapterFiles(imported)).toEqual({ json, weights });
  // A crash between the two files leaves the weights, which hold their record.
  await imported.store.remove(imported.path(RUN_FILES.adapterJson));
  const segmenter = new Segmenter(gpu, new GpuQueue(), model);
  const image = new SegmentImage('a', drawSample('0.png', 1).image);
  const click: Prompts = { points: [{ x: 8, y: 9, positive: true }], box: null, previous: null };
  const variantOf = (files: RunFiles) => ({
    key: files.folder,
    tuning: () => readRunAdapter(files, model),
  });
  const [tuned, same] = [variantOf(whole), variantOf(imported)];
  const answer = await segmenter.predict(image, tuned, click);
  expect(await segmenter.predict(image, same, click)).toEqual(answer);
  expect(answer.map(({ token }) => token).sort()).toEqual([1, 2, 3]);
  const [best] = answer;
  expect(best && (await segmenter.upscale(image.frame, tuned, best.lowRes))).toEqual(best?.mask);
  expect(best?.mask.length).toBe(40 * 28);
  expect((await segmenter.embed(image, tuned)).gates?.map((layer) => Object.keys(layer).sort())).toEqual(
    Array(2).fill(['adapter', 'lora', 'prefix']),
  );
  const everything = {
    key: 'everything',
    tuning: async () => ({ ...(await readRunAdapter(whole, model)), maskThreshold: -1e6 }),
  };
  const [all] = await segmenter.predict(image, everything, click);
  expect(all?.area).toBe(40 * 28);
  expect(all?.lowRes).toEqual(best?.lowRes);
  const base = { key: 'base', tuning: null };
  expect((await segmenter.embed(image, base)).gates).toBeNull();
  const withBox = await segmenter.predict(image, base, {
    points: click.points,
    box: { x0: 1, y0: 2, x1: 15, y1: 20 },
    previous: best?.lowRes ?? null,
  });
  expect(withBox.map(({ token }) => token)[0]).toBe(0);
  await segmenter.release();
});

test('a run that keeps step 0 leaves the base model itself, bit for bit, taken out and brought in again too', async () => {
  const store = new MemoryStore();
  const files = new RunFiles(store, 'kept');
  const lines: MetricsLine[] = [];
  const told = new Map<string, number>();
  const run = await startTraining(
    partsFor(files, {
      onMetrics: (more) => void lines.push(...more),
      onActivity: (label) => told.set(label, (told.get(label) ?? 0) + 1),
      onProgress: ({ step }) => {
        if (step > 0) run.stop();
      },
    }),
    settings,
    datasets(),
  );
  const outcome = await run.done;
  expect(outcome).toMatchObject({ status: 'stopped', step: 1, bestStep: 0 });
  expect(outcome.verdict?.sentence).toMatch(/^The base model was kept: nothing was checked/);
  expect((await readLooks(files)).map(({ base, now }) => [base?.step, now])).toEqual([
    [0, null],
    [0, null],
  ]);
  expect(outcome.verdict?.box).toMatchObject({ gainLow: 0, gainHigh: 0, n: 4 });
  expect(outcome.verdict?.box.tuned).toBe(outcome.verdict?.box.base);
  // The gates of the modules are there from the start, for how far they move; an image at a time is told.
  const read = [...told].filter(([label]) => label.startsWith('Reading the gates on the validation images'));
  expect(read.map(([, times]) => times)).toEqual(datasets().map(({ split }) => split.val.length));
  const gates = lines.find((line) => line.type === 'gates');
  expect(gates?.type === 'gates' && Object.keys(gates.layers[0] ?? {}).sort()).toEqual([
    'adapter',
    'lora',
    'prefix',
  ]);

  const kept = await readRunAdapter(files, model);
  expect(kept).toMatchObject({ mopeft: { methods: {}, blocks: [], trainDecoder: false }, maskThreshold: 0 });
  expect(kept.tensors.size).toBe(0);
  const { json, weights } = await adapterFiles(files);
  const imported = new RunFiles(store, 'imported');
  const input = { path: weights.name, bytes: async () => weights.bytes };
  await storeAdapterFiles([input], model, imported);
  expect(await adapterFiles(imported)).toEqual({ json, weights });
  // What the command line reads with --adapter.
  const { adapter } = await readIncomingAdapter([input], model);
  const segmenter = new Segmenter(gpu, new GpuQueue(), model);
  const image = new SegmentImage('a', drawSample('0.png', 1).image);
  for (const prompts of [
    { points: [{ x: 8, y: 9, positive: true }], box: null, previous: null },
    { points: [], box: { x0: 1, y0: 2, x1: 15, y1: 20 }, previous: null },
  ]) {
    const base = await segmenter.predict(image, { key: 'base', tuning: null }, prompts);
    for (const [key, tuning] of [
      ['kept', () => readRunAdapter(files, model)],
      ['imported', () => readRunAdapter(imported, model)],
      ['given', async () => adapter],
    ] as const)
      expect(await segmenter.predict(image, { key, tuning }, prompts), key).toEqual(base);
  }
  await segmenter.release();
});

test('a plan tells the cost and what stops the start; a run needs images', async () => {
  const plan = planRun(gpu, model, settings, datasets());
  expect(plan.problems).toEqual([]);
  expect(plan.trainable.map(({ label }) => label).sort()).toEqual(
    ['Adapter', 'Gates', 'LoRA', 'Mask decoder', 'Prefix'].sort(),
  );
  expect(plan.memory.peakBytes).toBe(plan.memory.parts.reduce((sum, { bytes }) => sum + bytes, 0));
  expect(plan.images).toEqual({ train: 10, val: 2, test: 4 });
  expect(planRun(gpu, model, settings, []).problems[0]?.code).toBe('train/no-datasets');
  const empty = runDataset({ key: 'e', name: 'Empty' }, { name: 'Empty', samples: [] }, 0, 'name');
  const files = new RunFiles(new MemoryStore(), '');
  await expect(startTraining(partsFor(files), settings, [empty])).rejects.toThrow(/Empty/);
  expect(await files.store.list('')).toEqual([]);
});

test('an adapter of another model, half of one and a second adapter are refused in one sentence', async () => {
  const files = new RunFiles(new MemoryStore(), '');
  const run = await startTraining(
    partsFor(files),
    { ...settings, train: { ...settings.train, steps: 1 } },
    datasets(),
  );
  await run.done;
  const { json, weights } = await adapterFiles(files);
  const into = new RunFiles(new MemoryStore(), 'imported');
  const input = ({ name, bytes }: { name: string; bytes: Uint8Array }) => ({
    path: name,
    bytes: async () => bytes,
  });
  const other = { ...model, name: 'other', hash: '0'.repeat(64) };
  await expect(storeAdapterFiles([input(json), input(weights)], other, into)).rejects.toThrow(
    /belongs to the model/,
  );
  await expect(storeAdapterFiles([input(json)], model, into)).rejects.toThrow(/no adapter\.safetensors/);
  const { tensors } = await readRunAdapter(files, model);
  const older = { name: 'adapter.safetensors', bytes: writeSafetensors(tensors, {}) };
  await expect(storeAdapterFiles([input(older)], model, into)).rejects.toThrow(/adapter\.json is missing/);
  await expect(
    storeAdapterFiles(
      [input(json), input(weights), { ...input(weights), path: 'b.safetensors' }],
      model,
      into,
    ),
  ).rejects.toThrow(/more than one adapter/);
  expect(await into.store.list('')).toEqual([]);
});

test('a click is answered while a run trains, between two of its steps', async () => {
  const queue = new GpuQueue();
  const files = new RunFiles(new MemoryStore(), '');
  const segmenter = new Segmenter(gpu, queue, model);
  const image = new SegmentImage('a', drawSample('0.png', 1).image);
  const random = Random.fromSeed(1);
  const order: string[] = [];
  let click: Promise<unknown> = Promise.resolve();
  const run = await startTraining(
    {
      ...partsFor(files, {
        onMetrics: ([line]) => {
          if (line?.type !== 'step') return;
          order.push(`step ${line.step}`);
          if (line.step !== 1) return;
          const point = { x: random.range(2, 30), y: random.range(2, 20), positive: true };
          const base = { key: 'base', tuning: null };
          click = segmenter
            .predict(image, base, { points: [point], box: null, previous: null })
            .then(() => order.push('click'));
        },
      }),
      queue,
    },
    settings,
    datasets(),
  );
  await run.done;
  await click;
  expect(order).toEqual(['step 1', 'click', 'step 2', 'step 3', 'step 4']);
  await segmenter.release();
});
