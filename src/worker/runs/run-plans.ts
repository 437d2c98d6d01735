/** What a run would cost and could show, before it is started. */
import type { SamConfig } from '../../config/sam.ts';
import type { TrainConfig } from '../../config/train.ts';
import { SPLIT_SHARES } from '../../data/split.ts';
import { checkedImages } from '../../engine/run/checked-images.ts';
import { settingsFor, withDatasets } from '../../engine/run/plan-run.ts';
import { gainOutlook, spreadOf } from '../../engine/run/provable-gain.ts';
import { commonScale } from '../../engine/run/run-files.ts';
import type { RunDataset, RunPlan } from '../../engine/run/run-types.ts';
import { type RunSettings, resolveFieldSettings } from '../../engine/settings.ts';
import { DEFAULT_GATE_FORMS } from '../../peft/gates/registry.ts';
import { RECIPES } from '../../peft/recipes.ts';
import { planRequest } from '../../train/plan-training.ts';
import type { CurrentModel, EngineState } from '../engine-state.ts';
import type { ModelMemory, PlanReport, TrainSettings } from '../protocol.ts';
import type { Planner } from './planner.ts';
import type { RunInputs } from './run-inputs.ts';
import type { RunRepository } from './run-repository.ts';
import { imageKey, type StepTimes, stepKey } from './step-times.ts';

/**
 * Of the arithmetic a second in a device's fastest work without a pause, what training reaches: on two cores .9 (step of the defaults,
 * 8.7 of 9.5 GFLOP/s, docs/measurements/training-step.md), less where small passes bound a faster device.
 */
const TRAINING_SHARE = 0.6;
/**
 * Arithmetic a second in training where nothing was timed yet: half of what an H100 and what two cores reach with the defaults, since
 * small passes bound most devices alike.
 */
const STATED_RATES = { software: 4e9, hardware: 1e11 } as const;

export class RunPlans {
  constructor(
    private readonly state: EngineState,
    private readonly planner: Pick<Planner, 'cost'>,
    private readonly repository: RunRepository,
    private readonly inputs: RunInputs,
    private readonly times: StepTimes,
  ) {}

  async plan(settings: TrainSettings): Promise<PlanReport> {
    const model = this.state.needModel();
    const resolved = resolveFieldSettings(settings, model.open.config);
    const datasets = await this.inputs.newDatasets(settings);
    const { images, ...plan } = await this.cost(model, resolved, datasets);
    const outlook = await this.outlook(datasets, resolved.train);
    return {
      ...plan,
      ...(await this.timeOf(model, resolved, plan, datasets, outlook.objects)),
      images: { train: images.train, validation: images.val, test: images.test },
      ...outlook,
    };
  }

  /** What a run would take, seconds; null where it cannot be planned. */
  async seconds(settings: TrainSettings): Promise<number | null> {
    const { flopsPerStep, steps, secondsPerStep, secondsOfChecks } = await this.plan(settings);
    return flopsPerStep === 0 ? null : steps * secondsPerStep + secondsOfChecks;
  }

  private async timeOf(
    model: CurrentModel,
    settings: RunSettings,
    { flopsPerStep, flopsToMeasure }: Pick<RunPlan, 'flopsPerStep' | 'flopsToMeasure'>,
    datasets: readonly RunDataset[],
    objects: PlanReport['objects'],
  ): Promise<Pick<PlanReport, 'secondsPerStep' | 'timing' | 'secondsOfChecks'>> {
    const step = await this.stepTime(model, settings, flopsPerStep);
    const images = checkedImages(datasets, settings.train, -1);
    const known = await this.times.find(imageKey(model, this.inputs.deviceName()));
    if (known !== null || images === 0 || flopsPerStep === 0)
      return { ...step, secondsOfChecks: images * (known ?? 0) };
    const split = datasets.reduce((sum, { split: { val, test } }) => sum + val.length + test.length, 0);
    const perImage = (objects.validation + objects.test) / split;
    // In crops each object may need one of its own.
    const views = commonScale(datasets.map(({ dataset }) => dataset)) === 'whole' ? 1 : Math.max(1, perImage);
    const flops = views * flopsToMeasure.image + perImage * flopsToMeasure.object;
    return { ...step, secondsOfChecks: images * flops * (step.secondsPerStep / flopsPerStep) };
  }

  private async stepTime(
    model: CurrentModel,
    settings: RunSettings,
    flops: number,
  ): Promise<Pick<PlanReport, 'secondsPerStep' | 'timing'>> {
    const measured = await this.times.find(stepKey(model, this.inputs.deviceName(), settings));
    if (measured === null) return this.estimatedTime(flops);
    return { secondsPerStep: measured, timing: 'measured' };
  }

  /**
   * Seconds of a step that was not timed here: by the arithmetic of other steps on this device, else by the images that it has looked
   * at, else by that of other devices.
   */
  private async estimatedTime(flops: number): Promise<Pick<PlanReport, 'secondsPerStep' | 'timing'>> {
    const device = this.inputs.deviceName();
    const rate = await this.times.rateOf(device);
    if (rate !== null) return { secondsPerStep: flops / rate, timing: 'scaled' };
    const { traits, slices } = this.state.needGpu();
    const best = await this.times.bestRateOf(device, slices.bestRate);
    const guessed =
      best !== null ? best * TRAINING_SHARE : STATED_RATES[traits.isSoftware ? 'software' : 'hardware'];
    return { secondsPerStep: flops / guessed, timing: 'guessed' };
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
    const { memory, problems } = await this.cost(
      { open: { config: sam } },
      resolveFieldSettings(form, sam),
      [],
    );
    const problem = problems.find(({ code }) => code !== 'train/no-datasets') ?? null;
    return { peakBytes: memory.peakBytes, problem };
  }

  /** A run's cost, and what would stop it. */
  async cost(
    { open }: { readonly open: Pick<CurrentModel['open'], 'config'> },
    settings: RunSettings,
    datasets: readonly RunDataset[],
  ): Promise<RunPlan> {
    const { mopeft, train } = settingsFor(settings, datasets);
    const cost = await this.planner.cost(planRequest(open.config, mopeft, train, this.state.needGpu()));
    return withDatasets(cost, settings, datasets);
  }
}
