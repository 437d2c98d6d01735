import { afterAll, beforeAll, expect, test } from 'vitest';
import { isTold } from '../../config/worth.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import type { Adapter } from '../../peft/adapter-file.ts';
import { resolveMopeft } from '../../peft/resolve.ts';
import { moduleTensors } from '../../peft/tensors.ts';
import { openTestGpu } from '../../testing/device.ts';
import { MICRO_SAM, openMicroModel } from '../../testing/micro-model.ts';
import { drawnSet } from '../../testing/training-sets.ts';
import type { SetScores } from '../../train/evaluate.ts';
import { evaluationSet } from '../../train/training-set.ts';
import { GpuQueue } from '../gpu-queue.ts';
import { RUN_FILES, RunFiles } from '../run/run-files.ts';
import type { Measuring } from './measure.ts';
import { isLoss, measurePruned, pruneAdapter, sizeOfAdapter } from './prune.ts';
import { measureRunWorth, type RunWorth, readRunWorth, worthCost, writeRunWorth } from './run-worth.ts';

let gpu: Gpu;
let measuring: Measuring & { readonly model: Awaited<ReturnType<typeof openMicroModel>> };
beforeAll(async () => {
  gpu = await openTestGpu();
  const queue = new GpuQueue();
  measuring = {
    gpu,
    model: await openMicroModel(gpu),
    onDevice: (work) => queue.run('background', work),
  };
});
afterAll(() => gpu?.destroy());

const sets = ['cells', 'cracks'].map((key, i) => evaluationSet(drawnSet(key, i + 1), MICRO_SAM));
const limits = { maxImages: 0, maxObjects: 1 };

/** LoRA of block 1 was trained; all other modules are as they began, which is the identity. */
function adapterWithOneModule(): Adapter {
  const mopeft = resolveMopeft(
    { methods: ['lora', 'adapter'], gate: 'none', trainDecoder: false },
    MICRO_SAM,
  );
  const tensors = moduleTensors(mopeft, MICRO_SAM).map(({ name, shape, init }) => {
    const isTrained = name.startsWith('blocks.1.') && name.includes('lora');
    const data = init(1).map((value, i) => (isTrained ? Math.sin(1 + i) : value));
    return [name, { shape, data }] as const;
  });
  const { preprocessing } = MICRO_SAM;
  return { mopeft, tensors: new Map(tensors), preprocessing, maskThreshold: 0, training: {} };
}

test('each dataset of a run says what a module is worth there, and what was measured is kept with the weights of its step', async () => {
  const adapter = adapterWithOneModule();
  const steps: [number, number][] = [];
  const measured = await measureRunWorth(measuring, adapter, sets, limits, (...at) => steps.push(at));
  expect(measured.datasets.map(({ key, images, objects }) => [key, images, objects])).toEqual([
    ['cells', 2, 2],
    ['cracks', 2, 2],
  ]);
  for (const { modules } of measured.datasets) {
    const untrained = modules.filter(({ method, block }) => method !== 'lora' || block !== 1);
    expect(untrained).toHaveLength(3);
    for (const { box, click } of untrained) expect([box, click]).toEqual([0, 0]);
  }
  const cost = worthCost(adapter.mopeft, sets, limits);
  expect(cost).toEqual({ measurements: 36, images: 4, passes: 72 });
  expect(steps[0]).toEqual([0, cost.passes]);
  expect(steps.map(([done]) => done)).toEqual(steps.map((_, i) => i));
  expect(worthCost(adapter.mopeft, sets, { maxImages: 1 }).images).toBe(2);

  const files = new RunFiles(new MemoryStore(), 'runs/try');
  expect(await readRunWorth(files, 7)).toBeNull();
  const kept: RunWorth = { ...measured, step: 7 };
  await writeRunWorth(files, kept);
  expect(await readRunWorth(files, 7)).toEqual(kept);
  // A run that went on has other weights.
  expect(await readRunWorth(files, 9)).toBeNull();
  for (const text of ['{"format":2}', '{', '[]', JSON.stringify({ ...kept, datasets: [{ key: 'cells' }] })]) {
    await files.writeText(RUN_FILES.worth, text);
    expect(await readRunWorth(files, 7)).toBeNull();
  }
});

test('each dataset is asked for by its place in the run, where the model tells datasets apart', async () => {
  const mopeft = resolveMopeft(
    { methods: ['lora'], gate: 'task', trainDecoder: false, datasets: ['Cells', 'Cracks'] },
    MICRO_SAM,
  );
  // All gates are shut for the first dataset.
  const tensors = moduleTensors(mopeft, MICRO_SAM).map(({ name, shape, init }) => {
    const isLora = name.includes('lora') && !name.includes('gate');
    const data = init(1).map((value, i) =>
      isLora ? Math.sin(1 + i) : name.endsWith('.phi') && i === 0 ? -200 : value,
    );
    return [name, { shape, data }] as const;
  });
  const adapter = { ...adapterWithOneModule(), mopeft, tensors: new Map(tensors) };
  const { datasets } = await measureRunWorth(measuring, adapter, sets, limits);
  const [cells, cracks] = datasets.map(({ all, none }) => [all.box - none.box, all.click - none.click]);
  expect(cells).toEqual([0, 0]);
  expect(cracks).not.toEqual([0, 0]);
});

test('a measurement that is cancelled ends before its next image, and the device is free', async () => {
  const controller = new AbortController();
  const seen: number[] = [];
  const measured = measureRunWorth(
    { ...measuring, signal: controller.signal },
    adapterWithOneModule(),
    sets,
    limits,
    (done) => {
      seen.push(done);
      if (done === 2) controller.abort();
    },
  );
  await expect(measured).rejects.toMatchObject({ name: 'AbortError' });
  expect(seen).toEqual([0, 1, 2]);
  expect(await measuring.onDevice(async () => 'free')).toBe('free');
});

test('a dataset with too few validation images is left out; where none has enough, that is said', async () => {
  const [cells, cracks] = sets;
  if (!cells || !cracks) throw new Error('two datasets');
  const small = { ...cracks, split: { ...cracks.split, val: cracks.split.val.slice(0, 1) } };
  const measured = await measureRunWorth(measuring, adapterWithOneModule(), [cells, small], limits);
  expect(measured.datasets.map(({ key }) => key)).toEqual(['cells']);
  await expect(measureRunWorth(measuring, adapterWithOneModule(), [small], limits)).rejects.toMatchObject({
    record: { code: 'worth/few-images' },
  });
});

test('without modules that do nothing the masks are the same, and the adapter is smaller and takes fewer dispatches', async () => {
  const adapter = adapterWithOneModule();
  const { model } = measuring;
  const pruned = pruneAdapter(adapter, [{ method: 'lora', block: 1 }], model.config);
  const noTest = sets.map((set) => ({ ...set, split: { ...set.split, test: [] } }));
  for (const chosen of [sets, noTest]) {
    const seen: number[] = [];
    const scores = await measurePruned(measuring, adapter, pruned, chosen, 1, (done, total) => {
      seen.push(done);
      expect(total).toBe(12);
    });
    expect(seen).toHaveLength(12);
    const objects = (scored: readonly SetScores[]) =>
      scored.map(({ images }) => images.map((i) => i.objects));
    expect(objects(scores.pruned)).toEqual(objects(scores.whole));
    expect([...scores.changes.keys()]).toEqual(['cells', 'cracks']);
    for (const change of scores.changes.values()) {
      expect(change).toEqual({ box: 0, boxError: 0, click: 0, clickError: 0 });
      expect(isLoss(change)).toBe(false);
    }
  }
  const [before, after] = [sizeOfAdapter(gpu, model, adapter), sizeOfAdapter(gpu, model, pruned)];
  expect([before.modules, after.modules]).toEqual([4, 1]);
  for (const part of ['numbers', 'bytes', 'dispatches'] as const)
    expect(after[part]).toBeLessThan(before[part]);
});

test('a loss by either prompt that is told from chance keeps the adapter as it is', () => {
  const none = { box: 0, boxError: 0.01, click: 0, clickError: 0.01 };
  expect(isLoss(none)).toBe(false);
  expect(isLoss({ ...none, box: -0.019 })).toBe(false);
  expect(isLoss({ ...none, box: -0.021 })).toBe(true);
  expect(isLoss({ ...none, click: -0.021 })).toBe(true);
  expect(isLoss({ ...none, click: 0.021 })).toBe(false);
  expect(isTold(-0.021, 0.01)).toBe(true);
});
