import { gridOf, lowResOf } from '../config/sam.ts';
import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import { type Shape, sizeOf } from '../graph/shape.ts';
import { CLICK_DRAW } from '../ops/corrective-click/corrective-click.ts';
import { BUDGET_INPUT, RANDOM_PREFIX } from '../peft/build.ts';
import { DATASET_INPUT, datasetCount } from '../peft/datasets.ts';
import { scoredGates } from '../peft/kept-modules.ts';
import { embeddingShapes } from '../sam/encoder.ts';
import { DECODER } from './decoder-graph.ts';
import { ENCODER, embeddingGradName } from './encoder-graph.ts';
import { LOSS_INPUTS, PARTS } from './losses.ts';
import type { TrainingPlans } from './plans.ts';

/** The name of the buffer for the coords or labels of prompts of so many tokens. */
export function tokensName(input: string, tokens: number): string {
  return `${input}.${tokens}`;
}

/**
 * The names of the buffers for what two steps tell: the sums of the losses, the squared norm of the gradients, and the gradients
 * of gates that are their modules' scores.
 */
export const RESULTS = 'results';
export const NORM_RESULT = 'normResult';
export const SCORE_RESULT = 'scoreResult';

/** Numbers in 256 bytes, to which the second of two halves is aligned. */
const ALIGNED = 64;

/** The inputs of a step that are neither weights nor trained, by name, as large as its largest shape needs. */
function bufferShapes({
  sam,
  mopeft,
  lower,
  encoder,
  imagesPerPass: B,
  objectsPerPass: N,
  maxTokens: T,
}: TrainingPlans): Readonly<Record<string, Shape>> {
  const [grid, side, D] = [gridOf(sam), lowResOf(sam), sam.outputChannels];
  const datasets = datasetCount(mopeft);
  const forModules = [...encoder.inputs].filter(
    ([name]) => name === ENCODER.dprice || name === BUDGET_INPUT || name.startsWith(RANDOM_PREFIX),
  );
  const scores = scoredGates(mopeft).length;
  return {
    ...Object.fromEntries(forModules.map(([name, bytes]) => [name, [bytes / 4]])),
    ...(datasets > 0 && { [DATASET_INPUT]: [B, datasets] }),
    ...Object.fromEntries([...(lower?.outputs ?? [])].map(([name, { bytes }]) => [name, [B, bytes / 4]])),
    [ENCODER.image]: [lower ? 1 : B, 3, sam.imageSize, sam.imageSize],
    ...Object.fromEntries(
      Object.entries(embeddingShapes(sam, B)).map(([name, shape]) => [embeddingGradName(name), shape]),
    ),
    [DECODER.imagePe]: [grid, grid, D],
    ...(B > 1 && { [DECODER.imageIndex]: [N] }),
    // Of every round its own, since a pass reads one and writes the next.
    ...Object.fromEntries(
      Array.from({ length: T }, (_, t) => [
        [tokensName(DECODER.coords, t + 1), [N, t + 1, 2]],
        [tokensName(DECODER.labels, t + 1), [N, t + 1]],
      ]).flat(),
    ),
    [DECODER.draw]: [N, CLICK_DRAW],
    [DECODER.sums]: [PARTS],
    [RESULTS]: [2, PARTS],
    [NORM_RESULT]: [2, 1],
    ...(scores > 0 && { [SCORE_RESULT]: [2, ALIGNED * Math.ceil(scores / ALIGNED)] }),
    [DECODER.maskInput]: [N, side, side],
    [LOSS_INPUTS.target]: [N, side, side],
    [LOSS_INPUTS.mode]: [N],
    [LOSS_INPUTS.weight]: [N],
    [DECODER.seed]: [N],
  };
}

/** Bytes of {@link StepBuffers}. */
export function stepBufferBytes(plans: TrainingPlans): number {
  return Object.values(bufferShapes(plans)).reduce((sum, shape) => sum + 4 * sizeOf(shape), 0);
}

/** Images, what is made of them below the first module, prompts, targets and the embeddings' gradients on the device. */
export class StepBuffers {
  private constructor(
    private readonly gpu: Gpu,
    readonly ranges: ReadonlyMap<string, BufferRange>,
  ) {}

  /** @throws Failure `gpu/buffer-too-large`; nothing stays allocated then. */
  static allocate(gpu: Gpu, plans: TrainingPlans): StepBuffers {
    const ranges = new Map<string, BufferRange>();
    const buffers = new StepBuffers(gpu, ranges);
    try {
      for (const [name, shape] of Object.entries(bufferShapes(plans))) {
        const size = 4 * sizeOf(shape);
        ranges.set(name, { buffer: gpu.allocate(size, name), offset: 0, size });
      }
    } catch (error) {
      buffers.release();
      throw error;
    }
    return buffers;
  }

  /** Writes values into a buffer, after `index` others of their size; gives the range that they take. */
  write(name: string, data: Float32Array, index = 0): BufferRange {
    const range = this.part(name, data.byteLength, index);
    this.gpu.write(range, data);
    return range;
  }

  /** Copies a range into a buffer, after `index` others of its size. */
  copy(from: BufferRange, name: string, index = 0): void {
    this.gpu.copy(from, this.part(name, from.size, index));
  }

  /** A buffer, or a half of one that two steps fill by turns. */
  at(name: string, half?: number): BufferRange {
    const range = this.range(name);
    return half === undefined ? range : this.part(name, range.size / 2, half);
  }

  clear(name: string): void {
    this.gpu.clear(this.range(name));
  }

  release(): void {
    for (const { buffer } of this.ranges.values()) this.gpu.release(buffer);
  }

  private part(name: string, size: number, index: number): BufferRange {
    const { buffer, offset, size: all } = this.range(name);
    if ((index + 1) * size > all) throw new RangeError(`${name} has no room for ${size} bytes at ${index}`);
    return { buffer, offset: offset + index * size, size };
  }

  private range(name: string): BufferRange {
    const range = this.ranges.get(name);
    if (!range) throw new RangeError(`a step has no buffer ${name}`);
    return range;
  }
}
