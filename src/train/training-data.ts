import type { SamConfig } from '../config/sam.ts';
import type { TrainConfig } from '../config/train.ts';
import { type Batch, Batches, type BatchState } from './batches.ts';
import { type EvaluationSet, evaluationSet, type TrainingSet } from './training-set.ts';

/** Where a run's images come from: this thread (`localData`) or one of its own (`data-port.ts`). */
export interface TrainingData {
  /** The datasets to evaluate on. */
  readonly sets: readonly EvaluationSet[];
  /**
   * Begins to draw.
   * @param state null draws from the config's seed.
   * @returns the state from which the first batch is drawn.
   * @throws Failure `train/no-images`.
   */
  readonly open: (state: BatchState | null) => Promise<BatchState>;
  /** The next batch; asked for one at a time. @throws Failure `train/data-thread`. */
  readonly next: () => Promise<Batch>;
  /** Ends what is under way; nothing is asked for afterwards. */
  readonly close: () => void;
}

/** Bytes of decoded images that are kept, where the memory of the machine is not known. */
export const CACHE_BYTES = 512 * 2 ** 20;
const MOST_CACHE_BYTES = 2 * 2 ** 30;

/** Bytes of decoded images that are kept on a machine with so many bytes of memory: a sixteenth, at most 2 GiB. */
export function cacheBytes(memoryBytes: number): number {
  return Math.min(MOST_CACHE_BYTES, memoryBytes / 16);
}

/** Draws, decodes and prepares in this thread. @param cacheBytes most that is kept of decoded images. */
export function localData(
  sam: SamConfig,
  config: TrainConfig,
  sets: readonly TrainingSet[],
  cacheBytes = CACHE_BYTES,
): TrainingData {
  let batches: Batches | null = null;
  return {
    sets: sets.map((set) => evaluationSet(set, sam)),
    open: async (state) => {
      batches = Batches.open(sam, config, sets, state, cacheBytes);
      return batches.state();
    },
    next: async () => {
      if (!batches) throw new RangeError('the data are not open');
      return batches.next();
    },
    close: () => {
      batches = null;
    },
  };
}

/**
 * Has the next batch drawn while a step uses the last. Its {@link state} is the one before what was not used, so that
 * a run that resumes from it draws the same batch again.
 */
export class PrefetchedBatches {
  private upcoming: Promise<Batch> | null = null;

  private constructor(
    private readonly data: TrainingData,
    private used: BatchState,
  ) {}

  /**
   * @param isNeeded whether there is a step to take; its batch is drawn from now on.
   * @throws Failure `train/no-images`.
   */
  static async open(
    data: TrainingData,
    state: BatchState | null,
    isNeeded = true,
  ): Promise<PrefetchedBatches> {
    const batches = new PrefetchedBatches(data, await data.open(state));
    if (isNeeded) batches.prefetch();
    return batches;
  }

  /** @param isLast whether no batch is needed after this one. */
  async next(isLast: boolean): Promise<Batch> {
    const batch = await (this.upcoming ?? this.data.next());
    this.used = batch.state;
    this.upcoming = null;
    if (!isLast && !batch.failure) this.prefetch();
    return batch;
  }

  /** Takes back the last {@link next}, after which no batch is asked for. @param state from before it. */
  leave(state: BatchState): void {
    this.used = state;
  }

  private prefetch(): void {
    this.upcoming = this.data.next();
    // Reported when it is its turn, if ever.
    this.upcoming.catch(() => undefined);
  }

  get state(): BatchState {
    return this.used;
  }
}
