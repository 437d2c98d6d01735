import type { Failure } from '../config/failure.ts';
import type { MopeftConfig } from '../config/mopeft.ts';
import { Random } from '../config/random.ts';
import type { Split } from '../data/types.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { withKernels } from '../gpu/traits.ts';
import { countParameters, sizedModules, withoutClosed } from '../peft/kept-modules.ts';
import { keepModules, type ModuleId, modulesOf } from '../peft/modules.ts';
import { trainableTensors } from '../peft/tensors.ts';
import type { HostTensor } from '../sam/checkpoint/tensor-file.ts';
import { sitesOf } from '../sam/encoder.ts';
import {
  isRemovalDue,
  isSettled,
  leastOf,
  type ModuleScore,
  type StepScore,
  shareAt,
  withScores,
} from './budget.ts';
import { allFinite, type RunState, type RunStorage, writeCheckpoint } from './checkpoint.ts';
import { isCheckDue } from './checks.ts';
import { cutOf } from './encoder-graph.ts';
import type { SetScores } from './evaluate.ts';
import { SAM_MASK_THRESHOLD } from './mask-threshold.ts';
import { budgetRule, modulesLeft, worthOfModules } from './module-budget.ts';
import { type BufferRole, STATE_ROLES } from './parameter-buffers.ts';
import { type PlanRequest, planRequest, planTraining } from './plan-training.ts';
import { plansOf, type TrainingPlans } from './plans.ts';
import { lastCheckpoint, otherWeights, type Pinned, type PinnedSizes, pinnedSizes } from './resume.ts';
import { deviceLost, notFinite, unlessLeft } from './run-failures.ts';
import { isBetter, relabelled, type Selection, sumsOf } from './selection.ts';
import { type FrozenModel, TrainingStep } from './step.ts';
import { type StepRandoms, Steps } from './steps.ts';
import type { TokenCache } from './token-cache.ts';
import { PrefetchedBatches, type TrainingData } from './training-data.ts';
import { type Notice, Validation, type ValidationParts } from './validation.ts';

/** What a training run needs. */
export interface TrainerParts extends ValidationParts {
  readonly gpu: Gpu;
  readonly model: FrozenModel;
  /** Whoever opened them closes them. */
  readonly data: TrainingData;
  readonly storage: RunStorage;
  /** Holds what never changes of the images' encodings, in memory unless it is given; whoever made it clears it. */
  readonly kept?: TokenCache;
  /** Gives what is allocated its turn on the device; at once unless it is given. */
  readonly onDevice?: <T>(work: () => Promise<T>) => Promise<T>;
  /** Aborted where the run shall leave off while its kernels are compiled; {@link Trainer.open} rejects with the reason. */
  readonly leaving?: AbortSignal;
  /** Plans what is to run; in this thread unless it is given. */
  readonly plan?: (request: PlanRequest) => Promise<TrainingPlans>;
}

/** Why a run ended. `finished`: all steps were done, or patience ran out. */
export type TrainingEnd = 'finished' | 'paused' | 'stopped';

type Progress = Selection & Pick<RunState, 'step' | 'evaluationsSinceBest' | 'evaluatedStep'>;

const RELABELLED =
  'Labels of validation images changed since the run began, so its checks do not compare: start a new run to be sure of a gain.';

const START: Progress = {
  step: 0,
  bestStep: null,
  bestScore: null,
  startSums: null,
  evaluationsSinceBest: 0,
  evaluatedStep: null,
};

/**
 * A training run: steps, validations, checkpoints, the best weights. It is determined by the seed; a run resumed from
 * a checkpoint takes the same steps, bit for bit, as one that was never interrupted (same GPU adapter, same build).
 */
export class Trainer {
  private stopRequest: 'pause' | 'stop' | null = null;
  private isProfileAsked = false;
  /** False while {@link step} is being replaced, and after {@link release}. */
  private isOpen = true;
  private readonly noticed = new Set<string>();
  private readonly steps: Steps;
  private readonly validation: Validation;
  /** Parameters of all modules that the run begins with. */
  private readonly allParameters: number;

  private constructor(
    private readonly parts: TrainerParts,
    private step: TrainingStep,
    batches: PrefetchedBatches,
    randoms: StepRandoms,
    private readonly pinned: Pinned,
    private progress: Progress,
    private scores: readonly ModuleScore[],
    private checkpointStep: number | null,
  ) {
    const notice: Notice = (...about) => this.notice(...about);
    const own = {
      ...parts,
      notice,
      kept: () => this.state,
      isEnding: () => this.stopRequest !== null,
      onScores: (scores: readonly StepScore[]) => {
        this.scores = withScores(this.scores, scores);
      },
    };
    this.allParameters = countParameters(sizedModules(parts.mopeft, sitesOf(step.sam)));
    this.steps = new Steps(own, step, batches, randoms);
    this.validation = new Validation(parts, step, notice);
  }

  /**
   * Plans, allocates, and starts from the seed or resumes from the checkpoint in the storage.
   * @throws Failure `train/…`, `peft/…`, `gpu/…`; nothing stays allocated then.
   */
  static async open(parts: TrainerParts, resume = false): Promise<Trainer> {
    const { gpu, model, mopeft, config, leaving, onDevice = (work) => work() } = parts;
    const checkpoint = resume ? await lastCheckpoint(parts.storage) : null;
    if (checkpoint && checkpoint.state.weights !== config.weights)
      throw otherWeights(checkpoint.state.weights, config.weights);
    const state = checkpoint?.state ?? null;
    const kernels = state ? state.kernels : (gpu.traits.kernels ?? null);
    const own = state?.pruned ? { ...mopeft, pruned: state.pruned } : mopeft;
    const { plans, compiled } = await planStep(parts, own, { ...(state && pinnedSizes(state)), kernels });
    const batches = await PrefetchedBatches.open(parts.data, state, (state?.step ?? 0) < config.steps);
    // Before the turn on the device, since it may take minutes in which no click would be answered.
    await unlessLeft(compiled, leaving);
    const step = await onDevice(async () => {
      const created = await TrainingStep.create(gpu, model, plans, parts.kept);
      try {
        if (checkpoint) checkpoint.restore(created.parameters);
        else await created.initialise(config.seed);
        return created;
      } catch (error) {
        created.release();
        throw error;
      }
    });
    const random = (stream: 'corrections' | 'gates') => {
      const kept = state?.random[stream];
      return kept ? Random.fromState(kept) : Random.fromSeed(config.seed, stream);
    };
    return new Trainer(
      parts,
      step,
      batches,
      { corrections: random('corrections'), gates: random('gates') },
      { ...pinnedSizes(plans), kernels },
      state ? progressOf(state) : START,
      state?.scores ?? [],
      state?.step ?? null,
    );
  }

  /** What measuring an image took in the last check or test; null before the first. */
  get secondsPerImage(): number | null {
    return this.validation.secondsPerImage;
  }

  /** Steps done, and the best validation so far. */
  get state(): Progress & { readonly checkpointStep: number | null } {
    return { ...this.progress, checkpointStep: this.checkpointStep };
  }

  /**
   * Makes {@link run} end as `paused` before the next submit of a step or the next validation image, with a checkpoint. A step
   * that has not changed the weights yet is taken again when the run goes on.
   */
  pause(): void {
    this.stopRequest ??= 'pause';
  }

  /** As {@link pause}, but {@link run} ends as `stopped`. */
  stop(): void {
    this.stopRequest = 'stop';
  }

  /** Times every pass of the next step alone, and emits a `profile`. */
  profileNextStep(): void {
    this.isProfileAsked = true;
  }

  /**
   * Trains until the last step, until patience runs out, or until a pause or stop is requested. After a failure the
   * last checkpoint and the best weights are on storage.
   * @throws Failure `train/not-finite`, `gpu/lost`, `gpu/out-of-memory`, `gpu/invalid`, `train/no-objects`,
   *   `train/data-thread`, `storage/…`.
   */
  async run(): Promise<TrainingEnd> {
    const lost = this.parts.gpu.lost.then((info) => {
      throw deviceLost(info, this.checkpointStep);
    });
    // When training fails first, the loss of the device must not be reported as an unhandled rejection.
    lost.catch(() => undefined);
    return Promise.race([this.train(), lost]);
  }

  /**
   * Loads the best weights, or keeps the current ones where none were stored, and evaluates a split with them. Where the
   * base model was the best there is nothing to load: {@link state} says so, and it is measured instead.
   * @returns null when `isInterrupted` became true between two images.
   */
  async evaluateBest(split: Split, isInterrupted?: () => boolean): Promise<SetScores[] | null> {
    const best = await this.parts.storage.readBest();
    if (best && !haveSameModules(best.mopeft, this.step.mopeft)) await this.openStep(best.mopeft);
    for (const [name, { data }] of best?.tensors ?? []) this.step.parameters.write('param', name, data);
    const threshold = best?.maskThreshold ?? SAM_MASK_THRESHOLD;
    const each = await this.validation.evaluate(split, 0, [threshold], isInterrupted);
    return each && (each[0] ?? []);
  }

  /** Releases everything on the device. */
  release(): void {
    if (this.isOpen) this.step.release();
    this.isOpen = false;
  }

  private async train(): Promise<TrainingEnd> {
    if (this.checkpointStep === null) await this.tellModules();
    for (;;) {
      // Whatever looks at the weights or at scores, or ends the run, looks at the losses first.
      if (this.isRemovalDue() || this.isValidationDue() || this.isCheckpointDue() || this.endReason(true))
        await this.steps.wait();
      if (this.isRemovalDue()) await this.removeModules();
      const isValidated = !this.isValidationDue() || (await this.validate());
      const end = this.endReason(isValidated);
      if (end) await this.keepLatest();
      if (end || this.isCheckpointDue()) await this.writeCheckpoint();
      if (end) return end;
      await this.parts.yieldDevice?.();
      await this.takeStep();
    }
  }

  private takeStep(): Promise<void> {
    const { step } = this.progress;
    const onTaken = (): void => {
      this.progress = { ...this.progress, step: step + 1 };
    };
    if (!this.isProfileAsked) return this.steps.take(step, onTaken);
    this.isProfileAsked = false;
    return this.steps.profile(step, onTaken);
  }

  private isRemovalDue(): boolean {
    const { mopeft, config } = this.parts;
    return budgetRule(mopeft)?.by === 'scores' && isRemovalDue(this.progress.step, config.steps);
  }

  /** Takes out the modules of least score that are over the share that may be kept now; what is left goes on as it is. */
  private async removeModules(): Promise<void> {
    const { mopeft } = this.step;
    const { step } = this.progress;
    const share = shareAt(step / this.parts.config.steps, this.parts.mopeft.budget ?? 1);
    const modules = sizedModules(mopeft, sitesOf(this.step.sam));
    const most = share * this.allParameters;
    // Where everything may stay nothing need be known.
    if (leastOf(modules, () => 0, most).length === 0) return;
    const worthOf = await worthOfModules(modules, {
      step: this.step,
      scores: this.scores,
      validation: this.parts.mopeft.budgetBy === 'validation' ? this.validation : null,
      isInterrupted: () => this.stopRequest !== null,
    });
    if (!worthOf) return;
    const out = leastOf(modules, worthOf, most);
    const { parameters } = this.step;
    const values = new Map<BufferRole, ReadonlyMap<string, Float32Array>>();
    for (const role of STATE_ROLES) values.set(role, await parameters.read(role));
    const isOut = (module: ModuleId) =>
      out.some(({ method, block }) => method === module.method && block === module.block);
    await this.openStep(keepModules(mopeft, (module) => !isOut(module)));
    for (const [role, tensors] of values)
      for (const { name } of this.step.parameters.layout.tensors)
        this.step.parameters.write(role, name, tensors.get(name) ?? new Float32Array());
    this.scores = this.scores.filter((score) => !isOut(score));
    await this.tellModules();
  }

  /** Replaces the step by one for other modules, in the same sizes; its tensors are yet to be written. */
  private async openStep(mopeft: MopeftConfig): Promise<void> {
    const { parts, step } = this;
    const { plans } = await planStep(parts, mopeft, this.pinned);
    this.release();
    if (cutOf(step.sam, mopeft) !== step.cut) await parts.kept?.clear();
    this.step = await TrainingStep.create(parts.gpu, parts.model, plans, parts.kept);
    this.isOpen = true;
    this.steps.step = this.step;
    this.validation.model = this.step;
  }

  /** Emits which modules are left, in gate forms that keep a share of them. */
  private async tellModules(): Promise<void> {
    if (Object.keys(this.parts.mopeft.methods).length === 0) return;
    const left = await modulesLeft(this.step);
    if (left) this.parts.emit({ type: 'modules', step: this.progress.step, ...left });
  }

  private isValidationDue(): boolean {
    const { step, evaluatedStep } = this.progress;
    return step !== evaluatedStep && isCheckDue(step, this.parts.config);
  }

  private isCheckpointDue(): boolean {
    const { step } = this.progress;
    return step > 0 && step % this.parts.config.checkpointEvery === 0 && step !== this.checkpointStep;
  }

  /** @param isValidated false when the validation that is due was interrupted. */
  private endReason(isValidated: boolean): TrainingEnd | null {
    const { steps, patience } = this.parts.config;
    const { step, evaluationsSinceBest } = this.progress;
    const isPatienceOut = patience > 0 && evaluationsSinceBest >= patience;
    if (isValidated && (step >= steps || isPatienceOut)) return 'finished';
    switch (this.stopRequest) {
      case 'stop':
        return 'stopped';
      case 'pause':
        return 'paused';
      case null:
        return null;
    }
  }

  /**
   * Evaluates the validation images and keeps the weights when they are the best so far. False when a pause or stop
   * interrupted it; a resumed run then starts it again.
   */
  private async validate(): Promise<boolean> {
    const { step } = this.progress;
    const found = await this.validation.measure(step, () => this.stopRequest !== null);
    if (!found) return false;
    const { scores, score, maskThreshold } = found;
    const { mopeft, config } = this.parts;
    const changed = relabelled(this.progress.startSums ?? [], sumsOf(scores));
    if (changed) this.notice(changed.key, changed.name, RELABELLED);
    if (step > 0 && budgetRule(mopeft)?.by === 'price') await this.tellModules();
    // What is measured before its modules are settled is not what will be left.
    const isKept = step === 0 || !budgetRule(mopeft) || isSettled(step, config.steps);
    const isBest = isKept && isBetter(score, scores, this.progress);
    this.progress = {
      ...this.progress,
      evaluatedStep: step,
      ...(step === 0 && { startSums: sumsOf(scores) }),
      evaluationsSinceBest: this.progress.evaluationsSinceBest + Number(isKept),
    };
    if (isBest) await this.keepBest(maskThreshold, score);
    return true;
  }

  /** Without a validation object the latest weights count, and those since the last validation are kept too. */
  private async keepLatest(): Promise<void> {
    const { step, bestStep, bestScore } = this.progress;
    if (bestScore === null && bestStep !== null && bestStep !== step)
      await this.keepBest(SAM_MASK_THRESHOLD, null);
  }

  /** Stores the current weights as the best so far. */
  private async keepBest(maskThreshold: number, score: number | null): Promise<void> {
    const { step } = this.progress;
    const all = await this.readTensors();
    const mopeft = withoutClosed(this.step.mopeft, (name) => all.get(name)?.data);
    const names = new Set(trainableTensors(mopeft, this.step.sam).map(({ name }) => name));
    const tensors = new Map([...all].filter(([name]) => names.has(name)));
    await this.parts.storage.writeBest({ mopeft, tensors, maskThreshold, step, score });
    this.progress = { ...this.progress, bestStep: step, bestScore: score, evaluationsSinceBest: 0 };
    this.parts.emit({ type: 'best', step, score });
  }

  private async writeCheckpoint(): Promise<void> {
    const { step } = this.progress;
    const state: RunState = {
      ...this.progress,
      ...this.steps.state,
      ...this.pinned,
      pruned: this.step.mopeft.pruned ?? null,
      scores: this.scores,
      weights: this.parts.config.weights,
    };
    const bytes = await writeCheckpoint(this.step.parameters, state);
    if (!bytes) throw this.notFinite();
    await this.parts.storage.writeCheckpoint(bytes);
    this.checkpointStep = step;
    this.parts.emit({ type: 'checkpoint', step });
  }

  private async readTensors(): Promise<Map<string, HostTensor>> {
    const { parameters } = this.step;
    const values = await parameters.read('param');
    if (!allFinite(values.values())) throw this.notFinite();
    return new Map(
      parameters.layout.tensors.map(({ name, shape }) => [
        name,
        { shape, data: values.get(name) ?? new Float32Array() },
      ]),
    );
  }

  private notFinite(): Failure {
    return notFinite(this.progress.step, this.state, this.parts.mopeft, this.parts.config);
  }

  /** Emits each notice once, however often its image is drawn. */
  private notice(dataset: string, sample: string, message: string): void {
    const key = `${dataset}\n${sample}\n${message}`;
    if (this.noticed.has(key)) return;
    this.noticed.add(key);
    this.parts.emit({ type: 'notice', step: this.progress.step, dataset, sample, message });
  }
}

/** Plans a step, and has compiled what it runs; `compiled` settles when that is done, and never rejects. */
async function planStep(
  { gpu, model, config, plan, emit }: TrainerParts,
  mopeft: MopeftConfig,
  { kernels, ...sizes }: Partial<PinnedSizes> & Pick<RunState, 'kernels'>,
): Promise<{ readonly plans: TrainingPlans; readonly compiled: Promise<void> }> {
  const device = { traits: withKernels(gpu.traits, kernels), bufferLimit: gpu.bufferLimit };
  const request = planRequest(model.config, mopeft, { ...config, ...sizes }, device);
  const plans = await (plan ? plan(request) : planTraining(request));
  // A step waits only for what it runs.
  const passes = plansOf(plans).flatMap((each) => each.passes.map(({ pass }) => pass));
  const compiled = gpu.pipelines.prepare(passes, (done, total) =>
    emit({ type: 'activity', label: 'Compiling kernels for this GPU', done, total }),
  );
  return { plans, compiled };
}

function haveSameModules(a: MopeftConfig, b: MopeftConfig): boolean {
  const named = (config: MopeftConfig) =>
    modulesOf(config)
      .map(({ method, block }) => `${block} ${method.id}`)
      .join('\n');
  return named(a) === named(b);
}

function progressOf(state: RunState): Progress {
  const { step, bestStep, bestScore, startSums, evaluationsSinceBest, evaluatedStep } = state;
  return { step, bestStep, bestScore, startSums, evaluationsSinceBest, evaluatedStep };
}
