import { NO_ADAPTER } from '../../scripts/toolchain/adapter.mjs';
import { Failure } from '../config/failure.ts';
import { Gpu, type GpuOptions } from '../gpu/gpu.ts';
import { throttleIdleDawn } from './dawn-idle-throttle.ts';
import { readShaders } from './shaders.ts';

/** Kept for the life of the process: Dawn crashes when its instance is collected before its devices. */
let instance: Promise<GPU> | undefined;

/**
 * A device without a browser: Chromium's WebGPU (Dawn) under Node, Firefox's (wgpu) under Deno, which brings it.
 * @throws Failure `gpu/no-adapter`, which says how to get one, where there is none.
 */
export async function openNodeGpu(options: GpuOptions = {}): Promise<Gpu> {
  instance ??= 'Deno' in globalThis ? Promise.resolve(navigator.gpu) : openDawn();
  try {
    return await Gpu.open(await instance, readShaders(), options);
  } catch (thrown) {
    const isMissing = thrown instanceof Failure && thrown.record.code === 'gpu/no-adapter';
    throw isMissing ? new Failure({ code: 'gpu/no-adapter', ...NO_ADAPTER }, { cause: thrown }) : thrown;
  }
}

async function openDawn(): Promise<GPU> {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  throttleIdleDawn();
  // Timestamps as they are: a page may not tell machines apart by them, a person at the command line may.
  return create(['disable-dawn-features=timestamp_quantization']);
}
