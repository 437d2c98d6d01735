import type { MopeftConfig } from '../config/mopeft.ts';
import type { Random } from '../config/random.ts';
import type { SamConfig } from '../config/sam.ts';
import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import { Executable, type FindRange, type Pool } from '../graph/executable.ts';
import type { Plan } from '../graph/plan.ts';
import { BUDGET_INPUT, RANDOM_PREFIX } from '../peft/build.ts';
import { DATASET_INPUT, datasetCount, datasetRows } from '../peft/datasets.ts';
import { embeddingShapes, mapEmbeddings } from '../sam/encoder.ts';
import type { Embeddings } from '../sam/encoders/encoder.ts';
import { ENCODER, embeddingGradName } from './encoder-graph.ts';
import { type GateLayer, gateLayers } from './gates.ts';
import type { TrainingPlans } from './plans.ts';
import type { PreparedImage } from './prepare.ts';
import type { StepBuffers } from './step-buffers.ts';
import type { TokenCache } from './token-cache.ts';

/**
 * The image encoder of a training step: its forward keeps what its backward needs. What lies below the first module, the
 * whole of it where there is none, gives the same for an image however long the run, and is kept by the image's key.
 */
export class TrainingEncoder {
  /** Index of the dataset that {@link encode} asks for. */
  dataset = 0;

  private constructor(
    private readonly gpu: Gpu,
    private readonly sam: SamConfig,
    private readonly mopeft: MopeftConfig,
    private readonly isTrained: boolean,
    private readonly buffers: StepBuffers,
    private readonly kept: TokenCache,
    private readonly lower: Executable | null,
    private readonly executable: Executable,
    private readonly evaluation: Executable,
  ) {}

  /**
   * @param pool allocated for the plans; @param find gives weights, accumulators and the step's buffers.
   * @param kept holds what lies below the first module; whoever made it clears it.
   */
  static async create(
    gpu: Gpu,
    { sam, mopeft, trainsEncoder, lower, encoder, evaluationEncoder }: TrainingPlans,
    pool: Pool,
    buffers: StepBuffers,
    find: FindRange,
    kept: TokenCache,
  ): Promise<TrainingEncoder> {
    const below = lower && (await Executable.create(gpu, lower, pool, find));
    const executable = await Executable.create(gpu, encoder, pool, find);
    const evaluation = evaluationEncoder
      ? await Executable.create(gpu, evaluationEncoder, pool, find)
      : executable;
    return new TrainingEncoder(gpu, sam, mopeft, trainsEncoder, buffers, kept, below, executable, evaluation);
  }

  /** Where the embeddings of the encoded images stand, one after the other. */
  get embeddings(): Embeddings<BufferRange> {
    return mapEmbeddings(embeddingShapes(this.sam), (_, name) => this.executable.output(name));
  }

  /** Draws what methods and gates use in a step's encodings, by block and in the order in which they asked for it. */
  draw(random: Pick<Random, 'uniform'>): void {
    const { inputs } = this.executable.plan;
    const names = [...inputs.keys()].filter((name) => name.startsWith(RANDOM_PREFIX));
    for (const name of names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))) {
      const length = (inputs.get(name) ?? 0) / 4;
      this.buffers.write(
        name,
        Float32Array.from({ length }, () => random.uniform()),
      );
    }
  }

  /** The share of the modules' parameters that a step may keep, where keeping more has a price. */
  setBudget(share: number): void {
    if (this.executable.plan.inputs.has(BUDGET_INPUT))
      this.buffers.write(BUDGET_INPUT, Float32Array.of(share));
  }

  /**
   * Encodes images [3, S, S] of a step, as many as share a pass, for {@link backward}. The key of one names an image that
   * may come again unchanged, as in {@link encode}.
   */
  async forward(images: readonly Pick<PreparedImage, 'input' | 'key' | 'dataset'>[]): Promise<void> {
    this.askFor(images.map(({ dataset }) => dataset));
    for (const [i, { input, key }] of images.entries()) await this.below(input, key, i);
    await this.executable.run('forward');
  }

  /**
   * Encodes an image [3, S, S] as the model answers outside of training.
   * @param key names an image that may come again unchanged: what is made of it below the first module is kept then.
   */
  async encode(input: Float32Array, key?: string): Promise<void> {
    this.askFor([this.dataset]);
    await this.below(input, key, 0);
    await this.evaluation.run('forward');
    for (const [name, range] of Object.entries(this.embeddings)) {
      const one = this.evaluation.output(name);
      this.gpu.copy(one, { ...range, size: one.size });
    }
  }

  /** The embeddings of the encoded image. */
  async readEmbeddings(): Promise<Embeddings<Float32Array>> {
    const names = Object.keys(this.embeddings);
    const values = await this.gpu.read(...Object.values(this.embeddings));
    return mapEmbeddings(this.embeddings, (_, name) => values[names.indexOf(name)] ?? new Float32Array());
  }

  /** The gates of the image of the last {@link encode}, an entry for each block; what is decoded overwrites them. */
  async gates(): Promise<GateLayer[]> {
    const { embeddings } = this;
    const names = [...this.evaluation.plan.outputs.keys()].filter((name) => !(name in embeddings));
    const values = await this.gpu.read(...names.map((name) => this.evaluation.output(name)));
    const outputs = new Map(names.map((name, i) => [name, values[i] ?? new Float32Array()]));
    return gateLayers(this.sam, this.mopeft, outputs);
  }

  /** Sets the gradients of the embeddings to zero; the decoder's passes add to them. */
  clearGradient(): void {
    if (!this.isTrained) return;
    for (const name of Object.keys(this.embeddings)) this.buffers.clear(embeddingGradName(name));
  }

  /**
   * Adds the gradients of the encoder's tensors for the embeddings'; does nothing when none is trained.
   * @param priceWeight by which the gradient of what methods and gates add to the loss is multiplied.
   */
  async backward(priceWeight: number): Promise<void> {
    if (!this.isTrained) return;
    if (this.executable.plan.inputs.has(ENCODER.dprice))
      this.buffers.write(ENCODER.dprice, Float32Array.of(priceWeight));
    await this.executable.run('backward');
  }

  /** Says of each image which dataset is meant, where that changes anything. */
  private askFor(datasets: readonly number[]): void {
    const count = datasetCount(this.mopeft);
    if (count > 0) this.buffers.write(DATASET_INPUT, datasetRows(datasets, count));
  }

  /** Gives the encoder its input for image `index`: the image, or what is made of it below the first module. */
  private async below(input: Float32Array, key: string | undefined, index: number): Promise<void> {
    const { lower } = this;
    const parts = lower ? partsOf(lower.plan) : [];
    const known = lower && key !== undefined && (await this.kept.get(key));
    if (known) {
      for (const { name, from, to } of parts) this.buffers.write(name, known.subarray(from, to), index);
      return;
    }
    this.buffers.write(ENCODER.image, input, lower ? 0 : index);
    if (!lower) return;
    await lower.run();
    for (const { name } of parts) this.buffers.copy(lower.output(name), name, index);
    const count = parts.at(-1)?.to ?? 0;
    if (key === undefined || !this.kept.hasRoom(4 * count)) return;
    const values = new Float32Array(count);
    const read = await this.gpu.read(...parts.map(({ name }) => lower.output(name)));
    parts.forEach(({ from }, i) => {
      values.set(read[i] ?? [], from);
    });
    await this.kept.set(key, values);
  }
}

/** Where each output of a plan lies when all are put one after the other. */
function partsOf({ outputs }: Plan): { readonly name: string; readonly from: number; readonly to: number }[] {
  let to = 0;
  return [...outputs].map(([name, { bytes }]) => {
    const from = to;
    to += bytes / 4;
    return { name, from, to };
  });
}
