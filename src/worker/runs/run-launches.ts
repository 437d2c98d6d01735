/** How a run begins: anew, or from its checkpoint. */
import { Failure, toFailureRecord } from '../../config/failure.ts';
import { parseStoredTrainConfig } from '../../config/train.ts';
import { resumeTraining, startTraining } from '../../engine/run/run.ts';
import { commonScale } from '../../engine/run/run-files.ts';
import type { RunObserver, RunParts, RunRecord } from '../../engine/run/run-types.ts';
import { resolveFieldSettings } from '../../engine/settings.ts';
import type { WeightPrecision } from '../../sam/halves.ts';
import type { CurrentModel, EngineState } from '../engine-state.ts';
import type { Planner } from './planner.ts';
import type { RunInputs } from './run-inputs.ts';
import type { RunPlans } from './run-plans.ts';
import type { RunRepository } from './run-repository.ts';
import type { Launch } from './run-supervisor.ts';
import { imageKey, stepKey } from './step-times.ts';

/** How a run's images are decoded and what is kept of them; see {@link RunParts}. */
export type RunDataParts = Pick<RunParts, 'openDataThread' | 'cacheBytes' | 'spareBytes'>;

export class RunLaunches {
  constructor(
    private readonly state: EngineState,
    private readonly planner: Pick<Planner, 'plans'>,
    private readonly repository: RunRepository,
    private readonly inputs: RunInputs,
    private readonly plans: RunPlans,
    private readonly dataParts: RunDataParts,
  ) {}

  /** The launch of a run that has taken no step yet. @throws Failure `train/…`, `data/…`, `run/no-datasets`. */
  async fromStart({
    id,
    name,
    settings,
    created,
  }: Pick<RunRecord, 'id' | 'name' | 'settings' | 'created'>): Promise<Launch> {
    const model = this.state.needModel();
    const resolved = resolveFieldSettings(settings, model.open.config);
    const datasets = await this.inputs.newDatasets(settings);
    const { problems, flopsPerStep, trainableCount } = await this.plans.cost(model, resolved, datasets);
    const [problem] = problems;
    if (problem) throw new Failure(problem);
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
    const parts = await this.parts(record, model);
    return {
      record,
      stepKey: stepKey(model, this.inputs.deviceName(), resolved),
      imageKey: imageKey(model, this.inputs.deviceName()),
      work: { device: this.inputs.deviceName(), flops: flopsPerStep },
      begin: async (observer, leaving) => {
        // By now the run's record is stored, so that none of its datasets is deleted between this and the first step.
        await this.inputs.keepSplits(datasets);
        const { open } = await this.withWeights(resolved.train.weights, observer);
        return startTraining({ ...parts, model: open, observer, leaving }, resolved, datasets);
      },
    };
  }

  /**
   * The launch of a run from its last checkpoint, or from its start if it has none.
   * @throws Failure `run/other-model`, `run/no-datasets`, `run/damaged`, and as {@link fromStart}.
   */
  async fromCheckpoint(record: RunRecord): Promise<Launch> {
    const model = this.state.needModel();
    expectModel(record, model);
    const files = this.repository.filesOf(record.id);
    // Its tab was closed before anything was decided.
    if (!(await files.isDecided())) return this.fromStart(record);
    const config = await files.readConfig();
    const split = await files.readSplit();
    const datasets = await this.inputs.resumedDatasets(config, split);
    const parts = await this.parts(record, model);
    const train = parseStoredTrainConfig(config.train);
    return {
      record: { ...record, status: 'running', failure: null, updated: Date.now() },
      stepKey: stepKey(model, this.inputs.deviceName(), { ...config, train }),
      imageKey: imageKey(model, this.inputs.deviceName()),
      work: null,
      begin: async (observer, leaving) => {
        const { open } = await this.withWeights(train.weights, observer);
        return resumeTraining({ ...parts, model: open, observer, leaving }, config, datasets);
      },
    };
  }

  /** What a run stands on besides its model's weights. */
  private async parts(
    { id, name, settings }: Pick<RunRecord, 'id' | 'name' | 'settings'>,
    model: CurrentModel,
  ): Promise<Omit<RunParts, 'model' | 'observer'>> {
    const earlier = await this.inputs.earlierRun(settings, model);
    return {
      ...this.dataParts,
      ...(earlier && { earlier }),
      plan: this.planner.plans,
      gpu: this.state.needGpu(),
      queue: this.state.queue,
      files: this.repository.filesOf(id),
      name,
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
  async restoreWeights(): Promise<void> {
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
}

/** @throws Failure `run/other-model` when a run belongs to another model than the open one. */
export function expectModel(record: RunRecord, model: CurrentModel): void {
  if (record.modelHash === model.info.hash) return;
  throw new Failure({
    code: 'run/other-model',
    what: `The run belongs to the model ${record.modelName}, and ${model.info.name} is open.`,
    where: record.name,
    cure: `Open ${record.modelName} first.`,
  });
}
