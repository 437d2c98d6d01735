import { afterAll, vi } from 'vitest';
import type { MopeftRequest } from '../config/mopeft.ts';
import { parseTrainConfig, type TrainConfig } from '../config/train.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { resolveMopeft } from '../peft/resolve.ts';
import { bytesSource } from '../sam/checkpoint/byte-source.ts';
import { Safetensors } from '../sam/checkpoint/safetensors.ts';
import type { SamModel } from '../sam/weights.ts';
import { type BestWeights, type RunStorage, readCheckpoint } from '../train/checkpoint.ts';
import type { TrainEvent } from '../train/events.ts';
import { Trainer, type TrainingEnd } from '../train/loop.ts';
import type { TokenCache } from '../train/token-cache.ts';
import { localData, type TrainingData } from '../train/training-data.ts';
import type { TrainingSet } from '../train/training-set.ts';
import { openTestGpu } from './device.ts';
import { MICRO_SAM, openMicroModel } from './micro-model.ts';
import { drawnSet } from './training-sets.ts';

/** A run's files, in memory. */
export class MemoryStorage implements RunStorage {
  checkpoint: Uint8Array | null = null;
  best: BestWeights | null = null;
  readCheckpoint = async () => this.checkpoint;
  writeCheckpoint = async (bytes: Uint8Array) => {
    this.checkpoint = bytes;
  };
  readBest = async () => this.best;
  writeBest: RunStorage['writeBest'] = async (best) => {
    this.best = best;
  };
}

/** A run of seconds. */
export const SHORT = parseTrainConfig({
  steps: 5,
  seed: 11,
  imagesPerStep: 1,
  objectsPerImage: 2,
  corrections: 1,
  evalEvery: 3,
  evalImages: 1,
  evalObjects: 1,
  checkpointEvery: 2,
  lrPeft: 1e-2,
});

export interface Trained {
  readonly events: TrainEvent[];
  readonly end: TrainingEnd;
}

interface Options {
  readonly pauseOn?: (event: TrainEvent) => boolean;
  readonly stopOn?: (event: TrainEvent) => boolean;
  readonly resume?: boolean;
  /** Whether the first step is. */
  readonly isProfiled?: boolean;
  readonly sets?: TrainingSet[];
  readonly data?: TrainingData;
  readonly frozen?: SamModel;
  readonly blocks?: 'all' | 'late';
  /** What else is asked of the modules. */
  readonly request?: Pick<MopeftRequest, 'gate' | 'budget' | 'budgetBy'>;
  readonly kept?: TokenCache;
  /** Asked between two submits, while others may use the device. */
  readonly pauseBetween?: () => boolean;
}

/** Each training of the model on drawn images runs until its end, or until an event asks for a pause or a stop. */
const trainings =
  (gpu: Gpu, model: SamModel) =>
  async (
    storage: MemoryStorage,
    config: TrainConfig,
    {
      pauseOn,
      stopOn,
      resume = false,
      isProfiled = false,
      sets = [drawnSet('left', 1), drawnSet('right', 2, 2)],
      data = localData(MICRO_SAM, config, sets),
      frozen = model,
      blocks = 'all',
      request = {},
      kept,
      pauseBetween,
    }: Options = {},
  ): Promise<Trained> => {
    const events: TrainEvent[] = [];
    const trainer = await Trainer.open(
      {
        gpu,
        model: frozen,
        mopeft: resolveMopeft({ methods: ['lora', 'prefix', 'adapter'], blocks, ...request }, MICRO_SAM),
        config,
        data,
        storage,
        ...(kept && { kept }),
        emit: (event) => {
          events.push(event);
          if (pauseOn?.(event)) trainer.pause();
          if (stopOn?.(event)) trainer.stop();
        },
        yieldDevice: async () => {
          if (pauseBetween?.()) trainer.pause();
        },
      },
      resume,
    );
    try {
      if (isProfiled) trainer.profileNextStep();
      return { events, end: await trainer.run() };
    } finally {
      trainer.release();
    }
  };

/** The state and tensors that the storage has of a run. */
export async function checkpointOf({ checkpoint }: MemoryStorage) {
  const bytes = checkpoint ?? new Uint8Array();
  const { state } = await readCheckpoint(bytes, 'checkpoint');
  return { state, tensors: await (await Safetensors.open(bytesSource('checkpoint', bytes))).readAll() };
}

/** What must be equal: everything but the time it took. */
export const measured = (events: readonly TrainEvent[], after: number) =>
  events.flatMap((event): TrainEvent[] => {
    if (event.type === 'step' && event.step > after) {
      const { spans, ...others } = event;
      return [{ ...others, ms: 0 }];
    }
    return (event.type === 'eval' || event.type === 'gates') && event.step > after ? [event] : [];
  });

/** A device with a model and its trainings, for all tests of a file. */
export async function openShortRuns() {
  // Compiling the step's pipelines takes a software adapter most of the time; one device compiles them once for all tests.
  vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });
  // The floor on which everything must run.
  const gpu = await openTestGpu({ defaultLimits: true });
  afterAll(() => gpu.destroy());
  const model = await openMicroModel(gpu);
  return { gpu, model, train: trainings(gpu, model) };
}
