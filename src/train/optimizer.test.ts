import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../gpu/gpu.ts';
import { Pool } from '../graph/executable.ts';
import { planGraph } from '../graph/plan.ts';
import { sizeOf } from '../graph/shape.ts';
import type { TrainableTensor } from '../peft/tensors.ts';
import { openTestGpu } from '../testing/device.ts';
import { Optimizer, optimizerGraph, scheduleFactor } from './optimizer.ts';
import { layoutParameters, ParameterBuffers } from './parameter-buffers.ts';

describe('the schedule', () => {
  const at = (step: number) => scheduleFactor(step, { steps: 100, warmup: 0.05 });

  it('rises over the first 5 %, is 1 there and falls as a cosine towards 0', () => {
    expect([0, 1, 2, 3, 4].map(at)).toEqual([1, 2, 3, 4, 5].map((n) => n / 6));
    expect(at(5)).toBe(1);
    expect(at(52)).toBeGreaterThan(0.5);
    expect(at(53)).toBeLessThan(0.5);
    expect(at(99)).toBeGreaterThan(0);
    expect(at(99)).toBeLessThan(0.001);
  });

  it('works for a single step', () => {
    expect(scheduleFactor(0, { steps: 1, warmup: 0.05 })).toBe(1);
  });
});

describe('an update', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu({ defaultLimits: true });
  });
  afterAll(() => gpu?.destroy());

  const tensor = (name: string, length: number, more: Partial<TrainableTensor> = {}): TrainableTensor => ({
    name,
    shape: [length],
    group: 'peft',
    part: 'encoder',
    decay: true,
    rate: 1,
    ...more,
  });
  const tensors = [tensor('a', 3), tensor('b', 130), tensor('bias', 7, { decay: false })];
  const settings = ({ decay }: { readonly decay: boolean }) =>
    decay ? { lr: 0.1, weightDecay: 0.5 } : { lr: 0.3, weightDecay: 0 };

  /** Trained tensors of ones after updates with gradients of `grad`; `limit` decides how many buffers there are. */
  async function updated(limit: number, grad: number, clip: number) {
    const layout = layoutParameters(tensors, limit);
    const plan = planGraph(optimizerGraph(layout), gpu.traits);
    const parameters = ParameterBuffers.allocate(gpu, layout);
    const pool = Pool.allocate(gpu, [plan], 'optimizer');
    const optimizer = await Optimizer.create(gpu, parameters, plan, pool);
    for (const { name, shape } of layout.tensors) {
      parameters.write('param', name, new Float32Array(sizeOf(shape)).fill(1));
      parameters.write('grad', name, new Float32Array(sizeOf(shape)).fill(grad));
    }
    const [norm] = await gpu.read(await optimizer.measure());
    await optimizer.update(1, settings, clip);
    const [values, moments] = [await parameters.read('param'), await parameters.read('m')];
    for (const part of [optimizer, parameters, pool]) part.release();
    const first = (map: ReadonlyMap<string, Float32Array>) =>
      tensors.map(({ name }) => map.get(name)?.[0] ?? 0);
    return {
      plan,
      buffers: layout.bufferBytes.length,
      squaredNorm: norm?.[0],
      values: first(values),
      m: first(moments),
    };
  }

  it('takes two dispatches for the norm and one for all ranges of a buffer', async () => {
    const { plan, squaredNorm, values, m } = await updated(1 << 20, 2, 0);
    expect(plan.passes.map(({ phase }) => phase)).toEqual(['norm', 'norm', 'update']);
    expect(squaredNorm).toBe(4 * 140);
    // The first step of AdamW is the learning rate in the gradient's direction.
    for (const [i, expected] of [1 - 0.05 - 0.1, 1 - 0.05 - 0.1, 1 - 0.3].entries())
      expect(values[i]).toBeCloseTo(expected, 6);
    for (const value of m) expect(value).toBeCloseTo(0.2, 6);
  });

  it('clips by the norm of all buffers together', async () => {
    const [one, several] = [await updated(1 << 20, 2, 1), await updated(1024, 2, 1)];
    expect([one.buffers, several.buffers]).toEqual([1, 2]);
    for (const { squaredNorm, m } of [one, several]) {
      expect(squaredNorm).toBe(4 * 140);
      for (const value of m) expect(value).toBeCloseTo((0.1 * 2) / Math.sqrt(4 * 140), 6);
    }
    for (const value of (await updated(1 << 20, 2, 1000)).m) expect(value).toBeCloseTo(0.2, 6);
  });

  it('changes nothing where a gradient is not finite', async () => {
    const { squaredNorm, values, m } = await updated(1 << 20, Number.NaN, 1);
    expect(squaredNorm).toBeNaN();
    expect(values).toEqual([1, 1, 1]);
    expect(m).toEqual([0, 0, 0]);
  });
});
