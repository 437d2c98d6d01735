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
import { lockedRuns, lockRun, type RunLock, whileLocked } from './run-lock.ts';
import type { RunVariant } from './segment-desk.ts';
import { StepTimes, stepKey } from './step-times.ts';

type Wish = 'pause' | 'stop';

/** The run under way, from the moment its start is asked for until its record is written for the last time. */
interface Active {
  readonly id: string;
  readonly datasetIds: readonly string[];
  lock: RunLock | null;
  /** Null while it is launched: planned, in the queue for the device, its pipelines compiled. */
  run: Run | null;
  /** What was asked of it before it had begun. */
  wish: Wish | null;
  /** Settles when the run is over and its record is written, or cannot be; never rejects. */
  over: Promise<void>;
}

/** What a launch needs, once it is known that it may go on. */
interface Launch {
  readonly record: RunRecord;
  /** Under which the time of a step is remembered. */
  readonly stepKey: string;
  readonly begin: (observer: RunObserver) => Promise<Run>;
}

interface Begun {
  readonly run: Run;
  readonly stepKey: string;
}

/** Shortest time between two messages about a run's progress, milliseconds. */
const TELL_EVERY = 400;
const MORE_REMARKS = "(Further remarks of this run go to the browser's console.)";

export class TrainDesk {
  readonly book: RunBook;
  private readonly times: StepTimes;
  private active: Active | null = null;
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
    const now = Date.now();
    const id = newRunId(now);
    return this.launch(id, settings.datasetIds, async () => {
      const model = this.state.needModel();
      const gpu = this.state.needGpu();
      const resolved = resolveFieldSettings(settings, model.open.config);
      const datasets = await this.newDatasets(settings);
      const [problem] = planRun(gpu, model.open, resolved, datasets).problems;
      if (problem) throw new Failure(problem);
      const record: RunRecord = {
        id,
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
      const parts = { gpu, queue: this.state.queue, model: model.open, files: this.book.filesOf(id) };
      return {
        record,
        stepKey: this.stepKey(model, resolved),
        begin: (observer) => startRun({ ...parts, name: record.name, observer }, resolved, datasets),
      };
    });
  }

  async resume(runId: string): Promise<RunInfo> {
    const known = await this.need(runId);
    const datasetIds = known.datasets.map(({ id }) => id);
    return this.launch(runId, datasetIds, async () => {
      const model = this.state.needModel();
      const gpu = this.state.needGpu();
      // Read again now that no other tab can have it.
      const record = await this.need(runId);
      expectModel(record, model);
      const files = this.book.filesOf(runId);
      const config = await files.readConfig();
      const split = await files.readSplit();
      const datasets: RunDataset[] = [];
      for (const named of config.datasets) {
        const { dataset } = await this.state.datasets.open(named.key).catch((error) => {
          throw datasetGone(error, named.name);
        });
        const part = split[named.key];
        if (part) datasets.push(resumedDataset(named, dataset, part));
      }
      const parts = { gpu, queue: this.state.queue, model: model.open, files, name: record.name };
      return {
        record: { ...record, status: 'running', failure: null, updated: Date.now() },
        stepKey: this.stepKey(model, config),
        begin: (observer) => resumeRun({ ...parts, observer }, config, datasets),
      };
    });
  }

  async pause(runId: string): Promise<RunInfo> {
    const active = this.needActive(runId);
    ask(active, 'pause');
    this.tellStatus(runId, 'pausing');
    await active.over;
    return this.info(runId);
  }

  async stop(runId: string): Promise<RunInfo> {
    const active = this.active;
    if (active?.id === runId) {
      ask(active, 'stop');
      await active.over;
      return this.info(runId);
    }
    // A run that waits is simply over; its best weights are kept.
    return whileLocked(runId, async () => {
      const record = await this.need(runId);
      const waits = record.status === 'paused' || record.status === 'interrupted';
      return waits ? this.save({ ...record, status: 'stopped', updated: Date.now() }) : this.infoOf(record);
    });
  }

  async list(): Promise<RunInfo[]> {
    const locked = await lockedRuns();
    const records = await this.book.list();
    return Promise.all(
      records.map((record) => {
        // Storage says that it runs; that it does not do so here is no proof that it was interrupted.
        const isElsewhere =
          record.status === 'interrupted' && locked.has(record.id) && record.id !== this.active?.id;
        return this.infoOf(isElsewhere ? { ...record, status: 'elsewhere' } : record);
      }),
    );
  }

  async info(runId: string): Promise<RunInfo> {
    return this.infoOf(await this.need(runId));
  }

  async rename(runId: string, name: string): Promise<RunInfo> {
    const change = async (): Promise<RunInfo> => {
      const record = await this.need(runId);
      return this.save({ ...record, name: name.trim() || record.name });
    };
    return this.active?.id === runId ? change() : whileLocked(runId, change);
  }

  /** Deletes a run; one that is under way here is ended first. @throws Failure `run/other-tab`. */
  async delete(runId: string): Promise<void> {
    if (this.active?.id === runId) await this.pauseActive();
    await whileLocked(runId, () => this.book.delete(runId));
  }

  /** Keeps an adapter that came in from outside as a run of its own. */
  async admit(record: RunRecord): Promise<RunInfo> {
    return this.save(record);
  }

  /** @throws Failure `data/in-use` when a run that is under way, here or in another tab, reads this dataset. */
  async expectUnused(datasetId: string): Promise<void> {
    const locked = await lockedRuns();
    const elsewhere = (await this.book.list()).find(
      ({ id, datasets }) =>
        locked.has(id) && id !== this.active?.id && datasets.some((dataset) => dataset.id === datasetId),
    );
    if (elsewhere) {
      throw new Failure({
        code: 'data/in-use',
        what: 'A run in another tab trains on this dataset.',
        where: elsewhere.name,
        cure: 'Pause it there, or close that tab.',
      });
    }
    // Last: a run may have been started here meanwhile.
    if (this.active?.datasetIds.includes(datasetId)) {
      throw new Failure({
        code: 'data/in-use',
        what: 'The run under way trains on this dataset.',
        cure: 'Pause or stop the run first.',
      });
    }
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

  /** Makes a run the one under way, and answers when it has begun. @throws Failure `train/busy`, `run/other-tab`, and why not. */
  private async launch(
    id: string,
    datasetIds: readonly string[],
    prepare: () => Promise<Launch>,
  ): Promise<RunInfo> {
    if (this.active) {
      throw new Failure({
        code: 'train/busy',
        what: 'Another run is under way.',
        cure: 'Pause or stop it first; one run at a time uses the device.',
      });
    }
    const active: Active = {
      id,
      datasetIds,
      lock: null,
      run: null,
      wish: null,
      over: Promise.resolve(),
    };
    // Before anything is awaited: whoever pauses, deletes or opens a model from here on finds it.
    this.active = active;
    const begun = this.begin(active, prepare);
    active.over = this.follow(active, begun);
    try {
      await begun;
    } catch (error) {
      await active.over;
      throw error;
    }
    return this.info(id);
  }

  private async begin(active: Active, prepare: () => Promise<Launch>): Promise<Begun> {
    active.lock = await lockRun(active.id);
    const { record, stepKey, begin } = await prepare();
    await this.save(record);
    const run = await begin(this.observe(active.id));
    active.run = run;
    if (active.wish) run[active.wish]();
    return { run, stepKey };
  }

  /** From the launch to the end, whichever it is. */
  private async follow(active: Active, begun: Promise<Begun>): Promise<void> {
    try {
      const { run, stepKey } = await begun;
      await this.finish(active.id, await run.done, stepKey);
    } catch (error) {
      await this.fail(active.id, error);
    } finally {
      await active.lock?.release();
      this.active = null;
    }
  }

  private observe(runId: string): RunObserver {
    let told = 0;
    let isNoticed = false;
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
      onNotice: (text) => {
        // There may be one for every picture: the first is for the person.
        if (isNoticed) this.state.emit({ type: 'log', level: 'info', text });
        else this.state.emit({ type: 'log', level: 'warning', text: `${text} ${MORE_REMARKS}` });
        isNoticed = true;
      },
    };
  }

  /** Writes about runs one after the other; what goes wrong is told and ends nothing. */
  private inTurn(work: () => Promise<void>): void {
    this.writing = this.writing.then(work).catch((error) => this.tellTrouble(error));
  }

  private tellTrouble(error: unknown): void {
    const { what, cure } = toFailureRecord(error);
    const text = `The record of the run could not be written: ${what} ${cure}`;
    this.state.emit({ type: 'log', level: 'error', text });
  }

  private async finish(runId: string, outcome: RunOutcome, key: string): Promise<void> {
    await this.writing;
    const record = this.book.note(runId, {});
    if (!record) return;
    await this.conclude({ ...record, ...outcome, failure: null });
    const { secondsPerStep } = outcome;
    // Only the next plan would have used it.
    if (secondsPerStep !== null) await this.times.note(key, secondsPerStep).catch(() => undefined);
  }

  private async fail(runId: string, error: unknown): Promise<void> {
    await this.writing;
    // A launch that was refused before its record was written changes nothing.
    const record = this.book.note(runId, {});
    if (!record) return;
    const failure = toFailureRecord(error);
    // Whatever failed on a lost device failed because of that.
    const lost = await this.state.deviceWasLost();
    if (!lost && failure.code === 'internal') console.error(error);
    await this.conclude({
      ...record,
      status: lost ? 'interrupted' : 'failed',
      step: record.checkpointStep ?? 0,
      failure: lost ?? failure,
    });
  }

  /** The last record of a run. Where it cannot be written it is told all the same, or the run would seem under way for ever. */
  private async conclude(last: RunRecord): Promise<void> {
    const record = { ...last, updated: Date.now() };
    try {
      await this.save(record);
    } catch (error) {
      this.tellTrouble(error);
      const told = this.book.hold({ ...record, failure: record.failure ?? toFailureRecord(error) });
      const bytes = await this.book.bytesOf(record.id).catch(() => 0);
      this.state.emit({ type: 'run', run: runInfo(told, bytes, this.state.model?.info.hash ?? null) });
    }
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

  private needActive(runId: string): Active {
    if (this.active?.id === runId) return this.active;
    throw new Failure({
      code: 'train/not-running',
      what: 'This run is not under way.',
      cure: 'Go on with it first.',
    });
  }

  private async pauseActive(): Promise<void> {
    const { active } = this;
    if (!active) return;
    ask(active, 'pause');
    await active.over;
  }
}

/** Asks a run to leave off; one that is still launched does so as soon as it has begun. A stop outweighs a pause. */
function ask(active: Active, wish: Wish): void {
  if (active.run) active.run[wish]();
  else if (active.wish !== 'stop') active.wish = wish;
}

/** A dataset that is imported again is another one, so that cure of the storage's does not help a run. */
function datasetGone(error: unknown, name: string): unknown {
  if (toFailureRecord(error).code !== 'data/half-saved') return error;
  return new Failure({
    code: 'run/no-datasets',
    what: 'This dataset was deleted, and the run cannot go on without it.',
    where: name,
    cure: 'Use its best weights as they are, or start a new run.',
  });
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
