import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import { Executable, type FindRange, type Pool } from '../graph/executable.ts';
import { clickDraw } from '../ops/corrective-click/corrective-click.ts';
import type { Embeddings } from '../sam/encoders/encoder.ts';
import type { DecodeShape } from '../sam/graphs.ts';
import { cellCoords } from '../sam/prompt-encoder.ts';
import type { PackedPrompts } from '../sam/prompts.ts';
import { DECODER, DECODER_PHASES, roundShape } from './decoder-graph.ts';
import { LOSS_INPUTS } from './losses.ts';
import { type DecodedObject, splitObjects } from './mask-predictor.ts';
import { decoderFor, type TrainingPlans } from './plans.ts';
import { type StepBuffers, tokensName } from './step-buffers.ts';

/** An object that a pass is supervised with. */
export interface SupervisedObject {
  /** [side, side] of 0, 1 and -1 (ignored). */
  readonly target: Float32Array;
  /** By which its loss is multiplied. */
  readonly weight: number;
  /** Number of its image among those that were encoded together. */
  readonly image: number;
}

/** What draws the clicks of the rounds that share a pass, beside the words: the cells of the masks that show the image. */
export interface ClickedObject {
  readonly valid: { readonly width: number; readonly height: number };
}

/** What a pass with supervision gives for its N objects. */
export interface SupervisedPass {
  /** [N]: weight · (20·focal + dice + iou). */
  readonly losses: Float32Array;
  /** [N, 4], without the weight: focal, dice, iou of what was supervised, and the token. */
  readonly parts: Float32Array;
  readonly objects: DecodedObject[];
}

const { forward, sums, click, backward } = DECODER_PHASES;

/**
 * The mask decoder of a training step, on the encoder's embedding. An executable is bound at its shape's first pass.
 */
export class TrainingDecoder {
  /** Tokens of the first round's prompts. */
  private first = 0;
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

  /** Masks without a loss, of the first image. */
  async decode(prompts: PackedPrompts): Promise<DecodedObject[]> {
    this.setImages([]);
    const executable = await this.prepare(prompts);
    await executable.run(forward);
    const [masks, iou] = await this.gpu.read(
      executable.output(DECODER.masks),
      executable.output(DECODER.iou),
    );
    return masks && iou ? splitObjects(masks, iou).slice(0, prompts.objects) : [];
  }

  /** Sets the objects of the passes to come. What a pass is filled up with has no weight. */
  setObjects(objects: readonly SupervisedObject[]): void {
    const pixels = objects[0]?.target.length ?? 0;
    const targets = new Float32Array(objects.length * pixels);
    const weights = new Float32Array(this.plans.objectsPerPass);
    objects.forEach(({ target, weight }, n) => {
      targets.set(target, n * pixels);
      weights[n] = weight;
    });
    this.buffers.write(LOSS_INPUTS.target, targets);
    this.buffers.write(LOSS_INPUTS.weight, weights);
    this.setImages(objects.map(({ image }) => image));
  }

  /**
   * A round of prompts: forward, loss and backward, without waiting for any of it. Adds to the sums of the losses, to the
   * accumulators of the decoder's tensors and to the embeddings' gradients, and makes the prompts of the next round unless it
   * is the last. The prompts of the first round are given, those of others are there.
   * @param modes a value of `SUPERVISION_MODES` for each object.
   * @param words 32 random bits for each object's next click; null: it is the last round.
   */
  async round(
    round: number,
    objects: readonly ClickedObject[],
    modes: readonly number[],
    words: readonly number[] | null,
  ): Promise<void> {
    this.buffers.write(LOSS_INPUTS.mode, Float32Array.from(modes));
    if (words) {
      const rows = objects.map(({ valid }, n) => clickDraw(valid, words[n] ?? 0));
      this.buffers.write(DECODER.draw, Float32Array.from(rows.flat()));
    }
    const executable = await this.executable(roundShape(objects.length, round, this.first));
    await executable.run(forward, sums, ...(words ? [click] : []), backward);
  }

  /** {@link round} for given prompts, with everything that it computes read. */
  async backpropagate(prompts: PackedPrompts, modes: readonly number[]): Promise<SupervisedPass> {
    this.buffers.write(LOSS_INPUTS.mode, Float32Array.from(modes));
    const executable = await this.prepare(prompts);
    await executable.run(forward, backward);
    const [losses, parts, masks, iou] = await this.gpu.read(
      executable.output(DECODER.loss),
      executable.output(DECODER.parts),
      executable.output(DECODER.masks),
      executable.output(DECODER.iou),
    );
    if (!losses || !parts || !masks || !iou) throw new RangeError('the pass was not read');
    const count = prompts.objects;
    return {
      losses: losses.subarray(0, count),
      parts: parts.subarray(0, 4 * count),
      objects: splitObjects(masks, iou).slice(0, count),
    };
  }

  /** Sets the prompts of the first round to come. */
  setPrompts({ tokens, coords, labels }: Pick<PackedPrompts, 'tokens' | 'coords' | 'labels'>): void {
    this.first = tokens;
    if (tokens === 0) return;
    this.buffers.write(tokensName(DECODER.coords, tokens), coords);
    this.buffers.write(tokensName(DECODER.labels, tokens), labels);
  }

  /** Sets each object's image; 0 where none is given. */
  private setImages(images: readonly number[]): void {
    const { imagesPerPass, objectsPerPass } = this.plans;
    if (imagesPerPass === 1) return;
    const index = new Float32Array(objectsPerPass);
    index.set(images);
    this.buffers.write(DECODER.imageIndex, index);
  }

  /** Writes prompts and gives the executable that has room for them. */
  private prepare(prompts: PackedPrompts): Promise<Executable> {
    const { objects, tokens, maskInput } = prompts;
    this.setPrompts(prompts);
    if (maskInput) this.buffers.write(DECODER.maskInput, maskInput);
    return this.executable({ objects, tokens, hasMask: maskInput !== null });
  }

  private executable(shape: DecodeShape): Promise<Executable> {
    const { key, plan } = decoderFor(this.plans, shape);
    const known = this.executables.get(key);
    if (known) return known;
    const names = new Map<string, string>([
      [DECODER.coords, tokensName(DECODER.coords, shape.tokens)],
      [DECODER.labels, tokensName(DECODER.labels, shape.tokens)],
      [DECODER.nextCoords, tokensName(DECODER.coords, shape.tokens + 1)],
      [DECODER.nextLabels, tokensName(DECODER.labels, shape.tokens + 1)],
    ]);
    const find: FindRange = (name) => this.find(names.get(name) ?? name);
    const created = Executable.create(this.gpu, plan, this.pool, find);
    this.executables.set(key, created);
    return created;
  }
}
