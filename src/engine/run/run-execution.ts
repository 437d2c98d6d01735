/** A training run under way, from its first step to its verdict, over the trainer of `src/train`. */

import { toFailureRecord } from '../../config/failure.ts';
import type { MopeftConfig } from '../../config/mopeft.ts';
import { tellsDatasetsApart } from '../../peft/datasets.ts';
import { modulesOf } from '../../peft/modules.ts';
import { isSettled } from '../../train/budget.ts';
import type { RunStorage } from '../../train/checkpoint.ts';
import { evaluateSetsAt, type SetScores } from '../../train/evaluate.ts';
import type { ActivityEvent, TrainEvent } from '../../train/events.ts';
import { Trainer } from '../../train/loop.ts';
import { TokenCache } from '../../train/token-cache.ts';
import type { TrainingData } from '../../train/training-data.ts';
import { datasetFeature, writeFeature } from '../asked-dataset.ts';
import type { YieldDevice } from '../gpu-queue.ts';
import { SessionPredictor } from '../session-predictor.ts';
import { ModelSession, type Tuning } from '../tuning.ts';
import { measureRunWorth, worthCost, writeRunWorth } from '../worth/run-worth.ts';
import { readRunAdapter } from './adapter-files.ts';
import { type Look, readLooks, withLook, writeLooks } from './looks.ts';
import { type MetricsLine, MetricsLog } from './metrics.ts';
import { openData, scaledDatasets } from './open-data.ts';
import { commonScale, KEPT_FOLDER, RUN_FILES, type RunConfig } from './run-files.ts';
import type { Run, RunDataset, RunOutcome, RunParts, RunProgress } from './run-types.ts';
import { writeTestIous } from './test-ious.ts';
import {
  compareRuns,
  computeVerdict,
  type DatasetPairs,
  pairScores,
  type Verdict,
  type VerdictContext,
} from './verdict.ts';

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
  /** Ends what may be left out at the end of a run. */
  private readonly extras = new AbortController();
  /** Of opening a model and measuring it on the test images; null before. */
  private secondsPerImage: number | null = null;

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
    const { gpu, queue, model, files } = parts;
    const { mopeft, train } = config;
    const scale = commonScale(config.datasets) ?? 'whole';
    const log = new MetricsLog(files);
    const data = await openData(parts, train, scaledDatasets(config, datasets));
    const features = await featuresOf(parts, mopeft, data).catch((error) => {
      data.close();
      throw error;
    });
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
    const kept = await openCache(parts);
    let trainer: Trainer | null = null;
    try {
      trainer = await queue.run('background', () =>
        Trainer.open(
          {
            gpu,
            model,
            mopeft,
            config: train,
            data,
            storage,
            kept,
            ...(parts.plan && { plan: parts.plan }),
            ...(modulesOf(mopeft).some(({ method }) => method.changesAtStart) && {
              openBase: () => {
                parts.observer?.onActivity?.('Opening the base model to compare with', 0, 1);
                return SessionPredictor.open(gpu, model, null);
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
        ),
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

  profileNextStep(): void {
    this.trainer.profileNextStep();
  }

  pause(): void {
    this.isPauseRequested = true;
    this.extras.abort();
    this.trainer.pause();
  }

  stop(): void {
    this.isPauseRequested = false;
    this.extras.abort();
    this.trainer.stop();
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
        observer?.onNotice?.(`${nameOf(this.config, event.dataset)}, ${event.sample}: ${event.message}`);
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
        const { progress } = this;
        const isBase = progress.bestStep === 0;
        const found =
          status === 'paused' || isBase ? null : await this.trainer.evaluateBest('test', isCutOff);
        release();
        const isMeasured = found !== null || (isBase && status !== 'paused');
        const base = !isMeasured ? null : found?.length === 0 ? [] : await this.measureBase(yieldDevice);
        const tuned = isBase ? base : found;
        const earlier = tuned && base && tuned.length > 0 ? await this.measureEarlier(yieldDevice) : null;
        const verdict = tuned && base && (await this.conclude(tuned, base, earlier, progress));
        await this.log.settled();
        if (verdict && status === 'finished' && !isBase) await this.measureWorth(progress, yieldDevice);
        // All steps are in the checkpoint, so a resumed run only measures.
        const isLeft = status === 'finished' && !base;
        const { secondsPerImage } = this;
        return {
          ...progress,
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

  /** The base model on the same test images; null when a pause was asked for before the last. */
  private async measureBase(yieldDevice: YieldDevice): Promise<readonly SetScores[] | null> {
    const start = performance.now();
    const base = await this.measureModel('the base model', null, this.data.sets, yieldDevice);
    const images = this.data.sets.reduce((sum, { split }) => sum + split.test.length, 0);
    if (base && images > 0) this.secondsPerImage = (performance.now() - start) / 1000 / images;
    return base;
  }

  /** Measures what each module is worth, where that takes a small share of the run's time; a pause or a stop leaves it out. */
  private async measureWorth({ step, bestStep }: RunProgress, yieldDevice: YieldDevice): Promise<void> {
    const { gpu, model, files, observer } = this.parts;
    const { mopeft, train } = this.config;
    if (modulesOf(mopeft).length === 0 || bestStep === null) return;
    const { signal } = this.extras;
    const limits = { maxImages: train.evalImages, maxObjects: train.evalObjects };
    const mayTake = WORTH_SHARE * step * (this.secondsPerStep() ?? 0);
    try {
      const adapter = await readRunAdapter(files, model);
      const { passes } = worthCost(adapter.mopeft, this.data.sets, limits);
      if (passes * (this.secondsPerImage ?? 0) > mayTake) return;
      const measuring = {
        gpu,
        model,
        signal,
        onDevice: <T>(work: (y: YieldDevice) => Promise<T>) => work(yieldDevice),
      };
      const worth = await measureRunWorth(measuring, adapter, this.data.sets, limits, (done, total) =>
        observer?.onActivity?.('Measuring what each module is worth', done, total),
      );
      await writeRunWorth(files, { ...worth, step: bestStep });
    } catch (error) {
      // The run is done without it.
      const { code, what, cure } = toFailureRecord(error);
      if (signal.aborted || code === 'worth/few-images') return;
      observer?.onNotice?.(`What each module is worth was not measured: ${what} ${cure}`);
    }
  }

  /** The run before on the test images of both; null without one, where its weights are gone, and as {@link measureBase}. */
  private async measureEarlier(yieldDevice: YieldDevice): Promise<readonly SetScores[] | null> {
    const { earlier } = this.parts;
    const tuning = await earlier?.tuning().catch(() => null);
    if (!earlier || !tuning) return null;
    const sets = this.data.sets.map((set) => {
      const tested = new Set(earlier.tested.get(set.key));
      return { ...set, split: { ...set.split, test: set.split.test.filter((name) => tested.has(name)) } };
    });
    return this.measureModel(earlier.name, tuning, sets, yieldDevice);
  }

  /** @param called in the words of "Measuring … on the test images". */
  private async measureModel(
    called: string,
    tuning: Tuning | null,
    sets: TrainingData['sets'],
    yieldDevice: YieldDevice,
  ): Promise<readonly SetScores[] | null> {
    const { gpu, model, observer } = this.parts;
    // A run before this one may have had other datasets.
    const own = tuning?.mopeft.datasets ?? [];
    const datasetOf = (index: number) =>
      Math.max(0, own.indexOf(nameOf(this.config, sets[index]?.key ?? '')));
    const base = await SessionPredictor.open(gpu, model, tuning, datasetOf);
    try {
      const options = { maxObjects: this.config.train.evalObjects, maxImages: 0 };
      const each = await evaluateSetsAt(base, sets, 'test', [base.maskThreshold], options, ({ key }) => ({
        beforeImage: async (done, total) => {
          const label = `Measuring ${called} on the test images of ${nameOf(this.config, key)}`;
          observer?.onActivity?.(label, done, total);
          await yieldDevice();
        },
        yieldDevice,
        isInterrupted: () => this.isPauseRequested,
      }));
      return each && (each[0] ?? []);
    } finally {
      await base.release();
    }
  }

  /** Records what was measured on the test images, and writes the verdict; null without a test image. */
  private async conclude(
    tuned: readonly SetScores[],
    base: readonly SetScores[],
    earlier: readonly SetScores[] | null,
    progress: RunProgress,
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
    const pairsWith = (others: readonly SetScores[]): DatasetPairs[] =>
      tuned.map(({ key, images }) => ({
        id: key,
        name: nameOf(this.config, key),
        images: pairScores(others.find((set) => set.key === key)?.images ?? [], images),
      }));
    const before = earlier && compareRuns(this.parts.earlier?.name ?? '', pairsWith(earlier));
    const measured = computeVerdict(pairsWith(base), {
      trainImages: this.data.sets.reduce((sum, { split }) => sum + split.train.length, 0),
      steps: progress.step,
      bestStep: progress.bestStep,
      validation: await this.validated(),
      ...(await this.modulesLeft(progress.bestStep ?? progress.step)),
    });
    const verdict = { ...measured, ...(before && { before }) };
    await writeTestIous(this.parts.files, tuned);
    await this.parts.files.writeText(RUN_FILES.verdict, `${JSON.stringify(verdict, null, 2)}\n`);
    return verdict;
  }

  /** The validation objects, the base model's IoU, and the best gain over the base model that was seen on them. */
  private async validated(): Promise<VerdictContext['validation']> {
    await this.log.settled();
    const scores = new Map<number, { sum: number; sets: number; n: number }>();
    for (const line of await this.parts.files.readMetrics()) {
      if (line.type !== 'eval' || line.split !== 'val') continue;
      const { sum, sets, n } = scores.get(line.step) ?? { sum: 0, sets: 0, n: 0 };
      scores.set(line.step, {
        sum: sum + (line.box_iou + line.click_iou) / 2,
        sets: sets + 1,
        n: n + line.n,
      });
    }
    const [first] = scores.values();
    if (!first) return null;
    const start = scores.get(0);
    if (!start) return { objects: first.n, base: null, bestGain: null };
    // Of a run that keeps a share of its modules, what is measured before these are settled is not kept.
    const { mopeft, train } = this.config;
    const isKept = (step: number) => mopeft.budget === undefined || isSettled(step, train.steps);
    const later = [...scores].flatMap(([step, { sum, sets }]) =>
      step > 0 && isKept(step) ? [sum / sets] : [],
    );
    const base = start.sum / start.sets;
    return { objects: start.n, base, bestGain: later.length === 0 ? null : Math.max(...later) - base };
  }

  /** The modules that were left at a step, of those at the start; nothing where all are kept. */
  private async modulesLeft(step: number): Promise<Pick<VerdictContext, 'modules'>> {
    const lines = (await this.parts.files.readMetrics()).flatMap((line) =>
      line.type === 'modules' && line.step <= step ? [line] : [],
    );
    const [first, last] = [lines[0], lines.at(-1)];
    if (!first || !last) return {};
    const modules = {
      left: last.left.flat().length,
      of: first.left.flat().length,
      parameters: last.parameters,
      ofParameters: first.parameters,
    };
    return { modules };
  }

  private secondsPerStep(): number | null {
    // The first step also compiles.
    const timed = this.durations.slice(1).slice(-TIMED_STEPS);
    return timed.length === 0 ? null : timed.reduce((sum, ms) => sum + ms, 0) / timed.length / 1000;
  }
}

/** How people call the dataset of a key. */
function nameOf({ datasets }: RunConfig, key: string): string {
  return datasets.find((dataset) => dataset.key === key)?.name ?? key;
}

function tellActivity(
  { observer }: Pick<RunParts, 'observer'>,
  config: RunConfig,
  { label, dataset, done, total }: ActivityEvent,
): void {
  const about = dataset === undefined ? label : `${label} of ${nameOf(config, dataset)}`;
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
  { gpu, queue, model, observer }: RunParts,
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
        features.push(writeFeature(await datasetFeature(session, set, set.split.train, yieldDevice)));
      }
      return features;
    } finally {
      await session.release();
    }
  });
}
