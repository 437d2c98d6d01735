import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../gpu/gpu.ts';
import { openTestGpu } from '../testing/device.ts';

describe('Dawn while it is awaited', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu();
  });
  afterAll(() => gpu?.destroy());

  it('gives what was asked for, and the event loop its turns', async () => {
    const range = gpu.upload(Float32Array.of(1, 2, 3), 'three numbers');
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 0);
    for (let i = 0; i < 20; i++) expect(await gpu.read(range)).toEqual([Float32Array.of(1, 2, 3)]);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
  });

  it('passes a refusal on', async () => {
    const module = gpu.device.createShaderModule({ code: '@compute @workgroup_size(1) fn main() {}' });
    const refused = gpu.device.createComputePipelineAsync({
      layout: 'auto',
      compute: { module, entryPoint: 'other' },
    });
    await expect(refused).rejects.toThrow();
  });
});
