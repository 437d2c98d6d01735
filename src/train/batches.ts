import { Failure, type FailureRecord } from '../config/failure.ts';
import { Random, type RandomState } from '../config/random.ts';
import type { SamConfig } from '../config/sam.ts';
import type { TrainConfig } from '../config/train.ts';
import { ImageCache } from './image-cache.ts';
import { type DataRandom, hasObject, type PreparedImage, prepareImage } from './prepare.ts';
import { noTrainingObjects } from './run-failures.ts';
import { Sampler, type SamplerState } from './sampler.ts';
import type { TrainingSet } from './training-set.ts';

/** What was left out of a batch, and why. */
export interface DataNotice {
  /** Key of the dataset. */
  readonly dataset: string;
  /** Name of the image. */
  readonly sample: string;
  /** One or two sentences. */
  readonly message: string;
}

/** The images of a step; plain data, so that another thread can draw it. */
export interface Batch {
  /** Empty where there is a failure. */
  readonly images: readonly PreparedImage[];
  readonly notices: readonly DataNotice[];
  /** Why there are no images: `train/no-objects`, or why none could be read. */
  readonly failure: FailureRecord | null;
  /** From which the next batch is drawn. */
  readonly state: BatchState;
}

/** Images in a row whose objects are all too small, or that cannot be read, after which a run fails. */
const MOST_WITHOUT_OBJECT = 200;

/** The part of a run's state that determines the images, augmentations and prompts to come. */
export interface BatchState {
  readonly sampler: SamplerState;
  readonly random: { readonly augment: RandomState; readonly prompts: RandomState };
  /** First prompts drawn so far. */
  readonly promptCount: number;
}

/** Draws the images of every step, augmented, with objects and first prompts. */
export class Batches {
  /** Training images, by dataset and name, whose masks hold no object. */
  private readonly empty = new Set<string>();
  /** Why the image that was drawn last could not be read; null where it could. */
  private unread: FailureRecord | null = null;

  private constructor(
    private readonly sam: SamConfig,
    private readonly config: TrainConfig,
    private readonly sets: readonly TrainingSet[],
    private readonly cache: ImageCache,
    private readonly sampler: Sampler,
    private readonly random: DataRandom,
    private promptCount: number,
  ) {}

  /**
   * @param cacheBytes most that is kept of decoded images.
   * @throws Failure `train/no-images` when a dataset has no training image.
   */
  static open(
    sam: SamConfig,
    config: TrainConfig,
    sets: readonly TrainingSet[],
    state: BatchState | null,
    cacheBytes: number,
  ): Batches {
    const empty = sets.find(({ split }) => split.train.length === 0);
    if (sets.length === 0 || empty) {
      throw new Failure({
        code: 'train/no-images',
        what: 'There is no labelled image to train on.',
        ...(empty && { where: empty.name }),
        cure: 'Add images with masks to the dataset, or leave it out.',
      });
    }
    const sizes = sets.map(({ split }) => split.train.length);
    const sampler = state ? Sampler.resume(sizes, state.sampler) : Sampler.start(sizes, config.seed);
    const random = state
      ? {
          augment: Random.fromState(state.random.augment),
          prompts: Random.fromState(state.random.prompts),
        }
      : {
          augment: Random.fromSeed(config.seed, 'augment'),
          prompts: Random.fromSeed(config.seed, 'prompts'),
        };
    const cache = new ImageCache(sam, config, cacheBytes);
    return new Batches(sam, config, sets, cache, sampler, random, state?.promptCount ?? 0);
  }

  /** Bytes of the decoded images that are kept. */
  get cachedBytes(): number {
    return this.cache.bytes;
  }

  /**
   * The images of the next step. Images without an object are passed over, however many they are; it fails when all are such, or
   * when many others in a row have nothing that can be trained on.
   */
  async next(): Promise<Batch> {
    const images: PreparedImage[] = [];
    const notices: DataNotice[] = [];
    let unread = 0;
    for (let without = 0; images.length < this.config.imagesPerStep; ) {
      const image = await this.draw(notices);
      unread = this.unread ? unread + 1 : 0;
      if (unread >= MOST_WITHOUT_OBJECT)
        return { images: [], notices, failure: this.unread, state: this.state() };
      if (image === 'empty') {
        if (this.empty.size < this.trainingImages) continue;
        return { images: [], notices, failure: noTrainingObjects(), state: this.state() };
      }
      without = image ? 0 : without + 1;
      if (image) images.push(image);
      if (without >= MOST_WITHOUT_OBJECT)
        return { images: [], notices, failure: this.noObjects(), state: this.state() };
    }
    return { images, notices, failure: null, state: this.state() };
  }

  state(): BatchState {
    const { augment, prompts } = this.random;
    return {
      sampler: this.sampler.state(),
      promptCount: this.promptCount,
      random: { augment: augment.state(), prompts: prompts.state() },
    };
  }

  private get trainingImages(): number {
    return this.sets.reduce((sum, { split }) => sum + split.train.length, 0);
  }

  private async draw(notices: DataNotice[]): Promise<PreparedImage | 'empty' | null> {
    const draw = this.sampler.next();
    const set = this.sets[draw.dataset];
    const name = set?.split.train[draw.sample];
    if (!set || name === undefined) throw new RangeError('the sampler drew an image that is not there');
    const notice = (message: string) => notices.push({ dataset: set.key, sample: name, message });
    const loaded = await this.cache.load(set, name);
    this.unread = null;
    if (!loaded.ok) {
      const { code, reason, cure } = loaded.refusal;
      const what = `${MOST_WITHOUT_OBJECT} images in a row could not be read, this one last: ${reason}`;
      this.unread = { code, what, where: `${set.name}, ${name}`, cure };
      notice(`${loaded.refusal.reason} ${loaded.refusal.cure}`);
      return null;
    }
    const id = JSON.stringify([set.key, name]);
    if (!loaded.value) {
      this.empty.add(id);
      return 'empty';
    }
    const { image, vanished, promptCount } = prepareImage(
      loaded.value,
      this.sam,
      this.config,
      this.random,
      this.promptCount,
      JSON.stringify(['train', set.key, name]),
      draw.dataset,
    );
    this.promptCount = promptCount;
    if (!hasObject(loaded.value)) {
      this.empty.add(id);
      return 'empty';
    }
    if (vanished > 0) {
      const objects = vanished === 1 ? 'One object is' : `${vanished} objects are`;
      notice(`${objects} too small or thin for the model's masks and left out.`);
    }
    return image;
  }

  private noObjects(): FailureRecord {
    return {
      code: 'train/no-objects',
      what: `${MOST_WITHOUT_OBJECT} images in a row had no object that is large enough to train on.`,
      cure: `Check the masks: objects under ${this.config.minSize} pixels wide on the model's input are left out. Train on crops around the objects (--scale, or the dataset's scale in the studio), or lower "Smallest object" (--min-size).`,
    };
  }
}
