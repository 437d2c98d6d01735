/** A choice among kernels that give the same values bit for bit, measured once on an adapter. */
export interface KernelChoice {
  /** Tiles of 64 × 64 in a product from which it takes tiles of 128 × 128. */
  readonly wideProductsFrom: number;
}

/** What kernels need to know of an adapter. `src/ops/select.ts` chooses kernel families by these and nothing else. */
export interface AdapterTraits {
  /** WebGPU runs on the CPU (SwiftShader, WARP, llvmpipe), where workgroup memory and barriers are very slow. */
  readonly isSoftware: boolean;
  /** Subgroup operations may be used in WGSL. */
  readonly hasSubgroups: boolean;
  /** Missing where nothing was measured. */
  readonly kernels?: KernelChoice;
}

/** The traits with another choice of kernels. */
export function withKernels(traits: AdapterTraits, kernels: KernelChoice | null): AdapterTraits {
  const { kernels: _, ...others } = traits;
  return kernels ? { ...others, kernels } : others;
}

/** Reads the traits off an adapter. */
export function readTraits(info: GPUAdapterInfo, features: GPUSupportedFeatures): AdapterTraits {
  const words = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`.toLowerCase();
  return {
    isSoftware: info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render|warp/.test(words),
    hasSubgroups: features.has('subgroups'),
  };
}
