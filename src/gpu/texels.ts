import { PARAMS_BINDING } from './params.ts';

/** Vectors of four in a row of a texture; `shaders/lib/matmul-texels.wgsl` has the same. */
const ROW = 1024;
const ROW_BYTES = 16 * ROW;
/** Bytes that a texture holds with WebGPU's default limits, 8,192 rows: 128 MiB. */
export const MOST_TEXEL_BYTES = 8192 * ROW_BYTES;

/** Copies a buffer to a texture before a dispatch that reads it there. */
export interface TexelCopy {
  /** Bytes of a buffer: whole vectors of four. */
  readonly from: { readonly buffer: GPUBuffer; readonly offset: number; readonly size: number };
  readonly to: GPUTexture;
}

/** Bytes of the texture that holds so many: whole rows, whose middles f32 tells apart by their part of any height up to 8,192. */
export function texelBytes(bytes: number): number {
  return ROW_BYTES * Math.ceil(bytes / ROW_BYTES);
}

/**
 * A texture (rgba32float) that dispatches read an operand from, in vectors of four. What is in it is copied right before each
 * dispatch, so all that never run at the same time share one.
 * @param bytes at most {@link MOST_TEXEL_BYTES}.
 */
export function createTexels(device: GPUDevice, bytes: number, label: string): GPUTexture {
  return device.createTexture({
    size: [ROW, texelBytes(bytes) / ROW_BYTES],
    format: 'rgba32float',
    // COPY_DST | TEXTURE_BINDING; the flag object does not exist in Node.
    usage: 0x2 | 0x4,
    label,
  });
}

/** The layout of a pass that has `buffers`, some of them written, then textures and their sampler, and perhaps `params`. */
export function texelLayout(
  device: GPUDevice,
  {
    buffers,
    written,
    textures,
    params,
  }: { buffers: number; written: readonly number[]; textures: number; params: boolean },
): GPUPipelineLayout {
  const resources: Omit<GPUBindGroupLayoutEntry, 'binding' | 'visibility'>[] = [
    ...Array.from({ length: buffers }, (_, i) => ({
      buffer: { type: written.includes(i) ? ('storage' as const) : ('read-only-storage' as const) },
    })),
    ...Array.from({ length: textures }, () => ({ texture: { sampleType: 'unfilterable-float' as const } })),
    { sampler: { type: 'non-filtering' } },
  ];
  // COMPUTE; the flag object does not exist in Node.
  const entries: GPUBindGroupLayoutEntry[] = resources.map((resource, binding) => ({
    binding,
    visibility: 0x4,
    ...resource,
  }));
  if (params) entries.push({ binding: PARAMS_BINDING, visibility: 0x4, buffer: { type: 'uniform' } });
  return device.createPipelineLayout({ bindGroupLayouts: [device.createBindGroupLayout({ entries })] });
}

/** Records a copy: whole rows, then what is left of the last. */
export function encodeTexelCopy(encoder: GPUCommandEncoder, { from, to }: TexelCopy): void {
  const { buffer, offset, size } = from;
  const rows = Math.floor(size / ROW_BYTES);
  const rest = (size - rows * ROW_BYTES) / 16;
  if (rows > 0)
    encoder.copyBufferToTexture({ buffer, offset, bytesPerRow: ROW_BYTES }, { texture: to }, [ROW, rows]);
  if (rest > 0)
    encoder.copyBufferToTexture(
      { buffer, offset: offset + rows * ROW_BYTES },
      { texture: to, origin: [0, rows] },
      [rest, 1],
    );
}
