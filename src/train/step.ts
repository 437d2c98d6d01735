import type { Random } from '../config/random.ts';
import { lowResOf, type SamConfig } from '../config/sam.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { type FindRange, Pool } from '../graph/executable.ts';
import { moduleTensors } from '../peft/tensors.ts';
import { answerToken, isAmbiguous, type ObjectPrompt, packPrompts } from '../sam/prompts.ts';
import type { WeightStore } from '../sam/weights.ts';
import { type SupervisedObject, TrainingDecoder } from './decoder.ts';
import { TrainingEncoder } from './encoder.ts';
import type { GateLayer } from './gates.ts';
import { SUPERVISION_MODES } from './losses.ts';
import type { DecodedObject, MaskPredictor } from './mask-predictor.ts';
import { Optimizer } from './optimizer.ts';
import { ParameterBuffers } from './parameter-buffers.ts';
import type { TrainingPlans } from './plans.ts';
import type { PreparedImage, PreparedObject } from './prepare.ts';
import { correctiveClick } from './prompts.ts';
import { StepBuffers } from './step-buffers.ts';
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
}

/** An object of a step, with its first prompt. */
type StepObject = PreparedObject & SupervisedObject & Pick<PreparedImage, 'transform'>;

type Sums = { -readonly [K in keyof StepLosses]: number };

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
  ) {}

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
      const pool = keep(Pool.allocate(gpu, [plans.encoder], 'step'));
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

  encode(input: Float32Array, key?: string): Promise<void> {
    return this.encoder.encode(input, key);
  }

  gates(): Promise<GateLayer[]> {
    return this.encoder.gates();
  }

  async decode(prompts: readonly ObjectPrompt[]): Promise<DecodedObject[]> {
    const decoded: DecodedObject[] = [];
    for (const chunk of chunks(prompts, this.plans.objectsPerPass))
      decoded.push(...(await this.decoder.decode(packPrompts(chunk))));
    return decoded;
  }

  /**
   * Computes the gradients of a batch of as many images as were planned for a step, from zero, and its losses; the weights stay as they are.
   * What methods and gates add to the loss takes part in the gradients and not in the losses.
   * @param corrections corrective clicks after the first prompt.
   * @param random draws the corrective clicks.
   * @param moduleRandom draws what methods and gates use in training.
   */
  async gradients(
    images: readonly PreparedImage[],
    corrections: number,
    random: Random,
    moduleRandom: Random,
  ): Promise<StepGradients> {
    const { imagesPerPass } = this.plans;
    if (images.length % imagesPerPass !== 0)
      throw new RangeError(`${images.length} images in passes of ${imagesPerPass}`);
    this.parameters.clearGradients();
    this.encoder.draw(moduleRandom);
    const sums: Sums = { loss: 0, focal: 0, dice: 0, iou: 0 };
    for (const group of chunks(images, imagesPerPass)) {
      await this.encoder.forward(group);
      this.encoder.clearGradient();
      const objects = group.flatMap(({ objects, transform }, image) => {
        const weight = 1 / (images.length * objects.length * (corrections + 1));
        return objects.map((object) => ({ ...object, transform, weight, image }));
      });
      for (const chunk of chunks(objects, this.plans.objectsPerPass))
        await this.backpropagateObjects(chunk, corrections, random, sums);
      await this.encoder.backward(group.length / images.length);
    }
    const [squaredNorm] = await this.gpu.read(await this.optimizer.measure());
    return { ...sums, squaredNorm: squaredNorm?.[0] ?? Number.NaN };
  }

  release(): void {
    this.parameters.release();
    this.buffers.release();
    this.optimizer.release();
    this.pool.release();
  }

  /** All rounds of prompts for objects that share the decoder's passes. */
  private async backpropagateObjects(
    objects: readonly StepObject[],
    corrections: number,
    random: Random,
    sums: Sums,
  ): Promise<void> {
    const side = lowResOf(this.sam);
    this.decoder.setObjects(objects);
    let prompts = objects.map(({ prompt }) => prompt);
    for (let round = 0; round <= corrections; round++) {
      const modes = prompts.map((prompt) =>
        isAmbiguous(prompt) ? SUPERVISION_MODES.candidates : SUPERVISION_MODES.unambiguous,
      );
      const pass = await this.decoder.backpropagate(packPrompts(prompts), modes, round < corrections);
      add(sums, pass.losses, pass.parts, objects);
      prompts = prompts.map((prompt, n) => {
        const decoded = pass.objects?.[n];
        const mask = decoded?.masks[answerToken(prompt, decoded.iou)];
        const object = objects[n];
        if (!mask || !object) return prompt;
        const click = correctiveClick(mask, object.target, object.transform, side, random);
        return { ...prompt, points: [...prompt.points, click], mask };
      });
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

/** Adds a pass's weighted losses [N] and unweighted parts [N, 4]. */
function add(
  sums: Sums,
  losses: Float32Array,
  parts: Float32Array,
  objects: readonly Pick<SupervisedObject, 'weight'>[],
): void {
  objects.forEach(({ weight }, n) => {
    const loss = losses[n] ?? Number.NaN;
    sums.loss += loss;
    sums.focal += weight * (parts[4 * n] ?? Number.NaN);
    sums.dice += weight * (parts[4 * n + 1] ?? Number.NaN);
    sums.iou += weight * (parts[4 * n + 2] ?? Number.NaN);
  });
}
