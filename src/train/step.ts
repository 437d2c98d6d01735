import type { Random } from '../config/random.ts';
import { lowResOf, type SamConfig } from '../config/sam.ts';
import type { ImageTransform } from '../data/preprocess.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { Executable, Pool } from '../graph/executable.ts';
import { moduleTensors } from '../peft/tensors.ts';
import type { DecodeShape } from '../sam/graphs.ts';
import { type ObjectPrompt, tokensOf } from '../sam/prompts.ts';
import type { WeightStore } from '../sam/weights.ts';
import { bindingsOf } from './bindings.ts';
import { DECODER, decoderKey } from './decoder-graph.ts';
import { EmbeddingMemory } from './embedding-memory.ts';
import { ENCODER } from './encoder-graph.ts';
import { computeImagePe } from './image-pe.ts';
import { SUPERVISE, SUPERVISION } from './losses.ts';
import { Optimizer, type RangeSettings } from './optimizer.ts';
import { ParameterBuffers, type ParameterRange } from './parameter-buffers.ts';
import { sharedPlans, type TrainingPlans } from './plans.ts';
import { correctiveClick, isAmbiguous } from './prompts.ts';
import {
  answerToken,
  type DecodedObject,
  type GateLayer,
  readGates,
  type Segmenter,
  splitObjects,
} from './segmenter.ts';
import { StepBuffers } from './step-buffers.ts';

/** Prompt tokens of one object: (x, y) in model pixels and labels as SAM's prompt encoder takes them. */
export interface PromptTokens {
  readonly coords: readonly number[];
  readonly labels: readonly number[];
}

/** One object of a prepared image. */
export interface PreparedObject {
  /** [side, side] of 0 and 1 at the low-res grid. */
  readonly target: Float32Array;
  /** The first prompt; all objects of an image have prompts of one shape. */
  readonly prompt: ObjectPrompt;
  /** The first prompt's tokens, where they are not those that the prompt gives. */
  readonly tokens?: PromptTokens;
  /** A value of {@link SUPERVISE}, where it does not follow from the prompt. */
  readonly supervise?: number;
}

/** An image ready for a step. */
export interface PreparedImage {
  /** Normalised and padded, [3, S, S]. */
  readonly input: Float32Array;
  readonly transform: ImageTransform;
  /** At least one. */
  readonly objects: readonly PreparedObject[];
}

/** Means over the objects, rounds and images of a step. `loss` = 20·focal + dice + iou. */
export interface StepLosses {
  readonly loss: number;
  readonly focal: number;
  readonly dice: number;
  readonly iou: number;
}

/** Gradients of a step, not yet applied. */
export interface StepGradients extends StepLosses {
  /** Squared norm of all gradients together. */
  readonly squaredNorm: number;
}

/** Sees what a step computes on its way, for checks of the step. */
export interface StepObserver {
  /** The image `image` of the batch was encoded; the step waits, so that gates and embedding can be read. */
  readonly encoded: (image: number) => Promise<void>;
  /** A pass of the decoder for objects of the image `image`; `parts` [N, 4] as losses.ts has them. */
  readonly decoded: (image: number, answers: readonly DecodedObject[], parts: Float32Array) => void;
}

type Sums = { -readonly [K in keyof StepLosses]: number };

/** What all passes of one image have in common. */
interface DecoderPass {
  readonly corrections: number;
  readonly weight: number;
  readonly random: Random;
  readonly observe: ((answers: DecodedObject[], parts: Float32Array) => void) | undefined;
}

/** A model on the device as a step needs it. */
export interface FrozenModel {
  readonly config: SamConfig;
  readonly weights: Pick<WeightStore, 'range'>;
}

/**
 * The training step of one model: encoder forward, the decoder's forward and backward for every chunk of objects and round
 * of prompts, encoder backward, AdamW. Everything is planned and allocated when it is made; a decoder is bound at its first use.
 */
export class TrainingStep implements Segmenter {
  private readonly decoders = new Map<string, Promise<Executable>>();
  private readonly embeddings = new EmbeddingMemory();

  private constructor(
    private readonly gpu: Gpu,
    private readonly model: FrozenModel,
    private readonly plans: TrainingPlans,
    readonly parameters: ParameterBuffers,
    private readonly buffers: StepBuffers,
    private readonly pools: { readonly encoder: Pool; readonly shared: Pool },
    private readonly encoder: Executable,
    private readonly optimizer: Optimizer,
  ) {}

  /**
   * Allocates and binds. The trained tensors are zero until {@link initialise} or a checkpoint fills them.
   * @throws Failure `gpu/…`; nothing stays allocated then.
   */
  static async create(gpu: Gpu, model: FrozenModel, plans: TrainingPlans): Promise<TrainingStep> {
    const made: { release(): void }[] = [];
    const keep = <T extends { release(): void }>(part: T): T => {
      made.push(part);
      return part;
    };
    try {
      const parameters = keep(ParameterBuffers.allocate(gpu, plans.layout));
      const buffers = keep(StepBuffers.allocate(gpu, plans));
      const pools = {
        encoder: keep(Pool.allocate(gpu, [plans.encoder], 'encoder')),
        shared: keep(Pool.allocate(gpu, sharedPlans(plans), 'decoder')),
      };
      const imagePe = await computeImagePe(gpu, plans.sam, (name) => model.weights.range(name));
      buffers.write(DECODER.imagePe, imagePe);
      buffers.write(DECODER.seed, new Float32Array(plans.objectsPerPass).fill(1));
      const inputs = bindingsOf(plans.encoder, ...sourcesOf(model, parameters, buffers));
      const encoder = await Executable.create(gpu, plans.encoder, pools.encoder, inputs);
      const optimizer = keep(await Optimizer.create(gpu, parameters, plans.optimizer, pools.shared));
      // A device without the memory says so here, before anything is trained.
      await gpu.idle();
      return new TrainingStep(gpu, model, plans, parameters, buffers, pools, encoder, optimizer);
    } catch (error) {
      for (const part of made) part.release();
      throw error;
    }
  }

  get sam(): SamConfig {
    return this.plans.sam;
  }

  /** First values: modules by the seed, the mask decoder as the base model has it; moments are zero. */
  async initialise(seed: number): Promise<void> {
    const drawn = new Map(moduleTensors(this.plans.mopeft, this.sam).map(({ name, init }) => [name, init]));
    for (const { name } of this.plans.tensors) {
      this.parameters.write('param', name, drawn.get(name)?.(seed) ?? (await this.frozen(name)));
    }
    for (const { name } of this.plans.tensors) {
      const range = this.parameters.range('m', name);
      const zeros = new Float32Array(range.size / 4);
      this.parameters.write('m', name, zeros);
      this.parameters.write('v', name, zeros);
    }
  }

  async encode(input: Float32Array, key?: string): Promise<void> {
    const known = key === undefined ? undefined : this.embeddings.get(key);
    if (known) {
      this.gpu.write(this.encoder.output(ENCODER.embedding), known);
      return;
    }
    this.buffers.write(ENCODER.image, input);
    await this.encoder.run('forward');
    // Without modules the encoder is frozen: an image's embedding stays what it is.
    if (key !== undefined && !this.plans.trainsEncoder) this.embeddings.set(key, await this.embedding());
  }

  gates(): Promise<GateLayer[]> {
    return readGates(this.gpu, this.encoder, this.sam, this.plans.mopeft);
  }

  /** The embedding of the encoded image, [h, w, D]. */
  async embedding(): Promise<Float32Array> {
    const [values] = await this.gpu.read(this.encoder.output(ENCODER.embedding));
    return values ?? new Float32Array();
  }

  async decode(prompts: readonly ObjectPrompt[]): Promise<DecodedObject[]> {
    const answers: DecodedObject[] = [];
    for (const chunk of chunks(prompts, this.plans.objectsPerPass)) {
      const decoder = await this.prompted(chunk.map(tokensOf), []);
      await decoder.run('forward');
      const [masks, iou] = await this.gpu.read(decoder.output(DECODER.masks), decoder.output(DECODER.iou));
      if (masks && iou) answers.push(...splitObjects(masks, iou));
    }
    return answers;
  }

  /**
   * The gradients of a batch, from zero, and its losses; the weights stay as they are.
   * @param corrections corrective clicks after the first prompt.
   * @param random draws the corrective clicks.
   */
  async gradients(
    images: readonly PreparedImage[],
    corrections: number,
    random: Random,
    observer?: StepObserver,
  ): Promise<StepGradients> {
    this.parameters.clearGradients();
    const sums: Sums = { loss: 0, focal: 0, dice: 0, iou: 0 };
    for (const [i, image] of images.entries()) {
      const weight = 1 / (images.length * image.objects.length * (corrections + 1));
      await this.encode(image.input);
      await observer?.encoded(i);
      const observe =
        observer && ((answers: DecodedObject[], parts: Float32Array) => observer.decoded(i, answers, parts));
      const pass = { corrections, weight, random, observe };
      if (this.plans.trainsEncoder) this.buffers.clear(ENCODER.dembedding);
      for (const objects of chunks(image.objects, this.plans.objectsPerPass)) {
        await this.backpropagateObjects(objects, image.transform, pass, sums);
      }
      if (this.plans.trainsEncoder) await this.encoder.run('backward');
    }
    const norms = await this.gpu.read(...(await this.optimizer.measure()));
    return { ...sums, squaredNorm: norms.reduce((sum, [part]) => sum + (part ?? Number.NaN), 0) };
  }

  /** AdamW with the gradients of the last {@link gradients}; `update` counts from 1. */
  async update(
    update: number,
    settings: (range: ParameterRange) => RangeSettings,
    gradScale: number,
  ): Promise<void> {
    await this.optimizer.update(update, settings, gradScale);
  }

  release(): void {
    this.parameters.release();
    this.buffers.release();
    this.optimizer.release();
    this.pools.encoder.release();
    this.pools.shared.release();
  }

  /** All rounds of prompts for objects that share the decoder's passes. */
  private async backpropagateObjects(
    objects: readonly PreparedObject[],
    transform: ImageTransform,
    { corrections, weight, random, observe }: DecoderPass,
    sums: Sums,
  ): Promise<void> {
    const side = lowResOf(this.sam);
    this.buffers.write(SUPERVISION.target, concatenate(objects.map(({ target }) => target)));
    this.buffers.write(SUPERVISION.weight, new Float32Array(objects.length).fill(weight));
    let prompts = objects.map(({ prompt }) => prompt);
    for (let round = 0; round <= corrections; round++) {
      const modes = prompts.map(
        (prompt, n) =>
          objects[n]?.supervise ?? (isAmbiguous(prompt) ? SUPERVISE.candidates : SUPERVISE.unambiguous),
      );
      this.buffers.write(SUPERVISION.mode, Float32Array.from(modes));
      const decoder = await this.prompted(
        prompts.map((prompt, n) => (round === 0 && objects[n]?.tokens) || tokensOf(prompt)),
        prompts.flatMap(({ mask }) => (mask ? [mask] : [])),
      );
      await decoder.run();
      const isLast = round === corrections;
      const [losses, parts, masks, iou] = await this.gpu.read(
        decoder.output(DECODER.loss),
        decoder.output(DECODER.parts),
        ...(isLast && !observe ? [] : [decoder.output(DECODER.masks), decoder.output(DECODER.iou)]),
      );
      if (!losses || !parts) throw new RangeError('the losses were not read');
      add(sums, losses, parts, weight);
      if (!masks || !iou) continue;
      const answers = splitObjects(masks, iou);
      observe?.(answers, parts);
      prompts = prompts.map((prompt, n) => {
        const mask = answers[n]?.masks[answerToken(prompt, answers[n]?.iou ?? [])];
        const target = objects[n]?.target;
        if (!mask || !target || isLast) return prompt;
        const click = correctiveClick(mask, target, transform, side, random);
        return { ...prompt, points: [...prompt.points, click], mask };
      });
    }
  }

  /** Writes prompts and gives the decoder's executable for their shape. */
  private async prompted(
    tokens: readonly PromptTokens[],
    masks: readonly Float32Array[],
  ): Promise<Executable> {
    this.buffers.write(DECODER.coords, Float32Array.from(tokens.flatMap(({ coords }) => coords)));
    this.buffers.write(DECODER.labels, Float32Array.from(tokens.flatMap(({ labels }) => labels)));
    if (masks.length > 0) this.buffers.write(DECODER.maskInput, concatenate(masks));
    return this.decoder({
      objects: tokens.length,
      tokens: tokens[0]?.labels.length ?? 0,
      hasMask: masks.length > 0,
    });
  }

  private decoder(shape: DecodeShape): Promise<Executable> {
    const key = decoderKey(shape);
    let executable = this.decoders.get(key);
    if (!executable) {
      const plan = this.plans.decoders.get(key);
      if (!plan) throw new RangeError(`no decoder is planned for ${key}`);
      const embedding = this.encoder.output(ENCODER.embedding);
      const inputs = bindingsOf(
        plan,
        (name) => (name === DECODER.embedding ? embedding : undefined),
        ...sourcesOf(this.model, this.parameters, this.buffers),
      );
      executable = Executable.create(this.gpu, plan, this.pools.shared, inputs);
      this.decoders.set(key, executable);
    }
    return executable;
  }

  private async frozen(name: string): Promise<Float32Array> {
    const range = this.model.weights.range(name);
    if (!range) throw new RangeError(`the model has no weight ${name}`);
    const [values] = await this.gpu.read(range);
    return values ?? new Float32Array();
  }
}

/** Where a step's inputs come from: trained tensors before the frozen ones of the same name. */
function sourcesOf(model: FrozenModel, parameters: ParameterBuffers, buffers: StepBuffers) {
  const trained = new Map([...parameters.parameters(), ...parameters.gradients()]);
  return [
    (name: string) => buffers.ranges.get(name),
    (name: string) => trained.get(name),
    (name: string) => model.weights.range(name),
  ];
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Adds a pass's weighted losses [N] and unweighted parts [N, 4]. */
function add(sums: Sums, losses: Float32Array, parts: Float32Array, weight: number): void {
  losses.forEach((loss, n) => {
    sums.loss += loss;
    sums.focal += weight * (parts[4 * n] ?? Number.NaN);
    sums.dice += weight * (parts[4 * n + 1] ?? Number.NaN);
    sums.iou += weight * (parts[4 * n + 2] ?? Number.NaN);
  });
}
