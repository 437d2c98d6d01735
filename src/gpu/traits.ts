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
  /**
   * A thread has 128 registers at most: Intel's GPUs in their smallest subgroups, of 8 or 16 threads, and half or a quarter of that in
   * larger ones; Mali, whose subgroups have 16, has 64. Missing where it has more, or it is not known.
   */
  readonly hasFewRegisters?: true;
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
  const { subgroupMinSize: least = 0, subgroupMaxSize: most = 0 } = info;
  return {
    isSoftware: info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render|warp/.test(words),
    hasSubgroups: features.has('subgroups'),
    ...((least === 8 || least === 16) && most <= 32 && { hasFewRegisters: true }),
  };
}

/** Size of the subgroups that kernels with many numbers a thread are to run in; null where none can be asked for, or need be. */
export async function narrowSubgroups(
  device: GPUDevice,
  { subgroupMinSize: least }: GPUAdapterInfo,
  { hasFewRegisters }: AdapterTraits,
): Promise<number | null> {
  // Of 8 and 16 browsers take 16 unless they are asked.
  if (!hasFewRegisters || least !== 8 || !device.features.has('subgroup-size-control')) return null;
  // An adapter may have the size for other shaders only, as Intel's Gen 12 on Windows, or not for so many threads.
  const code = `enable subgroup_size_control; @compute @workgroup_size(256) @subgroup_size(${least}) fn main() {}`;
  const module = device.createShaderModule({ label: 'narrow subgroups', code });
  return device.createComputePipelineAsync({ layout: 'auto', compute: { module } }).then(
    () => least,
    () => null,
  );
}
