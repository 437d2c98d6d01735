import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { parseTrainConfig } from '../../config/train.ts';
import type { Dataset } from '../../data/dataset.ts';
import { encodeImagePng, encodeMaskPng } from '../../data/encode-png.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import { GpuQueue } from '../../engine/gpu-queue.ts';
import type { OpenModel } from '../../engine/model.ts';
import { readRunAdapter } from '../../engine/run/adapter-files.ts';
import { RUN_FILES } from '../../engine/run/run-files.ts';
import type { RunRecord } from '../../engine/run/run-types.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { writeAdapter } from '../../peft/adapter-file.ts';
import { resolveMopeft } from '../../peft/resolve.ts';
import { moduleTensors } from '../../peft/tensors.ts';
import { openTestGpu } from '../../testing/device.ts';
import { fakeWebLocks } from '../../testing/fake-web-locks.ts';
import { MICRO_SAM, openMicroModel } from '../../testing/micro-model.ts';
import { drawSample } from '../../testing/training-sets.ts';
import type { EngineState } from '../engine-state.ts';
import type { RunInfo } from '../protocol.ts';
import type { Planner } from './planner.ts';
import { TrainingService } from './training-service.ts';

let gpu: Gpu;
let open: OpenModel;
beforeAll(async () => {
  vi.stubGlobal('navigator', { locks: fakeWebLocks() });
  gpu = await openTestGpu();
  open = { ...(await openMicroModel(gpu)), parameterCount: 0, fileBytes: 0, unused: [], remarks: [] };
});
afterAll(() => gpu?.destroy());

const SPLIT = { train: ['0.png'], val: ['1.png', '2.png'], test: ['3.png', '4.png', '5.png'] };

function drawnDataset(): Dataset {
  const file = (path: string, bytes: Uint8Array) => ({ path, size: bytes.length, bytes: async () => bytes });
  const samples = Object.values(SPLIT)
    .flat()
    .map((name) => {
      const { image, labelling } = drawSample(name, 1);
      const labels = labelling?.labelMap;
      return {
        name,
        image: file(`images/${name}`, encodeImagePng(image)),
        ...(labels && { mask: file(`masks/${name}`, encodeMaskPng(labels)) }),
      };
    });
  return { name: 'Cells', samples };
}

/** A service with a finished run, of whose modules LoRA of block 1 alone does anything. */
async function openService() {
  const released: (() => Promise<void>)[] = [];
  const dataset = drawnDataset();
  const state = {
    store: new MemoryStore(),
    queue: new GpuQueue(),
    model: { info: { hash: open.hash } },
    needModel: () => ({ open, info: { name: 'micro', hash: open.hash } }),
    needGpu: () => gpu,
    emit: () => undefined,
    datasets: { openAnew: async () => ({ dataset }) },
    onModelChange: () => undefined,
    onRelease: (work: () => Promise<void>) => void released.push(work),
  };
  const service = new TrainingService(state as unknown as EngineState, {} as Planner);
  const files = service.repository.filesOf('run-1');
  const mopeft = resolveMopeft(
    { methods: ['lora', 'adapter'], gate: 'none', trainDecoder: false },
    MICRO_SAM,
  );
  const tensors = moduleTensors(mopeft, MICRO_SAM).map(({ name, shape, init }) => {
    const isTrained = name.startsWith('blocks.1.') && name.includes('lora');
    return [name, { shape, data: init(1).map((value, i) => (isTrained ? Math.sin(1 + i) : value)) }] as const;
  });
  const adapter = { mopeft, tensors: new Map(tensors), maskThreshold: 0, training: { step: 3, run: 'Try' } };
  const { safetensors, json } = writeAdapter(open, adapter);
  await files.store.write(files.path(RUN_FILES.adapter), safetensors);
  await files.writeText(RUN_FILES.adapterJson, json);
  await files.writeConfig({
    ...{ format: 1, model: { name: 'micro', hash: open.hash }, method: 'lora+adapter', mopeft },
    train: parseTrainConfig({ evalObjects: 1 }),
    datasets: [{ key: 'cells', name: 'Cells' }],
  });
  await files.writeSplit({ cells: SPLIT });
  const record: RunRecord = {
    ...{ id: 'run-1', name: 'Try', status: 'finished', step: 4, steps: 4, bestStep: 3, bestScore: 0.5 },
    settings: {
      ...{ name: 'Try', datasetIds: ['cells'], methods: ['lora', 'adapter'] },
      ...{ trainDecoder: false, gate: 'none', values: {} },
    },
    datasets: [{ id: 'cells', name: 'Cells' }],
    ...{ scale: 'whole', modelName: 'micro', modelHash: open.hash, created: 1, updated: 1 },
    ...{ secondsPerStep: 1, checkpointStep: 4, failure: null, verdict: null, note: 'mine' },
  };
  await service.repository.save(record);
  const call = () => {
    const controller = new AbortController();
    const progress = vi.fn();
    return { controller, progress, signal: controller.signal };
  };
  return { service, files, call, release: () => Promise.all(released.map((work) => work())) };
}

test('a run is measured and pruned to a run of its own, which says from what, how small it is and what it scores', async () => {
  const { service, files, call } = await openService();
  const { worth, repository } = service;
  expect(await worth.read('run-1')).toBeNull();
  const cost = { measurements: 18, images: 2 };
  expect(await worth.forecast('run-1')).toEqual({ ...cost, seconds: null });
  await expect(worth.prune('run-1', call())).rejects.toMatchObject({
    record: { code: 'worth/not-measured' },
  });

  const asked = call();
  const measured = await worth.measure('run-1', asked);
  expect(measured).toMatchObject({ step: 3, datasets: [{ key: 'cells', images: 2, objects: 2 }] });
  expect(asked.progress.mock.calls[0]).toEqual([
    { done: 0, total: 36, label: 'Measuring what each module is worth' },
  ]);
  expect(await worth.read('run-1')).toEqual(measured);
  // From now on it is known how long it takes here.
  expect((await worth.forecast('run-1')).seconds).toBeGreaterThan(0);

  const needed = measured.datasets.flatMap(({ greedy }) =>
    greedy.map(({ method, block }) => `${method} ${block}`),
  );
  const run: RunInfo = await worth.prune('run-1', call());
  expect(run).toMatchObject({
    ...{ name: 'Try, pruned', status: 'finished', bestStep: 3, bestScore: null, checkpointStep: null },
    pruned: { from: 'run-1', name: 'Try', before: { modules: 4 }, after: { modules: needed.length } },
  });
  expect(run).not.toHaveProperty('note');
  expect(run.pruned?.after.bytes).toBeLessThan(run.pruned?.before.bytes ?? 0);
  expect(run.verdict?.box.images).toBe(3);
  expect(run.verdict?.before).toMatchObject({ name: 'Try' });
  const own = repository.filesOf(run.id);
  const { mopeft } = await readRunAdapter(own, open);
  expect(mopeft.pruned?.adapter).toEqual([0, 1]);
  expect((await own.readConfig()).mopeft).toEqual(mopeft);
  expect(await own.readSplit()).toEqual(await files.readSplit());
  expect((await service.list()).map(({ id }) => id)).toEqual([run.id, 'run-1']);
  // It was not measured itself.
  expect(await worth.read(run.id)).toBeNull();
});

test('what is measured ends when it is cancelled or the weights are released, and keeps nothing', async () => {
  const { service, call, release } = await openService();
  const cancelled = call();
  cancelled.progress.mockImplementation(() => cancelled.controller.abort());
  await expect(service.worth.measure('run-1', cancelled)).rejects.toMatchObject({ name: 'AbortError' });
  const asked = call();
  const begun = new Promise<void>((resolve) => asked.progress.mockImplementation(() => resolve()));
  const measured = service.worth.measure('run-1', asked);
  measured.catch(() => undefined);
  await begun;
  await release();
  await expect(measured).rejects.toMatchObject({ record: { code: 'model/replaced' } });
  expect(await service.worth.read('run-1')).toBeNull();
});

test('a run that was deleted while it was measured stays deleted', async () => {
  const { service, files, call } = await openService();
  const asked = call();
  let deleted: Promise<void> | null = null;
  asked.progress.mockImplementation(() => {
    deleted ??= service.delete('run-1');
  });
  await expect(service.worth.measure('run-1', asked)).rejects.toMatchObject({
    record: { code: 'run/unknown' },
  });
  await deleted;
  expect(await files.store.exists(files.path(RUN_FILES.worth))).toBe(false);
});
