/** A training run under way, from its first step to its verdict, over the trainer of `src/train`. */

import { toFailureRecord } from '../../config/failure.ts';
import type { MopeftConfig } from '../../config/mopeft.ts';
import { tellsDatasetsApart } from '../../peft/datasets.ts';
import { modulesOf } from '../../peft/modules.ts';
import { compileSession } from '../../sam/session.ts';
import type { RunStorage } from '../../train/checkpoint.ts';
import type { ActivityEvent, TrainEvent } from '../../train/events.ts';
import { Trainer } from '../../train/loop.ts';
import { unlessLeft } from '../../train/run-failures.ts';
import { TokenCache } from '../../train/token-cache.ts';
import type { TrainingData } from '../../train/training-data.ts';
import { datasetFeature, writeFeature } from '../asked-dataset.ts';
import type { YieldDevice } from '../gpu-queue.ts';
import { SessionPredictor } from '../session-predictor.ts';
import { ModelSession } from '../tuning.ts';
import { measureRunWorth, worthCost, writeRunWorth } from '../worth/run-worth.ts';
import { readRunAdapter } from './adapter-files.ts';
import { checkedImages } from './checked-images.ts';
import { FinalTest } from './final-test.ts';
import { type Look, readLooks, withLook, writeLooks } from './looks.ts';
import { type MetricsLine, MetricsLog } from './metrics.ts';
import { openData, scaledDatasets } from './open-data.ts';
import { commonScale, KEPT_FOLDER, nameOfDataset, type RunConfig } from './run-files.ts';
import type { Run, RunDataset, RunOutcome, RunParts, RunProgress, RunReached } from './run-types.ts';

/** Steps over which the time of a step is averaged. */
const TIMED_STEPS = 20;

/** The share of a run's time that measuring what its modules are worth may take at its end. */
const WORTH_SHARE = 0.1;

/** Lets others use the device; the queue gives the function when it is the run's turn. */
interface DeviceAccess {
  yieldDevice: YieldDevice;
}

export class RunExecution implements Run {
  readonly done: Promise<RunOutcome>;
  private readonly durations: number[] = [];
  private areLooksNew = false;
  /** Ends the test between two images; the trainer has its own request, which ends the steps. */
  private isPauseRequested = false;
  /** Wakes who waits for something that goes on by itself. */
  private onPause = (): void => undefined;
  /** Ends what may be left out at the end of a run. */
  private readonly extras = new AbortController();

  private constructor(
    private readonly parts: RunParts,
    readonly config: RunConfig,
    private readonly data: TrainingData,
    private readonly log: MetricsLog,
    private readonly trainer: Trainer,
    private readonly device: DeviceAccess,
    private readonly kept: TokenCache,
    private looks: readonly Look[],
  ) {
    this.done = this.execute();
    // A failure reaches those who await it, and is no unhandled rejection where no one does.
    this.done.catch(() => undefined);
  }

  static async begin(
    parts: RunParts,
    config: RunConfig,
    datasets: readonly RunDataset[],
    resume: boolean,
  ): Promise<RunExecution> {
    const { gpu, queue, model, files, leaving } = parts;
    const { mopeft, train } = config;
    const scale = commonScale(config.datasets) ?? 'whole';
    const log = new MetricsLog(files);
    const data = await openData(parts, train, scaledDatasets(config, datasets));
    const closing = (error: unknown): never => {
      data.close();
      throw error;
    };
    const features = await featuresOf(parts, mopeft, data).catch(closing);
    const kept = await openCache(parts).catch(closing);
    const stored = files.trainerStorage(model, {
      ...(parts.name !== undefined && { run: parts.name }),
      method: config.method,
      datasets: config.datasets.map(({ name }) => name),
      ...(scale !== 'whole' && { scale }),
      steps: train.steps,
      seed: train.seed,
      ...(features && { features }),
    });
    // The metrics up to a checkpoint are on storage before the checkpoint is.
    const storage: RunStorage = {
      ...stored,
      writeCheckpoint: async (bytes) => {
        await log.settled();
        await stored.writeCheckpoint(bytes);
      },
    };
    let run: RunExecution | null = null;
    const device: DeviceAccess = { yieldDevice: async () => undefined };
    let trainer: Trainer | null = null;
    try {
      trainer = await Trainer.open(
        {
          gpu,
          model,
          mopeft,
          config: train,
          data,
          storage,
          kept,
          onDevice: (work) => queue.run('background', work),
          ...(leaving && { leaving }),
          ...(parts.plan && { plan: parts.plan }),
          ...(modulesOf(mopeft).some(({ method }) => method.changesAtStart) && {
            openBase: async () => {
              parts.observer?.onActivity?.('Opening the base model to compare with', 0, 1);
              return (await run?.mayGoOnAfter(compileSession(gpu, model.config)))
                ? SessionPredictor.open(gpu, model, null)
                : null;
            },
          }),
          emit: (event) => {
            // What it does is told before there is a run.
            if (event.type === 'activity') tellActivity(parts, config, event);
            else run?.onEvent(event);
          },
          yieldDevice: async () => {
            await log.settled();
            await run?.keepLooks();
            await device.yieldDevice();
          },
        },
        resume,
      );
      await log.startAt(trainer.state.checkpointStep);
    } catch (error) {
      trainer?.release();
      data.close();
      await kept.clear();
      throw error;
    }
    const looks = resume ? await readLooks(files) : [];
    run = new RunExecution(parts, config, data, log, trainer, device, kept, looks);
    return run;
  }

  get progress(): RunProgress {
    const { reached } = this;
    const { step, secondsPerStep } = reached;
    return {
      ...reached,
      ...(secondsPerStep !== null && { secondsLeft: this.secondsLeft(step, secondsPerStep) }),
    };
  }

  private get reached(): RunReached {
    const { step, bestStep, bestScore, checkpointStep } = this.trainer.state;
    const secondsPerStep = this.secondsPerStep();
    return { step, steps: this.config.train.steps, checkpointStep, bestStep, bestScore, secondsPerStep };
  }

  private secondsLeft(step: number, secondsPerStep: number): number {
    const { train } = this.config;
    // Before a check was timed in this session, an image takes about what it takes in a step.
    const secondsPerImage = this.trainer.secondsPerImage ?? secondsPerStep / train.imagesPerStep;
    return (
      (train.steps - step) * secondsPerStep + checkedImages(this.data.sets, train, step) * secondsPerImage
    );
  }

  profileNextStep(): void {
    this.trainer.profileNextStep();
  }

  pause(): void {
    this.isPauseRequested = true;
    this.onPause();
    this.extras.abort();
    this.trainer.pause();
  }

  stop(): void {
    this.isPauseRequested = false;
    this.extras.abort();
    this.trainer.stop();
  }

  /** Waits for what goes on by itself; false where a pause or a stop comes before. */
  private mayGoOnAfter(work: Promise<unknown>): Promise<boolean> {
    return unlessLeft(work, this.extras.signal).then(
      () => true,
      () => false,
    );
  }

  /** As {@link mayGoOnAfter}, but a stop lets it go on, even one that takes a pause back. */
  private async unlessPaused(work: Promise<unknown>): Promise<boolean> {
    const done = work.then(() => true);
    for (;;) {
      if (this.isPauseRequested) return false;
      const paused = new Promise<false>((resolve) => {
        this.onPause = () => resolve(false);
      });
      if (await Promise.race([done, paused])) return !this.isPauseRequested;
    }
  }

  private onEvent(event: TrainEvent): void {
    const { observer } = this.parts;
    switch (event.type) {
      case 'step':
        this.durations.push(event.ms);
        this.record(event);
        return;
      case 'eval':
      case 'gates':
      case 'modules':
        this.record(event);
        return;
      case 'best':
      case 'checkpoint':
        observer?.onProgress?.(this.progress);
        return;
      case 'look':
        this.looks = withLook(this.looks, event);
        this.areLooksNew = true;
        return;
      case 'profile':
        observer?.onProfile?.(event);
        return;
      case 'activity':
        tellActivity(this.parts, this.config, event);
        return;
      case 'notice':
        observer?.onNotice?.(
          `${nameOfDataset(this.config, event.dataset)}, ${event.sample}: ${event.message}`,
        );
        return;
    }
  }

  /** Stores and sends the looks of a check that is over. */
  private async keepLooks(): Promise<void> {
    if (!this.areLooksNew) return;
    this.areLooksNew = false;
    this.parts.observer?.onLooks?.(this.looks);
    await writeLooks(this.parts.files, this.looks);
  }

  private record(line: MetricsLine): void {
    this.log.add(line);
    this.parts.observer?.onMetrics?.([line]);
    if (line.type === 'step') this.parts.observer?.onProgress?.(this.progress);
  }

  private async execute(): Promise<RunOutcome> {
    // The caller gets hold of the run before its first event.
    await Promise.resolve();
    let released = false;
    const release = (): void => {
      if (!released) this.trainer.release();
      released = true;
    };
    try {
      return await this.parts.queue.run('background', async (yieldDevice) => {
        this.device.yieldDevice = yieldDevice;
        const status = await this.trainer.run();
        await this.keepLooks();
        const isCutOff = (): boolean => this.isPauseRequested;
        const { reached } = this;
        const isBase = reached.bestStep === 0;
        // What took no step has nothing that could be tested.
        const isTested = status !== 'paused' && reached.step > 0;
        const found = isTested && !isBase ? await this.trainer.evaluateBest('test', isCutOff) : null;
        release();
        const isMeasured = found !== null || (isTested && isBase);
        const test = this.finalTest(yieldDevice);
        const base = !isMeasured ? null : found?.length === 0 ? [] : await test.measureBase();
        const tuned = isBase ? base : found;
        const earlier = !base ? null : tuned && tuned.length > 0 ? await test.measureEarlier() : [];
        const verdict = tuned && base && earlier && (await test.conclude(tuned, base, earlier, reached));
        await this.log.settled();
        const { secondsPerImage } = test;
        if (verdict && status === 'finished' && !isBase)
          await this.measureWorth(reached, secondsPerImage ?? 0, yieldDevice);
        // All steps are in the checkpoint, so a resumed run only measures.
        const isLeft = status === 'finished' && !earlier;
        return {
          ...reached,
          status: isLeft ? 'paused' : status,
          verdict,
          ...(secondsPerImage !== null && { secondsPerImage }),
        };
      });
    } finally {
      release();
      this.data.close();
      await this.kept.clear();
    }
  }

  private finalTest(yieldDevice: YieldDevice): FinalTest {
    return new FinalTest({
      run: this.parts,
      config: this.config,
      sets: this.data.sets,
      yieldDevice,
      isInterrupted: () => this.isPauseRequested,
      mayGoOnAfter: (work) => this.unlessPaused(work),
      record: (event) => this.record(event),
      recorded: () => this.log.settled(),
    });
  }

  /** Measures what each module is worth, where that takes a small share of the run's time; a pause or a stop leaves it out. */
  private async measureWorth(
    { step, bestStep }: RunReached,
    secondsPerImage: number,
    yieldDevice: YieldDevice,
  ): Promise<void> {
    const { gpu, model, files, observer } = this.parts;
    const { mopeft, train } = this.config;
    if (modulesOf(mopeft).length === 0 || bestStep === null) return;
    const { signal } = this.extras;
    const limits = { maxImages: train.evalImages, maxObjects: train.evalObjects };
    const mayTake = WORTH_SHARE * step * (this.secondsPerStep() ?? 0);
    try {
      const adapter = await readRunAdapter(files, model);
      const { passes } = worthCost(adapter.mopeft, this.data.sets, limits);
      if (passes === 0 || passes * secondsPerImage > mayTake) return;
      const tell = (done: number, total: number): void =>
        observer?.onActivity?.('Measuring what each module is worth', done, total);
      // The model is opened before the first image.
      tell(0, passes);
      const measuring = {
        gpu,
        model,
        signal,
        onDevice: <T>(work: (y: YieldDevice) => Promise<T>) => work(yieldDevice),
      };
      const worth = await measureRunWorth(measuring, adapter, this.data.sets, limits, tell);
      await writeRunWorth(files, { ...worth, step: bestStep });
    } catch (error) {
      // The run is done without it.
      const { code, what, cure } = toFailureRecord(error);
      if (signal.aborted || code === 'worth/few-images') return;
      observer?.onNotice?.(`What each module is worth was not measured: ${what} ${cure}`);
    }
  }

  private secondsPerStep(): number | null {
    // The first step also compiles.
    const timed = this.durations.slice(1).slice(-TIMED_STEPS);
    return timed.length === 0 ? null : timed.reduce((sum, ms) => sum + ms, 0) / timed.length / 1000;
  }
}

function tellActivity(
  { observer }: Pick<RunParts, 'observer'>,
  config: RunConfig,
  { label, dataset, done, total }: ActivityEvent,
): void {
  const about = dataset === undefined ? label : `${label} of ${nameOfDataset(config, dataset)}`;
  observer?.onActivity?.(about, done, total);
}

/** An empty cache, which clears what a run that was cut off has left. */
async function openCache({ files, spareBytes }: RunParts): Promise<TokenCache> {
  const bytes = (await spareBytes?.().catch(() => 0)) ?? 0;
  const cache = new TokenCache({ store: files.store, path: files.path(KEPT_FOLDER), bytes });
  await cache.clear();
  return cache;
}

/** Of each dataset the mean feature of its images, where the run tells datasets apart. */
async function featuresOf(
  { gpu, queue, model, observer, leaving }: RunParts,
  mopeft: MopeftConfig,
  { sets }: TrainingData,
): Promise<readonly string[] | null> {
  if (sets.length < 2 || !tellsDatasetsApart(mopeft)) return null;
  return queue.run('background', async (yieldDevice) => {
    const session = await ModelSession.open(gpu, model, null);
    try {
      const features: string[] = [];
      for (const set of sets) {
        observer?.onActivity?.('Looking at the datasets', features.length, sets.length);
        const between = async (): Promise<void> => {
          leaving?.throwIfAborted();
          await yieldDevice();
        };
        features.push(writeFeature(await datasetFeature(session, set, set.split.train, between)));
      }
      return features;
    } finally {
      await session.release();
    }
  });
}
