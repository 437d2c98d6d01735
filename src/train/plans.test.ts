import { beforeEach, describe, expect, it, vi } from 'vitest';
import { parseTrainConfig } from '../config/train.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { Pool } from '../graph/executable.ts';
import type * as graphs from '../graph/graph.ts';
import type * as planning from '../graph/plan.ts';
import type { Plan } from '../graph/plan.ts';
import { resolveMopeft } from '../peft/resolve.ts';
import { parseSamConfig } from '../sam/checkpoint/parse-config.ts';
import type { SamModel } from '../sam/weights.ts';
import type { RunStorage } from './checkpoint.ts';
import { estimateMemory } from './estimate.ts';
import { Trainer } from './loop.ts';
import { planShapes, planTraining, sharedPlans, trainingPlans } from './plans.ts';
import { localData } from './training-data.ts';

let graphCount = 0;
let planCount = 0;
vi.mock('../graph/graph.ts', async (load) => {
  const original = await load<typeof graphs>();
  class CountedGraph extends original.Graph {
    constructor() {
      super();
      graphCount += 1;
    }
  }
  return { ...original, Graph: CountedGraph };
});
vi.mock('../graph/plan.ts', async (load) => {
  const original = await load<typeof planning>();
  const planGraph: typeof original.planGraph = (...args) => {
    planCount += 1;
    return original.planGraph(...args);
  };
  return { ...original, planGraph };
});
beforeEach(() => {
  graphCount = 0;
  planCount = 0;
});

/** A run's storage that is never asked. */
const storage: RunStorage = {
  readCheckpoint: () => Promise.reject(new Error('not asked')),
  writeCheckpoint: () => Promise.reject(new Error('not asked')),
  readBest: () => Promise.reject(new Error('not asked')),
  writeBest: () => Promise.reject(new Error('not asked')),
};

const VIT_B = parseSamConfig({ vision_config: {} }, 'SAM ViT-B');
const mopeft = resolveMopeft({ methods: ['lora', 'prefix', 'adapter'] }, VIT_B);
const sizes = { objectsPerImage: 5, objectsPerPass: 0, corrections: 2 };
const device = {
  traits: { isSoftware: false, hasSubgroups: true, hasF16: true },
  bufferLimit: 2 ** 31,
};

describe('planning a training of ViT-B', () => {
  it('traces the encoder once and the decoder once for each shape', () => {
    const plans = planTraining(VIT_B, mopeft, sizes, device);
    estimateMemory(plans);
    expect(plans.decoders.size).toBe(5 * 3);
    expect(graphCount, 'encoder, decoders, optimizer').toBe(1 + 15 + 1);
  });

  it('can be done in pieces, each of which traces or plans one graph at most', () => {
    const pieces = trainingPlans(VIT_B, mopeft, sizes, device);
    const work: number[] = [];
    for (let isDone = false; !isDone; ) {
      const before = graphCount + planCount;
      isDone = pieces.next().done ?? false;
      work.push(graphCount + planCount - before);
    }
    // The optimizer, the last, is a few passes; it is traced and planned at once.
    expect(work.pop()).toBe(2);
    expect(Math.max(...work)).toBe(1);
    expect(work.length).toBeGreaterThan(2 * 15);
  });

  it('lets others have the thread between the pieces when a run starts', async () => {
    const work: number[] = [];
    let before = 0;
    let ticker = setImmediate(function tick() {
      work.push(graphCount + planCount - before);
      before = graphCount + planCount;
      ticker = setImmediate(tick);
    });
    const gpu = device as unknown as Gpu;
    const model = { config: VIT_B } as SamModel;
    const parts = {
      gpu,
      model,
      mopeft,
      config: parseTrainConfig({}),
      data: localData(VIT_B, parseTrainConfig({}), []),
      storage,
    };
    // Without a dataset it ends right after planning, before it needs a device.
    const opening = Trainer.open({ ...parts, emit: () => undefined });
    await expect(opening).rejects.toMatchObject({ record: { code: 'train/no-images' } });
    clearImmediate(ticker);
    expect(Math.max(...work)).toBeLessThanOrEqual(2);
    expect(work.filter((done) => done > 0).length).toBeGreaterThan(2 * 15);

    const plans = planTraining(VIT_B, mopeft, parseTrainConfig({}), device);
    graphCount = 0;
    const planned = Trainer.open({ ...parts, plans, emit: () => undefined });
    await expect(planned).rejects.toMatchObject({ record: { code: 'train/no-images' } });
    expect(graphCount, 'what was planned before is not planned again').toBe(0);
  });

  it('takes less than a second of the processor', () => {
    const spent = [1, 2, 3].map(() => {
      const before = process.cpuUsage();
      estimateMemory(planTraining(VIT_B, mopeft, sizes, device));
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    });
    expect(Math.min(...spent)).toBeLessThan(1000);
  });

  it('needs these slots and dispatches', () => {
    const plans = planTraining(VIT_B, mopeft, sizes, device);
    const sizeOf = ({ slotBytes, poolBytes, passes }: Plan) => [slotBytes.length, poolBytes, passes.length];
    expect(plans.encoder.poolBytes).toBeLessThanOrEqual(702_288_596);
    expect(plans.encoder.passes.length).toBeLessThanOrEqual(2087);
    expect([...plans.decoders].map(([key, plan]) => [key, ...sizeOf(plan)])).toEqual([
      ['1x2', 143, 98_307_612, 552],
      ['1x3m', 144, 98_349_172, 560],
      ['1x4m', 144, 98_394_316, 560],
      ['2x2', 145, 192_436_904, 552],
      ['2x3m', 146, 192_400_344, 560],
      ['2x4m', 147, 192_751_768, 560],
      ['3x2', 147, 286_668_596, 552],
      ['3x3m', 147, 286_843_964, 560],
      ['3x4m', 147, 287_019_332, 560],
      ['4x2', 147, 380_783_552, 552],
      ['4x3m', 146, 380_899_616, 560],
      ['4x4m', 147, 381_167_616, 560],
      ['5x2', 149, 475_012_972, 552],
      ['5x3m', 149, 475_308_292, 560],
      ['5x4m', 148, 475_494_556, 560],
    ]);
    const shared = Pool.sizes(sharedPlans(plans));
    expect(shared).toHaveLength(149);
    expect(shared.reduce((sum, bytes) => sum + bytes, 0)).toBe(475_598_452);
  });
});

describe('the objects of a pass', () => {
  const fits = (objects: number) => {
    const shape = { objects, tokens: 4, hasMask: true };
    const [plan] = planShapes(VIT_B, mopeft, [shape], device).decoders.values();
    return (plan?.poolBytes ?? 0) <= 512 * 2 ** 20;
  };

  it('are as many as the budget allows, found without planning every number', () => {
    const { objectsPerPass } = planTraining(VIT_B, mopeft, { ...sizes, objectsPerImage: 64 }, device);
    expect(graphCount - 3 * objectsPerPass).toBeLessThanOrEqual(2 + 7);
    expect([fits(objectsPerPass), fits(objectsPerPass + 1)]).toEqual([true, false]);
  });
});
