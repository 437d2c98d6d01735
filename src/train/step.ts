import type { MopeftConfig } from '../config/mopeft.ts';
import type { Random } from '../config/random.ts';
import { lowResOf, type SamConfig } from '../config/sam.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { type FindRange, Pool } from '../graph/executable.ts';
import { FOCAL } from '../ops/sam-loss/sam-loss.ts';
import { type ScoredGate, scoredGates } from '../peft/kept-modules.ts';
import { moduleTensors } from '../peft/tensors.ts';
import { groupPrompts, isAmbiguous, type ObjectPrompt, packPrompts } from '../sam/prompts.ts';
import type { WeightStore } from '../sam/weights.ts';
import type { StepScore } from './budget.ts';
import { type ClickedObject, type SupervisedObject, TrainingDecoder } from './decoder.ts';
import { DECODER } from './decoder-graph.ts';
import { TrainingEncoder } from './encoder.ts';
import { cutOf } from './encoder-graph.ts';
import type { GateLayer } from './gates.ts';
import { SUPERVISION_MODES } from './losses.ts';
import type { DecodedObject, MaskPredictor } from './mask-predictor.ts';
import { Optimizer } from './optimizer.ts';
import { ParameterBuffers } from './parameter-buffers.ts';
import { plansOf, type TrainingPlans } from './plans.ts';
import type { PreparedImage, PreparedObject } from './prepare.ts';
import { validCells } from './prompts.ts';
import { NORM_RESULT, RESULTS, SCORE_RESULT, StepBuffers } from './step-buffers.ts';
import { TokenCache } from './token-cache.ts';

/** Means over the objects, rounds and images of a step. `loss` = 20·focal + dice + iou. */
export interface StepLosses {
  readonly loss: number;
  readonly focal: number;
  readonly dice: number;
  readonly iou: number;
}

/** Losses of a step whose gradients are not yet applied. */
export interface StepGradients extends StepLosses {
  /** Squared norm of all gradients together. */
  readonly squaredNorm: number;
  /** Of every module, in gate forms that have scores; before the clip. */
  readonly scores: readonly StepScore[];
}

/** An object of a step, with its first prompt and 32 random bits for each click after it. */
type StepObject = PreparedObject & SupervisedObject & ClickedObject & { readonly words: readonly number[] };

/** A model on the device as a step needs it. */
export interface FrozenModel {
  readonly config: SamConfig;
  readonly weights: Pick<WeightStore, 'range' | 'values'>;
}

/**
 * The training step of one model: encoder forward; the decoder's forward and backward for every chunk of objects and
 * every round of prompts; encoder backward; AdamW. All memory is planned and allocated when it is created.
 */
export class TrainingStep implements MaskPredictor {
  /** Where the losses of the last step stand. */
  private turn = 0;
  private readonly scored: readonly ScoredGate[];

  private constructor(
    private readonly gpu: Gpu,
    private readonly model: FrozenModel,
    private readonly plans: TrainingPlans,
    private readonly pool: Pool,
    private readonly buffers: StepBuffers,
    readonly parameters: ParameterBuffers,
    readonly encoder: TrainingEncoder,
    readonly decoder: TrainingDecoder,
    readonly optimizer: Optimizer,
  ) {
    this.scored = scoredGates(plans.mopeft);
  }

  /**
   * Allocates and binds. The trained tensors are zero until {@link initialise} or a checkpoint fills them.
   * @param kept holds what the encoder makes of images below the first module; its maker clears it.
   * @throws Failure `gpu/…`; nothing stays allocated then.
   */
  static async create(
    gpu: Gpu,
    model: FrozenModel,
    plans: TrainingPlans,
    kept = new TokenCache(),
  ): Promise<TrainingStep> {
    const made: { release(): void }[] = [];
    const keep = <T extends { release(): void }>(part: T): T => {
      made.push(part);
      return part;
    };
    try {
      const parameters = keep(ParameterBuffers.allocate(gpu, plans.layout));
      const buffers = keep(StepBuffers.allocate(gpu, plans));
      // Every plan has all slots of the one pool.
      const pool = keep(Pool.allocate(gpu, plansOf(plans), 'step'));
      const find = inputsOf(model, parameters, buffers);
      const encoder = await TrainingEncoder.create(gpu, plans, pool, buffers, find, kept);
      const decoder = await TrainingDecoder.create(gpu, plans, pool, buffers, encoder.embeddings, find);
      const optimizer = keep(await Optimizer.create(gpu, parameters, plans.optimizer, pool));
      // A device without the memory says so here, before anything is trained.
      await gpu.idle();
      return new TrainingStep(gpu, model, plans, pool, buffers, parameters, encoder, decoder, optimizer);
    } catch (error) {
      for (const part of made) part.release();
      throw error;
    }
  }

  get sam(): SamConfig {
    return this.plans.sam;
  }

  /** What the modules are that it trains. */
  get mopeft(): MopeftConfig {
    return this.plans.mopeft;
  }

  /** The block below which the encoder gives the same for an image however long the run. */
  get cut(): number {
    return cutOf(this.plans.sam, this.plans.mopeft);
  }

  /** First values: modules from the seed, the mask decoder as in the base model; moments are zero. */
  async initialise(seed: number): Promise<void> {
    const inits = new Map(moduleTensors(this.plans.mopeft, this.sam).map(({ name, init }) => [name, init]));
    for (const { name } of this.plans.tensors) {
      const values = inits.get(name)?.(seed) ?? (await this.model.weights.values(name));
      this.parameters.write('param', name, values);
      const zeros = new Float32Array(values.length);
      this.parameters.write('m', name, zeros);
      this.parameters.write('v', name, zeros);
    }
  }

  ask(dataset: number): void {
    this.encoder.dataset = dataset;
  }

  encode(input: Float32Array, key?: string): Promise<void> {
    return this.encoder.encode(input, key);
  }

  gates(): Promise<GateLayer[]> {
    return this.encoder.gates();
  }

  async decode(prompts: readonly ObjectPrompt[]): Promise<DecodedObject[]> {
    const decoded: DecodedObject[] = [];
    for (const chunk of chunks(prompts, this.plans.objectsPerPass))
      decoded.push(...(await this.decoder.decode(packPrompts(chunk, this.sam))));
    return decoded;
  }

  /**
   * Computes the gradients of a batch of as many images as were planned for a step, from zero, and its losses; the weights stay as they are.
   * What methods and gates add to the loss takes part in the gradients and not in the losses.
   * @param corrections corrective clicks after the first prompt.
   * @param random draws the corrective clicks: a word for each, by image, then round, then object.
   * @param moduleRandom draws what methods and gates use in training.
   * @param share of the modules' parameters that the step may keep, where keeping more has a price.
   */
  async gradients(
    images: readonly PreparedImage[],
    corrections: number,
    random: Random,
    moduleRandom: Random,
    share = 1,
  ): Promise<StepGradients> {
    await this.startGradients(images, corrections, random, moduleRandom, share);
    return this.readLosses();
  }

  /** {@link gradients} without waiting for them: what is needed is submitted when this resolves. */
  async startGradients(
    images: readonly PreparedImage[],
    corrections: number,
    random: Random,
    moduleRandom: Random,
    share = 1,
  ): Promise<void> {
    const { imagesPerPass } = this.plans;
    if (images.length % imagesPerPass !== 0)
      throw new RangeError(`${images.length} images in passes of ${imagesPerPass}`);
    this.parameters.clearGradients();
    this.encoder.draw(moduleRandom);
    this.encoder.setBudget(share);
    this.buffers.clear(DECODER.sums);
    const side = lowResOf(this.sam);
    const words = images.map(({ objects }) => drawWords(random, corrections, objects.length));
    for (const [g, group] of chunks(images, imagesPerPass).entries()) {
      await this.encoder.forward(group);
      this.encoder.clearGradient();
      const objects = group.flatMap(({ objects, transform }, image) => {
        const weight = 1 / (images.length * objects.length * (corrections + 1));
        const valid = validCells(transform, side);
        const ofImage = words[g * imagesPerPass + image];
        return objects.map((object, n) => ({
          ...object,
          weight,
          image,
          valid,
          words: ofImage?.map((ofRound) => ofRound[n] ?? 0) ?? [],
        }));
      });
      for (const same of groupPrompts(
        objects.map(({ prompt }) => prompt),
        this.sam,
      ))
        for (const chunk of chunks(
          same.flatMap((i) => objects[i] ?? []),
          this.plans.objectsPerPass,
        ))
          await this.startRounds(chunk, corrections);
      await this.encoder.backward(group.length / images.length);
    }
    const norm = await this.optimizer.measure();
    // In two places by turns, so that one step may be read while the next runs.
    this.turn = 1 - this.turn;
    this.buffers.copy(this.buffers.at(DECODER.sums), RESULTS, this.turn);
    this.buffers.copy(norm, NORM_RESULT, this.turn);
    if (this.scored.length > 0) {
      const gradients = this.scored.map(({ name }) => this.parameters.range('grad', name));
      this.gpu.gather(gradients, this.buffers.at(SCORE_RESULT, this.turn));
    }
  }

  /** The losses of the gradients that were started last. @throws Failure as `Gpu.read` does. */
  async readLosses(): Promise<StepGradients> {
    const part = (name: string) => this.buffers.at(name, this.turn);
    const isScored = this.scored.length > 0;
    const ranges = [part(RESULTS), part(NORM_RESULT), ...(isScored ? [part(SCORE_RESULT)] : [])];
    const [sums, norm, gradients] = await this.gpu.read(...ranges);
    const [focal = Number.NaN, dice = Number.NaN, iou = Number.NaN] = sums ?? [];
    return {
      loss: FOCAL * focal + dice + iou,
      focal,
      dice,
      iou,
      squaredNorm: norm?.[0] ?? Number.NaN,
      scores: this.scored.map(({ method, block }, i) => {
        return { method, block, score: Math.abs(gradients?.[i] ?? Number.NaN) };
      }),
    };
  }

  release(): void {
    this.parameters.release();
    this.buffers.release();
    this.optimizer.release();
    this.pool.release();
  }

  /** All rounds of prompts for objects that share the decoder's passes; their prompts have the same number of tokens. */
  private async startRounds(objects: readonly StepObject[], corrections: number): Promise<void> {
    this.decoder.setObjects(objects);
    this.decoder.setPrompts(
      packPrompts(
        objects.map(({ prompt }) => prompt),
        this.sam,
      ),
    );
    for (let round = 0; round <= corrections; round++) {
      const modes = objects.map(({ prompt }) =>
        round === 0 && isAmbiguous(prompt) ? SUPERVISION_MODES.candidates : SUPERVISION_MODES.unambiguous,
      );
      const words = round < corrections ? objects.map((object) => object.words[round] ?? 0) : null;
      await this.decoder.round(round, objects, modes, words);
    }
  }
}

/** Where a step's inputs come from: the trained tensor of a name comes before the frozen one. */
function inputsOf(model: FrozenModel, parameters: ParameterBuffers, buffers: StepBuffers): FindRange {
  const trained = new Map([...parameters.parameters(), ...parameters.gradients()]);
  return (name) => buffers.ranges.get(name) ?? trained.get(name) ?? model.weights.range(name);
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}

/** Random bits for an image's clicks, by round and object. */
function drawWords(random: Random, corrections: number, objects: number): number[][] {
  return Array.from({ length: corrections }, () => Array.from({ length: objects }, () => random.uint32()));
}
