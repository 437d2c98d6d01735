import { Random, type RandomState } from '../config/random.ts';

/** The next image. */
export interface Draw {
  /** Index of the dataset. */
  readonly dataset: number;
  /** Index of the image among the dataset's training images. */
  readonly sample: number;
}

/** What determines the draws to come. */
export interface SamplerState {
  readonly random: RandomState;
  /** Datasets left in this turn. */
  readonly turn: readonly number[];
  /** By dataset: the images left in its epoch. */
  readonly epochs: readonly (readonly number[])[];
}

/**
 * Draws from all datasets equally often, whatever their sizes: every turn takes each once, in shuffled order. Within a
 * dataset every image is drawn once an epoch, in a new order each time.
 */
export class Sampler {
  private turn: number[];
  private readonly epochs: number[][];

  private constructor(
    private readonly sizes: readonly number[],
    private readonly random: Random,
    state: Pick<SamplerState, 'turn' | 'epochs'>,
  ) {
    this.turn = [...state.turn];
    this.epochs = sizes.map((_, i) => [...(state.epochs[i] ?? [])]);
  }

  /** @param sizes images by dataset, each at least 1. */
  static start(sizes: readonly number[], seed: number): Sampler {
    if (sizes.length === 0 || sizes.some((size) => size < 1))
      throw new RangeError(`datasets of ${sizes.join(', ')} images cannot be sampled`);
    return new Sampler(sizes, Random.fromSeed(seed, 'sampler'), { turn: [], epochs: [] });
  }

  static resume(sizes: readonly number[], state: SamplerState): Sampler {
    return new Sampler(sizes, Random.fromState(state.random), state);
  }

  next(): Draw {
    if (this.turn.length === 0) this.turn = this.random.shuffled(this.sizes.map((_, i) => i));
    const dataset = this.turn.pop() ?? 0;
    const epoch = this.epochs[dataset] ?? [];
    if (epoch.length === 0) {
      const size = this.sizes[dataset] ?? 1;
      epoch.push(...this.random.shuffled(Array.from({ length: size }, (_, i) => i)));
    }
    return { dataset, sample: epoch.pop() ?? 0 };
  }

  state(): SamplerState {
    return {
      random: this.random.state(),
      turn: [...this.turn],
      epochs: this.epochs.map((left) => [...left]),
    };
  }
}
