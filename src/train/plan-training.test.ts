import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { MopeftConfig } from '../config/mopeft.ts';
import { parseTrainConfig } from '../config/train.ts';
import type * as graphs from '../graph/graph.ts';
import type { Plan } from '../graph/plan.ts';
import { resolveMopeft } from '../peft/resolve.ts';
import { parseSamConfig } from '../sam/checkpoint/parse-config.ts';
import type { WeightPrecision } from '../sam/halves.ts';
import { countWork, estimateMemory } from './estimate.ts';
import { planRequest, planShapes, planTraining } from './plan-training.ts';
import { plansOf, type TrainingPlans } from './plans.ts';

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
const MOPEFT = { methods: ['lora', 'prefix', 'adapter'] };
const [all, late, decoderOnly] = [MOPEFT, { ...MOPEFT, blocks: 'late' as const }, { methods: [] }].map(
  (request) => resolveMopeft(request, VIT_B),
) as [MopeftConfig, MopeftConfig, MopeftConfig];
const sizes = {
  imagesPerStep: 3,
  objectsPerImage: 5,
  objectsPerPass: 0,
  corrections: 2,
  memory: 0,
  weights: 'f32' as WeightPrecision,
};
/** A device with WebGPU's default limits. */
const device = {
  traits: { isSoftware: false, hasSubgroups: true },
  bufferLimit: 128 * 2 ** 20,
};
const plan = (mopeft: MopeftConfig, more: Partial<typeof sizes> = {}) =>
  planTraining(planRequest(VIT_B, mopeft, { ...sizes, ...more }, device));
const gib = (mopeft: MopeftConfig, more: Partial<typeof sizes> = {}) =>
  estimateMemory(plan(mopeft, more)).peakBytes / 2 ** 30;

describe('planning a training of ViT-B at 1024', () => {
  it('traces each shape of the decoder once, and the encoder once for each choice of what it keeps', () => {
    const plans = plan(all);
    const tried = Math.ceil(Math.log2(12)) + 2;
    expect(graphCount).toBeLessThanOrEqual(3 * plans.objectsPerPass + 3 + 4 + tried);
  });

  it('takes less than a second of the processor', () => {
    const spent = [1, 2, 3].map(() => {
      const before = process.cpuUsage();
      estimateMemory(plan(all));
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    });
    expect(Math.min(...spent)).toBeLessThan(1000);
  });

  it('needs little memory: 0.95 GiB for MoPEFT in all blocks with all objects together, less for late blocks and the decoder alone', () => {
    expect(gib(all)).toBeLessThanOrEqual(0.95);
    expect(gib(late)).toBeLessThanOrEqual(0.88);
    expect(gib(decoderOnly)).toBeLessThanOrEqual(0.69);
  });

  it('takes 178 MiB less with frozen weights in half precision, which is half of them, and no more work', () => {
    for (const mopeft of [all, late]) {
      const objects = { objectsPerPass: 3 };
      const [full, half] = [plan(mopeft, objects), plan(mopeft, { ...objects, weights: 'f16' })];
      const [before, after] = [full, half].map((plans) => estimateMemory(plans).peakBytes / 2 ** 20);
      expect((before ?? 0) - (after ?? 0)).toBeGreaterThan(178);
      expect(half.objectsPerPass).toBe(full.objectsPerPass);
      const counted = (plans: TrainingPlans) =>
        countWork(plans, parseTrainConfig({ objectsPerImage: plans.objectsPerPass })).flops;
      expect(counted(half)).toBe(counted(full));
    }
  });

  it('takes no more than it may, and with more it puts objects together and keeps more blocks', () => {
    const backward = ({ encoder }: TrainingPlans) => encoder.passes.length;
    const [least, little, more, most] = [880, 0, 1280, 6000].map((memory) => plan(all, { memory })) as [
      TrainingPlans,
      TrainingPlans,
      TrainingPlans,
      TrainingPlans,
    ];
    for (const memory of [1000, 1280])
      expect(gib(all, { memory }), `${memory} MiB`).toBeLessThanOrEqual(memory / 1024);
    expect(least.objectsPerPass).toBeLessThan(5);
    expect(little.objectsPerPass).toBe(5);
    expect(more.objectsPerPass).toBe(5);
    expect(backward(most)).toBeLessThan(0.85 * backward(little));
    expect(backward(little), 'dispatches of the encoder').toBeLessThanOrEqual(1010);
    const decoderOf = ({ decoders }: TrainingPlans) => decoders.get('5x4m')?.passes.length;
    expect(decoderOf(little), 'computes what is cheap again').toBeGreaterThan(decoderOf(more) ?? 0);
    expect(decoderOf(little)).toBeLessThanOrEqual(245);
  });

  it('reads nothing inside a step, which it would where the device made no clicks and no norm', () => {
    const plans = plan(all, { memory: 1280 });
    const without = (phase: string, planned: Plan): Plan => ({
      ...planned,
      passes: planned.passes.filter((pass) => pass.phase !== phase),
    });
    const config = parseTrainConfig({ imagesPerStep: 3, corrections: 2 });
    expect(countWork(plans, config).reads).toBe(0);
    const clickless = [...plans.decoders].map(([key, made]) => [key, without('click', made)] as const);
    expect(countWork({ ...plans, decoders: new Map(clickless) }, config).reads).toBe(3 * 2);
    expect(countWork({ ...plans, optimizer: without('norm', plans.optimizer) }, config).reads).toBe(1);
  });

  it('binds no more than 128 MiB, and never one buffer to read and to write', () => {
    for (const mopeft of [all, decoderOnly]) {
      const plans = plan(mopeft, { memory: 1280 });
      expect(estimateMemory(plans).largestBufferBytes).toBeLessThanOrEqual(device.bufferLimit);
      for (const { passes } of plansOf(plans)) {
        for (const { label, pass, homes, bytes } of passes) {
          expect(Math.max(...bytes), label).toBeLessThanOrEqual(device.bufferLimit);
          const slotOf = (i: number) =>
            homes.flatMap((home, j) => (i === j && 'slot' in home ? home.slot : []));
          const slots = (isRead: boolean) =>
            pass.bindings.flatMap((binding, i) => ('input' in binding === isRead ? slotOf(i) : []));
          const written = slots(false);
          expect(new Set(written).size, label).toBe(written.length);
          for (const slot of slots(true)) expect(written, label).not.toContain(slot);
        }
      }
    }
  });

  it('splits the objects where a device allows no buffer for all of them', () => {
    const small = { ...device, bufferLimit: 50 * 2 ** 20 };
    const request = planRequest(VIT_B, all, { ...sizes, objectsPerImage: 32, memory: 16000 }, small);
    const { objectsPerPass } = planTraining(request);
    expect(objectsPerPass).toBeGreaterThan(1);
    expect(() => planShapes(VIT_B, all, [{ objects: 32, tokens: 4, hasMask: true }], small)).toThrow(
      /needs a buffer of/,
    );
  });
});
