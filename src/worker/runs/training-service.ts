/**
 * Runs as the page asks for them: planned, started, paused, resumed; one is under way at a time.
 *
 *     run-repository.ts   a record for each run, beside its files
 *     run-supervisor.ts   the run under way, from its launch to its last record
 *     run-reports.ts      writes records and sends them to the page
 *     run-history.ts      a run's metrics as the page draws them
 *     imported-run.ts     the record of an adapter that came in as files
 *     planner.ts          what a run would cost and what it runs, planned in a thread of its own
 *     step-times.ts       how long steps took here, for the next plan
 */
import { Failure, toFailureRecord } from '../../config/failure.ts';
import type { SamConfig } from '../../config/sam.ts';
import { parseStoredTrainConfig, type TrainConfig } from '../../config/train.ts';
import { isLabelled } from '../../data/dataset.ts';
import { SPLIT_SHARES } from '../../data/split.ts';
import { resumedDataset } from '../../engine/datasets.ts';
import { readRunAdapter, storeAdapterFiles } from '../../engine/run/adapter-files.ts';
import { withDatasets } from '../../engine/run/plan-run.ts';
import { gainOutlook, spreadOf } from '../../engine/run/provable-gain.ts';
import { resumeTraining, startTraining } from '../../engine/run/run.ts';
import { commonScale } from '../../engine/run/run-files.ts';
import type { EarlierRun, RunDataset, RunObserver, RunParts, RunPlan } from '../../engine/run/run-types.ts';
import { type RunSettings, resolveFieldSettings } from '../../engine/settings.ts';
import { DEFAULT_GATE_FORMS } from '../../peft/gates/registry.ts';
import { RECIPES } from '../../peft/recipes.ts';
import type { WeightPrecision } from '../../sam/halves.ts';
import { planRequest } from '../../train/plan-training.ts';
import { type Card, splitOfCard } from '../dataset-card.ts';
import type { CurrentModel, EngineState } from '../engine-state.ts';
import { inputFile } from '../input-file.ts';
import type { BrokenRun, DroppedFile, ModelMemory, PlanReport, RunInfo, TrainSettings } from '../protocol.ts';
import type { NamedWeights } from '../segmentation-service.ts';
import { runLocks } from '../tab-locks.ts';
import { importedRecord } from './imported-run.ts';
import type { Planner } from './planner.ts';
import { RunReports } from './run-reports.ts';
import { newRunId, type RunRecord, RunRepository } from './run-repository.ts';
import { type Launch, RunSupervisor } from './run-supervisor.ts';
import { StepTimes, stepKey } from './step-times.ts';

/**
 * Arithmetic a second in training on devices that were not timed: half of what an H100 and what two cores reach with the
 * defaults (docs/measurements/training-step.md), since small passes bound most devices alike.
 */
const STATED_RATES = { software: 4e9, hardware: 1e11 } as const;

export class TrainingService {
  readonly repository: RunRepository;
  private readonly reports: RunReports;
  private readonly times: StepTimes;
  private active: RunSupervisor | null = null;
  /** Settles when the model has its weights in full again after the last run. */
  private restored: Promise<void> = Promise.resolve();

  /**
   * @param planner plans the runs; this thread never does, since it answers clicks.
   * @param dataParts how a run's images are decoded and what is kept of them; see {@link RunParts}.
   */
  constructor(
    private readonly state: EngineState,
    private readonly planner: Planner,
    private readonly dataParts: Pick<RunParts, 'openDataThread' | 'cacheBytes' | 'spareBytes'> = {},
  ) {
    this.repository = new RunRepository(state.store);
    this.reports = new RunReports(this.repository, state);
    this.times = new StepTimes(state.store);
    // Another model needs the device's memory; the run can be resumed later, with its own model.
    state.onModelChange(async () => this.active?.pause());
  }

  async plan(settings: TrainSettings): Promise<PlanReport> {
    const model = this.state.needModel();
    const resolved = resolveFieldSettings(settings, model.open.config);
    const datasets = await this.newDatasets(settings);
    const { images, ...plan } = await this.planRun(model, resolved, datasets);
    const measured = await this.times.find(this.stepKey(model, resolved));
    return {
      ...plan,
      ...(measured === null
        ? await this.estimatedTime(plan.flopsPerStep)
        : ({ secondsPerStep: measured, timing: 'measured' } as const)),
      images: { train: images.train, validation: images.val, test: images.test },
      ...(await this.outlook(datasets, resolved.train)),
    };
  }

  /** Seconds of a step that was not timed here: by the arithmetic of other steps on this device, or of others elsewhere. */
  private async estimatedTime(flops: number): Promise<Pick<PlanReport, 'secondsPerStep' | 'timing'>> {
    const rate = await this.times.rateOf(this.deviceName());
    if (rate !== null) return { secondsPerStep: flops / rate, timing: 'scaled' };
    const { software, hardware } = STATED_RATES;
    const stated = this.state.needGpu().traits.isSoftware ? software : hardware;
    return { secondsPerStep: flops / stated, timing: 'stated' };
  }

  /** The objects of the splits, and what gain they can show. */
  private async outlook(
    datasets: readonly RunDataset[],
    { evalImages, evalObjects }: TrainConfig,
  ): Promise<Pick<PlanReport, 'objects' | 'outlook'>> {
    const tests = (await this.repository.list()).flatMap(({ verdict }) => verdict?.perDataset ?? []);
    const sets = await Promise.all(
      datasets.map(async ({ key, split }) => {
        const { stored } = await this.state.datasets.open(key);
        const objectsOf = new Map(stored.samples.map(({ name, objects }) => [name, objects]));
        const counts = (names: readonly string[], most: number) =>
          names.flatMap((name) => Math.min(most, objectsOf.get(name) ?? 0) || []);
        return {
          train: counts(split.train, Number.POSITIVE_INFINITY),
          validation: counts(evalImages > 0 ? split.val.slice(0, evalImages) : split.val, evalObjects),
          test: counts(split.test, evalObjects),
          spread: spreadOf(tests.filter(({ datasetId }) => datasetId === key)),
        };
      }),
    );
    const total = (part: 'train' | 'validation' | 'test') =>
      sets.flatMap((set) => set[part]).reduce((sum, objects) => sum + objects, 0);
    return {
      objects: { train: total('train'), validation: total('validation'), test: total('test') },
      outlook: gainOutlook(sets, SPLIT_SHARES.test),
    };
  }

  /** What a run with the default settings would need on a model that need not be there. */
  async memoryOn(sam: SamConfig): Promise<ModelMemory> {
    const [recipe] = RECIPES;
    const form = {
      methods: recipe?.methods ?? [],
      trainDecoder: true,
      gate: DEFAULT_GATE_FORMS.several,
      values: {},
    };
    const { memory, problems } = await this.planRun(
      { open: { config: sam } },
      resolveFieldSettings(form, sam),
      [],
    );
    const problem = problems.find(({ code }) => code !== 'train/no-datasets') ?? null;
    return { peakBytes: memory.peakBytes, problem };
  }

  async start(settings: TrainSettings): Promise<RunInfo> {
    const now = Date.now();
    const id = newRunId(now);
    return this.launch(id, settings.datasetIds, () =>
      this.fromStart({
        id,
        name: settings.name.trim() || 'Run',
        settings,
        created: now,
      }),
    );
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
      const files = this.repository.filesOf(runId);
      // Its tab was closed before anything was decided.
      if (!(await files.isDecided())) return this.fromStart(record);
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
      const earlier = await this.earlierRun(record.settings, model);
      const parts = {
        ...this.dataParts,
        ...(earlier && { earlier }),
        plan: this.planner.plans,
        gpu,
        queue: this.state.queue,
        files,
        name: record.name,
      };
      const { weights } = parseStoredTrainConfig(config.train);
      return {
        record: { ...record, status: 'running', failure: null, updated: Date.now() },
        stepKey: this.stepKey(model, config),
        work: null,
        begin: async (observer) => {
          const { open } = await this.withWeights(weights, observer);
          return resumeTraining({ ...parts, model: open, observer }, config, datasets);
        },
      };
    });
  }

  async pause(runId: string): Promise<RunInfo> {
    await this.needActive(runId).pause();
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
        return this.reports.infoOf(isElsewhere ? { ...record, status: 'elsewhere' } : record);
      }),
    );
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
        return await this.reports.save(importedRecord(id, now, adapter, model, files));
      } catch (error) {
        await this.repository.delete(id);
        throw error;
      }
    });
  }

  /** @throws Failure `data/in-use` when a run that is under way, here or in another tab, reads this dataset. */
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
    void active.over.then(() => {
      this.active = null;
      this.restored = this.restoreWeights();
    });
    try {
      await active.begun;
    } catch (error) {
      await active.over;
      throw error;
    }
    return this.info(id);
  }

  /** The launch of a run that has taken no step yet. @throws Failure `train/…`, `data/…`, `run/no-datasets`. */
  private async fromStart({
    id,
    name,
    settings,
    created,
  }: Pick<RunRecord, 'id' | 'name' | 'settings' | 'created'>): Promise<Launch> {
    const model = this.state.needModel();
    const gpu = this.state.needGpu();
    const resolved = resolveFieldSettings(settings, model.open.config);
    const datasets = await this.newDatasets(settings);
    const { problems, flopsPerStep, trainableCount } = await this.planRun(model, resolved, datasets);
    const [problem] = problems;
    if (problem) throw new Failure(problem);
    for (const { key, split } of datasets) await this.state.datasets.keepSplit(key, split);
    const earlier = await this.earlierRun(settings, model);
    const record: RunRecord = {
      id,
      name,
      status: 'running',
      step: 0,
      steps: resolved.train.steps,
      settings,
      datasets: datasets.map(({ key, name: called }) => ({ id: key, name: called })),
      scale: commonScale(datasets.map(({ dataset }) => dataset)),
      modelName: model.info.name,
      modelHash: model.info.hash,
      created,
      updated: Date.now(),
      bestStep: null,
      bestScore: null,
      secondsPerStep: null,
      checkpointStep: null,
      failure: null,
      verdict: null,
      trainableCount,
    };
    const parts = {
      ...this.dataParts,
      ...(earlier && { earlier }),
      plan: this.planner.plans,
      gpu,
      queue: this.state.queue,
      files: this.repository.filesOf(id),
      name,
    };
    return {
      record,
      stepKey: this.stepKey(model, resolved),
      work: { device: this.deviceName(), flops: flopsPerStep },
      begin: async (observer) => {
        const { open } = await this.withWeights(resolved.train.weights, observer);
        return startTraining({ ...parts, model: open, observer }, resolved, datasets);
      },
    };
  }

  /** The open model with its weights as a run wants them, until the run is over. */
  private async withWeights(
    precision: WeightPrecision,
    { onActivity }: Pick<RunObserver, 'onActivity'>,
  ): Promise<Pick<CurrentModel, 'open'>> {
    const model = this.state.needModel();
    if (model.open.precision === precision) return model;
    return this.state.storeWeights(precision, (done, total) =>
      onActivity?.('Reading the model', done, total),
    );
  }

  /** Gives Segment the weights in full again, after a run that had them in half precision. */
  private async restoreWeights(): Promise<void> {
    const { state } = this;
    if (state.model?.open.precision !== 'f16') return;
    try {
      await state.storeWeights('f32');
    } catch (error) {
      const { what } = toFailureRecord(error);
      state.emit({
        type: 'log',
        level: 'warning',
        text: `The model is still in half precision: ${what} Open it again to segment in full precision.`,
      });
    }
  }

  private async planRun(
    { open }: { readonly open: Pick<CurrentModel['open'], 'config'> },
    settings: RunSettings,
    datasets: readonly RunDataset[],
  ): Promise<RunPlan> {
    const { mopeft, train } = settings;
    const cost = await this.planner.cost(planRequest(open.config, mopeft, train, this.state.needGpu()));
    return withDatasets(cost, settings, datasets);
  }

  private async newDatasets(settings: TrainSettings): Promise<RunDataset[]> {
    return Promise.all(
      settings.datasetIds.map(async (id) => {
        const { dataset, card } = await this.state.datasets.open(id);
        const split = card.split ?? (await this.splitOfLastRun(id));
        const parts = splitOfCard(dataset.samples.filter(isLabelled), { ...card, ...(split && { split }) });
        return { key: id, name: dataset.name, dataset, split: parts };
      }),
    );
  }

  /** The part of each image in the last run on a dataset, of runs that were made before the dataset kept it. */
  private async splitOfLastRun(datasetId: string): Promise<Card['split']> {
    const records = await this.repository.list();
    const last = records.find(({ datasets }) => datasets.some(({ id }) => id === datasetId));
    const parts =
      last &&
      (
        await this.repository
          .filesOf(last.id)
          .readSplit()
          .catch(() => null)
      )?.[datasetId];
    if (!parts) return undefined;
    const named = (['train', 'val', 'test'] as const).flatMap((part) =>
      parts[part].map((name) => [name, part] as const),
    );
    return Object.fromEntries(named);
  }

  /** The run that another one is compared with: its weights, and the images that it was tested on; null when it is gone. */
  private async earlierRun({ after }: TrainSettings, model: CurrentModel): Promise<EarlierRun | null> {
    const record = after === undefined ? null : await this.repository.find(after);
    if (!record || record.bestStep === null || record.modelHash !== model.info.hash) return null;
    const files = this.repository.filesOf(record.id);
    const split = await files.readSplit().catch(() => null);
    if (!split) return null;
    const tested = new Map(Object.entries(split).map(([key, { test }]) => [key, test]));
    return { name: record.name, tested, tuning: () => readRunAdapter(files, model.open) };
  }

  private stepKey(model: CurrentModel, settings: RunSettings): string {
    return stepKey(model, this.deviceName(), settings);
  }

  private deviceName(): string {
    const { vendor, architecture, description } = this.state.needGpu().info;
    return `${vendor} ${architecture} ${description}`;
  }
}

/** Importing the files again makes another dataset, so the cure that the storage names does not help a run. */
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
