/** A training run from settings to verdict, over the trainer of `src/train`: the same for the studio and the command line. */
import { Failure, type FailureRecord, toFailureRecord } from '../config/failure.ts';
import { parseTrainConfig } from '../config/train.ts';
import type { Split } from '../data/types.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { METHODS } from '../peft/registry.ts';
import { nameOfMethods } from '../peft/resolve.ts';
import { countTrainable, estimateMemory, type TrainableCount } from '../train/estimate.ts';
import { evaluateSet, type ImageScore } from '../train/evaluate.ts';
import type { TrainEvent } from '../train/events.ts';
import { type SetScores, Trainer } from '../train/loop.ts';
import { bufferLimitOf, planTraining } from '../train/plans.ts';
import { fileRunStorage, type RunStorage } from '../train/run-storage.ts';
import { type TrainingSet, trainingSet } from '../train/training-set.ts';
import type { Breathe } from './gpu-queue.ts';
import { MetricsLog } from './metrics-log.ts';
import type { OpenModel } from './model.ts';
import { RUN_FILES, type RunConfig } from './run-files.ts';
import type { Run, RunDataset, RunOutcome, RunParts, RunPlan, RunProgress } from './run-types.ts';
import { SessionSegmenter } from './session-segmenter.ts';
import type { RunSettings } from './settings.ts';
import { type DatasetPairs, judge, type Verdict } from './verdict.ts';

const SPLITS: readonly Split[] = ['train', 'val', 'test'];
/** Steps over which the time of a step is averaged. */
const TIMED_STEPS = 20;

/** What a run would cost and what would stop it; allocates nothing. */
export function planRun(
  gpu: Gpu,
  model: OpenModel,
  { mopeft, train }: RunSettings,
  datasets: readonly RunDataset[],
): RunPlan {
  const problems: FailureRecord[] = dataProblems(datasets);
  const bufferLimitBytes = bufferLimitOf(gpu);
  const images = countImages(datasets);
  try {
    const plans = planTraining(model.config, mopeft, train, {
      traits: gpu.traits,
      bufferLimit: bufferLimitBytes,
    });
    const trainable = countTrainable(plans).map(worded);
    return {
      trainable,
      trainableCount: trainable.reduce((sum, { count }) => sum + count, 0),
      memory: { ...estimateMemory(plans), bufferLimitBytes },
      steps: train.steps,
      images,
      problems,
    };
  } catch (error) {
    const memory = { peakBytes: 0, parts: [], largestBufferBytes: 0, bufferLimitBytes };
    const failed = [...problems, toFailureRecord(error)];
    return { trainable: [], trainableCount: 0, memory, steps: train.steps, images, problems: failed };
  }
}

/**
 * Starts a run: writes its config and split, allocates, and begins. Resolves when the first step is about to be taken.
 * @throws Failure `run/exists`, `train/…`, `peft/…`, `gpu/…`, `storage/…`.
 */
export async function startRun(
  parts: RunParts,
  settings: RunSettings,
  datasets: readonly RunDataset[],
): Promise<Run> {
  const { files, model } = parts;
  const [problem] = dataProblems(datasets);
  if (problem) throw new Failure(problem);
  if (await files.store.exists(files.path(RUN_FILES.config))) {
    throw new Failure({
      code: 'run/exists',
      what: 'There is a run already.',
      where: files.path(RUN_FILES.config),
      cure: 'Choose another folder, or go on with the run that is there.',
    });
  }
  const config: RunConfig = {
    format: 1,
    model: { name: model.name, hash: model.hash },
    method: nameOfMethods(Object.keys(settings.mopeft.methods)),
    ...settings,
    datasets: datasets.map(({ key, name }) => ({ key, name })),
    device: deviceName(parts.gpu),
  };
  await files.writeConfig(config);
  await files.writeSplit(Object.fromEntries(datasets.map(({ key, split }) => [key, split])));
  return RunUnderWay.begin(parts, config, datasets, false);
}

/**
 * Goes on with a run from its last checkpoint; a run without one starts anew, which gives the same steps.
 * @param datasets those of the config, with the run's own split; see `resumedDataset`.
 * @throws Failure `run/other-model`, `run/no-datasets`, and as {@link startRun}.
 */
export async function resumeRun(
  parts: RunParts,
  config: RunConfig,
  datasets: readonly RunDataset[],
): Promise<Run> {
  const { files, model, observer } = parts;
  if (config.model.hash !== model.hash) {
    throw new Failure({
      code: 'run/other-model',
      what: `The run belongs to the model ${config.model.name}, and ${model.name} has other weights.`,
      where: files.path(RUN_FILES.config),
      cure: `Open ${config.model.name} to go on.`,
    });
  }
  const missing = config.datasets.find(({ key }) => !datasets.some((dataset) => dataset.key === key));
  if (missing) {
    throw new Failure({
      code: 'run/no-datasets',
      what: `The run's dataset ${missing.name} is not there.`,
      where: missing.name,
      cure: 'Give all datasets with which the run was started.',
    });
  }
  const now = deviceName(parts.gpu);
  if (config.device !== undefined && config.device !== now) {
    observer?.onNotice?.(
      `The run was started on ${config.device} and goes on on ${now}: the losses will differ in their last digits.`,
    );
  }
  const hasCheckpoint = await files.store.exists(files.path(RUN_FILES.checkpoint));
  const train = parseTrainConfig(config.train);
  return RunUnderWay.begin(parts, { ...config, train }, datasets, hasCheckpoint);
}

/** Name of the adapter that a run computes on; bit equality is claimed for one adapter only. */
function deviceName({ info }: Gpu): string {
  return [info.vendor, info.architecture, info.description || info.device].filter(Boolean).join(' ');
}

/** The run's turn in the device's queue. */
interface Turn {
  /** Lets others use the device. */
  breathe: Breathe;
}

class RunUnderWay implements Run {
  readonly done: Promise<RunOutcome>;
  private readonly durations: number[] = [];

  private constructor(
    private readonly parts: RunParts,
    readonly config: RunConfig,
    private readonly sets: readonly TrainingSet[],
    private readonly log: MetricsLog,
    private readonly trainer: Trainer,
    private readonly turn: Turn,
  ) {
    this.done = this.go();
    // Whoever awaits it hears of a failure; nobody has to.
    this.done.catch(() => undefined);
  }

  static async begin(
    parts: RunParts,
    config: RunConfig,
    datasets: readonly RunDataset[],
    resume: boolean,
  ): Promise<RunUnderWay> {
    const { gpu, queue, model, files } = parts;
    const { mopeft, train } = config;
    const sets = config.datasets.flatMap(({ key }) => {
      const found = datasets.find((dataset) => dataset.key === key);
      return found ? [trainingSet(key, found.dataset, found.split, train.minArea)] : [];
    });
    const log = new MetricsLog(files);
    const stored = fileRunStorage(files.store, files.folder, model, mopeft, {
      ...(parts.name !== undefined && { run: parts.name }),
      method: config.method,
      datasets: config.datasets.map(({ name }) => name),
      steps: train.steps,
      seed: train.seed,
    });
    // What a checkpoint stands for is in the log before the checkpoint is.
    const storage: RunStorage = {
      ...stored,
      writeCheckpoint: async (bytes) => {
        await log.settled();
        await stored.writeCheckpoint(bytes);
      },
    };
    let run: RunUnderWay | null = null;
    const turn: Turn = { breathe: async () => undefined };
    const trainer = await queue.run('background', () =>
      Trainer.open(
        {
          gpu,
          model,
          mopeft,
          config: train,
          sets,
          storage,
          emit: (event) => run?.hear(event),
          breathe: async () => {
            await log.settled();
            await turn.breathe();
          },
        },
        resume,
      ),
    );
    try {
      await log.startAt(trainer.state.checkpointStep);
    } catch (error) {
      trainer.release();
      throw error;
    }
    run = new RunUnderWay(parts, config, sets, log, trainer, turn);
    return run;
  }

  get progress(): RunProgress {
    const { step, bestStep, bestScore, checkpointStep } = this.trainer.state;
    return {
      step,
      steps: this.config.train.steps,
      // Without a checkpoint the run goes on from its start, which is the same.
      checkpointStep: checkpointStep ?? 0,
      bestStep,
      bestScore,
      secondsPerStep: this.secondsPerStep(),
    };
  }

  pause(): void {
    this.trainer.pause();
  }

  stop(): void {
    this.trainer.stop();
  }

  private hear(event: TrainEvent): void {
    const { observer } = this.parts;
    switch (event.type) {
      case 'step':
        this.durations.push(event.ms);
        this.record(event);
        return;
      case 'eval':
      case 'gates':
        this.record(event);
        return;
      case 'best':
      case 'checkpoint':
        // Told before the trainer notes it in its own state.
        queueMicrotask(() => observer?.onProgress?.(this.progress));
        return;
      case 'activity':
        observer?.onActivity?.(this.named(event.label), event.done, event.total);
        return;
      case 'notice':
        observer?.onNotice?.(`${this.named(event.dataset)}, ${event.sample}: ${event.message}`);
        return;
    }
  }

  private record(line: Extract<TrainEvent, { type: 'step' | 'eval' | 'gates' }>): void {
    this.log.add(line);
    this.parts.observer?.onMetrics?.([line]);
    if (line.type === 'step') this.parts.observer?.onProgress?.(this.progress);
  }

  private async go(): Promise<RunOutcome> {
    // One turn for the caller to get hold of the run before anything is told.
    await Promise.resolve();
    let released = false;
    const release = (): void => {
      if (!released) this.trainer.release();
      released = true;
    };
    try {
      return await this.parts.queue.run('background', async (breathe) => {
        this.turn.breathe = breathe;
        const status = await this.trainer.run();
        const tuned = status === 'paused' ? [] : await this.trainer.evaluateBest('test');
        const { progress } = this;
        release();
        const verdict = status === 'paused' ? null : await this.judge(tuned, progress, breathe);
        await this.log.settled();
        return { ...progress, status, verdict };
      });
    } finally {
      release();
    }
  }

  /** The base model on the same test pictures, and what the difference says. */
  private async judge(
    tuned: readonly SetScores[],
    progress: RunProgress,
    breathe: Breathe,
  ): Promise<Verdict | null> {
    if (tuned.length === 0) return null;
    for (const { key, summary } of tuned) {
      this.record({
        type: 'eval',
        step: progress.bestStep ?? progress.step,
        dataset: key,
        split: 'test',
        box_iou: summary.boxIou,
        click_iou: summary.clickIou,
        n: summary.n,
      });
    }
    const { gpu, model, files } = this.parts;
    const base = await SessionSegmenter.open(gpu, model, null);
    const pairs: DatasetPairs[] = [];
    try {
      for (const { key, images } of tuned) {
        const set = this.sets.find((each) => each.key === key);
        if (set)
          pairs.push({
            id: key,
            name: this.named(key),
            images: pair(await this.evaluateBase(base, set, breathe), images),
          });
      }
    } finally {
      await base.release();
    }
    const verdict = judge(pairs, {
      trainImages: this.sets.reduce((sum, { split }) => sum + split.train.length, 0),
      steps: progress.step,
      bestStep: progress.bestStep,
    });
    await files.writeText(RUN_FILES.verdict, `${JSON.stringify(verdict, null, 2)}\n`);
    return verdict;
  }

  private evaluateBase(base: SessionSegmenter, set: TrainingSet, breathe: Breathe): Promise<ImageScore[]> {
    const label = `Measuring the base model on the test pictures of ${this.named(set.key)}`;
    return evaluateSet(
      base,
      set,
      set.split.test,
      { maxObjects: this.config.train.evalObjects, maxImages: 0 },
      {
        beforeImage: async (done, total) => {
          this.parts.observer?.onActivity?.(label, done, total);
          await breathe();
        },
      },
    );
  }

  private secondsPerStep(): number | null {
    // The first step also compiles.
    const timed = this.durations.slice(1).slice(-TIMED_STEPS);
    return timed.length === 0 ? null : timed.reduce((sum, ms) => sum + ms, 0) / timed.length / 1000;
  }

  /** A sentence with datasets by name instead of key. */
  private named(text: string): string {
    return this.config.datasets.reduce((words, { key, name }) => words.replace(key, name), text);
  }
}

function pair(base: readonly ImageScore[], tuned: readonly ImageScore[]): DatasetPairs['images'] {
  const iousOf = ({ objects }: ImageScore) => ({
    box: objects.map(({ boxIou }) => boxIou),
    click: objects.map(({ clickIou }) => clickIou),
  });
  return tuned.flatMap((image) => {
    const same = base.find(({ name }) => name === image.name);
    return same ? [{ base: iousOf(same), tuned: iousOf(image) }] : [];
  });
}

function dataProblems(datasets: readonly RunDataset[]): FailureRecord[] {
  if (datasets.length === 0) {
    return [
      {
        code: 'train/no-datasets',
        what: 'No dataset is chosen.',
        cure: 'Choose at least one dataset with masks.',
      },
    ];
  }
  return datasets
    .filter(({ split }) => split.train.length === 0)
    .map(({ name }) => ({
      code: 'train/no-images',
      what: 'No picture of this dataset has a mask, so there is nothing to learn from.',
      where: name,
      cure: 'Add masks, or leave the dataset out.',
    }));
}

function countImages(datasets: readonly RunDataset[]): Record<Split, number> {
  const counts = { train: 0, val: 0, test: 0 };
  for (const { split } of datasets) for (const part of SPLITS) counts[part] += split[part].length;
  return counts;
}

function worded({ label, count }: TrainableCount): TrainableCount {
  const words: Readonly<Record<string, string>> = { gates: 'Gates', decoder: 'Mask decoder' };
  return { label: METHODS.find(({ id }) => id === label)?.label ?? words[label] ?? label, count };
}
