import { Failure } from '../config/failure.ts';
import { PARAMS_BYTES, ParamsStore } from './params.ts';
import { PipelineCache } from './pipeline-cache.ts';
import { type PassProfile, type PassTime, PassTimer } from './profile.ts';
import { READBACK_BYTES, Readback } from './readback.ts';
import { ShaderLibrary, type ShaderSources } from './shader-library.ts';
import { noticeLatency, SliceSubmitter } from './slices.ts';
import { SpanClock } from './spans.ts';
import { createTexels, texelBytes } from './texels.ts';
import { type AdapterTraits, narrowSubgroups, readTraits } from './traits.ts';

/** A part of a GPU buffer; `offset` and `size` in bytes, both multiples of 4, `offset` of 256. */
export interface BufferRange {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** How to open a device. */
export interface GpuOptions {
  /** Create the device with WebGPU's default limits, the floor on which everything must run. */
  readonly defaultLimits?: boolean;
}

/** Bytes that every device has from its start: for reading back, and values that passes read. */
export const DEVICE_BYTES = READBACK_BYTES + PARAMS_BYTES;

const USAGE = 0x80 | 0x4 | 0x8; // STORAGE | COPY_SRC | COPY_DST; the flag object does not exist in Node

/** The limits that the engine uses; requested as high as the adapter allows. */
const WANTED_LIMITS = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
] as const;

/** One opened device with its pipelines, its shaders and an account of every byte allocated on it. */
export class Gpu {
  readonly pipelines: PipelineCache;
  readonly params: ParamsStore;
  /** Where this thread's time goes that it spends on the device. */
  readonly spans = new SpanClock();
  readonly slices: SliceSubmitter;
  /** Bytes of all live buffers and textures, {@link DEVICE_BYTES} among them. */
  allocatedBytes = DEVICE_BYTES;
  /** Buffers created so far; a training step must leave it unchanged. */
  allocationCount = 0;
  /** Resolves when the device is lost for any reason but {@link destroy}. */
  readonly lost: Promise<GPUDeviceLostInfo>;
  private readonly readback: Readback;
  private sampler: GPUSampler | null = null;

  private constructor(
    readonly device: GPUDevice,
    readonly info: GPUAdapterInfo,
    /** Changed once, before anything is planned, where kernels were measured. */
    public traits: AdapterTraits,
    readonly shaders: ShaderLibrary,
    latency: number,
  ) {
    this.pipelines = new PipelineCache(device, shaders);
    this.params = new ParamsStore(device, (bytes) => {
      this.allocatedBytes += bytes;
    });
    this.slices = new SliceSubmitter(device, this.spans, latency);
    this.lost = device.lost.then((lost) =>
      lost.reason === 'destroyed' ? new Promise<never>(() => {}) : lost,
    );
    this.watch();
    this.readback = new Readback(device, (mapping) => this.unlessRefused(mapping));
  }

  /**
   * Asks for the strongest adapter and opens a device on it.
   * @throws Failure `gpu/no-webgpu`, `gpu/no-adapter`, `gpu/no-device`.
   */
  static async open(gpu: GPU | undefined, sources: ShaderSources, options: GpuOptions = {}): Promise<Gpu> {
    if (!gpu) {
      throw new Failure({
        code: 'gpu/no-webgpu',
        what: 'This browser has no WebGPU.',
        cure: 'Use a current Chrome, Edge, Firefox or Safari and open the page over https or from localhost.',
      });
    }
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) {
      throw new Failure({
        code: 'gpu/no-adapter',
        what: 'WebGPU is there but no graphics adapter answered.',
        cure: 'Switch on hardware acceleration, update the graphics driver, or start the browser with a software adapter.',
      });
    }
    const features: GPUFeatureName[] = [];
    for (const feature of ['subgroups', 'subgroup-size-control', 'timestamp-query'] as const) {
      if (!options.defaultLimits && adapter.features.has(feature)) features.push(feature);
    }
    const requiredLimits: Record<string, number> = {};
    if (!options.defaultLimits) for (const name of WANTED_LIMITS) requiredLimits[name] = adapter.limits[name];
    let device: GPUDevice;
    try {
      device = await adapter.requestDevice({ requiredFeatures: features, requiredLimits, label: 'mopeft' });
    } catch (cause) {
      throw new Failure(
        {
          code: 'gpu/no-device',
          what: 'The graphics adapter refused a device.',
          cure: 'Close other tabs that use the GPU and reload.',
        },
        { cause },
      );
    }
    // A device that is lost by now is told of by `lost`.
    const latency = await noticeLatency(device).catch(() => 0);
    const traits = readTraits(adapter.info, device.features);
    const shaders = new ShaderLibrary(sources, await narrowSubgroups(device, adapter.info, traits));
    return new Gpu(device, adapter.info, traits, shaders, latency);
  }

  /** The largest buffer that the device may bind, bytes. */
  get bufferLimit(): number {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.device.limits;
    return Math.min(maxBufferSize, maxStorageBufferBindingSize);
  }

  /** A new zeroed storage buffer of `bytes` (rounded up to 4, at least 4). */
  allocate(bytes: number, label: string): GPUBuffer {
    const size = Math.max(4, Math.ceil(bytes / 4) * 4);
    if (size > this.bufferLimit) {
      throw new Failure({
        code: 'gpu/buffer-too-large',
        what: `A buffer of ${size} bytes is needed and the adapter allows ${this.bufferLimit}.`,
        where: label,
        cure: 'Choose a smaller model, a smaller image size or fewer objects a step.',
      });
    }
    this.allocatedBytes += size;
    this.allocationCount += 1;
    return this.device.createBuffer({ size, usage: USAGE, label });
  }

  /** A new texture that holds at least `bytes`, see {@link createTexels}. */
  allocateTexels(bytes: number, label: string): GPUTexture {
    this.allocatedBytes += texelBytes(bytes);
    this.allocationCount += 1;
    return createTexels(this.device, bytes, label);
  }

  /** Gives a texel as it is, by a point in it. */
  get texelSampler(): GPUSampler {
    this.sampler ??= this.device.createSampler({ label: 'texels' });
    return this.sampler;
  }

  /** Gives a texture of {@link allocateTexels} back. */
  releaseTexels(texture: GPUTexture): void {
    this.allocatedBytes -= 16 * texture.width * texture.height;
    texture.destroy();
  }

  /** Gives a buffer back. */
  release(buffer: GPUBuffer): void {
    this.allocatedBytes -= buffer.size;
    buffer.destroy();
  }

  /** A new buffer that holds `data`, as a range. */
  upload(data: Float32Array, label: string): BufferRange {
    const buffer = this.allocate(data.byteLength, label);
    const range = { buffer, offset: 0, size: Math.max(4, data.byteLength) };
    this.write(range, data);
    return range;
  }

  /** Writes `data` at the start of a range. */
  write(range: BufferRange, data: Float32Array): void {
    if (data.byteLength > range.size)
      throw new RangeError(`${data.byteLength} bytes do not fit a range of ${range.size}`);
    this.device.queue.writeBuffer(range.buffer, range.offset, data as Float32Array<ArrayBuffer>);
  }

  /** Copies a range to another of the same size; does nothing where both are the same range. */
  copy(from: BufferRange, to: BufferRange): void {
    if (from.buffer === to.buffer && from.offset === to.offset) return;
    this.gather([from], to);
  }

  /** Copies ranges to one after the other of `to`, which has room for all. */
  gather(from: readonly BufferRange[], to: BufferRange): void {
    const encoder = this.device.createCommandEncoder();
    let { offset } = to;
    for (const range of from) {
      encoder.copyBufferToBuffer(range.buffer, range.offset, to.buffer, offset, range.size);
      offset += range.size;
    }
    this.device.queue.submit([encoder.finish()]);
  }

  /** Fills a range with zeros. */
  clear(range: BufferRange): void {
    const encoder = this.device.createCommandEncoder();
    encoder.clearBuffer(range.buffer, range.offset, range.size);
    this.device.queue.submit([encoder.finish()]);
  }

  /**
   * Reads ranges back, as f32, through staging buffers of fixed size. Nothing may write to the ranges until it
   * resolves.
   * @throws Failure `gpu/out-of-memory` or `gpu/invalid` when the device refused anything since the last read or
   * {@link idle}, since the values cannot be trusted then. The next read starts afresh.
   */
  read(...ranges: readonly BufferRange[]): Promise<Float32Array[]> {
    return this.spans.wait(this.readback.read(ranges));
  }

  /** Waits until everything submitted so far has run. @throws Failure as {@link read} does. */
  async idle(): Promise<void> {
    await this.spans.wait(this.unlessRefused(this.device.queue.onSubmittedWorkDone()));
  }

  /** Runs `work` with every pass timed alone, by the device's timestamps or, without those, by fences: much slower. */
  async profile(work: () => Promise<void>): Promise<PassProfile> {
    const timer = new PassTimer(this.device);
    const passes: PassTime[] = [];
    this.allocatedBytes += timer.bytes;
    this.slices.recorder = { timer, passes };
    try {
      await work();
    } finally {
      this.slices.recorder = null;
      timer.release();
      this.allocatedBytes -= timer.bytes;
    }
    return { clock: timer.clock, passes };
  }

  /** Ends the device and everything on it. */
  destroy(): void {
    this.device.destroy();
  }

  /**
   * Error scopes are always open on the device, and every wait closes them and opens new ones. An error is therefore
   * known before the wait ends, and is reported once. `uncapturederror` events would arrive in a task of their own,
   * perhaps after the values, and would have to be stored and cleared by hand.
   */
  private watch(): void {
    for (const filter of ['internal', 'validation', 'out-of-memory'] as const)
      this.device.pushErrorScope(filter);
  }

  /** Waits; throws what the device has refused so far, otherwise what `waiting` throws. */
  private async unlessRefused(waiting: Promise<void>): Promise<void> {
    // A lost device does not answer here, and `waiting` fails.
    const pop = () => this.device.popErrorScope().catch(() => null);
    // Innermost first.
    const popped = Promise.all([pop(), pop(), pop()]);
    this.watch();
    const waited = waiting.then(
      () => null,
      (error: unknown) => ({ error }),
    );
    const [outOfMemory, invalid, internal] = await popped;
    const failed = await waited;
    // A buffer without memory is invalid wherever it is used, so memory is the cause.
    if (outOfMemory) throw outOfMemoryFailure(outOfMemory);
    const refused = invalid ?? internal;
    if (refused) throw refusedFailure(refused);
    if (failed) throw failed.error;
  }
}

function outOfMemoryFailure({ message }: GPUError): Failure {
  return new Failure({
    code: 'gpu/out-of-memory',
    what: `The GPU has too little free memory for this (${firstLine(message)}).`,
    cure: 'Close what else uses the GPU, or choose fewer objects a pass or a smaller model.',
  });
}

function refusedFailure({ message }: GPUError): Failure {
  return new Failure({
    code: 'gpu/invalid',
    what: `The graphics device refused a command, so its results are not used (${firstLine(message)}).`,
    cure: 'Reload the page and try again; if it stays so, choose a smaller model, or report it with these words.',
  });
}

/** The message without the location in the driver's code. */
function firstLine(message: string): string {
  return message.split('\n', 1).join();
}
