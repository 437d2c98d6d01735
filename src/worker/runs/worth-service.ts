/** What the modules of a run are worth, measured when it is over, and the run without those that are worth nothing. */
import { Failure } from '../../config/failure.ts';
import { parseStoredTrainConfig } from '../../config/train.ts';
import { readRunAdapter } from '../../engine/run/adapter-files.ts';
import { openData, scaledDatasets } from '../../engine/run/open-data.ts';
import { RUN_FILES, type RunConfig, type RunFiles, type RunSplit } from '../../engine/run/run-files.ts';
import type { RunRecord } from '../../engine/run/run-types.ts';
import { writeTestIous } from '../../engine/run/test-ious.ts';
import { compareRuns, computeVerdict, pairScores } from '../../engine/run/verdict.ts';
import type { Verdict } from '../../engine/run/verdict-file.ts';
import type { Measuring } from '../../engine/worth/measure.ts';
import {
  isLoss,
  losesTooMuch,
  measurePruned,
  type PrunedScores,
  pruneAdapter,
  sizeOfAdapter,
} from '../../engine/worth/prune.ts';
import {
  measureRunWorth,
  type RunWorth,
  readRunWorth,
  type WorthCost,
  worthCost,
  writeRunWorth,
} from '../../engine/worth/run-worth.ts';
import { type Adapter, writeAdapter } from '../../peft/adapter-file.ts';
import type { TrainingData } from '../../train/training-data.ts';
import type { CurrentModel, EngineState } from '../engine-state.ts';
import type { RunInfo, WorthForecast } from '../protocol.ts';
import type { CallContext } from '../serve.ts';
import { runLocks } from '../tab-locks.ts';
import type { RunInputs } from './run-inputs.ts';
import { expectModel, type RunDataParts } from './run-launches.ts';
import type { RunReports } from './run-reports.ts';
import { newRunId, type RunRepository } from './run-repository.ts';
import { imageKey, type StepTimes } from './step-times.ts';

/** What measuring needs of the service of runs. */
export interface WorthParts {
  readonly state: EngineState;
  readonly repository: RunRepository;
  readonly inputs: RunInputs;
  readonly times: StepTimes;
  readonly reports: RunReports;
  readonly dataParts: RunDataParts;
  /** @throws Failure `run/unknown`. */
  readonly need: (runId: string) => Promise<RunRecord>;
}

type Call = Pick<CallContext, 'signal' | 'progress'>;

/** A run with all that its measurements stand on. */
interface Opened {
  readonly record: RunRecord;
  readonly model: CurrentModel;
  readonly files: RunFiles;
  readonly config: RunConfig;
  readonly split: RunSplit;
  readonly adapter: Adapter;
}

export class WorthService {
  private readonly running = new Map<AbortController, Promise<unknown>>();

  constructor(private readonly parts: WorthParts) {
    parts.state.onRelease(async () => {
      for (const controller of this.running.keys()) controller.abort(replaced());
      await Promise.allSettled(this.running.values());
    });
  }

  async read(runId: string): Promise<RunWorth | null> {
    const { bestStep } = await this.parts.need(runId);
    return readRunWorth(this.parts.repository.filesOf(runId), bestStep);
  }

  async forecast(runId: string): Promise<WorthForecast> {
    const opened = await this.open(runId);
    const { measurements, images, passes } = costOf(opened);
    const perImage = await this.parts.times.find(this.imageKey(opened.model));
    return { measurements, images, seconds: perImage === null ? null : perImage * passes };
  }

  /** @throws Failure `worth/…`, `run/…`, `data/…`, `model/replaced`. */
  async measure(runId: string, call: Call): Promise<RunWorth> {
    return this.withData(runId, call.signal, async (opened, data, measuring) => {
      const { adapter, model, files } = opened;
      let passes = 0;
      const measured = await measureRunWorth(
        measuring,
        adapter,
        data.sets,
        limitsOf(opened),
        (done, total) => {
          passes = done + 1;
          call.progress({ done, total, label: 'Measuring what each module is worth' });
        },
      );
      await this.parts.times.update(this.imageKey(model), measured.seconds / passes).catch(() => undefined);
      const worth = { ...measured, step: opened.record.bestStep ?? 0 };
      await runLocks.whileTaken(runId, async () => {
        // It may have been deleted meanwhile, here or in another tab, or have gone on.
        const { bestStep } = await this.parts.need(runId);
        if (bestStep === worth.step) await writeRunWorth(files, worth);
      });
      return worth;
    });
  }

  /** @throws Failure `worth/…`, and as {@link measure}. */
  async prune(runId: string, call: Call): Promise<RunInfo> {
    const worth = await this.read(runId);
    if (!worth) throw notMeasured();
    return this.withData(runId, call.signal, async (opened, data, measuring) => {
      const { adapter, model, record, config } = opened;
      // What any dataset gains by is kept for all.
      const kept = worth.datasets.flatMap(({ greedy }) => greedy);
      const pruned = pruneAdapter(adapter, kept, model.open.config);
      const { evalObjects } = parseStoredTrainConfig(config.train);
      const scores = await measurePruned(measuring, adapter, pruned, data.sets, evalObjects, (done, total) =>
        call.progress({ done, total, label: 'Measuring without the modules that are worth nothing' }),
      );
      const name = `${record.name}, pruned`;
      if ([...scores.changes.values()].some(isLoss)) throw losesTooMuch(name);
      return this.savePruned(
        opened,
        { ...pruned, training: { ...adapter.training, run: name } },
        scores,
        name,
      );
    });
  }

  /** A run of its own, with the config and the split of the one that it comes from. */
  private async savePruned(
    { record, model, config, split, adapter }: Opened,
    pruned: Adapter,
    scores: PrunedScores,
    name: string,
  ): Promise<RunInfo> {
    const { repository, reports, state } = this.parts;
    const now = Date.now();
    const id = newRunId(now);
    const files = repository.filesOf(id);
    const verdict = prunedVerdict(record, split, scores);
    const { safetensors, json } = writeAdapter(model.open, pruned);
    const [before, after] = [adapter, pruned].map((each) => sizeOfAdapter(state.needGpu(), model.open, each));
    if (!before || !after) throw new RangeError('two adapters have two sizes');
    const { note: _, ...rest } = record;
    // Under the lock, so that another tab does not list what is half stored as broken.
    return runLocks.whileTaken(id, async () => {
      try {
        await files.writeConfig({ ...config, mopeft: pruned.mopeft });
        await files.writeSplit(split);
        await files.store.write(files.path(RUN_FILES.adapter), safetensors);
        await files.writeText(RUN_FILES.adapterJson, json);
        await writeTestIous(files, tested(split, scores.pruned));
        if (verdict) await files.writeText(RUN_FILES.verdict, `${JSON.stringify(verdict, null, 2)}\n`);
        return await reports.save({
          ...rest,
          id,
          name,
          status: 'finished',
          created: now,
          updated: now,
          bestScore: null,
          checkpointStep: null,
          failure: null,
          verdict,
          trainableCount: after.numbers,
          pruned: { from: record.id, name: record.name, before, after },
        });
      } catch (error) {
        await repository.delete(id);
        throw error;
      }
    });
  }

  /** Reads a run. @throws Failure `run/other-model`, `run/no-adapter`, `run/no-run`, `worth/no-module`. */
  private async open(runId: string): Promise<Opened> {
    const record = await this.parts.need(runId);
    const model = this.parts.state.needModel();
    expectModel(record, model);
    const files = this.parts.repository.filesOf(runId);
    const adapter = await readRunAdapter(files, model.open);
    const config = await files.readConfig();
    return { record, model, files, config, split: await files.readSplit(), adapter };
  }

  /** Opens a run's images for work that ends where the call is cancelled or the model's weights are released. */
  private async withData<T>(
    runId: string,
    signal: AbortSignal,
    work: (opened: Opened, data: TrainingData, measuring: Measuring) => Promise<T>,
  ): Promise<T> {
    const { state, inputs, dataParts } = this.parts;
    const controller = new AbortController();
    const doing = (async () => {
      const opened = await this.open(runId);
      const { config, split, adapter, model } = opened;
      const datasets = await inputs.resumedDatasets(config, split);
      const { preprocessing } = adapter;
      const data = await openData(
        { ...dataParts, model: { ...model.open, config: { ...model.open.config, preprocessing } } },
        parseStoredTrainConfig(config.train),
        scaledDatasets(config, datasets),
      );
      try {
        return await work(opened, data, {
          gpu: state.needGpu(),
          model: model.open,
          onDevice: (measurement) => state.queue.run('background', measurement),
          signal: AbortSignal.any([signal, controller.signal]),
        });
      } finally {
        data.close();
      }
    })();
    this.running.set(controller, doing);
    try {
      return await doing;
    } finally {
      this.running.delete(controller);
    }
  }

  private imageKey(model: CurrentModel): string {
    return imageKey(model, this.parts.inputs.deviceName());
  }
}

function limitsOf({ config }: Pick<Opened, 'config'>) {
  const { evalImages, evalObjects } = parseStoredTrainConfig(config.train);
  return { maxImages: evalImages, maxObjects: evalObjects };
}

function costOf({ adapter, split, config }: Opened): WorthCost {
  const sets = Object.values(split).map((each) => ({ split: each }));
  return worthCost(adapter.mopeft, sets, limitsOf({ config }));
}

/** The scores of datasets that have test images; others were measured on what their weights were chosen by. */
function tested(split: RunSplit, scores: PrunedScores['pruned']): PrunedScores['pruned'] {
  return scores.filter(({ key }) => (split[key]?.test.length ?? 0) > 0);
}

/** Against the base model, and against the run with all modules; null without a test image. */
function prunedVerdict(record: RunRecord, split: RunSplit, scores: PrunedScores): Verdict | null {
  const pruned = tested(split, scores.pruned);
  if (pruned.length === 0) return null;
  const pairsWith = (others: PrunedScores['base']) =>
    pruned.map(({ key, images }) => ({
      id: key,
      name: record.datasets.find(({ id }) => id === key)?.name ?? key,
      images: pairScores(others.find((set) => set.key === key)?.images ?? [], images),
    }));
  const before = compareRuns(record.name, pairsWith(scores.whole));
  const verdict = computeVerdict(pairsWith(scores.base), {
    trainImages: Object.values(split).reduce((sum, { train }) => sum + train.length, 0),
    steps: record.step,
    bestStep: record.bestStep,
    validation: { objects: 0, base: null, bestGain: null },
  });
  return { ...verdict, ...(before && { before }) };
}

function notMeasured(): Failure {
  return new Failure({
    code: 'worth/not-measured',
    what: 'What the modules of this run are worth was not measured with its best weights.',
    cure: 'Measure it first.',
  });
}

const replaced = (): Failure =>
  new Failure({
    code: 'model/replaced',
    what: 'The model was opened anew in the meantime, by a person or for a run.',
    cure: 'Measure again when it is open and no run is under way.',
  });
