import { create, globals } from 'webgpu';
import { NO_ADAPTER } from '../../scripts/toolchain/adapter.mjs';
import { Failure } from '../config/failure.ts';
import { Gpu, type GpuOptions } from '../gpu/gpu.ts';
import { throttleIdleDawn } from './dawn-idle-throttle.ts';
import { readShaders } from './shaders.ts';

Object.assign(globalThis, globals);
throttleIdleDawn();

/** Kept for the life of the process: Dawn crashes when its instance is collected before its devices. */
let instance: GPU | undefined;

/** A device under Node, by Dawn. @throws Failure `gpu/no-adapter`, which says how to get one, where there is none. */
export async function openNodeGpu(options: GpuOptions = {}): Promise<Gpu> {
  // Timestamps as they are: a page may not tell machines apart by them, a person at the command line may.
  instance ??= create(['disable-dawn-features=timestamp_quantization']);
  try {
    return await Gpu.open(instance, readShaders(), options);
  } catch (thrown) {
    const isMissing = thrown instanceof Failure && thrown.record.code === 'gpu/no-adapter';
    throw isMissing ? new Failure({ code: 'gpu/no-adapter', ...NO_ADAPTER }, { cause: thrown }) : thrown;
  }
}
