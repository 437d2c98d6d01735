/**
 * Three steps of the PyTorch twin at SAM ViT-B's widths (python/finetune/large_vectors.py), repeated by the engine's
 * trainer from the image and the seeds alone, in exactly the memory that was planned.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseTrainConfig } from '../../config/train.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { resolveMopeft } from '../../peft/resolve.ts';
import { parseSamConfig } from '../../sam/checkpoint/parse-config.ts';
import { loadModel } from '../../sam/weights.ts';
import { mostAllocated, openTestGpu } from '../../testing/device.ts';
import { expectStep, readTwinSets, type TwinRun } from '../../testing/twin-run.ts';
import { estimateMemory } from '../../train/estimate.ts';
import type { StepEvent } from '../../train/events.ts';
import { Trainer } from '../../train/loop.ts';
import { planRequest, planTraining } from '../../train/plan-training.ts';
import { localData } from '../../train/training-data.ts';
import { seededCheckpoint } from './seeded.ts';

const tests = fileURLToPath(new URL('../../../tests/', import.meta.url));
const folder = `${tests}slow-vectors/twin/`;

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu?.destroy());

const readJson = async (path: string) => JSON.parse(await readFile(path, 'utf8'));

/** The model of a run, with weights from its config's seed. */
async function modelOf({ model = '' }: TwinRun) {
  const json = await readJson(`${tests}${model}`);
  return loadModel(gpu, seededCheckpoint(model, parseSamConfig(json, model), json.seed));
}

/** Nothing of a run of three steps is to be resumed. */
const STORAGE = {
  readCheckpoint: async () => null,
  writeCheckpoint: async () => undefined,
  readBest: async () => null,
  writeBest: async () => undefined,
};

it.each(['wide', 'vit_b'])(
  'the run %s of the PyTorch twin is repeated in the planned memory',
  async (name) => {
    const run: TwinRun = await readJson(`${folder}${name}.json`);
    const config = parseTrainConfig(run.train);
    const model = await modelOf(run);
    const mopeft = resolveMopeft(run.mopeft, model.config);
    const planned = estimateMemory(planTraining(planRequest(model.config, mopeft, config, gpu))).peakBytes;
    const most = mostAllocated(gpu);
    const sets = await readTwinSets(folder, Object.keys(run.split), model.config, config);
    const steps: StepEvent[] = [];
    const trainer = await Trainer.open({
      gpu,
      model,
      mopeft,
      config,
      data: localData(model.config, config, sets),
      storage: STORAGE,
      emit: (event) => {
        if (event.type === 'step') steps.push(event);
      },
    });
    try {
      expect(gpu.allocatedBytes, 'bytes on the device').toBe(planned);
      const allocations = gpu.allocationCount;
      expect(await trainer.run()).toBe('finished');
      expect(gpu.allocationCount, 'nothing is allocated in a step').toBe(allocations);
      expect(most(), 'bytes on the device at any time').toBe(planned);
      expect(steps.length).toBe(run.events.length);
    } finally {
      trainer.release();
      model.weights.release();
    }
    for (const [i, want] of run.events.entries()) {
      const step = steps[i];
      if (!step || want.type !== 'step') throw new Error(`event ${i} is a ${want.type}`);
      expectStep(step, want);
    }
  },
);
