import { ADAMW, type TrainConfig } from '../config/train.ts';
import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import { Executable, type Pool } from '../graph/executable.ts';
import { Graph } from '../graph/graph.ts';
import type { Plan } from '../graph/plan.ts';
import { ADAMW_HYPER, adamw, adamwHyper } from '../ops/adamw/adamw.ts';
import { sumSquares } from '../ops/sum-squares/sum-squares.ts';
import type { TensorGroup } from '../peft/tensors.ts';
import {
  BUFFER_ROLES,
  gradBufferName,
  type ParameterBuffers,
  type ParameterLayout,
  type ParameterRange,
  rangeName,
} from './parameter-buffers.ts';

/** Bytes between two ranges' settings: the alignment of a binding's offset. */
const HYPER_STRIDE = 256;

const hyperName = (range: number) => `flat.hyper.${range}`;
const normName = (buffer: number) => `norm.${buffer}`;

/** What one AdamW update does to a range. */
export interface RangeSettings {
  readonly lr: number;
  readonly weightDecay: number;
}

/**
 * An update: phase `norm` computes the squared norm of all gradients, phase `update` is AdamW per range.
 */
export function optimizerGraph(layout: ParameterLayout): Graph {
  const graph = new Graph();
  graph.phase = 'norm';
  layout.bufferBytes.forEach((bytes, i) => {
    if (bytes > 0) graph.output(normName(i), sumSquares(graph.input(gradBufferName(i), [bytes / 4])));
  });
  graph.phase = 'update';
  layout.ranges.forEach(({ bytes }, i) => {
    const [param, grad, m, v] = BUFFER_ROLES.map((role) => graph.input(rangeName(role, i), [bytes / 4]));
    if (param && grad && m && v) adamw(param, grad, m, v, graph.input(hyperName(i), [ADAMW_HYPER]));
  });
  return graph;
}

/** Bytes of the buffer for the settings of all ranges. */
export function hyperBytes(layout: ParameterLayout): number {
  return HYPER_STRIDE * layout.ranges.length;
}

/** Clips by the global norm and updates every range of the parameter buffers. */
export class Optimizer {
  private constructor(
    private readonly gpu: Gpu,
    private readonly layout: ParameterLayout,
    private readonly hyper: GPUBuffer,
    private readonly executable: Executable,
  ) {}

  /** @param pool allocated for `plan`, perhaps among others. */
  static async create(gpu: Gpu, parameters: ParameterBuffers, plan: Plan, pool: Pool): Promise<Optimizer> {
    const { layout } = parameters;
    const hyper = gpu.allocate(hyperBytes(layout), 'adamw settings');
    const inputs = parameters.flat();
    layout.ranges.forEach((_, i) => {
      inputs.set(hyperName(i), { buffer: hyper, offset: i * HYPER_STRIDE, size: 4 * ADAMW_HYPER });
    });
    try {
      return new Optimizer(
        gpu,
        layout,
        hyper,
        await Executable.create(gpu, plan, pool, (name) => inputs.get(name)),
      );
    } catch (error) {
      gpu.release(hyper);
      throw error;
    }
  }

  /** Computes the squared norm of the gradients; the ranges hold its parts, one a buffer, to be summed. */
  async measure(): Promise<BufferRange[]> {
    await this.executable.run('norm');
    return this.layout.bufferBytes.flatMap((bytes, i) =>
      bytes > 0 ? [this.executable.output(normName(i))] : [],
    );
  }

  /**
   * AdamW over every range, gradients as they are times `gradScale`.
   * @param update number of this update, from 1.
   */
  async update(
    update: number,
    settings: (range: ParameterRange) => RangeSettings,
    gradScale: number,
  ): Promise<void> {
    this.layout.ranges.forEach((range, i) => {
      const hyper = adamwHyper({ ...ADAMW, ...settings(range), step: update, gradScale });
      this.gpu.write({ buffer: this.hyper, offset: i * HYPER_STRIDE, size: 4 * ADAMW_HYPER }, hyper);
    });
    await this.executable.run('update');
  }

  release(): void {
    this.gpu.release(this.hyper);
  }
}

/**
 * The factor that scales gradients of squared norm `squared` to norm `clip`, as PyTorch's `clip_grad_norm_`; clip 0:
 * none.
 */
export function clipScale(squared: number, clip: number): number {
  if (clip === 0) return 1;
  return Math.min(1, clip / (Math.sqrt(squared) + 1e-6));
}

/** The factor of all learning rates at update `step` (from 0) of `steps`: linear warm-up, then half a cosine to 0. */
export function scheduleFactor(
  step: number,
  { steps, warmup }: Pick<TrainConfig, 'steps' | 'warmup'>,
): number {
  const warmupSteps = Math.round(warmup * steps);
  if (step < warmupSteps) return (step + 1) / (warmupSteps + 1);
  const decaySteps = Math.max(1, steps - warmupSteps);
  return 0.5 * (1 + Math.cos((Math.PI * (step - warmupSteps)) / decaySteps));
}

/** The learning rate of each group at update `step` (from 0). */
export function learningRates(step: number, config: TrainConfig): Readonly<Record<TensorGroup, number>> {
  const factor = scheduleFactor(step, config);
  return {
    peft: config.lrPeft * factor,
    gate: config.lrGate * factor,
    decoder: config.lrDecoder * factor,
  };
}
