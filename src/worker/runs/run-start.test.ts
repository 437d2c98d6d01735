/** A run of the studio is planned in the planner's thread, never on the engine's, which answers clicks. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Dataset } from '../../data/dataset.ts';
import { encodeImagePng, encodeMaskPng } from '../../data/encode-png.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import { GpuQueue } from '../../engine/gpu-queue.ts';
import type { OpenModel } from '../../engine/model.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import type * as graphs from '../../graph/graph.ts';
import type * as planning from '../../graph/plan.ts';
import { openTestGpu } from '../../testing/device.ts';
import { fakeWebLocks } from '../../testing/fake-web-locks.ts';
import { localPlanner } from '../../testing/local-planner.ts';
import { openMicroModel } from '../../testing/micro-model.ts';
import { drawSample } from '../../testing/training-sets.ts';
import type { EngineState } from '../engine-state.ts';
import type { TrainSettings } from '../protocol.ts';
import { TrainingService } from './training-service.ts';

/** Graphs traced and planned so far, by the thread that did it. */
const work = { engine: 0, planner: 0 };
let thread: keyof typeof work = 'engine';
vi.mock('../../graph/graph.ts', async (load) => {
  const original = await load<typeof graphs>();
  class CountedGraph extends original.Graph {
    constructor() {
      super();
      work[thread] += 1;
    }
  }
  return { ...original, Graph: CountedGraph };
});
vi.mock('../../graph/plan.ts', async (load) => {
  const original = await load<typeof planning>();
  const counted = <A extends unknown[], R>(plan: (...args: A) => R) => {
    return (...args: A): R => {
      work[thread] += 1;
      return plan(...args);
    };
  };
  const { planGraph, planAround } = original;
  return { ...original, planGraph: counted(planGraph), planAround: counted(planAround) };
});

let gpu: Gpu;
let open: OpenModel;
beforeAll(async () => {
  vi.stubGlobal('navigator', { locks: fakeWebLocks() });
  gpu = await openTestGpu();
  open = { ...(await openMicroModel(gpu)), parameterCount: 0, fileBytes: 0, unused: [], remarks: [] };
});
afterAll(() => gpu?.destroy());

function drawnDataset(): Dataset {
  const file = (path: string, bytes: Uint8Array) => ({ path, size: bytes.length, bytes: async () => bytes });
  const samples = [0, 1, 2].map((i) => {
    const { name, image, labelling } = drawSample(`${i}.png`, 1);
    const labels = labelling?.labelMap;
    return {
      name,
      image: file(`images/${i}.png`, encodeImagePng(image)),
      ...(labels && { mask: file(`masks/${i}.png`, encodeMaskPng(labels)) }),
    };
  });
  return { name: 'Cells', samples };
}

const settings: TrainSettings = {
  name: 'Try',
  datasetIds: ['cells'],
  methods: ['lora'],
  trainDecoder: true,
  gate: 'unipelt',
  values: {
    'train.steps': 2,
    'train.imagesPerStep': 1,
    'train.objectsPerImage': 1,
    'train.corrections': 0,
    'train.minSize': 0,
    'train.checkpointEvery': 1,
  },
};

test('neither a start nor a resume traces or plans anything on the thread of the engine', async () => {
  const model = { open, info: { name: 'micro', hash: open.hash } };
  const opened = async () => ({
    dataset: drawnDataset(),
    stored: { samples: [] },
    card: { splitOrder: 'name' },
  });
  const state = {
    store: new MemoryStore(),
    queue: new GpuQueue(),
    model,
    datasets: {
      keepSplit: async () => undefined,
      open: opened,
      openAnew: opened,
    },
    emit: () => undefined,
    needModel: () => model,
    needGpu: () => gpu,
    deviceWasLost: async () => null,
    onRelease: () => undefined,
    onModelChange: () => undefined,
  };
  const planner = localPlanner((isBegun) => {
    thread = isBegun ? 'planner' : 'engine';
  });
  const service = new TrainingService(state as unknown as EngineState, planner);
  await service.plan(settings);
  const planned = work.planner;
  expect(planned).toBeGreaterThan(5);
  const { id } = await service.start(settings);
  expect(work, 'the plans whose cost was shown').toEqual({ engine: 0, planner: planned });
  const { status } = await service.pause(id);
  expect(work.engine).toBe(0);
  expect(status).toBe('paused');
  await service.resume(id);
  await service.pause(id);
  expect(work.engine).toBe(0);
  expect(work.planner).toBeGreaterThan(planned);
});
