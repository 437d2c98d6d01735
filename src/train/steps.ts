/** The steps of a run, each reported when its losses are known: the next one is on the device by then. */
import { Failure } from '../config/failure.ts';
import type { MopeftConfig } from '../config/mopeft.ts';
import { Random } from '../config/random.ts';
import type { TrainConfig } from '../config/train.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { type StepScore, shareAt } from './budget.ts';
import type { RunState } from './checkpoint.ts';
import type { StepEvent, TrainEvent } from './events.ts';
import { learningRates } from './optimizer.ts';
import type { ParameterRange } from './parameter-buffers.ts';
import { type Kept, notFinite } from './run-failures.ts';
import type { StepGradients, StepLosses, TrainingStep } from './step.ts';
import type { PrefetchedBatches } from './training-data.ts';
import type { Notice } from './validation.ts';

/** A step whose losses are not known yet. */
interface PendingStep {
  readonly event: Omit<StepEvent, keyof StepLosses | 'norm' | 'scores'>;
  /** Resolves when the step has run. */
  readonly losses: Promise<StepGradients>;
}

/** What steps need besides the model and its images. */
export interface StepsParts {
  readonly gpu: Gpu;
  readonly mopeft: MopeftConfig;
  readonly config: TrainConfig;
  readonly emit: (event: TrainEvent) => void;
  readonly notice: Notice;
  /** Called with the scores of each step's modules, in gate forms that have them. */
  readonly onScores: (scores: readonly StepScore[]) => void;
  /** For the words of a failure. */
  readonly kept: () => Kept;
  /** Whether the run shall end: a step that has not changed the weights yet is then left. */
  readonly isEnding: () => boolean;
  /** Awaited between two pieces of work, so that others may use the device. */
  readonly yieldDevice?: () => Promise<void>;
}

/** Thrown between two submits of a step that is left. */
class StepLeft extends Error {}

/** The streams from which steps draw: corrective clicks, and what methods and gates draw in training. */
export type StepRandoms = { readonly [K in 'corrections' | 'gates']: Random };

export class Steps {
  private pending: PendingStep | null = null;

  /** @param step is replaced where another shall take the steps from then on. */
  constructor(
    private readonly parts: StepsParts,
    public step: TrainingStep,
    private readonly batches: PrefetchedBatches,
    private randoms: StepRandoms,
  ) {}

  /** From what the next step is drawn. */
  get state(): Pick<RunState, keyof PrefetchedBatches['state']> {
    const { random, ...batches } = this.batches.state;
    return { ...batches, random: { ...random, ...this.randomStates() } };
  }

  /** {@link take} with every pass timed alone. */
  async profile(step: number, onTaken: () => void): Promise<void> {
    const profile = await this.parts.gpu.profile(() => this.take(step, onTaken));
    await this.wait();
    this.parts.emit({ type: 'profile', step: step + 1, ...profile });
  }

  /**
   * Takes step `step + 1`, and reports the one before when its losses are known. Where the run shall end before the weights
   * are changed, the step is left: a run that goes on takes it again, from the same images and random numbers.
   * @param onTaken called when the weights are those after the step.
   * @throws Failure `train/not-finite`, `train/no-objects`, `train/data-thread`, `gpu/…`.
   */
  async take(step: number, onTaken: () => void): Promise<void> {
    const { slices } = this.parts.gpu;
    const before = { batches: this.batches.state, randoms: this.randomStates() };
    try {
      await this.takeWhole(step, onTaken);
    } catch (error) {
      if (!(error instanceof StepLeft)) throw error;
      this.batches.leave(before.batches);
      this.randoms = {
        corrections: Random.fromState(before.randoms.corrections),
        gates: Random.fromState(before.randoms.gates),
      };
    } finally {
      slices.between = null;
    }
  }

  private randomStates() {
    const { corrections, gates } = this.randoms;
    return { corrections: corrections.state(), gates: gates.state() };
  }

  private async takeWhole(step: number, onTaken: () => void): Promise<void> {
    const { gpu, config, mopeft, yieldDevice = null, isEnding } = this.parts;
    const mayLeave = async (): Promise<void> => {
      await yieldDevice?.();
      if (isEnding()) throw new StepLeft();
    };
    const start = performance.now();
    gpu.spans.take();
    const { images, notices, failure } = await this.batches.next(step + 1 >= config.steps);
    const data = performance.now() - start;
    for (const { dataset, sample, message } of notices) this.parts.notice(dataset, sample, message);
    if (failure) throw new Failure(failure);
    gpu.slices.between = mayLeave;
    await mayLeave();
    const { corrections, gates } = this.randoms;
    const share = shareAt((step + 1) / config.steps, mopeft.budget ?? 1);
    await this.step.startGradients(images, config.corrections, corrections, gates, share);
    const losses = this.step.readLosses();
    // Reported in its turn.
    losses.catch(() => undefined);
    gpu.slices.between = yieldDevice;
    const rates = learningRates(step, config);
    const settings = ({ group, decay, rate }: ParameterRange) => ({
      lr: rates[group] * rate,
      weightDecay: decay ? config.weightDecay : 0,
    });
    await this.step.optimizer.update(step + 1, settings, config.clip);
    onTaken();
    await this.settle();
    const lr = Object.keys(mopeft.methods).length > 0 ? rates.peft : rates.decoder;
    const ms = performance.now() - start;
    const event = { type: 'step', step: step + 1, lr, ms, spans: { data, ...gpu.spans.take() } } as const;
    this.pending = { event, losses };
  }

  /** Waits for the step that runs, and reports it; the wait is counted to it. */
  async wait(): Promise<void> {
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
    const { squaredNorm, scores, ...losses } = await pending.losses;
    const { event } = pending;
    if (!Number.isFinite(losses.loss) || !Number.isFinite(squaredNorm))
      throw notFinite(event.step, this.parts.kept(), this.parts.mopeft, this.parts.config);
    if (scores.length > 0) this.parts.onScores(scores);
    this.parts.emit({
      ...event,
      ...losses,
      norm: Math.sqrt(squaredNorm),
      ...(scores.length > 0 && { scores: layersOf(scores) }),
    });
  }
}

/** Digits of a score that is reported. */
const DIGITS = 4;

/** Scores by block and method; blocks above the last that has a module are left out. */
function layersOf(scores: readonly StepScore[]): Readonly<Record<string, number>>[] {
  const last = Math.max(...scores.map(({ block }) => block));
  return Array.from({ length: last + 1 }, (_, i) =>
    Object.fromEntries(
      scores.flatMap(({ block, method, score }) =>
        block === i ? [[method, Number(score.toPrecision(DIGITS))]] : [],
      ),
    ),
  );
}
