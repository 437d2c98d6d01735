import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseTrainConfig } from '../../config/train.ts';
import { encodeImagePng, encodeMaskPng } from '../../data/encode-png.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { resolveMopeft } from '../../peft/resolve.ts';
import { openTestGpu } from '../../testing/device.ts';
import { MICRO_SAM, openMicroModel } from '../../testing/micro-model.ts';
import { drawSample } from '../../testing/training-sets.ts';
import { runDataset } from '../datasets.ts';
import { GpuQueue } from '../gpu-queue.ts';
import { startTraining } from './run.ts';
import { RunFiles } from './run-files.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu?.destroy());

/** An image and its mask as PNG files. */
function drawnFiles(name: string) {
  const { image, labelling } = drawSample(name, 1);
  const file = (path: string, bytes: Uint8Array) => ({ path, size: bytes.length, bytes: async () => bytes });
  return {
    name,
    image: file(`images/${name}`, encodeImagePng(image)),
    ...(labelling && { mask: file(`masks/${name}`, encodeMaskPng(labelling.labelMap)) }),
  };
}

test('a run that is paused in its first validation has a checkpoint from then on, and no weights to use', async () => {
  const model = { ...(await openMicroModel(gpu)), parameterCount: 0, fileBytes: 0, unused: [] };
  const dataset = { name: 'Cells', samples: ['a.png', 'b.png', 'c.png', 'd.png'].map(drawnFiles) };
  const run = await startTraining(
    {
      gpu,
      queue: new GpuQueue(),
      model,
      files: new RunFiles(new MemoryStore(), 'runs/try'),
    },
    {
      mopeft: resolveMopeft({ methods: ['lora'] }, MICRO_SAM),
      train: parseTrainConfig({ steps: 2, imagesPerStep: 1, objectsPerImage: 1, evalObjects: 1 }),
    },
    [runDataset({ key: 'cells', name: 'Cells' }, dataset, 0, 'shuffled')],
  );
  run.pause();
  expect(run.progress).toMatchObject({ step: 0, checkpointStep: null, bestStep: null });
  expect(await run.done).toMatchObject({ status: 'paused', step: 0, checkpointStep: 0, bestStep: null });
});
