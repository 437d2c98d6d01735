import { vi } from 'vitest';
import { openNodeGpu } from '../cli/node-gpu.ts';
import type { Gpu, GpuOptions } from '../gpu/gpu.ts';

/** A device under Node for tests. Fails, and says how to get an adapter, where there is none. */
export function openTestGpu(options: GpuOptions = {}): Promise<Gpu> {
  return openNodeGpu(options);
}

/**
 * Makes the device refuse every buffer of a label, as one without memory does, until the function that it gives is
 * called.
 */
export function refuseBuffers({ device }: Gpu, label: string): () => void {
  const create = device.createBuffer.bind(device);
  const spy = vi.spyOn(device, 'createBuffer').mockImplementation((descriptor) => {
    // MAP_READ does not go with STORAGE: the buffer is invalid, its size what was asked for.
    return create(descriptor.label === label ? { ...descriptor, usage: 0x1 | 0x80 } : descriptor);
  });
  return () => spy.mockRestore();
}

/** A function that gives the most bytes that were allocated at any time from now on. */
export function mostAllocated(device: Gpu): () => number {
  const allocate = device.allocate.bind(device);
  let most = device.allocatedBytes;
  vi.spyOn(device, 'allocate').mockImplementation((bytes, label) => {
    const buffer = allocate(bytes, label);
    most = Math.max(most, device.allocatedBytes);
    return buffer;
  });
  return () => most;
}
