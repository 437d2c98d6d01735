import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import { Executable, type FindRange, type Pool } from '../graph/executable.ts';
import type { Embeddings } from '../sam/encoders/encoder.ts';
import { cellCoords } from '../sam/prompt-encoder.ts';
import type { PackedPrompts } from '../sam/prompts.ts';
import { DECODER, decoderKey } from './decoder-graph.ts';
import { LOSS_INPUTS } from './losses.ts';
import { type DecodedObject, splitObjects } from './mask-predictor.ts';
import type { TrainingPlans } from './plans.ts';
import type { StepBuffers } from './step-buffers.ts';

/** What a pass with supervision gives for its N objects. */
export interface SupervisedPass {
  /** [N]: weight · (20·focal + dice + iou). */
  readonly losses: Float32Array;
  /** [N, 4], without the weight: focal, dice, iou of what was supervised, and the token. */
  readonly parts: Float32Array;
  /** Null when the masks were not read. */
  readonly objects: DecodedObject[] | null;
}

/**
 * The mask decoder of a training step, on the encoder's embedding. An executable is bound at its shape's first pass.
 */
export class TrainingDecoder {
  private readonly executables = new Map<string, Promise<Executable>>();

  private constructor(
    private readonly gpu: Gpu,
    private readonly plans: TrainingPlans,
    private readonly pool: Pool,
    private readonly buffers: StepBuffers,
    private readonly find: FindRange,
  ) {}

  /**
   * @param pool allocated for the decoder's plans, perhaps among others.
   * @param embeddings the encoder's; @param find gives weights, accumulators and the step's buffers.
   */
  static async create(
    gpu: Gpu,
    plans: TrainingPlans,
    pool: Pool,
    buffers: StepBuffers,
    embeddings: Embeddings<BufferRange>,
    find: FindRange,
  ): Promise<TrainingDecoder> {
    const { sam, objectsPerPass } = plans;
    // In place of the mask prompts, which come later: a buffer of its own would be beyond what was planned.
    const cells = buffers.write(DECODER.maskInput, cellCoords(sam));
    const inputs: FindRange = (name) => (name === 'cells' ? cells : find(name));
    const positions = await Executable.create(gpu, plans.imagePe, pool, inputs);
    await positions.run();
    buffers.copy(positions.output('imagePe'), DECODER.imagePe);
    buffers.write(DECODER.seed, new Float32Array(objectsPerPass).fill(1));
    const encoded = new Map(Object.entries(embeddings));
    return new TrainingDecoder(gpu, plans, pool, buffers, (name) => encoded.get(name) ?? find(name));
  }

  /** Masks without a loss. */
  async decode(prompts: PackedPrompts): Promise<DecodedObject[]> {
    const executable = await this.prepare(prompts);
    await executable.run('forward');
    const [masks, iou] = await this.gpu.read(
      executable.output(DECODER.masks),
      executable.output(DECODER.iou),
    );
    return masks && iou ? splitObjects(masks, iou) : [];
  }

  /** Sets the targets [side, side] of 0, 1 and -1 (ignored) of the passes to come, and the weight of each object's loss. */
  setTargets(targets: readonly Float32Array[], weight: number): void {
    const [first = new Float32Array()] = targets;
    const all = new Float32Array(targets.length * first.length);
    targets.forEach((target, n) => {
      all.set(target, n * first.length);
    });
    this.buffers.write(LOSS_INPUTS.target, all);
    this.buffers.write(LOSS_INPUTS.weight, new Float32Array(targets.length).fill(weight));
  }

  /**
   * Forward, loss and backward: adds to the accumulators of the decoder's tensors and to the embeddings' gradients.
   * @param modes a value of `SUPERVISION_MODES` for each object.
   * @param readsMasks whether the masks are wanted too.
   */
  async backpropagate(
    prompts: PackedPrompts,
    modes: readonly number[],
    readsMasks: boolean,
  ): Promise<SupervisedPass> {
    this.buffers.write(LOSS_INPUTS.mode, Float32Array.from(modes));
    const executable = await this.prepare(prompts);
    await executable.run();
    const [losses, parts, masks, iou] = await this.gpu.read(
      executable.output(DECODER.loss),
      executable.output(DECODER.parts),
      ...(readsMasks ? [executable.output(DECODER.masks), executable.output(DECODER.iou)] : []),
    );
    if (!losses || !parts) throw new RangeError('the losses were not read');
    return { losses, parts, objects: masks && iou ? splitObjects(masks, iou) : null };
  }

  /** Writes prompts and gives the executable for their shape. */
  private prepare({ objects, tokens, coords, labels, maskInput }: PackedPrompts): Promise<Executable> {
    this.buffers.write(DECODER.coords, coords);
    this.buffers.write(DECODER.labels, labels);
    if (maskInput) this.buffers.write(DECODER.maskInput, maskInput);
    const key = decoderKey({ objects, tokens, hasMask: maskInput !== null });
    const known = this.executables.get(key);
    if (known) return known;
    const plan = this.plans.decoders.get(key);
    if (!plan) throw new RangeError(`no decoder is planned for ${key}`);
    const created = Executable.create(this.gpu, plan, this.pool, this.find);
    this.executables.set(key, created);
    return created;
  }
}
