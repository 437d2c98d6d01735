import type { MopeftConfig } from '../config/mopeft.ts';
import type { Random } from '../config/random.ts';
import type { SamConfig } from '../config/sam.ts';
import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import { Executable, type FindRange, type Pool } from '../graph/executable.ts';
import { RANDOM_PREFIX } from '../peft/build.ts';
import { embeddingShapes, mapEmbeddings } from '../sam/encoder.ts';
import type { Embeddings } from '../sam/encoders/encoder.ts';
import { ENCODER, embeddingGradName } from './encoder-graph.ts';
import { type GateLayer, gateLayers } from './gates.ts';
import type { TrainingPlans } from './plans.ts';
import type { StepBuffers } from './step-buffers.ts';

/** Most bytes of embeddings that are kept, in the program's memory. */
const KEPT_BYTES = 256 * 2 ** 20;

/** The image encoder of a training step: its forward keeps what its backward needs. */
export class TrainingEncoder {
  private readonly kept = new Map<string, Embeddings<Float32Array>>();
  private keptBytes = 0;

  private constructor(
    private readonly gpu: Gpu,
    private readonly sam: SamConfig,
    private readonly mopeft: MopeftConfig,
    private readonly isTrained: boolean,
    private readonly buffers: StepBuffers,
    private readonly executable: Executable,
    private readonly evaluation: Executable,
  ) {}

  /** @param pool allocated for the plans; @param find gives weights, accumulators and the step's buffers. */
  static async create(
    gpu: Gpu,
    { sam, mopeft, trainsEncoder, encoder, evaluationEncoder }: TrainingPlans,
    pool: Pool,
    buffers: StepBuffers,
    find: FindRange,
  ): Promise<TrainingEncoder> {
    const executable = await Executable.create(gpu, encoder, pool, find);
    const evaluation = evaluationEncoder
      ? await Executable.create(gpu, evaluationEncoder, pool, find)
      : executable;
    return new TrainingEncoder(gpu, sam, mopeft, trainsEncoder, buffers, executable, evaluation);
  }

  /** Where the embeddings of the encoded image stand. */
  get embeddings(): Embeddings<BufferRange> {
    return mapEmbeddings(embeddingShapes(this.sam), (_, name) => this.executable.output(name));
  }

  /** Draws what methods and gates use in a step's encodings. */
  draw(random: Random): void {
    for (const [name, bytes] of this.executable.plan.inputs) {
      if (!name.startsWith(RANDOM_PREFIX)) continue;
      this.buffers.write(
        name,
        Float32Array.from({ length: bytes / 4 }, () => random.uniform()),
      );
    }
  }

  /** Encodes an image [3, S, S] of a step, for {@link backward}. */
  async forward(input: Float32Array): Promise<void> {
    this.buffers.write(ENCODER.image, input);
    await this.executable.run('forward');
  }

  /**
   * Encodes an image [3, S, S] as the model answers outside of training.
   * @param key names an image that comes again unchanged; a frozen encoder keeps its embeddings while there is room.
   */
  async encode(input: Float32Array, key?: string): Promise<void> {
    const known = key === undefined ? undefined : this.kept.get(key);
    if (known) {
      for (const [name, values] of Object.entries(known))
        this.gpu.write(this.executable.output(name), values);
      return;
    }
    this.buffers.write(ENCODER.image, input);
    await this.evaluation.run('forward');
    for (const [name, range] of Object.entries(this.embeddings))
      this.gpu.copy(this.evaluation.output(name), range);
    if (key === undefined || this.isTrained) return;
    const embeddings = await this.readEmbeddings();
    const bytes = Object.values(embeddings).reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (this.keptBytes + bytes > KEPT_BYTES) return;
    this.kept.set(key, embeddings);
    this.keptBytes += bytes;
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
}
