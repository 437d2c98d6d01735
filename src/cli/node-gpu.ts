import { create, globals } from 'webgpu';
import { Gpu, type GpuOptions } from '../gpu/gpu.ts';
import { throttleIdleDawn } from './dawn-idle-throttle.ts';
import { readShaders } from './shaders.ts';

Object.assign(globalThis, globals);
throttleIdleDawn();

/** Kept for the life of the process: Dawn crashes when its instance is collected before its devices. */
let instance: GPU | undefined;

/** A device under Node, by Dawn. Fails, and says how to get an adapter, where there is none. */
export async function openNodeGpu(options: GpuOptions = {}): Promise<Gpu> {
  // Timestamps as they are: a page may not tell machines apart by them, a person at the command line may.
  instance ??= create(['disable-dawn-features=timestamp_quantization']);
  return Gpu.open(instance, readShaders(), options);
}
