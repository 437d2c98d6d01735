import { Failure } from '../config/failure.ts';
import type { MopeftConfig } from '../config/mopeft.ts';
import { Random } from '../config/random.ts';
import type { TrainConfig } from '../config/train.ts';
import type { Split } from '../data/types.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { withKernels } from '../gpu/traits.ts';
import { gateFormById } from '../peft/gates/registry.ts';
import type { HostTensor } from '../sam/checkpoint/tensor-file.ts';
import type { WeightPrecision } from '../sam/halves.ts';
import {
  allFinite,
  type Checkpoint,
  type RunState,
  type RunStorage,
  readCheckpoint,
  writeCheckpoint,
} from './checkpoint.ts';
import { evaluateSetsAt, type SeenMasks, type SetScores, viewKey } from './evaluate.ts';
import type { StepEvent, TrainEvent } from './events.ts';
import { type GateLayer, meanGates } from './gates.ts';
import { drawLook } from './look.ts';
import type { MaskPredictor } from './mask-predictor.ts';
import { bestThreshold, MASK_THRESHOLDS, SAM_MASK_THRESHOLD } from './mask-threshold.ts';
import { VALIDATION_SIDE } from './measured-size.ts';
import { learningRates } from './optimizer.ts';
import type { ParameterRange } from './parameter-buffers.ts';
import { type PlanRequest, planRequest, planTraining } from './plan-training.ts';
import { plansOf, type TrainingPlans } from './plans.ts';
import { isBetter, type Selection, sumsOf } from './selection.ts';
import { type FrozenModel, type StepGradients, type StepLosses, TrainingStep } from './step.ts';
import type { TokenCache } from './token-cache.ts';
import { PrefetchedBatches, type TrainingData } from './training-data.ts';

/** What a training run needs. */
export interface TrainerParts {
  readonly gpu: Gpu;
  readonly model: FrozenModel;
  readonly mopeft: MopeftConfig;
  readonly config: TrainConfig;
  /** Whoever opened them closes them. */
  readonly data: TrainingData;
  readonly storage: RunStorage;
  /** Holds what never changes of the images' encodings, in memory unless it is given; whoever made it clears it. */
  readonly kept?: TokenCache;
  /** Plans what is to run; in this thread unless it is given. */
  readonly plan?: (request: PlanRequest) => Promise<TrainingPlans>;
  /**
   * Opens the base model beside the step, for the validation before the first step: modules that have learned nothing may
   * already change its masks. Without it, and where the device lacks the memory, these are measured.
   */
  readonly openBase?: () => Promise<MaskPredictor & { release(): Promise<void> }>;
  /** Called with every event, in order. */
  readonly emit: (event: TrainEvent) => void;
  /** Awaited between two pieces of work, so that others may use the device. */
  readonly yieldDevice?: () => Promise<void>;
}

/** A step whose losses are not known yet. */
interface PendingStep {
  readonly event: Omit<StepEvent, keyof StepLosses | 'norm'>;
  /** Resolves when the step has run. */
  readonly losses: Promise<StepGradients>;
}

/** Why a run ended. `finished`: all steps were done, or patience ran out. */
export type TrainingEnd = 'finished' | 'paused' | 'stopped';

type Progress = Selection & Pick<RunState, 'step' | 'evaluationsSinceBest' | 'evaluatedStep'>;

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
  private readonly noticed = new Set<string>();
  private pending: PendingStep | null = null;

  private constructor(
    private readonly parts: TrainerParts,
    private readonly step: TrainingStep,
    private readonly batches: PrefetchedBatches,
    private readonly corrections: Random,
    private readonly pinned: PinnedSizes & Pick<RunState, 'kernels'>,
    private progress: Progress,
    private checkpointStep: number | null,
  ) {}

  /**
   * Plans, allocates, and starts from the seed or resumes from the checkpoint in the storage.
   * @throws Failure `train/…`, `peft/…`, `gpu/…`; nothing stays allocated then.
   */
  static async open(parts: TrainerParts, resume = false): Promise<Trainer> {
    const { gpu, model, mopeft, config } = parts;
    const checkpoint = resume ? await lastCheckpoint(parts.storage) : null;
    if (checkpoint && checkpoint.state.weights !== config.weights)
      throw otherWeights(checkpoint.state.weights, config.weights);
    const sizes = checkpoint ? { ...config, ...pinnedSizes(checkpoint.state) } : config;
    const state = checkpoint?.state ?? null;
    const kernels = state ? state.kernels : (gpu.traits.kernels ?? null);
    const device = { traits: withKernels(gpu.traits, kernels), bufferLimit: gpu.bufferLimit };
    const plans = await (parts.plan ?? planTraining)(planRequest(model.config, mopeft, sizes, device));
    // Both go on while buffers are allocated and images measured: a step waits only for what it runs.
    void gpu.pipelines.prepare(plansOf(plans).flatMap(({ passes }) => passes.map(({ pass }) => pass)));
    const batches = await PrefetchedBatches.open(parts.data, state, (state?.step ?? 0) < config.steps);
    const step = await TrainingStep.create(gpu, model, plans, parts.kept);
    try {
      if (checkpoint) checkpoint.restore(step.parameters);
      else await step.initialise(config.seed);
    } catch (error) {
      step.release();
      throw error;
    }
    const corrections = state
      ? Random.fromState(state.random.corrections)
      : Random.fromSeed(config.seed, 'corrections');
    return new Trainer(
      parts,
      step,
      batches,
      corrections,
      { ...pinnedSizes(plans), kernels },
      state ? progressOf(state) : START,
      state?.step ?? null,
    );
  }

  /** Steps done, and the best validation so far. */
  get state(): Progress & { readonly checkpointStep: number | null } {
    return { ...this.progress, checkpointStep: this.checkpointStep };
  }

  /** Makes {@link run} end as `paused` after the current step or validation image, with a checkpoint. */
  pause(): void {
    this.stopRequest ??= 'pause';
  }

  /** Makes {@link run} end as `stopped` after the current step or validation image, with a checkpoint. */
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
    for (const [name, { data }] of best?.tensors ?? []) this.step.parameters.write('param', name, data);
    const threshold = best?.maskThreshold ?? SAM_MASK_THRESHOLD;
    const each = await this.evaluate(split, 0, [threshold], isInterrupted);
    return each && (each[0] ?? []);
  }

  /** Releases everything on the device. */
  release(): void {
    this.step.release();
  }

  private async train(): Promise<TrainingEnd> {
    for (;;) {
      // Whatever looks at the weights or ends the run looks at the losses first.
      if (this.isValidationDue() || this.isCheckpointDue() || this.endReason(true)) await this.waitForStep();
      const isValidated = !this.isValidationDue() || (await this.validate());
      const end = this.endReason(isValidated);
      if (end) await this.keepLatest();
      if (end || this.isCheckpointDue()) await this.writeCheckpoint();
      if (end) return end;
      await this.parts.yieldDevice?.();
      const { gpu, yieldDevice = null } = this.parts;
      gpu.slices.between = yieldDevice;
      try {
        if (this.isProfileAsked) await this.profileStep();
        else await this.takeStep();
      } finally {
        gpu.slices.between = null;
      }
    }
  }

  private async profileStep(): Promise<void> {
    this.isProfileAsked = false;
    const profile = await this.parts.gpu.profile(() => this.takeStep());
    await this.waitForStep();
    this.parts.emit({ type: 'profile', step: this.progress.step, ...profile });
  }

  private isValidationDue(): boolean {
    const { step, evaluatedStep } = this.progress;
    const { evalEvery, steps } = this.parts.config;
    return step !== evaluatedStep && (step % evalEvery === 0 || step === steps);
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

  private async takeStep(): Promise<void> {
    const { gpu, config, mopeft } = this.parts;
    const start = performance.now();
    gpu.spans.take();
    const { step } = this.progress;
    const { images, notices, failure } = await this.batches.next(step + 1 >= config.steps);
    const data = performance.now() - start;
    for (const { dataset, sample, message } of notices) this.notice(dataset, sample, message);
    if (failure) throw new Failure(failure);
    await this.step.startGradients(
      images,
      config.corrections,
      this.corrections,
      // Its own stream for every step, so that a checkpoint need not hold it.
      Random.fromSeed(config.seed, `modules of step ${step + 1}`),
    );
    const losses = this.step.readLosses();
    // Reported in its turn.
    losses.catch(() => undefined);
    const rates = learningRates(step, config);
    const settings = ({ group, decay, rate }: ParameterRange) => ({
      lr: rates[group] * rate,
      weightDecay: decay ? config.weightDecay : 0,
    });
    await this.step.optimizer.update(step + 1, settings, config.clip);
    this.progress = { ...this.progress, step: step + 1 };
    await this.settle();
    const lr = Object.keys(mopeft.methods).length > 0 ? rates.peft : rates.decoder;
    const ms = performance.now() - start;
    const event = { type: 'step', step: step + 1, lr, ms, spans: { data, ...gpu.spans.take() } } as const;
    this.pending = { event, losses };
  }

  /** {@link settle}, the wait counted to the step. */
  private async waitForStep(): Promise<void> {
    const { pending } = this;
    if (!pending) return;
    const start = performance.now();
    const { gpu } = this.parts;
    await pending.losses;
    const { event, losses } = pending;
    const { data = 0, encoding = 0, waiting = 0, busy = 0 } = event.spans ?? {};
    const more = gpu.spans.take();
    const spans = {
      data,
      encoding: encoding + more.encoding,
      waiting: waiting + more.waiting,
      busy: busy + more.busy,
    };
    this.pending = { event: { ...event, ms: event.ms + performance.now() - start, spans }, losses };
    await this.settle();
  }

  /**
   * Reports the step that runs or has run. The next one is on the device by then, so that the device never waits for what
   * is read; where the losses or the gradient are not finite, neither changes a weight that is kept.
   */
  private async settle(): Promise<void> {
    const { pending } = this;
    if (!pending) return;
    this.pending = null;
    const { squaredNorm, ...losses } = await pending.losses;
    const { event } = pending;
    if (!Number.isFinite(losses.loss) || !Number.isFinite(squaredNorm))
      throw notFinite(event.step, this.checkpointStep);
    this.parts.emit({ ...event, ...losses, norm: Math.sqrt(squaredNorm) });
  }

  /**
   * Evaluates the validation images and keeps the weights when they are the best so far. False when a pause or stop
   * interrupted it; a resumed run then starts it again.
   */
  private async validate(): Promise<boolean> {
    const { emit, config } = this.parts;
    const { step } = this.progress;
    // Before the first step nothing was learned: another threshold than the base model's would be chance.
    const thresholds = step === 0 ? [SAM_MASK_THRESHOLD] : MASK_THRESHOLDS;
    const isInterrupted = () => this.stopRequest !== null;
    const seen = new Map<string, SeenMasks>();
    const shown = shownImages(this.parts.data.sets, config.evalImages);
    const onMasks = (key: string, name: string, masks: SeenMasks) => {
      if (shown.some((image) => image.key === key && image.name === name))
        seen.set(viewKey(key, name, ''), masks);
    };
    const measure = (model: MaskPredictor) =>
      this.evaluate('val', config.evalImages, thresholds, isInterrupted, model, onMasks);
    const base = step === 0 ? await this.openBase() : null;
    const gates = base && (await this.gatesAtStart(isInterrupted));
    const byThreshold = await measure(base ?? this.step).finally(() => base?.release());
    if (!byThreshold) return false;
    const { scores, score, maskThreshold } = bestThreshold(byThreshold);
    for (const { key, summary } of scores) {
      if (summary.n === 0) continue;
      emit({
        type: 'eval',
        step,
        dataset: key,
        split: 'val',
        box_iou: summary.boxIou,
        click_iou: summary.clickIou,
        n: summary.n,
        ...(summary.isReduced && { measured_at: VALIDATION_SIDE }),
      });
      emit({ type: 'gates', step, dataset: key, layers: gates?.get(key) ?? summary.gates });
    }
    for (const { key, name } of shown) {
      const masks = seen.get(viewKey(key, name, ''));
      const objects = scores
        .find((set) => set.key === key)
        ?.images.find((image) => image.name === name)?.objects;
      if (!masks || !objects?.length) continue;
      const prompt = config.clickPrompts ? 'click' : 'box';
      const sum = objects.reduce((total, object) => total + object[`${prompt}Iou`], 0);
      const drawing = drawLook(masks.input, this.parts.model.config, masks[prompt], maskThreshold);
      const of = { dataset: key, sample: name, iou: sum / objects.length, prompt } as const;
      emit({ type: 'look', step, ...of, ...drawing });
    }
    const isBest = isBetter(score, scores, this.progress);
    this.progress = {
      ...this.progress,
      evaluatedStep: step,
      ...(step === 0 && { startSums: sumsOf(scores) }),
      evaluationsSinceBest: this.progress.evaluationsSinceBest + 1,
    };
    if (isBest) await this.keepBest(maskThreshold, score);
    return true;
  }

  /** Null where it is not asked for, or the device has no memory for both. */
  private async openBase(): Promise<(MaskPredictor & { release(): Promise<void> }) | null> {
    try {
      return (await this.parts.openBase?.()) ?? null;
    } catch (error) {
      if (error instanceof Failure && error.record.code === 'gpu/out-of-memory') return null;
      throw error;
    }
  }

  /** The gates that the modules have before the first step, by dataset; of modules without gates none. */
  private async gatesAtStart(isInterrupted: () => boolean): Promise<Map<string, readonly GateLayer[]>> {
    const { config, data, mopeft, yieldDevice } = this.parts;
    const gates = new Map<string, readonly GateLayer[]>();
    if (gateFormById(mopeft.gate).varies === 'never') return gates;
    for (const { key, split, open } of data.sets) {
      const names = config.evalImages > 0 ? split.val.slice(0, config.evalImages) : split.val;
      const layers: (readonly GateLayer[])[] = [];
      for (const name of names) {
        await yieldDevice?.();
        if (isInterrupted()) break;
        const opened = await open(name, { maxObjects: config.evalObjects });
        // What cannot be used is reported where it is measured.
        if (!opened.ok) continue;
        for (let v = 0; v < opened.value.views; v++) {
          const view = await opened.value.view(v);
          await this.step.encode(view.input.data, viewKey(key, name, view.key));
          layers.push(await this.step.gates());
        }
        opened.value.release();
      }
      gates.set(key, meanGates(layers));
    }
    return gates;
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
    const tensors = await this.readTensors();
    await this.parts.storage.writeBest({ tensors, maskThreshold, step, score });
    this.progress = { ...this.progress, bestStep: step, bestScore: score, evaluationsSinceBest: 0 };
    this.parts.emit({ type: 'best', step, score });
  }

  /** Scores by dataset for each threshold; null when it was interrupted. */
  private evaluate(
    split: Split,
    maxImages: number,
    thresholds: readonly number[],
    isInterrupted: () => boolean = () => false,
    model: MaskPredictor = this.step,
    onMasks?: (key: string, name: string, masks: SeenMasks) => void,
  ): Promise<SetScores[][] | null> {
    const { config, data, emit, yieldDevice } = this.parts;
    const label = `Measuring the ${split === 'val' ? 'validation' : split} images`;
    // A validation comes often and decides between weights of one run; a test is compared with others.
    const own = split === 'val' ? { mostPixels: VALIDATION_SIDE, isRepeated: true } : {};
    const options = { maxObjects: config.evalObjects, maxImages, ...own };
    return evaluateSetsAt(model, data.sets, split, thresholds, options, ({ key }) => ({
      beforeImage: async (done, total) => {
        emit({ type: 'activity', label, dataset: key, done, total });
        await yieldDevice?.();
      },
      ...(yieldDevice && { yieldDevice }),
      isInterrupted,
      ...(onMasks && { onMasks: (name: string, masks: SeenMasks) => onMasks(key, name, masks) }),
      onRefused: (name, message) => this.notice(key, name, message),
    }));
  }

  private async writeCheckpoint(): Promise<void> {
    const { step } = this.progress;
    const { random, ...batches } = this.batches.state;
    const state: RunState = {
      ...this.progress,
      ...batches,
      random: { ...random, corrections: this.corrections.state() },
      ...this.pinned,
      weights: this.parts.config.weights,
    };
    const bytes = await writeCheckpoint(this.step.parameters, state);
    if (!bytes) throw notFinite(step, this.checkpointStep);
    await this.parts.storage.writeCheckpoint(bytes);
    this.checkpointStep = step;
    this.parts.emit({ type: 'checkpoint', step });
  }

  private async readTensors(): Promise<Map<string, HostTensor>> {
    const { parameters } = this.step;
    const values = await parameters.read('param');
    if (!allFinite(values.values())) throw notFinite(this.progress.step, this.checkpointStep);
    return new Map(
      parameters.layout.tensors.map(({ name, shape }) => [
        name,
        { shape, data: values.get(name) ?? new Float32Array() },
      ]),
    );
  }

  /** Emits each notice once, however often its image is drawn. */
  private notice(dataset: string, sample: string, message: string): void {
    const key = `${dataset}\n${sample}\n${message}`;
    if (this.noticed.has(key)) return;
    this.noticed.add(key);
    this.parts.emit({ type: 'notice', step: this.progress.step, dataset, sample, message });
  }
}

/** Validation images that are shown while a run learns. */
const SHOWN = 3;

/** The first validation images, by turns of the datasets: always the same ones. */
function shownImages(
  sets: TrainingData['sets'],
  most: number,
): readonly { readonly key: string; readonly name: string }[] {
  const names = sets.map(({ key, split }) => ({
    key,
    names: most > 0 ? split.val.slice(0, most) : split.val,
  }));
  return [0, 1, 2]
    .flatMap((i) =>
      names.flatMap((set) => (set.names[i] === undefined ? [] : [{ key: set.key, name: set.names[i] }])),
    )
    .slice(0, SHOWN);
}

/** What a run keeps when it goes on elsewhere: other numbers would sum in another order. */
type PinnedSizes = Pick<RunState, 'objectsPerPass' | 'imagesPerPass'>;

function pinnedSizes({ objectsPerPass, imagesPerPass }: PinnedSizes): PinnedSizes {
  return { objectsPerPass, imagesPerPass };
}

function progressOf(state: RunState): Progress {
  const { step, bestStep, bestScore, startSums, evaluationsSinceBest, evaluatedStep } = state;
  return { step, bestStep, bestScore, startSums, evaluationsSinceBest, evaluatedStep };
}

async function lastCheckpoint(storage: RunStorage): Promise<Checkpoint> {
  const bytes = await storage.readCheckpoint();
  if (bytes) return readCheckpoint(bytes, 'checkpoint');
  throw new Failure({
    code: 'train/no-checkpoint',
    what: 'The run has no checkpoint to resume from.',
    cure: 'Start a new run.',
  });
}

function otherWeights(stored: WeightPrecision, asked: WeightPrecision): Failure {
  return new Failure({
    code: 'train/other-weights',
    what: `The checkpoint was trained on frozen weights in ${stored}, and the run's settings say ${asked}.`,
    where: 'weights',
    cure: `Set "weights" in the run's config.json back to "${stored}".`,
  });
}

function keptSentence(checkpoint: number | null): string {
  return checkpoint === null
    ? 'No checkpoint was written yet.'
    : `The checkpoint of step ${checkpoint} is kept.`;
}

function notFinite(step: number, checkpoint: number | null): Failure {
  return new Failure({
    code: 'train/not-finite',
    what: `The loss or its gradient is not a number at step ${step}, so training stopped. ${keptSentence(checkpoint)}`,
    where: `step ${step}`,
    cure: 'Start a new run with lower learning rates; the best weights of this one are kept.',
  });
}

function deviceLost({ message }: GPUDeviceLostInfo, checkpoint: number | null): Failure {
  return new Failure({
    code: 'gpu/lost',
    what: `The graphics device was lost${message ? ` (${message})` : ''}. ${keptSentence(checkpoint)}`,
    cure: 'Close what else uses the GPU and resume the run.',
  });
}
