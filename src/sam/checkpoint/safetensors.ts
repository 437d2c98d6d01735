import { Failure } from '../../config/failure.ts';
import type { ByteSource } from './byte-source.ts';
import {
  MAX_HEADER_BYTES,
  parseHeader,
  type SafetensorsHeader,
  type TensorEntry,
} from './safetensors-header.ts';
import {
  type HostTensor,
  missingTensor,
  type TensorFile,
  truncatedTensor,
  valuesOf,
  weightsOf,
} from './tensor-file.ts';

/** An opened safetensors file: its header is read and checked, its tensors are read when they are asked for. */
export class Safetensors implements TensorFile {
  readonly format = 'safetensors';
  readonly leftOut: readonly string[] = [];

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
        'Download or save it again; it is empty or cut short.',
      );
    }
    const first = await source.read(0, 8);
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

  async read(name: string): Promise<HostTensor> {
    const { entry, bytes } = await this.bytesOf(name);
    return weightsOf(bytes, entry, `${this.name}, tensor ${name}`);
  }

  /** One tensor as it is, floats or integers, as f32: for files that hold more than weights. */
  async readValues(name: string): Promise<HostTensor> {
    const { entry, bytes } = await this.bytesOf(name);
    return valuesOf(bytes, entry);
  }

  private async bytesOf(name: string): Promise<{ entry: TensorEntry; bytes: Uint8Array }> {
    const entry = this.tensors.get(name);
    if (!entry) throw missingTensor(name, this.name);
    const length = entry.end - entry.begin;
    const bytes = await this.source.read(this.dataStart + entry.begin, length);
    if (bytes.byteLength !== length) throw truncatedTensor(name, this.name, length - bytes.byteLength);
    return { entry, bytes };
  }

  /** Every tensor as f32. */
  async readAll(): Promise<Map<string, HostTensor>> {
    const all = new Map<string, HostTensor>();
    for (const name of this.tensors.keys()) all.set(name, await this.read(name));
    return all;
  }
}
