/** Where a shader's `struct Params` is bound: behind every buffer and texture that a pass may have. */
export const PARAMS_BINDING = 15;

/** Bytes of the buffer that holds the values of many passes: 256 of them, as far apart as WebGPU's default limits ask. */
export const PARAMS_BYTES = 2 ** 16;
const STRIDE = 256;

interface Field {
  readonly name: string;
  readonly type: string;
}

/** The fields of `struct Params` in WGSL; null where there is none. */
export function paramsOf(wgsl: string): readonly Field[] | null {
  const [, body] = /struct Params \{([^}]*)\}/.exec(wgsl) ?? [];
  if (body === undefined) return null;
  return [...body.matchAll(/^\s*(\w+): (\w+),/gm)].map(([, name = '', type = '']) => ({ name, type }));
}

/**
 * The bytes of a `struct Params` of u32 and f32.
 * @throws RangeError when a value is missing, unknown or of another type.
 */
export function packParams(
  fields: readonly Field[],
  values: Readonly<Record<string, number>>,
): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(4 * fields.length));
  const unknown = Object.keys(values).filter((name) => !fields.some((field) => field.name === name));
  if (unknown.length > 0) throw new RangeError(`struct Params has no ${unknown.join(', ')}`);
  fields.forEach(({ name, type }, i) => {
    const value = values[name];
    if (value === undefined) throw new RangeError(`struct Params wants ${name}`);
    if (type === 'f32') view.setFloat32(4 * i, value, true);
    else if (type === 'u32' && Number.isInteger(value) && value >= 0 && value < 2 ** 32)
      view.setUint32(4 * i, value, true);
    else throw new RangeError(`${name}: ${type} in struct Params cannot be ${value}`);
  });
  return new Uint8Array(view.buffer);
}

/**
 * Values that passes read from `params`, a uniform buffer. In place of constants of a pipeline they let one pipeline serve many
 * sizes; a constant is worth a pipeline of its own only where the compiler makes something of it. Equal values are stored once,
 * and stay for as long as the device.
 */
export class ParamsStore {
  private readonly known = new Map<string, GPUBufferBinding>();
  /** By the whole shader, which many passes share and which is long to search. */
  private readonly fields = new Map<string, readonly Field[]>();
  private page: GPUBuffer;

  /** @param allocated told the bytes of each further buffer after the first. */
  constructor(
    private readonly device: GPUDevice,
    private readonly allocated: (bytes: number) => void,
  ) {
    this.page = this.createPage();
  }

  /** Of all its buffers. */
  get bytes(): number {
    return PARAMS_BYTES * Math.max(1, Math.ceil((STRIDE * this.known.size) / PARAMS_BYTES));
  }

  /** @param wgsl the whole shader, which declares `struct Params`. */
  get(wgsl: string, values: Readonly<Record<string, number>>): GPUBufferBinding {
    const fields = this.fields.get(wgsl) ?? paramsOf(wgsl) ?? [];
    this.fields.set(wgsl, fields);
    const bytes = packParams(fields, values);
    const key = bytes.join();
    const known = this.known.get(key);
    if (known) return known;
    const place = (STRIDE * this.known.size) % PARAMS_BYTES;
    if (place === 0 && this.known.size > 0) {
      this.page = this.createPage();
      this.allocated(PARAMS_BYTES);
    }
    this.device.queue.writeBuffer(this.page, place, bytes);
    const binding = { buffer: this.page, offset: place, size: bytes.length };
    this.known.set(key, binding);
    return binding;
  }

  private createPage(): GPUBuffer {
    // UNIFORM | COPY_DST; the flag object does not exist in Node.
    return this.device.createBuffer({ size: PARAMS_BYTES, usage: 0x40 | 0x8, label: 'params' });
  }
}
