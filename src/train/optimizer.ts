import { ADAMW, type TrainConfig } from '../config/train.ts';
import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import { Executable, type Pool } from '../graph/executable.ts';
import { Graph } from '../graph/graph.ts';
import type { Plan } from '../graph/plan.ts';
import { ADAMW_HYPER, ADAMW_RANGE, adamw, adamwHyper, adamwRanges } from '../ops/adamw/adamw.ts';
import { sumSquares } from '../ops/sum-squares/sum-squares.ts';
import type { TensorGroup } from '../peft/tensors.ts';
import {
  ALIGNMENT,
  type BufferRole,
  bufferName,
  type ParameterBuffers,
  type ParameterLayout,
  type ParameterRange,
} from './parameter-buffers.ts';

const NORM = 'adamw.norm';
const HYPER = 'adamw.hyper';
const rangesName = (buffer: number) => `adamw.ranges.${buffer}`;

/** What one AdamW update does to a range. */
export interface RangeSettings {
  readonly lr: number;
  readonly weightDecay: number;
}

/** The phases of an update, in their order. */
export const OPTIMIZER_PHASES = { norm: 'norm', update: 'update' } as const;

/**
 * An update: phase `norm` computes the squared norm of all gradients, phase `update` is AdamW, one dispatch a buffer.
 */
export function optimizerGraph(layout: ParameterLayout): Graph {
  const graph = new Graph();
  const squaredNorm = graph.input(NORM, [1]);
  const buffers = filledBuffers(layout);
  graph.phase = OPTIMIZER_PHASES.norm;
  buffers.forEach(({ buffer, length }, i) => {
    sumSquares(squaredNorm, graph.input(bufferName('grad', buffer), [length]), { isMore: i > 0 });
  });
  graph.phase = OPTIMIZER_PHASES.update;
  for (const { buffer, length, ranges } of buffers) {
    const flat = (role: BufferRole) => graph.input(bufferName(role, buffer), [length]);
    adamw({
      param: flat('param'),
      grad: flat('grad'),
      m: flat('m'),
      v: flat('v'),
      hyper: graph.input(HYPER, [ADAMW_HYPER]),
      ranges: graph.input(rangesName(buffer), [ranges.length, ADAMW_RANGE]),
      squaredNorm,
    });
  }
  return graph;
}

/** The parameter buffers that hold anything: their values, and their ranges in order. */
function filledBuffers({ bufferBytes, ranges }: ParameterLayout) {
  return bufferBytes
    .map((bytes, buffer) => ({
      buffer,
      length: bytes / 4,
      ranges: ranges.filter((range) => range.buffer === buffer),
    }))
    .filter(({ length }) => length > 0);
}

/** Places within the optimizer's own buffer, bytes by the graph's inputs. */
function ownRanges(layout: ParameterLayout): { places: Map<string, Place>; bytes: number } {
  const lengths = new Map([
    [NORM, 1],
    [HYPER, ADAMW_HYPER],
    ...filledBuffers(layout).map(
      ({ buffer, ranges }) => [rangesName(buffer), ADAMW_RANGE * ranges.length] as const,
    ),
  ]);
  const places = new Map<string, Place>();
  let bytes = 0;
  for (const [name, length] of lengths) {
    places.set(name, { offset: bytes, size: 4 * length });
    bytes += Math.ceil((4 * length) / ALIGNMENT) * ALIGNMENT;
  }
  return { places, bytes };
}

type Place = Pick<BufferRange, 'offset' | 'size'>;

/** Bytes of the buffer for the norm and the settings. */
export function settingsBytes(layout: ParameterLayout): number {
  return ownRanges(layout).bytes;
}

/** Clips by the global norm and updates the parameter buffers. */
export class Optimizer {
  private constructor(
    private readonly gpu: Gpu,
    private readonly layout: ParameterLayout,
    private readonly own: GPUBuffer,
    private readonly executable: Executable,
  ) {}

  /** @param pool allocated for `plan`, perhaps among others. */
  static async create(gpu: Gpu, parameters: ParameterBuffers, plan: Plan, pool: Pool): Promise<Optimizer> {
    const { layout } = parameters;
    const { places, bytes } = ownRanges(layout);
    const buffer = gpu.allocate(bytes, 'adamw settings');
    const inputs = parameters.flat();
    for (const [name, place] of places) inputs.set(name, { buffer, ...place });
    try {
      const executable = await Executable.create(gpu, plan, pool, (name) => inputs.get(name));
      return new Optimizer(gpu, layout, buffer, executable);
    } catch (error) {
      gpu.release(buffer);
      throw error;
    }
  }

  /** Computes the squared norm of all gradients, [1]; it stays there until the next one is measured. */
  async measure(): Promise<BufferRange> {
    await this.executable.run(OPTIMIZER_PHASES.norm);
    return { buffer: this.own, ...this.place(NORM) };
  }

  /**
   * AdamW over every range. Changes nothing where the norm measured last is not finite.
   * @param update number of this update, from 1.
   * @param clip gradients are scaled down to this norm if the one measured last is larger; 0: they are not.
   */
  async update(
    update: number,
    settings: (range: ParameterRange) => RangeSettings,
    clip: number,
  ): Promise<void> {
    this.write(HYPER, adamwHyper({ ...ADAMW, step: update, clip }));
    for (const { buffer, ranges } of filledBuffers(this.layout)) {
      const rows = ranges.map((range) => ({ start: range.offset / 4, ...settings(range) }));
      this.write(rangesName(buffer), adamwRanges(rows));
    }
    await this.executable.run(OPTIMIZER_PHASES.update);
  }

  release(): void {
    this.gpu.release(this.own);
  }

  private write(name: string, values: Float32Array): void {
    this.gpu.write({ buffer: this.own, ...this.place(name) }, values);
  }

  private place(name: string): Place {
    const place = ownRanges(this.layout).places.get(name);
    if (!place) throw new RangeError(`the optimizer has no ${name}`);
    return place;
  }
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
