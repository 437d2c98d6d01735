/** What kernels need to know of an adapter. `src/ops/select.ts` chooses kernel families by these and nothing else. */
export interface AdapterTraits {
  /** WebGPU runs on the CPU (SwiftShader, WARP, llvmpipe), where workgroup memory and barriers are very slow. */
  readonly isSoftware: boolean;
  /** Subgroup operations may be used in WGSL. */
  readonly hasSubgroups: boolean;
  /** `shader-f16` may be used in WGSL. */
  readonly hasF16: boolean;
}

/** Reads the traits off an adapter. */
export function readTraits(info: GPUAdapterInfo, features: GPUSupportedFeatures): AdapterTraits {
  const words = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`.toLowerCase();
  return {
    isSoftware: info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render|warp/.test(words),
    hasSubgroups: features.has('subgroups'),
    hasF16: features.has('shader-f16'),
  };
}
