import { readWasm } from './read-wasm.ts';

/** What a decoder of the @jsquash packages gives: RGBA, not premultiplied. */
export interface RgbaImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray | Uint8Array;
}

/** An instance of an emscripten module with a `decode` function; further arguments are the codec's own. */
export interface CodecModule {
  decode(bytes: Uint8Array, ...options: readonly boolean[]): RgbaImage | null;
}

/** An emscripten module factory as the packages export it. */
export type CodecFactory = (options: {
  noInitialRun: boolean;
  wasmBinary: Uint8Array;
  locateFile: (name: string) => string;
  print: (line: string) => void;
  printErr: (line: string) => void;
}) => Promise<CodecModule>;

/** What one decode gave: the image when there is one, and the lines the codec wrote while at it. */
export interface CodecAnswer {
  readonly image: RgbaImage | undefined;
  readonly messages: readonly string[];
}

/** Pixels after which an instance is let go, since WebAssembly memory grows and never shrinks. */
const LARGE = 16_000_000;

/** A codec that is loaded on first use, survives its own crashes, and tells what it complained about. */
export class Codec {
  private instance: Promise<CodecModule> | undefined;
  private binary: Promise<Uint8Array> | undefined;
  private messages: string[] = [];

  /**
   * @param address of the package's `.wasm` file, written as Vite knows to follow: `new URL('…', import.meta.url)`.
   */
  constructor(
    private readonly factory: CodecFactory,
    private readonly address: URL,
    private readonly options: readonly boolean[] = [],
  ) {}

  /**
   * Decodes; a crash of the codec gives no image, and a fresh instance serves the next call.
   * @throws Failure `data/decoder-missing`; the next call tries to load it again.
   */
  async decode(bytes: Uint8Array): Promise<CodecAnswer> {
    this.instance ??= this.start();
    const module = await this.instance.catch((error: unknown) => {
      this.instance = undefined;
      this.binary = undefined;
      throw error;
    });
    // No await from here to the end, so that two callers never share a list of messages.
    this.messages = [];
    let image: RgbaImage | undefined;
    try {
      image = module.decode(bytes, ...this.options) ?? undefined;
    } catch (error) {
      this.instance = undefined;
      this.messages.push(error instanceof Error ? error.message : String(error));
    }
    if (image && image.width * image.height > LARGE) this.instance = undefined;
    return { image, messages: this.messages };
  }

  private async start(): Promise<CodecModule> {
    this.binary ??= readWasm(this.address);
    const write = (line: string) => {
      if (this.messages.length < 20) this.messages.push(line);
    };
    // With a `locateFile` the glue builds no address of its own, which fails in a worker that began in a blob.
    const locateFile = (name: string) => name;
    return this.factory({
      noInitialRun: true,
      wasmBinary: await this.binary,
      locateFile,
      print: write,
      printErr: write,
    });
  }
}
