import type { Gpu } from '../gpu/gpu.ts';
import type { GpuReady } from './protocol.ts';

/** A device as the studio's header shows it. */
export function gpuReport({ device, info, traits }: Gpu): GpuReady {
  const { limits } = device;
  return {
    state: 'ready',
    vendor: info.vendor,
    architecture: info.architecture,
    description: info.description || info.device,
    isSoftware: traits.isSoftware,
    features: [...device.features].sort(),
    limits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    },
  };
}
