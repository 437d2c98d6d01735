import { Failure } from '../config/failure.ts';
import type { MopeftConfig } from '../config/mopeft.ts';
import { Random } from '../config/random.ts';
import type { TrainConfig } from '../config/train.ts';
import type { Split } from '../data/types.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { HostTensor } from '../sam/checkpoint/safetensors.ts';
import { Batches } from './batches.ts';
import { allFinite, type Checkpoint, type RunState, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { evaluateSetAt, summarise } from './evaluate.ts';
import type { TrainEvent } from './events.ts';
import { bestThreshold, MASK_THRESHOLDS, SAM_MASK_THRESHOLD, type SetScores } from './mask-threshold.ts';
import { clipScale } from './optimizer.ts';
import type { ParameterRange } from './parameter-buffers.ts';
import { planTraining } from './plans.ts';
import type { RunStorage } from './run-storage.ts';
import { learningRates } from './schedule.ts';
import { isBetter, type Standing, tallyOf } from './selection.ts';
import { type FrozenModel, TrainingStep } from './step.ts';
import type { TrainingSet } from './training-set.ts';

/** What a run stands on. */
export interface TrainerParts {
  readonly gpu: Gpu;
  readonly model: FrozenModel;
  readonly mopeft: MopeftConfig;
  readonly config: TrainConfig;
  readonly sets: readonly TrainingSet[];
  readonly storage: RunStorage;
  /** Gets every event in order. */
  readonly emit: (event: TrainEvent) => void;
  /** Awaited between pieces of work, where others may use the device. */
  readonly yieldDevice?: () => Promise<void>;
}

/** Why a run is over. `finished`: all steps, or patience ran out. */
export type TrainingEnd = 'finished' | 'paused' | 'stopped';

type Progress = Standing & Pick<RunState, 'step' | 'evaluationsSinceBest' | 'evaluatedStep'>;

const START: Progress = {
  step: 0,
  bestStep: null,
  bestScore: null,
  startTally: null,
  evaluationsSinceBest: 0,
  evaluatedStep: null,
};

/**
 * A training run: steps, evaluations, checkpoints, the best weights. Deterministic from the seed; a run that goes on from a
 * checkpoint takes the same steps, bit for bit, as one that was never interrupted (same adapter, same build).
 */
export class Trainer {
  private stopRequest: 'pause' | 'stop' | null = null;
  private readonly noticed = new Set<string>();

  private constructor(
    private readonly parts: TrainerParts,
    private readonly step: TrainingStep,
    private readonly batches: Batches,
    private readonly corrections: Random,
    private readonly objectsPerPass: number,
    private progress: Progress,
    private checkpointed: number | null,
  ) {}

  /**
   * Plans, allocates and either starts from the seed or goes on from the storage's checkpoint.
   * @param resume needs a checkpoint in the storage.
   * @throws Failure `train/…`, `peft/…`, `gpu/…`; nothing stays allocated then.
   */
  static async open(parts: TrainerParts, resume = false): Promise<Trainer> {
    const { gpu, model, mopeft, config, sets } = parts;
    const checkpoint = resume ? await lastCheckpoint(parts.storage) : null;
    const sizes = checkpoint ? { ...config, objectsPerPass: checkpoint.state.objectsPerPass } : config;
    const plans = planTraining(model.config, mopeft, sizes, gpu);
    let trainer: Trainer | null = null;
    const notice = (dataset: string, sample: string, message: string) =>
      trainer?.notice(dataset, sample, message);
    const state = checkpoint?.state ?? null;
    const batches = Batches.open(model.config, config, sets, state, notice);
    const step = await TrainingStep.create(gpu, model, plans);
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
    trainer = new Trainer(
      parts,
      step,
      batches,
      corrections,
      plans.objectsPerPass,
      state ? progressOf(state) : START,
      state?.step ?? null,
    );
    return trainer;
  }

  /** Steps done, and the best validation so far. */
  get state(): Progress & { readonly checkpointStep: number | null } {
    return { ...this.progress, checkpointStep: this.checkpointed };
  }

  /** Asks {@link run} to end after the step or the validation image under way, with a checkpoint, as `paused`. */
  pause(): void {
    this.stopRequest ??= 'pause';
  }

  /** Asks {@link run} to end after the step or the validation image under way as `stopped`. */
  stop(): void {
    this.stopRequest = 'stop';
  }

  /**
   * Trains until the end or until asked to leave off. On a failure the last checkpoint and the best weights are on storage.
   * @throws Failure `train/not-finite`, `gpu/lost`, `gpu/out-of-memory`, `gpu/invalid`, `train/no-objects`, `storage/…`.
   */
  async run(): Promise<TrainingEnd> {
    const lost = this.parts.gpu.lost.then((info) => {
      throw deviceLost(info, this.checkpointed);
    });
    // Whoever wins the race, the other's failure is no unhandled one.
    lost.catch(() => undefined);
    return Promise.race([this.go(), lost]);
  }

  /** Puts the best weights back and evaluates a split with them. Without a best one, the weights are what they are. */
  async evaluateBest(split: Split): Promise<SetScores[]> {
    const best = await this.parts.storage.readBest();
    for (const [name, { data }] of best?.tensors ?? []) this.step.parameters.write('param', name, data);
    const threshold = best?.maskThreshold ?? SAM_MASK_THRESHOLD;
    const [scores = []] = (await this.evaluate(split, 0, [threshold])) ?? [];
    return scores;
  }

  /** Gives everything on the device back. */
  release(): void {
    this.step.release();
  }

  private async go(): Promise<TrainingEnd> {
    const { config } = this.parts;
    for (;;) {
      const isWhole = !this.isEvaluationDue() || (await this.validate());
      const end = this.endedBy(isWhole);
      const { step, bestStep, bestScore } = this.progress;
      // Without a validation object the latest weights count, those since the last evaluation too.
      if (end && bestScore === null && bestStep !== null && bestStep !== step)
        await this.keepBest(SAM_MASK_THRESHOLD, null);
      if (end || (step > 0 && step % config.checkpointEvery === 0 && step !== this.checkpointed))
        await this.checkpoint();
      if (end) return end;
      await this.parts.yieldDevice?.();
      await this.takeStep();
    }
  }

  private isEvaluationDue(): boolean {
    const { step, evaluatedStep } = this.progress;
    const { evalEvery, steps } = this.parts.config;
    return step !== evaluatedStep && (step % evalEvery === 0 || step === steps);
  }

  /** `isWhole`: no evaluation of this step was left off. */
  private endedBy(isWhole: boolean): TrainingEnd | null {
    const { config } = this.parts;
    const { step, evaluationsSinceBest } = this.progress;
    const isPatienceOut = config.patience > 0 && evaluationsSinceBest >= config.patience;
    if (isWhole && (step >= config.steps || isPatienceOut)) return 'finished';
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
    const { config, mopeft } = this.parts;
    const start = performance.now();
    const { step } = this.progress;
    const images = await this.batches.next();
    const { squaredNorm, ...losses } = await this.step.gradients(
      images,
      config.corrections,
      this.corrections,
    );
    if (!Number.isFinite(losses.loss) || !Number.isFinite(squaredNorm))
      throw notFinite(step + 1, this.checkpointed);
    const rates = learningRates(step, config);
    const settings = ({ group, decay, rate }: ParameterRange) => ({
      lr: rates[group] * rate,
      weightDecay: decay ? config.weightDecay : 0,
    });
    await this.step.optimizer.update(step + 1, settings, clipScale(squaredNorm, config.clip));
    this.progress = { ...this.progress, step: step + 1 };
    const lr = Object.keys(mopeft.methods).length > 0 ? rates.peft : rates.decoder;
    this.parts.emit({
      type: 'step',
      step: step + 1,
      ...losses,
      lr,
      norm: Math.sqrt(squaredNorm),
      ms: performance.now() - start,
    });
  }

  /**
   * Evaluates the validation images and keeps the weights when they are the best so far. False when it was left off since
   * the run shall end; it is then done again when the run goes on.
   */
  private async validate(): Promise<boolean> {
    const { emit } = this.parts;
    const { step } = this.progress;
    const { evalImages } = this.parts.config;
    // Before the first step nothing was learned, and a cut of its own would be chance: 0, as the base.
    const thresholds = step === 0 ? [SAM_MASK_THRESHOLD] : MASK_THRESHOLDS;
    const each = await this.evaluate('val', evalImages, thresholds, () => this.stopRequest !== null);
    if (!each) return false;
    const { scores, score, maskThreshold } = bestThreshold(each);
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
      });
      emit({ type: 'gates', step, dataset: key, layers: summary.gates });
    }
    const isBest = isBetter(score, scores, this.progress);
    this.progress = {
      ...this.progress,
      evaluatedStep: step,
      ...(step === 0 && { startTally: tallyOf(scores) }),
      evaluationsSinceBest: this.progress.evaluationsSinceBest + 1,
    };
    if (isBest) await this.keepBest(maskThreshold, score);
    return true;
  }

  /** Writes the weights as they are as the best so far. */
  private async keepBest(maskThreshold: number, score: number | null): Promise<void> {
    const { step } = this.progress;
    const tensors = await this.parameters();
    await this.parts.storage.writeBest({ tensors, maskThreshold, step, score });
    this.progress = { ...this.progress, bestStep: step, bestScore: score, evaluationsSinceBest: 0 };
    this.parts.emit({ type: 'best', step, score });
  }

  /** An entry for each threshold; null when `isUnwanted` became true between two images. */
  private async evaluate(
    split: Split,
    maxImages: number,
    thresholds: readonly number[],
    isUnwanted: () => boolean = () => false,
  ): Promise<SetScores[][] | null> {
    const { config, sets, emit, yieldDevice } = this.parts;
    const label = `Measuring the ${split === 'val' ? 'validation' : split} images`;
    const all: SetScores[][] = thresholds.map(() => []);
    for (const set of sets) {
      const names = set.split[split];
      if (names.length === 0) continue;
      const each = await evaluateSetAt(
        this.step,
        set,
        names,
        thresholds,
        { maxObjects: config.evalObjects, maxImages },
        {
          beforeImage: async (done, total) => {
            emit({ type: 'activity', label: `${label} of ${set.key}`, done, total });
            await yieldDevice?.();
          },
          isUnwanted,
          onRefused: (name, message) => this.notice(set.key, name, message),
        },
      );
      if (isUnwanted()) return null;
      for (const [t, images] of each.entries())
        all[t]?.push({ key: set.key, images, summary: summarise(images) });
    }
    return all;
  }

  private async checkpoint(): Promise<void> {
    const { step } = this.progress;
    const { random, ...drawn } = this.batches.state();
    const state: RunState = {
      ...this.progress,
      ...drawn,
      random: { ...random, corrections: this.corrections.state() },
      objectsPerPass: this.objectsPerPass,
    };
    const bytes = await writeCheckpoint(this.step.parameters, state);
    if (!bytes) throw notFinite(step, this.checkpointed);
    await this.parts.storage.writeCheckpoint(bytes);
    this.checkpointed = step;
    this.parts.emit({ type: 'checkpoint', step });
  }

  private async parameters(): Promise<Map<string, HostTensor>> {
    const { parameters } = this.step;
    const values = (await parameters.read('param')).get('param') ?? new Map<string, Float32Array>();
    if (!allFinite(values.values())) throw notFinite(this.progress.step, this.checkpointed);
    return new Map(
      parameters.layout.tensors.map(({ name, shape }) => [
        name,
        { shape, data: values.get(name) ?? new Float32Array() },
      ]),
    );
  }

  /** Tells of an image once, however often it comes. */
  private notice(dataset: string, sample: string, message: string): void {
    const key = `${dataset}\n${sample}\n${message}`;
    if (this.noticed.has(key)) return;
    this.noticed.add(key);
    this.parts.emit({ type: 'notice', step: this.progress.step, dataset, sample, message });
  }
}

function progressOf(state: RunState): Progress {
  const { step, bestStep, bestScore, startTally, evaluationsSinceBest, evaluatedStep } = state;
  return { step, bestStep, bestScore, startTally, evaluationsSinceBest, evaluatedStep };
}

async function lastCheckpoint(storage: RunStorage): Promise<Checkpoint> {
  const bytes = await storage.readCheckpoint();
  if (bytes) return readCheckpoint(bytes, 'checkpoint');
  throw new Failure({
    code: 'train/no-checkpoint',
    what: 'The run has no checkpoint to go on from.',
    cure: 'Start it anew.',
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
