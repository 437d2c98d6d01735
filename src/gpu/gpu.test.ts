import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openTestGpu } from '../testing/device.ts';
import type { Gpu } from './gpu.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu({ defaultLimits: true });
});
afterAll(() => gpu?.destroy());

const held = (label: string) => gpu.upload(Float32Array.of(1, 2, 3), label);

/** Submits a copy from an invalid buffer, which the device drops without telling the caller. */
function submitInvalid(): void {
  const size = 2 * gpu.device.limits.maxBufferSize;
  const never = gpu.device.createBuffer({ size, usage: 0x4 | 0x8, label: 'never' });
  const encoder = gpu.device.createCommandEncoder();
  encoder.copyBufferToBuffer(never, 0, never, 16, 16);
  gpu.device.queue.submit([encoder.finish()]);
}

describe('what the device refuses', () => {
  it('rejects the next read, whatever that reads, and not the one after it', async () => {
    const range = held('values');
    submitInvalid();
    await expect(gpu.read(range)).rejects.toMatchObject({ record: { code: 'gpu/invalid' } });
    expect(await gpu.read(range)).toEqual([Float32Array.of(1, 2, 3)]);
    gpu.release(range.buffer);
  });

  it('rejects the read of a buffer that is gone', async () => {
    const range = held('gone');
    gpu.release(range.buffer);
    await expect(gpu.read(range)).rejects.toMatchObject({ record: { code: 'gpu/invalid' } });
  });

  it('is told by waiting too', async () => {
    submitInvalid();
    await expect(gpu.idle()).rejects.toMatchObject({ record: { code: 'gpu/invalid' } });
    await gpu.idle();
  });

  it('of reads under way together, rejects the first that was asked for after it', async () => {
    const range = held('together');
    const before = gpu.read(range);
    submitInvalid();
    const [first, second] = [gpu.read(range), gpu.read(range)];
    await expect(first).rejects.toMatchObject({ record: { code: 'gpu/invalid' } });
    expect(await before).toEqual(await second);
    gpu.release(range.buffer);
  });

  it('is called out of memory where that was the cause of what followed', async () => {
    const range = held('cause');
    const original = gpu.device.popErrorScope.bind(gpu.device);
    // Memory cannot be made to run out on every machine: the innermost scope, which is for that, says that it did.
    const pop = vi.spyOn(gpu.device, 'popErrorScope').mockImplementationOnce(async () => {
      await original();
      return { message: 'Allocation failed\n - deep inside' };
    });
    submitInvalid();
    const read = gpu.read(range);
    pop.mockRestore();
    await expect(read).rejects.toMatchObject({
      record: { code: 'gpu/out-of-memory', what: expect.stringMatching(/\(Allocation failed\)/) },
    });
    expect(await gpu.read(range)).toHaveLength(1);
    gpu.release(range.buffer);
  });
});
