import type { ShaderLibrary } from './shader-library.ts';
import { texelLayout } from './texels.ts';

/** A compute pipeline as an op asks for it. */
export interface PipelineRequest {
  /** Path under `shaders/` without the extension. */
  readonly shader: string;
  /** Values of the shader's `override` constants. */
  readonly constants: Readonly<Record<string, number>>;
  /** Present where it reads `struct Params`; the values belong to no pipeline. */
  readonly params?: unknown;
  /** Buffers that it binds; read with `texels` alone. */
  readonly bindings?: readonly unknown[];
  /** Textures that it samples, one for each of `copied`, and buffers that it writes. */
  readonly texels?: { readonly copied: readonly number[]; readonly written: readonly number[] };
}

/** The key of a pipeline: everything that its code depends on. */
export function pipelineKey(request: Pick<PipelineRequest, 'shader' | 'constants'>): string {
  const constants = Object.entries(request.constants).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${request.shader}(${constants.map(([name, value]) => `${name}=${value}`).join(',')})`;
}

/** Compiles every pipeline once. The label of a pipeline is its key and shows in timings and errors. */
export class PipelineCache {
  private readonly modules = new Map<string, GPUShaderModule>();
  private readonly pipelines = new Map<string, Promise<GPUComputePipeline>>();

  constructor(
    private readonly device: GPUDevice,
    private readonly shaders: ShaderLibrary,
  ) {}

  /** Number of pipelines asked for so far. */
  get size(): number {
    return this.pipelines.size;
  }

  get(request: PipelineRequest): Promise<GPUComputePipeline> {
    const key = pipelineKey(request);
    let pipeline = this.pipelines.get(key);
    if (!pipeline) {
      pipeline = this.device.createComputePipelineAsync({
        label: key,
        layout: this.layoutOf(request),
        compute: { module: this.module(request.shader), constants: request.constants },
      });
      this.pipelines.set(key, pipeline);
      // What failed once, perhaps for lack of memory, may succeed at the next request.
      pipeline.catch(() => this.pipelines.delete(key));
    }
    return pipeline;
  }

  /**
   * Begins to compile everything that will be asked for, in the order given. Resolves when it is done; what could not be
   * compiled is told to whoever asks for it.
   * @param onDone is told how many of how many are done, after each.
   */
  async prepare(
    requests: Iterable<PipelineRequest>,
    onDone?: (done: number, total: number) => void,
  ): Promise<void> {
    const pipelines = new Set(Array.from(requests, (request) => this.get(request)));
    let done = 0;
    const count = (): void => onDone?.(++done, pipelines.size);
    await Promise.allSettled(Array.from(pipelines, (pipeline) => pipeline.finally(count)));
  }

  private layoutOf({ bindings, texels, params }: PipelineRequest): GPUPipelineLayout | 'auto' {
    if (!texels) return 'auto';
    const { copied, written } = texels;
    return texelLayout(this.device, {
      buffers: bindings?.length ?? 0,
      written,
      textures: copied.length,
      params: params !== undefined,
    });
  }

  private module(shader: string): GPUShaderModule {
    let module = this.modules.get(shader);
    if (!module) {
      module = this.device.createShaderModule({ label: shader, code: this.shaders.source(shader) });
      this.modules.set(shader, module);
    }
    return module;
  }
}
