import { openNodeGpu } from '../cli/node-gpu.ts';
import type { Gpu, GpuOptions } from '../gpu/gpu.ts';

/** A device under Node for tests. Fails, and says how to get an adapter, where there is none. */
export function openTestGpu(options: GpuOptions = {}): Promise<Gpu> {
  return openNodeGpu(options);
}
