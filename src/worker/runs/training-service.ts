/**
 * Runs as the page asks for them: planned, started, paused, resumed; one is under way at a time.
 *
 *     run-repository.ts   a record for each run, beside its files
 *     run-plans.ts        what a run would cost and could show
 *     run-launches.ts     how one begins, anew or from its checkpoint
 *     run-inputs.ts       the datasets with their splits and the run before, for both
 *     run-supervisor.ts   the run under way, from its launch to its last record
 *     queued-runs.ts      those that wait for their turn, kept in queue-file.ts
 *     run-reports.ts      writes records and sends them to the page
 *     run-history.ts      a run's metrics as the page draws them
 *     imported-run.ts     the record of an adapter that came in as files
 *     planner.ts          what a run would cost and what it runs, planned in a thread of its own
 *     step-times.ts       how long steps took here, for the next plan
 *     worth-service.ts    what the modules of a run are worth, and the run without those that are worth nothing
 */
import { Failure } from '../../config/failure.ts';
import type { SamConfig } from '../../config/sam.ts';
import { readRunAdapter, storeAdapterFiles } from '../../engine/run/adapter-files.ts';
import type { RunRecord } from '../../engine/run/run-types.ts';
import { compareTested, readTestIous } from '../../engine/run/test-ious.ts';
import type { EngineState } from '../engine-state.ts';
import { freeName } from '../free-name.ts';
import { inputFile } from '../input-file.ts';
import type {
  AnswerOf,
  BrokenRun,
  DroppedFile,
  ModelMemory,
  PlanReport,
  RunInfo,
  TrainSettings,
} from '../protocol.ts';
import type { NamedWeights } from '../segmentation-service.ts';
import { runLocks } from '../tab-locks.ts';
import { importedRecord } from './imported-run.ts';
import type { Planner } from './planner.ts';
import { QueuedRuns } from './queued-runs.ts';
import { RunInputs } from './run-inputs.ts';
import { expectModel, type RunDataParts, RunLaunches } from './run-launches.ts';
import { RunPlans } from './run-plans.ts';
import { RunReports } from './run-reports.ts';
import { newRunId, RunRepository } from './run-repository.ts';
import { type Launch, RunSupervisor } from './run-supervisor.ts';
import { StepTimes } from './step-times.ts';
import { WorthService } from './worth-service.ts';

export class TrainingService {
  readonly repository: RunRepository;
  readonly queue: QueuedRuns;
  readonly worth: WorthService;
  private readonly reports: RunReports;
  private readonly times: StepTimes;
  private readonly plans: RunPlans;
  private readonly launches: RunLaunches;
  private active: RunSupervisor | null = null;
  /** Runs under way in other tabs whose end is awaited. */
  private readonly followed = new Set<string>();
  /** Settles when the model has its weights in full again after the last run. */
  private restored: Promise<void> = Promise.resolve();

  /**
   * @param planner plans the runs; this thread never does, since it answers clicks.
   * @param dataParts how a run's images are decoded and what is kept of them.
   */
  constructor(
    private readonly state: EngineState,
    planner: Planner,
    dataParts: RunDataParts = {},
  ) {
    this.repository = new RunRepository(state.store);
    this.reports = new RunReports(this.repository, state);
    this.times = new StepTimes(state.store);
    const inputs = new RunInputs(state, this.repository);
    this.plans = new RunPlans(state, planner, this.repository, inputs, this.times);
    this.launches = new RunLaunches(state, planner, this.repository, inputs, this.plans, dataParts);
    this.queue = new QueuedRuns({
      store: state.store,
      model: () => state.model?.info ?? null,
      find: (id) => this.repository.find(id),
      active: () => this.active?.id ?? null,
      start: (id, settings) => this.startAs(id, settings),
      resume: (id) => this.resume(id),
      seconds: (settings) => this.plans.seconds(settings),
      emit: (queue) => state.emit({ type: 'queue', queue }),
      warn: (text) => state.emit({ type: 'log', level: 'warning', text }),
    });
    const { repository, reports, times } = this;
    const need = (runId: string) => this.need(runId);
    this.worth = new WorthService({ state, repository, inputs, times, reports, dataParts, need });
    // Another model needs the device's memory; the run can be resumed later, with its own model.
    state.onModelChange(async () => this.active?.pause());
  }

  /** What a run would cost, and what gain its objects could show. */
  plan(settings: TrainSettings): Promise<PlanReport> {
    return this.plans.plan(settings);
  }

  /** What a run with the default settings would need on a model that need not be there. */
  memoryOn(sam: SamConfig): Promise<ModelMemory> {
    return this.plans.memoryOn(sam);
  }

  start(settings: TrainSettings): Promise<RunInfo> {
    return this.startAs(newRunId(Date.now()), settings);
  }

  private startAs(id: string, settings: TrainSettings): Promise<RunInfo> {
    return this.launch(id, settings.datasetIds, async () =>
      this.launches.fromStart({
        id,
        name: freeName(settings.name.trim() || 'Run', await this.repository.list()),
        settings,
        created: Date.now(),
      }),
    );
  }

  async resume(runId: string): Promise<RunInfo> {
    const known = await this.need(runId);
    const datasetIds = known.datasets.map(({ id }) => id);
    // Read again once no other tab can have it.
    return this.launch(runId, datasetIds, async () => this.launches.fromCheckpoint(await this.need(runId)));
  }

  /** Pauses a run under way here; one that has ended meanwhile stays as it is. */
  async pause(runId: string): Promise<RunInfo> {
    if (this.active?.id === runId) await this.active.pause();
    return this.info(runId);
  }

  /** @throws Failure `train/not-running`. */
  profileNextStep(runId: string): void {
    this.needActive(runId).profileNextStep();
  }

  async stop(runId: string): Promise<RunInfo> {
    if (this.active?.id === runId) {
      await this.active.stop();
      return this.info(runId);
    }
    // A run that waits is simply over; its best weights are kept.
    return runLocks.whileTaken(runId, async () => {
      const record = await this.need(runId);
      const waits = record.status === 'paused' || record.status === 'interrupted';
      return waits
        ? this.reports.save({ ...record, status: 'stopped', updated: Date.now() })
        : this.reports.infoOf(record);
    });
  }

  async list(): Promise<RunInfo[]> {
    const locked = await runLocks.taken();
    const records = await this.repository.list();
    return Promise.all(
      records.map((record) => {
        // Storage says that it runs; that it does not do so here is no proof that it was interrupted.
        const isElsewhere =
          record.status === 'interrupted' && locked.has(record.id) && record.id !== this.active?.id;
        if (isElsewhere) this.follow(record.id);
        return this.reports.infoOf(isElsewhere ? { ...record, status: 'elsewhere' } : record);
      }),
    );
  }

  /** Tells the page when a run is over in the tab that has it. One that was closed writes nothing that would tell. */
  private follow(id: string): void {
    if (this.followed.has(id)) return;
    this.followed.add(id);
    void runLocks.whenReleased(id).then(() => {
      this.followed.delete(id);
      this.state.emit({ type: 'elsewhere', kind: 'runs' });
    });
  }

  /** What is stored of runs that cannot be opened; one that is being imported or deleted, here or in another tab, is none. */
  async broken(): Promise<BrokenRun[]> {
    // The locks first: a run that is finished in the meantime is then whole when it is read.
    const locked = await runLocks.taken();
    return (await this.repository.broken()).filter(({ id }) => !locked.has(id));
  }

  async info(runId: string): Promise<RunInfo> {
    return this.reports.infoOf(await this.need(runId));
  }

  /** Runs against another one, on the test images of both. */
  async compare(runIds: readonly string[], against: string): Promise<AnswerOf<'train.compare'>> {
    const other = await readTestIous(this.repository.filesOf(against));
    return Promise.all(
      runIds.map(async (runId) => {
        const own = await readTestIous(this.repository.filesOf(runId));
        return { runId, gain: (own && other && compareTested(against, other, own)?.both) ?? null };
      }),
    );
  }

  rename(runId: string, name: string): Promise<RunInfo> {
    return this.change(runId, (record) => ({ ...record, name: name.trim() || record.name }));
  }

  /** Keeps what a person writes about a run. */
  annotate(runId: string, note: string): Promise<RunInfo> {
    return this.change(runId, (record) => ({ ...record, note: note.trim() }));
  }

  private change(runId: string, changed: (record: RunRecord) => RunRecord): Promise<RunInfo> {
    const change = async (): Promise<RunInfo> => this.reports.save(changed(await this.need(runId)));
    return this.active?.id === runId ? change() : runLocks.whileTaken(runId, change);
  }

  /** Deletes a run; one that is under way here is ended first. @throws Failure `run/other-tab`. */
  async delete(runId: string): Promise<void> {
    await this.queue.forget(runId);
    if (this.active?.id === runId) await this.active.pause();
    await runLocks.whileTaken(runId, () => this.repository.delete(runId));
  }

  /** Stores an adapter that came in as files as a run of its own. @throws Failure `adapter/…`; nothing is stored then. */
  async addAdapter(files: readonly DroppedFile[]): Promise<RunInfo> {
    const model = this.state.needModel();
    const now = Date.now();
    const id = newRunId(now);
    // Under the lock, so that another tab does not list what is half stored as broken.
    return runLocks.whileTaken(id, async () => {
      try {
        const adapter = await storeAdapterFiles(
          files.map(inputFile),
          model.open,
          this.repository.filesOf(id),
        );
        const record = importedRecord(id, now, adapter, model, files);
        const name = freeName(record.name, await this.repository.list());
        return await this.reports.save({ ...record, name });
      } catch (error) {
        await this.repository.delete(id);
        throw error;
      }
    });
  }

  /** @throws Failure `data/in-use` when a run that waits or is under way, here or in another tab, reads this dataset. */
  async expectUnused(datasetId: string): Promise<void> {
    const locked = await runLocks.taken();
    const elsewhere = (await this.repository.list()).find(
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
    const waiting = await this.queue.waitingFor(datasetId);
    if (waiting !== null) {
      throw new Failure({
        code: 'data/in-use',
        what: 'A run that waits in the queue trains on this dataset.',
        where: waiting,
        cure: 'Remove it from the queue first.',
      });
    }
    // Checked last, since a run may have been started here in the meantime.
    if (this.active?.datasetIds.includes(datasetId)) {
      throw new Failure({
        code: 'data/in-use',
        what: 'The run under way trains on this dataset.',
        cure: 'Pause or stop the run first.',
      });
    }
  }

  /** A run's best weights for Segment. @throws Failure `run/unknown`, `run/other-model`, `run/no-adapter`. */
  async weights(runId: string): Promise<NamedWeights> {
    const record = await this.need(runId);
    const model = this.state.needModel();
    expectModel(record, model);
    const files = this.repository.filesOf(runId);
    return {
      name: record.name,
      // The weights of a step never change: a run that is done again from a checkpoint repeats them bit for bit.
      weights: {
        key: `${runId} ${record.bestStep ?? record.step}`,
        tuning: () => readRunAdapter(files, model.open),
      },
    };
  }

  async need(runId: string): Promise<RunRecord> {
    const record = await this.repository.find(runId);
    if (record) return record;
    throw new Failure({
      code: 'run/unknown',
      what: 'This run is not on this device any more.',
      where: runId,
      cure: 'Reload the page to see what is there.',
    });
  }

  private needActive(runId: string): RunSupervisor {
    if (this.active?.id === runId) return this.active;
    throw new Failure({
      code: 'train/not-running',
      what: 'This run is not under way.',
      cure: 'Go on with it first.',
    });
  }

  /** Makes a run the one under way, and answers when it has begun. @throws Failure `train/busy`, `run/other-tab`, and whatever keeps it from beginning. */
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
    const { state, reports, times } = this;
    const active = new RunSupervisor(id, datasetIds, { state, reports, times }, async () => {
      await this.restored;
      return prepare();
    });
    // Before anything is awaited, so that a pause, a delete or a change of the model finds it.
    this.active = active;
    void this.queue.began(id);
    void active.over.then(() => {
      this.active = null;
      this.restored = this.launches.restoreWeights();
      void this.queue.goOn('over');
    });
    try {
      await active.begun;
    } catch (error) {
      await active.over;
      throw error;
    }
    return this.info(id);
  }
}
