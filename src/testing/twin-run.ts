/** Runs of the PyTorch twin (python/finetune), for tests that repeat them with the engine's trainer. */
import { readdir, readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import type { MopeftRequest } from '../config/mopeft.ts';
import type { SamConfig } from '../config/sam.ts';
import type { TrainConfig } from '../config/train.ts';
import { isLabelled } from '../data/dataset.ts';
import { readDatasets } from '../data/read-datasets.ts';
import { splitSamples } from '../data/split.ts';
import type { Split } from '../data/types.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { bytesSource } from '../sam/checkpoint/byte-source.ts';
import { openCheckpoint } from '../sam/checkpoint/checkpoint.ts';
import { loadModel, type SamModel } from '../sam/weights.ts';
import type { EvalEvent, GatesEvent, ModulesEvent, StepEvent } from '../train/events.ts';
import { type TrainingSet, trainingSet } from '../train/training-set.ts';
import { relativeError } from './allclose.ts';

/** What the twin wrote of a run. */
export interface TwinRun {
  readonly mopeft: MopeftRequest;
  readonly train: { readonly steps: number; readonly seed: number };
  /** The model's config in `tests/`, with the seed of its weights; absent: `model/` beside the run. */
  readonly model?: string;
  /** Values of the files whose pixels take no part; absent: none. */
  readonly ignored?: readonly number[];
  /** Smallest |logit| that decided where a corrective click may fall; null without such clicks. */
  readonly margin: number | null;
  readonly split: Readonly<Record<string, Readonly<Record<Split, readonly string[]>>>>;
  readonly events: readonly (Omit<StepEvent, 'ms'> | EvalEvent | GatesEvent | ModulesEvent)[];
}

/** The sets of a run from the folders of their names. */
export async function readTwinSets(
  folder: string,
  keys: readonly string[],
  sam: SamConfig,
  config: TrainConfig,
): Promise<TrainingSet[]> {
  const sets: TrainingSet[] = [];
  for (const key of keys) {
    const names = await readdir(`${folder}${key}`, { recursive: true });
    const files = names
      .filter((name) => name.endsWith('.png'))
      .map((name) => ({ path: `${key}/${name}`, bytes: () => readFile(`${folder}${key}/${name}`) }));
    const { datasets } = await readDatasets(files);
    const [dataset] = datasets;
    if (!dataset || datasets.length !== 1) throw new Error(`${key} is not one dataset`);
    const split = splitSamples(dataset.samples.filter(isLabelled), config.seed, config.splitOrder);
    sets.push(trainingSet(key, dataset, split, sam, config));
  }
  return sets;
}

/** Holds a step's losses, the norm of its gradients and its learning rate to 1e-4 of the twin's. */
export function expectStep(event: StepEvent, want: Omit<StepEvent, 'ms'>): void {
  for (const part of ['loss', 'focal', 'dice', 'iou', 'norm', 'lr'] as const)
    expect(relativeError([event[part]], [want[part]]), `${part} of step ${want.step}`).toBeLessThan(1e-4);
}

/** The tiny model of the twin's runs. @param folder the runs', with `model/` in it. */
export async function openTwinModel(gpu: Gpu, folder: string): Promise<SamModel> {
  const text = async (name: string) => ({ name, text: await readFile(`${folder}model/${name}`, 'utf8') });
  const weights = await readFile(`${folder}model/model.safetensors`);
  return loadModel(
    gpu,
    await openCheckpoint({
      weights: [bytesSource('model.safetensors', weights)],
      config: await text('config.json'),
      preprocessor: await text('preprocessor_config.json'),
    }),
  );
}
