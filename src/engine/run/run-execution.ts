/** A training run under way, from its first step to its verdict, over the trainer of `src/train`. */

import { type TrainingSet, trainingSet } from '../../train/batches.ts';
import type { RunStorage } from '../../train/checkpoint.ts';
import { evaluateSet, type ImageScore, type SetScores } from '../../train/evaluate.ts';
import type { TrainEvent } from '../../train/events.ts';
import { Trainer } from '../../train/loop.ts';
import type { YieldDevice } from '../gpu-queue.ts';
import { SessionPredictor } from '../session-predictor.ts';
import { MetricsLog } from './metrics.ts';
import { RUN_FILES, type RunConfig } from './run-files.ts';
import type { Run, RunDataset, RunOutcome, RunParts, RunProgress } from './run-types.ts';
import { type DatasetPairs, judge, type Verdict } from './verdict.ts';

/** Steps over which the time of a step is averaged. */
const TIMED_STEPS = 20;

/** The run's turn in the device's queue. */
interface Turn {
  /** Lets others use the device. */
  yieldDevice: YieldDevice;
}

export class RunExecution implements Run {
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
  ): Promise<RunExecution> {
    const { gpu, queue, model, files } = parts;
    const { mopeft, train } = config;
    const sets = config.datasets.flatMap(({ key }) => {
      const found = datasets.find((dataset) => dataset.key === key);
      return found ? [trainingSet(key, found.dataset, found.split, train.minArea)] : [];
    });
    const log = new MetricsLog(files);
    const stored = files.trainerStorage(model, mopeft, {
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
    let run: RunExecution | null = null;
    const turn: Turn = { yieldDevice: async () => undefined };
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
          yieldDevice: async () => {
            await log.settled();
            await turn.yieldDevice();
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
    run = new RunExecution(parts, config, sets, log, trainer, turn);
    return run;
  }

  get progress(): RunProgress {
    const { step, bestStep, bestScore, checkpointStep } = this.trainer.state;
    return {
      step,
      steps: this.config.train.steps,
      checkpointStep,
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
        observer?.onProgress?.(this.progress);
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
      return await this.parts.queue.run('background', async (yieldDevice) => {
        this.turn.yieldDevice = yieldDevice;
        const status = await this.trainer.run();
        const tuned = status === 'paused' ? [] : await this.trainer.evaluateBest('test');
        const { progress } = this;
        release();
        const verdict = status === 'paused' ? null : await this.judge(tuned, progress, yieldDevice);
        await this.log.settled();
        return { ...progress, status, verdict };
      });
    } finally {
      release();
    }
  }

  /** The base model on the same test images, and what the difference says. */
  private async judge(
    tuned: readonly SetScores[],
    progress: RunProgress,
    yieldDevice: YieldDevice,
  ): Promise<Verdict | null> {
    if (tuned.length === 0) return null;
    for (const { key, summary } of tuned) {
      if (summary.n === 0) continue;
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
    const base = await SessionPredictor.open(gpu, model, null);
    const pairs: DatasetPairs[] = [];
    try {
      for (const { key, images } of tuned) {
        const set = this.sets.find((each) => each.key === key);
        if (set)
          pairs.push({
            id: key,
            name: this.named(key),
            images: pair(await this.evaluateBase(base, set, yieldDevice), images),
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

  private evaluateBase(
    base: SessionPredictor,
    set: TrainingSet,
    yieldDevice: YieldDevice,
  ): Promise<ImageScore[]> {
    const label = `Measuring the base model on the test images of ${this.named(set.key)}`;
    return evaluateSet(
      base,
      set,
      set.split.test,
      { maxObjects: this.config.train.evalObjects, maxImages: 0 },
      {
        beforeImage: async (done, total) => {
          this.parts.observer?.onActivity?.(label, done, total);
          await yieldDevice();
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
