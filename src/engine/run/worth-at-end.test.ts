/** Whether a run measures at its end what its modules are worth. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { parseTrainConfig } from '../../config/train.ts';
import { encodeImagePng, encodeMaskPng } from '../../data/encode-png.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { resolveMopeft } from '../../peft/resolve.ts';
import { openTestGpu } from '../../testing/device.ts';
import { MICRO_SAM, openMicroModel } from '../../testing/micro-model.ts';
import { drawSample } from '../../testing/training-sets.ts';
import type * as selection from '../../train/selection.ts';
import { GpuQueue } from '../gpu-queue.ts';
import type { OpenModel } from '../model.ts';
import { readRunWorth } from '../worth/run-worth.ts';
import { startTraining } from './run.ts';
import { RunFiles } from './run-files.ts';
import type { Run } from './run-types.ts';

// Two steps are no gain, and a run that keeps the base model has no modules.
vi.mock('../../train/selection.ts', async (load) => ({
  ...(await load<typeof selection>()),
  isBetter: () => true,
}));

let gpu: Gpu;
let model: OpenModel;
beforeAll(async () => {
  gpu = await openTestGpu();
  model = { ...(await openMicroModel(gpu)), parameterCount: 0, fileBytes: 0, unused: [], remarks: [] };
});
afterAll(() => gpu?.destroy());
afterEach(() => vi.restoreAllMocks());

const SPLIT = { train: ['0.png'], val: ['1.png', '2.png'], test: ['3.png'] };

/** Starts a run of two steps. @param onMeasuring called with what is measured. */
async function start(onMeasuring: (label: string, run: () => Run | null) => void = () => undefined) {
  const file = (path: string, bytes: Uint8Array) => ({ path, size: bytes.length, bytes: async () => bytes });
  const samples = Object.values(SPLIT)
    .flat()
    .map((name) => {
      const { image, labelling } = drawSample(name, 1);
      return {
        name,
        image: file(`images/${name}`, encodeImagePng(image)),
        ...(labelling && { mask: file(`masks/${name}`, encodeMaskPng(labelling.labelMap)) }),
      };
    });
  const files = new RunFiles(new MemoryStore(), 'runs/try');
  let run: Run | null = null;
  const observer = { onActivity: (label: string) => onMeasuring(label, () => run) };
  run = await startTraining(
    { gpu, queue: new GpuQueue(), model, files, observer },
    {
      mopeft: resolveMopeft({ methods: ['lora'] }, MICRO_SAM),
      train: parseTrainConfig({ steps: 2, imagesPerStep: 1, objectsPerImage: 1, evalObjects: 1 }),
    },
    [{ key: 'cells', name: 'Cells', dataset: { name: 'Cells', samples }, split: SPLIT }],
  );
  const outcome = await run.done;
  return { outcome, worth: await readRunWorth(files, outcome.bestStep) };
}

/** From the test on, a second seems to be a nanosecond. */
function hasten(label: string): void {
  if (!label.startsWith('Measuring the test images')) return;
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => 1e-9 * now());
}

test('what takes a small part of the run’s time is measured at its end, with the weights that are kept', async () => {
  const { outcome, worth } = await start(hasten);
  expect(outcome).toMatchObject({ status: 'finished', bestStep: 2 });
  expect(worth).toMatchObject({ step: 2, datasets: [{ key: 'cells', images: 2, objects: 2 }] });
  expect(worth?.datasets[0]?.modules).toHaveLength(2);
});

test('what would take longer is left to a person, with the time of an image', async () => {
  const { outcome, worth } = await start();
  expect(outcome.status).toBe('finished');
  expect(outcome.secondsPerImage).toBeGreaterThan(0);
  expect(worth).toBeNull();
});

test('a pause leaves it out, and the run is finished', async () => {
  const seen: string[] = [];
  const { outcome, worth } = await start((label, run) => {
    hasten(label);
    if (!label.includes('worth')) return;
    seen.push(label);
    run()?.pause();
  });
  expect(seen).toEqual(['Measuring what each module is worth']);
  expect(outcome).toMatchObject({ status: 'finished', bestStep: 2 });
  expect(outcome.verdict).not.toBeNull();
  expect(worth).toBeNull();
});
