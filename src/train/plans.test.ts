import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Pool } from '../graph/executable.ts';
import type * as graphs from '../graph/graph.ts';
import type { Plan } from '../graph/plan.ts';
import { resolveMopeft } from '../peft/resolve.ts';
import { parseSamConfig } from '../sam/checkpoint/parse-config.ts';
import { estimateMemory } from './estimate.ts';
import { planRequest, planShapes, planTraining, sharedPlans } from './plans.ts';

let graphCount = 0;
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
beforeEach(() => {
  graphCount = 0;
});

const VIT_B = parseSamConfig({ vision_config: {} }, 'SAM ViT-B');
const mopeft = resolveMopeft({ methods: ['lora', 'prefix', 'adapter'] }, VIT_B);
const sizes = { objectsPerImage: 5, objectsPerPass: 0, corrections: 2 };
const device = {
  traits: { isSoftware: false, hasSubgroups: true, hasF16: true },
  bufferLimit: 2 ** 31,
};

describe('planning a training of ViT-B', () => {
  it('traces the encoder once and the decoder once for each shape', () => {
    const plans = planTraining(planRequest(VIT_B, mopeft, sizes, device));
    estimateMemory(plans);
    expect(plans.decoders.size).toBe(5 * 3);
    expect(graphCount, 'encoder, decoders, optimizer, positions').toBe(1 + 15 + 1 + 1);
  });

  it('takes less than a second of the processor', () => {
    const spent = [1, 2, 3].map(() => {
      const before = process.cpuUsage();
      estimateMemory(planTraining(planRequest(VIT_B, mopeft, sizes, device)));
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    });
    expect(Math.min(...spent)).toBeLessThan(1000);
  });

  it('needs these slots and dispatches', () => {
    const plans = planTraining(planRequest(VIT_B, mopeft, sizes, device));
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
    const { objectsPerPass } = planTraining(
      planRequest(VIT_B, mopeft, { ...sizes, objectsPerImage: 64 }, device),
    );
    expect(graphCount - 3 * objectsPerPass).toBeLessThanOrEqual(3 + 7);
    expect([fits(objectsPerPass), fits(objectsPerPass + 1)]).toEqual([true, false]);
  });
});
