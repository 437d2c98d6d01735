import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../../gpu/gpu.ts';
import { openTestGpu } from '../../../testing/device.ts';
import {
  attentionCase,
  type KernelCase,
  layernormCase,
  productCases,
  SHAPES,
  TOLERANCE,
  timeKernel,
} from './kernels.ts';
import { Stopwatch } from './timing.ts';

let gpu: Gpu;
let watch: Stopwatch;
beforeAll(async () => {
  gpu = await openTestGpu();
  watch = new Stopwatch(gpu);
});
afterAll(() => {
  watch?.release();
  gpu?.destroy();
});

const { products, gradients, attentions, rows } = SHAPES.micro;
const CASES: readonly KernelCase[] = [
  ...products.flatMap((shape) => productCases(shape, false)),
  ...gradients.flatMap((shape) => productCases(shape, true)),
  ...attentions.map(attentionCase),
  ...rows.map(layernormCase),
];

describe('a kernel of the GPU bench', () => {
  it.each(CASES.map((each) => [each.name, each] as const))('is checked and timed: %s', async (_, each) => {
    const before = gpu.allocatedBytes;
    const { error, microseconds, gflops, shaders } = await timeKernel(watch, each, gpu.traits.isSoftware);
    expect(error).toBeLessThanOrEqual(TOLERANCE);
    expect(microseconds).toBeGreaterThan(0);
    expect(gflops).toBeCloseTo(each.flops / microseconds / 1e3);
    expect(shaders).toMatch(/\//);
    expect(gpu.allocatedBytes).toBe(before);
  });

  it('is found wrong where one value is', async () => {
    const [first] = CASES;
    if (!first) return;
    let places = 0;
    const expected: KernelCase['expected'] = (inputs, place) =>
      first.expected(inputs, place) + (places++ === 0 ? 1 : 0);
    const { error } = await timeKernel(watch, { ...first, expected }, gpu.traits.isSoftware);
    expect(error).toBeGreaterThan(TOLERANCE);
  });
});
