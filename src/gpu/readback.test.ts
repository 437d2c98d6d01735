import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openTestGpu } from '../testing/device.ts';
import { DEVICE_BYTES, type Gpu } from './gpu.ts';
import { STAGING_BYTES } from './readback.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu({ defaultLimits: true });
});
afterAll(() => gpu?.destroy());

/** A buffer of `bytes` whose values count up from `first`. */
function counting(bytes: number, first: number) {
  return gpu.upload(
    Float32Array.from({ length: bytes / 4 }, (_, i) => first + i),
    'counting',
  );
}

/** Index of the first value that does not count up from `first`; -1: all do. */
function firstWrong(values: Float32Array | undefined, first: number): number {
  return values ? values.findIndex((value, i) => value !== Math.fround(first + i)) : 0;
}

describe('reading back', () => {
  it('needs the memory that a device has from its start, whatever is read', async () => {
    const fresh = await openTestGpu();
    expect(fresh.allocatedBytes).toBe(DEVICE_BYTES);
    fresh.destroy();
  });

  it('gives what is longer than a staging buffer whole, beside short ranges, and creates no buffer', async () => {
    const sizes = [8, 2 * STAGING_BYTES + 12, 4, STAGING_BYTES - 8, 20];
    const ranges = sizes.map((bytes, i) => counting(bytes, 1000 * i));
    const create = vi.spyOn(gpu.device, 'createBuffer');
    const values = await gpu.read(...ranges);
    expect(create).not.toHaveBeenCalled();
    create.mockRestore();
    expect(values.map(({ byteLength }) => byteLength)).toEqual(sizes);
    expect(values.map((part, i) => firstWrong(part, 1000 * i))).toEqual(sizes.map(() => -1));
    for (const { buffer } of ranges) gpu.release(buffer);
  });

  it('gives more reads at once than there are staging buffers their own values, in any mix of sizes', async () => {
    const ranges = [4, STAGING_BYTES + 4, 12, 2 * STAGING_BYTES, 8].map((bytes, i) =>
      counting(bytes, 10 * i),
    );
    const values = await Promise.all(ranges.map((range) => gpu.read(range)));
    expect(values.map(([part], i) => firstWrong(part, 10 * i))).toEqual(ranges.map(() => -1));
    for (const { buffer } of ranges) gpu.release(buffer);
  });

  it('goes on after reads that were refused', async () => {
    const range = counting(8, 5);
    const gone = counting(8, 5);
    gpu.release(gone.buffer);
    for (let i = 0; i < 5; i++)
      await expect(gpu.read(gone)).rejects.toMatchObject({ record: { code: 'gpu/invalid' } });
    expect(await Promise.all([gpu.read(range), gpu.read(range), gpu.read(range)])).toEqual(
      [1, 2, 3].map(() => [Float32Array.of(5, 6)]),
    );
    gpu.release(range.buffer);
  });

  it('gives nothing for nothing, and an empty range its no values', async () => {
    expect(await gpu.read()).toEqual([]);
    const { buffer } = counting(8, 1);
    expect(await gpu.read({ buffer, offset: 0, size: 0 })).toEqual([new Float32Array()]);
    gpu.release(buffer);
  });
});
