/** SAM ViT-B at 1024² on a device with WebGPU's default limits: a run allocates what `mopeft plan` says, to the byte. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { DEFAULT_DEVICE, plan, type StepReport } from '../../cli/plan.ts';
import { settingsOf } from '../../cli/settings-flags.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { parseSamConfig } from '../../sam/checkpoint/parse-config.ts';
import type { WeightPrecision } from '../../sam/halves.ts';
import { loadModel, type SamModel } from '../../sam/weights.ts';
import { mostAllocated, openTestGpu } from '../../testing/device.ts';
import { planRequest, planTraining } from '../../train/plan-training.ts';
import { TrainingStep } from '../../train/step.ts';
import { seededCheckpoint } from './seeded.ts';

const config = fileURLToPath(new URL('../../../tests/slow-vectors/vit_b/vit_b.json', import.meta.url));
const GIB = 2 ** 30;

/** What is trained, and the most that it may take. */
const RUNS: readonly (readonly [string, Readonly<Record<string, string>>, number])[] = [
  ['MoPEFT in all blocks', { method: 'mopeft' }, 1.25 * GIB],
  ['MoPEFT in late blocks', { method: 'mopeft', blocks: 'late' }, 0.9 * GIB],
  ['the mask decoder', { method: 'decoder' }, 0.65 * GIB],
];

async function reportOf(flags: Readonly<Record<string, string>>): Promise<StepReport> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  const words = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
  expect(await plan(['--json', '--model', config, ...words])).toBe(0);
  return JSON.parse(String(log.mock.calls[0]?.[0]));
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each<WeightPrecision>(['f32', 'f16'])('frozen weights in %s', (weights) => {
  let gpu: Gpu;
  let model: SamModel;
  beforeAll(async () => {
    gpu = await openTestGpu({ defaultLimits: true });
    const json = JSON.parse(await readFile(config, 'utf8'));
    const checkpoint = seededCheckpoint('vit_b', parseSamConfig(json, config), json.seed);
    model = await loadModel(gpu, checkpoint, { precision: weights });
  });
  afterAll(() => {
    model?.weights.release();
    gpu?.destroy();
  });

  it.each(RUNS)('%s', async (_, flags, allowed) => {
    const { peakBytes, largestBinding } = await reportOf({ ...flags, weights });
    expect(peakBytes).toBeLessThanOrEqual(allowed);
    expect(largestBinding).toBeLessThanOrEqual(gpu.bufferLimit);
    const { mopeft, train } = await settingsOf({ ...flags, weights }, model.config, '', {});
    const most = mostAllocated(gpu);
    const plans = planTraining(planRequest(model.config, mopeft, train, DEFAULT_DEVICE));
    const step = await TrainingStep.create(gpu, model, plans);
    try {
      expect(gpu.allocatedBytes).toBe(peakBytes);
      expect(most(), 'also while it was opened').toBe(peakBytes);
    } finally {
      step.release();
    }
  });
});
