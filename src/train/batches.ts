import { Failure } from '../config/failure.ts';
import { Random, type RandomState } from '../config/random.ts';
import type { SamConfig } from '../config/sam.ts';
import type { TrainConfig } from '../config/train.ts';
import { type Dataset, type LoadedSample, loadSample } from '../data/dataset.ts';
import { leastArea, type ObjectLimit } from '../data/object-sizes.ts';
import type { Outcome, Split } from '../data/types.ts';
import { type DataRandom, type PreparedImage, prepareImage } from './prepare.ts';
import { Sampler, type SamplerState } from './sampler.ts';

/** A dataset as a run uses it. */
export interface TrainingSet {
  /** Names it in events; unique in a run. */
  readonly key: string;
  /** Names of the labelled images by split, in natural order. */
  readonly split: Readonly<Record<Split, readonly string[]>>;
  /** Decodes an image of the split by its name. */
  readonly load: (name: string) => Promise<Outcome<LoadedSample>>;
}

/** A dataset for a run of a model; objects under the limit are left out. */
export function trainingSet(
  key: string,
  dataset: Dataset,
  split: TrainingSet['split'],
  { imageSize: size, preprocessing: { aspect } }: SamConfig,
  limit: ObjectLimit,
): TrainingSet {
  const samples = new Map(dataset.samples.map((sample) => [sample.name, sample]));
  const load = async (name: string) => {
    const sample = samples.get(name);
    if (!sample) throw new RangeError(`${name} of the split is not in the dataset ${dataset.name}`);
    return loadSample(sample, { leastArea: (image) => leastArea(limit, image, { size, aspect }) });
  };
  return { key, split, load };
}

/** Called for what was left out: the dataset's key, the image, one or two sentences. */
export type OnNotice = (dataset: string, sample: string, message: string) => void;

/** Images in a row without a usable object after which a run fails. */
const MAX_FRUITLESS = 200;

/** The part of a run's state that determines the images, augmentations and prompts to come. */
export interface BatchState {
  readonly sampler: SamplerState;
  readonly random: { readonly augment: RandomState; readonly prompts: RandomState };
  /** First prompts drawn so far. */
  readonly promptCount: number;
}

/** Draws the images of every step, augmented, with objects and first prompts. */
export class Batches {
  private constructor(
    private readonly sam: SamConfig,
    private readonly config: TrainConfig,
    private readonly sets: readonly TrainingSet[],
    private readonly sampler: Sampler,
    private readonly random: DataRandom,
    private promptCount: number,
  ) {}

  /** @throws Failure `train/no-images` when a dataset has no training image. */
  static open(
    sam: SamConfig,
    config: TrainConfig,
    sets: readonly TrainingSet[],
    state: BatchState | null,
  ): Batches {
    const empty = sets.find(({ split }) => split.train.length === 0);
    if (sets.length === 0 || empty) {
      throw new Failure({
        code: 'train/no-images',
        what: 'There is no labelled image to train on.',
        ...(empty && { where: empty.key }),
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
    return new Batches(sam, config, sets, sampler, random, state?.promptCount ?? 0);
  }

  /**
   * The images of the next step.
   * @throws Failure `train/no-objects` when many images in a row have nothing that can be trained on.
   */
  async next(onNotice: OnNotice): Promise<PreparedImage[]> {
    const images: PreparedImage[] = [];
    for (let fruitless = 0; images.length < this.config.imagesPerStep; ) {
      const image = await this.draw(onNotice);
      fruitless = image ? 0 : fruitless + 1;
      if (image) images.push(image);
      if (fruitless >= MAX_FRUITLESS) {
        throw new Failure({
          code: 'train/no-objects',
          what: `${MAX_FRUITLESS} images in a row had no object to train on.`,
          cure: `Check the masks: objects under ${this.config.minSize} pixels wide on the model's input are left out. Cut the images into smaller ones around the objects, or lower "Smallest object" (--min-size).`,
        });
      }
    }
    return images;
  }

  state(): BatchState {
    const { augment, prompts } = this.random;
    return {
      sampler: this.sampler.state(),
      promptCount: this.promptCount,
      random: { augment: augment.state(), prompts: prompts.state() },
    };
  }

  private async draw(onNotice: OnNotice): Promise<PreparedImage | null> {
    const draw = this.sampler.next();
    const set = this.sets[draw.dataset];
    const name = set?.split.train[draw.sample];
    if (!set || name === undefined) throw new RangeError('the sampler drew an image that is not there');
    const loaded = await set.load(name);
    if (!loaded.ok) {
      onNotice(set.key, name, `${loaded.refusal.reason} ${loaded.refusal.cure}`);
      return null;
    }
    const { image, vanished, promptCount } = prepareImage(
      loaded.value,
      this.sam,
      this.config,
      this.random,
      this.promptCount,
    );
    this.promptCount = promptCount;
    if (vanished > 0) {
      const objects = vanished === 1 ? 'One object is' : `${vanished} objects are`;
      onNotice(set.key, name, `${objects} too small or thin for the model's masks and left out.`);
    }
    return image;
  }
}
