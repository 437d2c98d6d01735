import { gridOf, lowResOf, MASK_TOKENS, type SamConfig } from '../config/sam.ts';
import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import type { Executable } from '../graph/executable.ts';
import type { Graph } from '../graph/graph.ts';
import type { Plan } from '../graph/plan.ts';
import { type Shape, sizeOf } from '../graph/shape.ts';
import { unpackHalves } from '../ops/unpack-half/unpack-half.ts';
import { embeddingShapes, mapEmbeddings } from './encoder.ts';
import type { Embeddings } from './encoders/encoder.ts';
import { ExecutableCache, planSession, type ReadyExecutable } from './executable-cache.ts';
import {
  type DecodeShape,
  decodeGraph,
  encodeGraph,
  imagePeGraph,
  type PixelSize,
  type SlotsOf,
  type TokenOf,
  upscaleGraph,
} from './graphs.ts';
import { cellCoords } from './prompt-encoder.ts';
import { groupPrompts, type ObjectPrompt, type PackedPrompts, packPrompts, slicePrompts } from './prompts.ts';
import { resizePlaneOnHost } from './resize-host.ts';
import type { SamModel } from './weights.ts';

/** What makes a session a tuned model. */
export interface SessionOptions {
  /** Plug-ins in the encoder. */
  readonly slots?: SlotsOf;
  /** Their tensors by name, and tensors that stand in for the base's (a tuned mask decoder). */
  readonly tensors?: ReadonlyMap<string, BufferRange>;
  /** A further prompt token. */
  readonly token?: TokenOf | undefined;
}

/** Masks of N objects, all four tokens of each. */
export interface DecodedMasks {
  readonly objects: number;
  /** Side of a mask, 4h. */
  readonly side: number;
  /** Logits [N, 4, side, side]. */
  readonly lowResMasks: Float32Array;
  /** Predicted IoU [N, 4]. */
  readonly iou: Float32Array;
}

/** A mask that was chosen among an object's. */
export interface ChosenMask {
  readonly object: number;
  readonly token: number;
  readonly predictedIou: number;
  /** Logits [side, side]. */
  readonly lowRes: Float32Array;
}

/** A click, or a box, on one object. */
const CLICK: DecodeShape = { objects: 1, tokens: 2, hasMask: false };
/** Objects that are decoded together at most. */
const MAX_OBJECTS = 16;
/** What a pass of the decoder may take even where the encoder takes less. */
const DECODE_BYTES = 128 * 2 ** 20;

/**
 * Compiles what the base model's session runs for its first image and a click or box on it, for which the sizes of a model
 * are enough. Never rejects: whoever runs it is told what cannot be compiled.
 */
export function compileSession(gpu: Gpu, config: SamConfig): Promise<void> {
  const graphs = [imagePeGraph(config), encodeGraph(config), decodeGraph(config, CLICK)];
  return compilePlans(
    gpu,
    graphs.map((graph) => planSession(graph, gpu)),
  );
}

function compilePlans(
  gpu: Gpu,
  plans: readonly Plan[],
  onDone?: (done: number, total: number) => void,
): Promise<void> {
  const passes = plans.flatMap((plan) => plan.passes.map(({ pass }) => pass));
  return gpu.pipelines.prepare(passes, onDone);
}

/**
 * A SAM ready to be asked: encodes one image at a time and decodes prompts on it. Base and tuned models are the same code.
 * Calls run one after the other in the order in which they were made.
 */
export class SamSession {
  private readonly cache: ExecutableCache;
  private readonly fixed: ReadonlyMap<string, BufferRange>;
  private readonly embeddingShapes: Embeddings<Shape>;
  private tail: Promise<unknown> = Promise.resolve();
  private isEncoded = false;
  /** The encoder has run, so that its pipelines are there. */
  private isWarm = false;

  private constructor(
    readonly gpu: Gpu,
    readonly model: SamModel,
    private readonly options: SessionOptions,
  ) {
    const { imageSize: S, outputChannels: D } = model.config;
    const grid = gridOf(model.config);
    const make = (name: string, values: number): [string, BufferRange] => [
      name,
      { buffer: gpu.allocate(4 * values, `session ${name}`), offset: 0, size: 4 * values },
    ];
    this.embeddingShapes = embeddingShapes(model.config);
    this.fixed = new Map([
      make('image', 3 * S * S),
      make('imagePe', grid * grid * D),
      ...Object.entries(this.embeddingShapes).map(([name, shape]) => make(name, sizeOf(shape))),
    ]);
    this.cache = new ExecutableCache(
      gpu,
      (name) => this.fixed.get(name) ?? options.tensors?.get(name) ?? model.weights.range(name),
    );
  }

  /**
   * Allocates the session's buffers and computes what does not depend on the image.
   * @throws Failure `gpu/…`; nothing stays allocated then.
   */
  static async open(gpu: Gpu, model: SamModel, options: SessionOptions = {}): Promise<SamSession> {
    const session = new SamSession(gpu, model, options);
    try {
      const { executable, input } = await session.cache.get('imagePe', () => imagePeGraph(model.config));
      gpu.write(input('cells'), cellCoords(model.config));
      await executable.run();
      session.gpu.copy(executable.output('imagePe'), session.fixedRange('imagePe'));
      await gpu.idle();
    } catch (error) {
      await session.release();
      throw error;
    }
    return session;
  }

  get config(): SamConfig {
    return this.model.config;
  }

  /**
   * As {@link compileSession}. It takes no turn: who asks for an image meanwhile waits for what that runs, and no more.
   * @param onDone is told how many of how many are compiled.
   */
  compile(onDone?: (done: number, total: number) => void): Promise<void> {
    const decoder = this.cache.plan(keyOf(CLICK), () => this.decodeGraph(CLICK));
    return compilePlans(this.gpu, [this.encoderPlan(), decoder], onDone);
  }

  /**
   * Runs once what a first image and a click or box on it will run, since some drivers compile at the first run; the image
   * that is encoded stays. Does nothing in a session that has run, and on a software adapter, where a run takes seconds
   * and compiles nothing.
   */
  warmUp(): Promise<void> {
    return this.inTurn(async () => {
      if (this.isWarm || this.gpu.traits.isSoftware) return;
      this.isWarm = true;
      await (await this.encoder()).executable.run();
      await (await this.decoder(CLICK)).executable.run();
      await this.gpu.idle();
    });
  }

  /** Writes one of the tensors that the session was opened with, for the calls to come. */
  writeInput(name: string, values: Float32Array): void {
    const range = this.options.tensors?.get(name);
    if (!range) throw new RangeError(`the session has no input ${name}`);
    void this.inTurn(async () => this.gpu.write(range, values));
  }

  /**
   * Encodes an image; its embeddings stay on the GPU for {@link decode}.
   * @param image normalised and padded [3, S, S].
   * @returns what the slots gave out for this image, by name: the gates `gates.{i}.{method}` [1].
   */
  encode(image: Float32Array): Promise<Map<string, Float32Array>> {
    return this.inTurn(async () => {
      this.isEncoded = false;
      const { executable } = await this.encoder();
      this.isWarm = true;
      this.gpu.write(this.fixedRange('image'), image);
      await executable.run();
      for (const name of Object.keys(this.embeddingShapes))
        this.gpu.copy(executable.output(name), this.fixedRange(name));
      const names = [...executable.plan.outputs.keys()].filter((name) => !(name in this.embeddingShapes));
      // Without gates too: only then is it certain that the device refused nothing.
      const values = await this.gpu.read(...names.map((name) => executable.output(name)));
      this.isEncoded = true;
      return new Map(names.map((name, i) => [name, values[i] ?? new Float32Array()]));
    });
  }

  /** Reads what the decoder reads of the encoded image, in the shapes of {@link embeddingShapes}. */
  embeddings(): Promise<Embeddings<Float32Array>> {
    return this.inTurn(async () => {
      this.needsImage();
      const names = Object.keys(this.embeddingShapes);
      const values = await this.gpu.read(...names.map((name) => this.fixedRange(name)));
      return mapEmbeddings(
        this.embeddingShapes,
        (_, name) => values[names.indexOf(name)] ?? new Float32Array(),
      );
    });
  }

  /** Puts back what {@link embeddings} read, in place of {@link encode}. */
  setEmbeddings(embeddings: Embeddings<Float32Array>): Promise<void> {
    return this.inTurn(async () => {
      for (const [name, values] of Object.entries(embeddings)) this.gpu.write(this.fixedRange(name), values);
      this.isEncoded = true;
    });
  }

  /** Decodes prompts on the encoded image, in passes of as many objects as memory allows. */
  decode(prompts: PackedPrompts): Promise<DecodedMasks> {
    return this.inTurn(async () => {
      this.needsImage();
      const side = lowResOf(this.config);
      const lowResMasks = new Float32Array(prompts.objects * MASK_TOKENS * side * side);
      const iou = new Float32Array(prompts.objects * MASK_TOKENS);
      const chunk = this.chunkOf(prompts);
      for (let from = 0; from < prompts.objects; from += chunk) {
        const part = slicePrompts(prompts, from, Math.min(prompts.objects, from + chunk));
        const [masks, scores] = await this.decodePass(part);
        if (masks) lowResMasks.set(masks, from * MASK_TOKENS * side * side);
        if (scores) iou.set(scores, from * MASK_TOKENS);
      }
      return { objects: prompts.objects, side, lowResMasks, iou };
    });
  }

  /**
   * {@link decode}, of which only those masks are read that are chosen by their predicted IoU [4]: of many clicks most answers
   * are no object.
   */
  decodeChosen(
    prompts: PackedPrompts,
    choose: (iou: Float32Array) => readonly number[],
  ): Promise<ChosenMask[]> {
    return this.inTurn(async () => {
      this.needsImage();
      const found: ChosenMask[] = [];
      const bytes = 4 * lowResOf(this.config) ** 2;
      const chunk = this.chunkOf(prompts);
      for (let from = 0; from < prompts.objects; from += chunk) {
        const part = slicePrompts(prompts, from, Math.min(prompts.objects, from + chunk));
        const executable = await this.runDecoder(part);
        const [iou = new Float32Array()] = await this.gpu.read(executable.output('iou'));
        const chosen = Array.from({ length: part.objects }, (_, n) => {
          const own = iou.subarray(n * MASK_TOKENS, (n + 1) * MASK_TOKENS);
          return choose(own).map((token) => ({ n, token, predictedIou: own[token] ?? 0 }));
        }).flat();
        if (chosen.length === 0) continue;
        const { buffer, offset } = executable.output('masks');
        const masks = await this.gpu.read(
          ...chosen.map(({ n, token }) => ({
            buffer,
            offset: offset + (n * MASK_TOKENS + token) * bytes,
            size: bytes,
          })),
        );
        for (const [i, { n, token, predictedIou }] of chosen.entries())
          found.push({
            object: from + n,
            token,
            predictedIou,
            lowRes: masks[i] ?? new Float32Array(),
          });
      }
      return found;
    });
  }

  /** {@link decode} for prompts of any mix of shapes; results in the order of the prompts. */
  async decodeAll(prompts: readonly ObjectPrompt[]): Promise<DecodedMasks> {
    const side = lowResOf(this.config);
    const pixels = MASK_TOKENS * side * side;
    const lowResMasks = new Float32Array(prompts.length * pixels);
    const iou = new Float32Array(prompts.length * MASK_TOKENS);
    for (const group of groupPrompts(prompts, this.config)) {
      const chosen = group.flatMap((i) => prompts[i] ?? []);
      const decoded = await this.decode(packPrompts(chosen, this.config));
      group.forEach((i, k) => {
        lowResMasks.set(decoded.lowResMasks.subarray(k * pixels, (k + 1) * pixels), i * pixels);
        iou.set(decoded.iou.subarray(k * MASK_TOKENS, (k + 1) * MASK_TOKENS), i * MASK_TOKENS);
      });
    }
    return { objects: prompts.length, side, lowResMasks, iou };
  }

  /**
   * Logits at the size of the original image (SAM's postprocess_masks).
   * @param lowRes [K, 4h, 4w]; @param input size of the image inside the model's square.
   * @returns [K, H, W].
   */
  upscaleMasks(lowRes: Float32Array, input: PixelSize, original: PixelSize): Promise<Float32Array> {
    return this.inTurn(async () => {
      const pixels = lowResOf(this.config) ** 2;
      const count = lowRes.length / pixels;
      const size = original[0] * original[1];
      const out = new Float32Array(count * size);
      for (let i = 0; i < count; i++) {
        out.set(
          await this.upscaleOne(lowRes.subarray(i * pixels, (i + 1) * pixels), input, original),
          i * size,
        );
      }
      return out;
    });
  }

  /** Gives the session's buffers back; the model's weights stay. */
  async release(): Promise<void> {
    await this.inTurn(async () => {
      this.cache.release();
      for (const { buffer } of this.fixed.values()) this.gpu.release(buffer);
    });
  }

  private encoderPlan(): Plan {
    return this.cache.plan('encode', () => this.encodeGraph());
  }

  private encoder(): Promise<ReadyExecutable> {
    return this.cache.get('encode', () => this.encodeGraph());
  }

  private decoder(shape: DecodeShape): Promise<ReadyExecutable> {
    return this.cache.get(keyOf(shape), () => this.decodeGraph(shape));
  }

  private encodeGraph(): Graph {
    return this.unpacked(encodeGraph(this.config, this.options.slots));
  }

  private decodeGraph(shape: DecodeShape): Graph {
    return this.unpacked(decodeGraph(this.config, shape, undefined, this.options.token));
  }

  private unpacked(graph: Graph): Graph {
    const { weights } = this.model;
    unpackHalves(graph, (name) => weights.isHalf(name) && !this.options.tensors?.has(name));
    return graph;
  }

  private async decodePass(prompts: PackedPrompts): Promise<Float32Array[]> {
    const executable = await this.runDecoder(prompts);
    return this.gpu.read(executable.output('masks'), executable.output('iou'));
  }

  private async runDecoder(prompts: PackedPrompts): Promise<Executable> {
    const { executable, input } = await this.decoder(shapeOf(prompts));
    if (prompts.tokens > 0) {
      this.gpu.write(input('coords'), prompts.coords);
      this.gpu.write(input('labels'), prompts.labels);
    }
    if (prompts.maskInput) this.gpu.write(input('maskInput'), prompts.maskInput);
    await executable.run();
    return executable;
  }

  private async upscaleOne(
    lowRes: Float32Array,
    input: PixelSize,
    original: PixelSize,
  ): Promise<Float32Array> {
    // Sizes larger than a buffer may be are finished on the CPU, by the same formula.
    const fits = 4 * original[0] * original[1] <= this.gpu.bufferLimit;
    const onGpu = fits ? original : input;
    const key = `upscale ${input.join('x')} ${onGpu.join('x')}`;
    const ready = await this.cache.get(key, () => upscaleGraph(this.config, 1, input, onGpu));
    this.gpu.write(ready.input('lowRes'), lowRes);
    await ready.executable.run();
    const [mask = new Float32Array()] = await this.gpu.read(ready.executable.output('masks'));
    return fits ? mask : resizePlaneOnHost(mask, input, original);
  }

  /** The most objects of a pass whose buffers fit the device and whose pool is no larger than what the encoder has anyway. */
  private chunkOf(prompts: PackedPrompts): number {
    const budget = Math.max(this.encoderPlan().poolBytes, DECODE_BYTES);
    const fits = ({ poolBytes, slotBytes }: Plan) =>
      poolBytes <= budget && Math.max(...slotBytes) <= this.gpu.bufferLimit;
    let objects = Math.min(prompts.objects, MAX_OBJECTS);
    while (objects > 1) {
      const shape = { ...shapeOf(prompts), objects };
      if (fits(this.cache.plan(keyOf(shape), () => this.decodeGraph(shape)))) break;
      objects = Math.ceil(objects / 2);
    }
    return Math.max(1, objects);
  }

  private needsImage(): void {
    if (!this.isEncoded) throw new RangeError('no image was encoded yet');
  }

  private fixedRange(name: string): BufferRange {
    const range = this.fixed.get(name);
    if (!range) throw new RangeError(`the session has no buffer ${name}`);
    return range;
  }

  /** Runs after everything that was asked for before, whether that succeeded or not. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.tail.then(work);
    // A buffer that the device had no memory for stays invalid: what is asked next gets new ones.
    this.tail = result.catch(() => this.cache.release());
    return result;
  }
}

function shapeOf({ objects, tokens, maskInput }: PackedPrompts): DecodeShape {
  return { objects, tokens, hasMask: maskInput !== null };
}

function keyOf({ objects, tokens, hasMask }: DecodeShape): string {
  return `decode ${objects}x${tokens}${hasMask ? ' mask' : ''}`;
}
