import { Failure } from '../../config/failure.ts';
import type { Shape } from '../../graph/shape.ts';
import type { ByteSource } from './byte-source.ts';
import { decodeFloats } from './floats.ts';
import { decodeIntegers } from './integers.ts';
import {
  MAX_HEADER_BYTES,
  parseHeader,
  type SafetensorsHeader,
  type TensorEntry,
} from './safetensors-header.ts';

/** A tensor in memory. */
export interface HostTensor {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** An opened safetensors file: its header is read and checked, its tensors are read when they are asked for. */
export class Safetensors {
  private constructor(
    private readonly source: ByteSource,
    private readonly header: SafetensorsHeader,
    private readonly dataStart: number,
  ) {}

  /**
   * Reads and checks the header.
   * @throws Failure `checkpoint/…` that names the file and the tensor.
   */
  static async open(source: ByteSource): Promise<Safetensors> {
    const { name, size } = source;
    const refuse = (code: string, what: string, cure: string) =>
      new Failure({ code, what, where: name, cure });
    if (size < 8) {
      throw refuse(
        'checkpoint/empty',
        `The file has ${size} bytes.`,
        'Download or save it again; it is empty.',
      );
    }
    const first = await source.read(0, 8);
    const pickled = pickleKind(first);
    if (pickled) {
      throw refuse(
        'checkpoint/pickle',
        `This is ${pickled}, which can run code when it is opened and is not read here.`,
        'Convert it to .safetensors with the safetensors package, or take the Hugging Face version of the model.',
      );
    }
    const length = Number(new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true));
    if (length > MAX_HEADER_BYTES || length > size - 8) {
      throw refuse(
        'checkpoint/header-size',
        `The header claims ${length} bytes and the file has ${size}.`,
        'The file is cut short or not a safetensors file; download or save it again.',
      );
    }
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(await source.read(8, length));
    } catch (cause) {
      if (cause instanceof Failure) throw cause;
      throw refuse(
        'checkpoint/header',
        'The header is not text.',
        'This is not a safetensors file; choose another.',
      );
    }
    return new Safetensors(source, parseHeader(text, size - 8 - length, name), 8 + length);
  }

  get name(): string {
    return this.source.name;
  }

  get tensors(): ReadonlyMap<string, TensorEntry> {
    return this.header.tensors;
  }

  get metadata(): Readonly<Record<string, string>> {
    return this.header.metadata;
  }

  /**
   * One tensor as f32 (from f64, f32, f16 or bf16).
   * @throws Failure `checkpoint/missing`, `checkpoint/truncated`, `checkpoint/dtype` for integers, `checkpoint/not-finite`.
   */
  async read(name: string): Promise<HostTensor> {
    const { entry, bytes } = await this.bytesOf(name);
    const data = decodeFloats(bytes, entry.dtype);
    if (data === null) {
      throw new Failure({
        code: 'checkpoint/dtype',
        what: `It holds ${entry.dtype} values; weights have to be F32, F16 or BF16.`,
        where: `${this.name}, tensor ${name}`,
        cure: 'Use the unquantised weights of the model.',
      });
    }
    const bad = data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      throw new Failure({
        code: 'checkpoint/not-finite',
        what: `Element ${bad} is ${data[bad]}.`,
        where: `${this.name}, tensor ${name}`,
        cure: 'These weights come from a training that failed; use an earlier checkpoint.',
      });
    }
    return { shape: entry.shape, data };
  }

  /** One tensor as it is, floats or integers, as f32: for files that hold more than weights. */
  async readValues(name: string): Promise<HostTensor> {
    const { entry, bytes } = await this.bytesOf(name);
    return {
      shape: entry.shape,
      data: decodeFloats(bytes, entry.dtype) ?? decodeIntegers(bytes, entry.dtype),
    };
  }

  private async bytesOf(name: string): Promise<{ entry: TensorEntry; bytes: Uint8Array }> {
    const entry = this.tensors.get(name);
    if (!entry) throw missingTensor(name, this.name);
    const bytes = await this.source.read(this.dataStart + entry.begin, entry.end - entry.begin);
    if (bytes.byteLength !== entry.end - entry.begin) {
      throw new Failure({
        code: 'checkpoint/truncated',
        what: `The file ended ${entry.end - entry.begin - bytes.byteLength} bytes early.`,
        where: `${this.name}, tensor ${name}`,
        cure: 'It changed while it was read; download or save it again.',
      });
    }
    return { entry, bytes };
  }

  /** Every tensor as f32. */
  async readAll(): Promise<Map<string, HostTensor>> {
    const all = new Map<string, HostTensor>();
    for (const name of this.tensors.keys()) all.set(name, await this.read(name));
    return all;
  }
}

/** The failure for a tensor that a file should have. */
export function missingTensor(name: string, file: string): Failure {
  return new Failure({
    code: 'checkpoint/missing',
    what: 'The file has no such tensor.',
    where: `${file}, tensor ${name}`,
    cure: 'Use a complete SAM checkpoint that fits its config.',
  });
}

/** PyTorch's own formats by their first bytes: a zip, or a bare pickle of protocol 2 … 5. */
function pickleKind(bytes: Uint8Array): string | null {
  if (bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 0x03)
    return 'a PyTorch file (a zip with a pickle)';
  if (bytes[0] === 0x80 && (bytes[1] ?? 0) >= 2 && (bytes[1] ?? 0) <= 5 && bytes[7] !== 0)
    return 'a Python pickle';
  return null;
}
