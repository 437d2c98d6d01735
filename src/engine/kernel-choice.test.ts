import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { MemoryStore } from '../data/memory-store.ts';
import type { Dispatch } from '../gpu/dispatch.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { openTestGpu } from '../testing/device.ts';
import { CHOICES_FILE, chooseKernels } from './kernel-choice.ts';

let device: Gpu;
beforeAll(async () => {
  device = await openTestGpu({ defaultLimits: true });
});
afterAll(() => device?.destroy());

/** The same device as if it were a GPU, with nothing chosen. */
function asGpu(isSoftware = false, info = device.info): Gpu {
  const traits = { value: { isSoftware, hasSubgroups: false }, writable: true };
  return Object.create(device, { traits, info: { value: info } });
}

/** A clock by which the wide tile is faster on the products of these sides. */
function clock(wideWins: readonly number[], microseconds = 100) {
  return vi.fn(async (groups: readonly (readonly Dispatch[])[]) =>
    groups.map(([dispatch]) => {
      const isWide = dispatch?.label === 'matmul:matmul/tile-128';
      const side = (dispatch?.workgroups[0] ?? 0) * (isWide ? 128 : 64);
      return microseconds * (isWide && wideWins.includes(side) ? 0.5 : 1);
    }),
  );
}

const textOf = async (store: MemoryStore) => new TextDecoder().decode(await store.read(CHOICES_FILE));

describe('the choice of kernels', () => {
  let store: MemoryStore;
  beforeEach(() => {
    store = new MemoryStore();
  });

  it.each([
    [[1024, 2048, 4096], 256],
    [[2048, 4096], 1024],
    [[4096], 4096],
    [[], Number.MAX_SAFE_INTEGER],
    [[1024, 2048], Number.MAX_SAFE_INTEGER],
  ])('takes the wide tile where it is faster from a size on: %j', async (wins, wideProductsFrom) => {
    const gpu = asGpu();
    const before = gpu.allocatedBytes;
    await chooseKernels(gpu, store, clock(wins));
    expect(gpu.traits).toEqual({
      isSoftware: false,
      hasSubgroups: false,
      kernels: { wideProductsFrom },
    });
    expect(gpu.allocatedBytes, 'a buffer leaked').toBe(before);
  });

  it('is measured once an adapter and kept', async () => {
    const time = clock([4096]);
    await chooseKernels(asGpu(), store, time);
    const count = time.mock.calls.length;
    const again = asGpu();
    await chooseKernels(again, store, time);
    expect(time).toHaveBeenCalledTimes(count);
    expect(again.traits.kernels).toEqual({ wideProductsFrom: 4096 });
    const other = asGpu(false, { ...device.info, vendor: 'other', architecture: 'new' } as GPUAdapterInfo);
    await chooseKernels(other, store, clock([2048, 4096]));
    expect(other.traits.kernels).toEqual({ wideProductsFrom: 1024 });
    expect(Object.values(JSON.parse(await textOf(store)).adapters)).toEqual([
      { wideProductsFrom: 4096 },
      { wideProductsFrom: 1024 },
    ]);
  });

  it('measures no further size on a slow GPU', async () => {
    const gpu = asGpu();
    const time = clock([1024], 100_000);
    await chooseKernels(gpu, store, time);
    expect(time, 'one size').toHaveBeenCalledTimes(4);
    expect(gpu.traits.kernels).toEqual({ wideProductsFrom: 256 });
  });

  it.each([
    ['damaged', '{"kernels":1,"adap'],
    ['of other kernels', '{"kernels":0,"adapters":{}}'],
    ['not what was written', '{"kernels":1,"adapters":{"a":{"wideProductsFrom":-1}}}'],
  ])('is measured again where the file is %s', async (_, text) => {
    await store.write(CHOICES_FILE, new TextEncoder().encode(text));
    const gpu = asGpu();
    await chooseKernels(gpu, store, clock([4096]));
    expect(gpu.traits.kernels).toEqual({ wideProductsFrom: 4096 });
    expect(JSON.parse(await textOf(store))).toMatchObject({ kernels: 1 });
  });

  it('holds for this time where it cannot be kept', async () => {
    vi.spyOn(store, 'write').mockRejectedValue(new Error('full'));
    const gpu = asGpu();
    await chooseKernels(gpu, store, clock([4096]));
    expect(gpu.traits.kernels).toEqual({ wideProductsFrom: 4096 });
  });

  it('is left to the shape where nothing can be measured, and nothing is kept', async () => {
    const gpu = asGpu();
    const before = gpu.allocatedBytes;
    await chooseKernels(gpu, store, () => Promise.reject(new Error('lost')));
    expect(gpu.traits.kernels).toBeUndefined();
    expect(await store.exists(CHOICES_FILE)).toBe(false);
    expect(gpu.allocatedBytes).toBe(before);
  });

  it('is not made on a software adapter', async () => {
    const gpu = asGpu(true);
    const time = clock([4096]);
    await chooseKernels(gpu, store, time);
    expect(time).not.toHaveBeenCalled();
    expect(gpu.traits.kernels).toBeUndefined();
    expect(await store.exists(CHOICES_FILE)).toBe(false);
  });
});
