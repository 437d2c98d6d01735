import type { MopeftConfig } from '../config/mopeft.ts';
import type { SamConfig } from '../config/sam.ts';
import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import { Executable, type FindRange, type Pool } from '../graph/executable.ts';
import { ENCODER } from './encoder-graph.ts';
import { type GateLayer, gateLayers } from './gates.ts';
import type { TrainingPlans } from './plans.ts';
import type { StepBuffers } from './step-buffers.ts';

/** Most bytes of embeddings that are kept, in the program's memory. */
const KEPT_BYTES = 256 * 2 ** 20;

/** The image encoder of a training step: its forward keeps what its backward needs. */
export class TrainingEncoder {
  private readonly kept = new Map<string, Float32Array>();
  private keptBytes = 0;

  private constructor(
    private readonly gpu: Gpu,
    private readonly sam: SamConfig,
    private readonly mopeft: MopeftConfig,
    private readonly isTrained: boolean,
    private readonly buffers: StepBuffers,
    private readonly executable: Executable,
  ) {}

  /** @param pool allocated for the encoder's plan; @param find gives weights, accumulators and the step's buffers. */
  static async create(
    gpu: Gpu,
    { sam, mopeft, trainsEncoder, encoder }: TrainingPlans,
    pool: Pool,
    buffers: StepBuffers,
    find: FindRange,
  ): Promise<TrainingEncoder> {
    const executable = await Executable.create(gpu, encoder, pool, find);
    return new TrainingEncoder(gpu, sam, mopeft, trainsEncoder, buffers, executable);
  }

  /** Where the embedding of the encoded image stands, [h, w, D]. */
  get embedding(): BufferRange {
    return this.executable.output(ENCODER.embedding);
  }

  /**
   * Encodes an image [3, S, S].
   * @param key names an image that comes again unchanged; a frozen encoder then keeps its embedding while there is room.
   */
  async encode(input: Float32Array, key?: string): Promise<void> {
    const known = key === undefined ? undefined : this.kept.get(key);
    if (known) {
      this.gpu.write(this.embedding, known);
      return;
    }
    this.buffers.write(ENCODER.image, input);
    await this.executable.run('forward');
    if (key === undefined || this.isTrained) return;
    const embedding = await this.readEmbedding();
    if (this.keptBytes + embedding.byteLength > KEPT_BYTES) return;
    this.kept.set(key, embedding);
    this.keptBytes += embedding.byteLength;
  }

  async readEmbedding(): Promise<Float32Array> {
    const [values] = await this.gpu.read(this.embedding);
    return values ?? new Float32Array();
  }

  /** The gates of the encoded image, an entry for each block. */
  async gates(): Promise<GateLayer[]> {
    const names = [...this.executable.plan.outputs.keys()].filter((name) => name !== ENCODER.embedding);
    const values = await this.gpu.read(...names.map((name) => this.executable.output(name)));
    const outputs = new Map(names.map((name, i) => [name, values[i] ?? new Float32Array()]));
    return gateLayers(this.sam, this.mopeft, outputs);
  }

  /** Sets the gradient of the embedding to zero; the decoder's passes add to it. */
  clearGradient(): void {
    if (this.isTrained) this.buffers.clear(ENCODER.dembedding);
  }

  /** Adds the gradients of the encoder's tensors for the embedding's; does nothing when none is trained. */
  async backward(): Promise<void> {
    if (this.isTrained) await this.executable.run('backward');
  }
}
