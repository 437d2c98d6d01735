/** Runs as the page asks for them: planned, started, paused, gone on with; one is under way at a time. */
import { Failure, toFailureRecord } from '../config/failure.ts';
import { readRunAdapter } from '../engine/adapters.ts';
import { resumedDataset, runDataset } from '../engine/datasets.ts';
import type { MetricsLine } from '../engine/metrics.ts';
import { planRun } from '../engine/plan-run.ts';
import { resumeRun, startRun } from '../engine/run.ts';
import type { Run, RunDataset, RunObserver, RunOutcome, RunProgress } from '../engine/run-types.ts';
import { type RunSettings, resolveFieldSettings } from '../engine/settings.ts';
import { SPLIT_SEED } from './dataset-card.ts';
import type { CurrentModel, EngineState } from './engine-state.ts';
import type { PlanReport, RunInfo, RunStatus, TrainSettings } from './protocol.ts';
import { newRunId, RunBook, type RunRecord, runInfo } from './run-book.ts';
import { metricsEvent } from './run-history.ts';
import { lockRun, type RunLock } from './run-lock.ts';
import type { RunVariant } from './segment-desk.ts';
import { StepTimes, stepKey } from './step-times.ts';

/** The run under way. */
interface Active {
  readonly id: string;
  readonly run: Run;
  readonly lock: RunLock;
  /** Settles when the run is over and its record is written. */
  readonly over: Promise<void>;
}

/** Shortest time between two messages about a run's progress, milliseconds. */
const TELL_EVERY = 400;

export class TrainDesk {
  readonly book: RunBook;
  private readonly times: StepTimes;
  private active: Active | null = null;
  /** Set from the moment a start is asked for, so that two do not overlap. */
  private starting = false;
  private writing: Promise<void> = Promise.resolve();

  constructor(private readonly state: EngineState) {
    this.book = new RunBook(state.store);
    this.times = new StepTimes(state.store);
    // Another model takes the device's memory: the run goes on later, with its own model.
    state.onModelChange(() => this.pauseActive());
  }

  async plan(settings: TrainSettings): Promise<PlanReport> {
    const model = this.state.needModel();
    const resolved = resolveFieldSettings(settings, model.open.config);
    const datasets = await this.newDatasets(settings);
    const { images, ...plan } = planRun(this.state.needGpu(), model.open, resolved, datasets);
    return {
      ...plan,
      secondsPerStep: await this.times.find(this.stepKey(model, resolved)),
      images: { train: images.train, validation: images.val, test: images.test },
    };
  }

  async start(settings: TrainSettings): Promise<RunInfo> {
    return this.exclusively(async () => {
      const model = this.state.needModel();
      const gpu = this.state.needGpu();
      const resolved = resolveFieldSettings(settings, model.open.config);
      const datasets = await this.newDatasets(settings);
      const [problem] = planRun(gpu, model.open, resolved, datasets).problems;
      if (problem) throw new Failure(problem);
      const now = Date.now();
      const record: RunRecord = {
        id: newRunId(now),
        name: settings.name.trim() || 'Run',
        status: 'running',
        step: 0,
        steps: resolved.train.steps,
        settings,
        datasets: datasets.map(({ key, name }) => ({ id: key, name })),
        modelName: model.info.name,
        modelHash: model.info.hash,
        created: now,
        updated: now,
        bestStep: null,
        bestScore: null,
        secondsPerStep: null,
        checkpointStep: null,
        failure: null,
        verdict: null,
      };
      return this.launch(record, model, resolved, (observer) =>
        startRun(
          {
            gpu,
            queue: this.state.queue,
            model: model.open,
            files: this.book.filesOf(record.id),
            name: record.name,
            observer,
          },
          resolved,
          datasets,
        ),
      );
    });
  }

  async resume(runId: string): Promise<RunInfo> {
    return this.exclusively(async () => {
      const model = this.state.needModel();
      const gpu = this.state.needGpu();
      const record = await this.need(runId);
      expectModel(record, model);
      const files = this.book.filesOf(runId);
      const config = await files.readConfig();
      const split = await files.readSplit();
      const datasets: RunDataset[] = [];
      for (const named of config.datasets) {
        const { dataset } = await this.state.datasets.open(named.key);
        const part = split[named.key];
        if (part) datasets.push(resumedDataset(named, dataset, part));
      }
      const running: RunRecord = { ...record, status: 'running', failure: null, updated: Date.now() };
      return this.launch(running, model, config, (observer) =>
        resumeRun(
          { gpu, queue: this.state.queue, model: model.open, files, name: record.name, observer },
          config,
          datasets,
        ),
      );
    });
  }

  async pause(runId: string): Promise<RunInfo> {
    const active = this.needActive(runId);
    active.run.pause();
    this.tellStatus(runId, 'pausing');
    await active.over;
    return this.info(runId);
  }

  async stop(runId: string): Promise<RunInfo> {
    const active = this.active;
    if (active?.id === runId) {
      active.run.stop();
      await active.over;
      return this.info(runId);
    }
    // A run that waits is simply over; its best weights are kept.
    const record = await this.need(runId);
    if (record.status === 'paused' || record.status === 'interrupted') {
      await this.save({ ...record, status: 'stopped', updated: Date.now() });
    }
    return this.info(runId);
  }

  async list(): Promise<RunInfo[]> {
    return Promise.all((await this.book.list()).map((record) => this.infoOf(record)));
  }

  async info(runId: string): Promise<RunInfo> {
    return this.infoOf(await this.need(runId));
  }

  async rename(runId: string, name: string): Promise<RunInfo> {
    const record = await this.need(runId);
    return this.save({ ...record, name: name.trim() || record.name });
  }

  /** Deletes a run; one that is under way is ended first. */
  async delete(runId: string): Promise<void> {
    if (this.active?.id === runId) {
      this.active.run.pause();
      await this.active.over;
    }
    await this.book.delete(runId);
  }

  /** Keeps an adapter that came in from outside as a run of its own. */
  async admit(record: RunRecord): Promise<RunInfo> {
    return this.save(record);
  }

  /** Whether the run under way reads this dataset. */
  uses(datasetId: string): boolean {
    return this.active?.run.config.datasets.some(({ key }) => key === datasetId) ?? false;
  }

  /** A run's best weights for Segment. @throws Failure `run/unknown`, `run/other-model`, `run/no-adapter`. */
  async variant(runId: string): Promise<RunVariant> {
    const record = await this.need(runId);
    const model = this.state.needModel();
    expectModel(record, model);
    const files = this.book.filesOf(runId);
    return {
      name: record.name,
      // The weights of a step never change: a run that is done again from a checkpoint repeats them bit for bit.
      variant: {
        key: `${runId} ${record.bestStep ?? record.step}`,
        tuning: () => readRunAdapter(files, model.open),
      },
    };
  }

  async need(runId: string): Promise<RunRecord> {
    const record = await this.book.find(runId);
    if (record) return record;
    throw new Failure({
      code: 'run/unknown',
      what: 'This run is not on this device any more.',
      where: runId,
      cure: 'Reload the page to see what is there.',
    });
  }

  private async launch(
    record: RunRecord,
    model: CurrentModel,
    settings: RunSettings,
    begin: (observer: RunObserver) => Promise<Run>,
  ): Promise<RunInfo> {
    const lock = await lockRun(record.id);
    try {
      await this.save(record);
      const run = await begin(this.observe(record.id));
      const over = run.done
        .then(
          (outcome) => this.finish(record.id, outcome, this.stepKey(model, settings)),
          (error) => this.fail(record.id, error),
        )
        .finally(() => {
          this.active = null;
          lock.release();
        });
      this.active = { id: record.id, run, lock, over };
      return await this.info(record.id);
    } catch (error) {
      lock.release();
      await this.fail(record.id, error);
      throw error;
    }
  }

  private observe(runId: string): RunObserver {
    let told = 0;
    let written: Pick<RunProgress, 'checkpointStep' | 'bestStep'> = { checkpointStep: null, bestStep: null };
    return {
      onMetrics: (lines: readonly MetricsLine[]) => {
        for (const line of lines) this.state.emit(metricsEvent(runId, line));
      },
      onActivity: (label, done, total) => this.state.emit({ type: 'activity', runId, label, done, total }),
      onProgress: (progress) => {
        const now = Date.now();
        const noted = this.book.note(runId, { ...progress, updated: now });
        if (!noted) return;
        const isMilestone =
          progress.checkpointStep !== written.checkpointStep || progress.bestStep !== written.bestStep;
        if (!isMilestone && now - told < TELL_EVERY) return;
        told = now;
        written = progress;
        this.inTurn(async () => {
          // What the record says by now; the run may be over.
          const record = this.book.note(runId, {});
          if (!record) return;
          if (isMilestone) await this.save(record);
          else this.state.emit({ type: 'run', run: await this.infoOf(record) });
        });
      },
      onNotice: (text) => this.state.emit({ type: 'log', level: 'info', text }),
    };
  }

  /** Writes about runs one after the other; what goes wrong is told and ends nothing. */
  private inTurn(work: () => Promise<void>): void {
    this.writing = this.writing.then(work).catch((error) => {
      const { what, cure } = toFailureRecord(error);
      this.state.emit({ type: 'log', level: 'error', text: `${what} ${cure}` });
    });
  }

  private async finish(runId: string, outcome: RunOutcome, key: string): Promise<void> {
    await this.writing;
    const { status, verdict, ...progress } = outcome;
    const record = await this.need(runId);
    await this.save({ ...record, ...progress, status, verdict, failure: null, updated: Date.now() });
    if (progress.secondsPerStep !== null) await this.times.note(key, progress.secondsPerStep);
  }

  private async fail(runId: string, error: unknown): Promise<void> {
    await this.writing;
    const record = await this.book.find(runId);
    if (!record) return;
    const failure = toFailureRecord(error);
    // Whatever failed on a lost device failed because of that.
    const lost = await this.state.deviceWasLost();
    if (!lost && failure.code === 'internal') console.error(error);
    await this.save({
      ...record,
      status: lost ? 'interrupted' : 'failed',
      step: record.checkpointStep ?? 0,
      failure: lost ?? failure,
      updated: Date.now(),
    });
  }

  private async save(record: RunRecord): Promise<RunInfo> {
    const info = await this.infoOf(await this.book.save(record));
    this.state.emit({ type: 'run', run: info });
    return info;
  }

  private tellStatus(runId: string, status: RunStatus): void {
    this.inTurn(async () => {
      const record = this.book.note(runId, { status });
      if (record) await this.save(record);
    });
  }

  private async infoOf(record: RunRecord): Promise<RunInfo> {
    const bytes = await this.book.bytesOf(record.id);
    return runInfo(record, bytes, this.state.model?.info.hash ?? null);
  }

  private async newDatasets(settings: TrainSettings): Promise<RunDataset[]> {
    return Promise.all(
      settings.datasetIds.map(async (id) => {
        const { dataset, card } = await this.state.datasets.open(id);
        return runDataset({ key: id, name: dataset.name }, dataset, SPLIT_SEED, card.splitOrder);
      }),
    );
  }

  private stepKey(model: CurrentModel, settings: RunSettings): string {
    const { vendor, architecture, description } = this.state.needGpu().info;
    return stepKey(model, `${vendor} ${architecture} ${description}`, settings);
  }

  private async exclusively<T>(work: () => Promise<T>): Promise<T> {
    if (this.active || this.starting) {
      throw new Failure({
        code: 'train/busy',
        what: 'Another run is under way.',
        cure: 'Pause or stop it first; one run at a time uses the device.',
      });
    }
    this.starting = true;
    try {
      return await work();
    } finally {
      this.starting = false;
    }
  }

  private needActive(runId: string): Active {
    if (this.active?.id === runId) return this.active;
    throw new Failure({
      code: 'train/not-running',
      what: 'This run is not under way.',
      cure: 'Go on with it first.',
    });
  }

  private async pauseActive(): Promise<void> {
    this.active?.run.pause();
    await this.active?.over;
  }
}

function expectModel(record: RunRecord, model: CurrentModel): void {
  if (record.modelHash === model.info.hash) return;
  throw new Failure({
    code: 'run/other-model',
    what: `The run belongs to the model ${record.modelName}, and ${model.info.name} is open.`,
    where: record.name,
    cure: `Open ${record.modelName} first.`,
  });
}
