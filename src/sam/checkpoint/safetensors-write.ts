import { type Shape, sizeOf } from '../../graph/shape.ts';
import type { HostTensor } from './tensor-file.ts';

/**
 * A safetensors file of f32 tensors, in the order given, whose values are set one tensor at a time. The header is padded with
 * spaces to a multiple of 8, so that the data is aligned, and equal tensors give equal bytes.
 */
export class SafetensorsFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly dataStart: number;
  private readonly places = new Map<string, { readonly start: number; readonly end: number }>();

  constructor(shapes: ReadonlyMap<string, Shape>, metadata: Readonly<Record<string, string>> = {}) {
    const header: Record<string, unknown> = {};
    if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
    let at = 0;
    for (const [name, shape] of shapes) {
      const end = at + 4 * sizeOf(shape);
      header[name] = { dtype: 'F32', shape, data_offsets: [at, end] };
      this.places.set(name, { start: at, end });
      at = end;
    }
    const text = new TextEncoder().encode(JSON.stringify(header));
    this.dataStart = 8 + Math.ceil(text.length / 8) * 8;
    this.bytes = new Uint8Array(this.dataStart + at);
    new DataView(this.bytes.buffer).setBigUint64(0, BigInt(this.dataStart - 8), true);
    this.bytes.fill(0x20, 8, this.dataStart);
    this.bytes.set(text, 8);
  }

  /** Sets the values of a tensor, or a part of them from value `from` on. */
  set(name: string, data: Float32Array, from?: number): void {
    const place = this.places.get(name);
    if (!place) throw new RangeError(`the file has no tensor ${name}`);
    const start = place.start + 4 * (from ?? 0);
    const room = place.end - start;
    if (from === undefined ? room !== data.byteLength : room < data.byteLength)
      throw new RangeError(`${name}: ${data.length} values for ${room / 4}`);
    this.bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), this.dataStart + start);
  }
}

/** {@link SafetensorsFile} of tensors whose values are all at hand. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const file = new SafetensorsFile(new Map([...tensors].map(([name, { shape }]) => [name, shape])), metadata);
  for (const [name, { data }] of tensors) file.set(name, data);
  return file.bytes;
}
