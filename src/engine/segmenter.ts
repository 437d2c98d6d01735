/**
 * Images, prompts, masks: opens an image, encodes it once for the base model and once for each run that is asked for,
 * and answers clicks and boxes with candidate masks at the image's own size. Coordinates are original pixels.
 */
import { Failure } from '../config/failure.ts';
import { placeMask } from '../data/crops.ts';
import { Lru } from '../data/lru.ts';
import {
  type ImageTransform,
  imageTransform,
  type ModelInput,
  preprocessView,
  toModel,
} from '../data/preprocess.ts';
import type { Box, RgbImage } from '../data/types.ts';
import { regionView } from '../data/view.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Embeddings } from '../sam/encoders/encoder.ts';
import { answerToken, answerTokens, type ObjectPrompt } from '../sam/prompts.ts';
import type { SamModel } from '../sam/weights.ts';
import type { GateLayer } from '../train/gates.ts';
import { splitObjects } from '../train/mask-predictor.ts';
import { featureOf } from './asked-dataset.ts';
import type { GpuQueue, Urgency } from './gpu-queue.ts';
import { ModelSession, type Tuning } from './tuning.ts';

/** Which weights answer. `key` names them: equal keys mean equal weights. */
export interface VariantWeights {
  readonly key: string;
  /** Reads the weights when they are needed; null for the base model. */
  readonly tuning: (() => Promise<Tuning>) | null;
}

export const BASE_WEIGHTS: VariantWeights = { key: 'base', tuning: null };

/** Weights as they answer for the dataset of an index, where they tell datasets apart; undefined: the first. */
export function askingFor({ key, tuning }: VariantWeights, dataset: number | undefined): VariantWeights {
  if (dataset === undefined || !tuning) return { key, tuning };
  return { key: `${key} as ${dataset}`, tuning: async () => ({ ...(await tuning()), dataset }) };
}

/** A click, in pixels of the original image. */
export interface ImagePoint {
  readonly x: number;
  readonly y: number;
  readonly positive: boolean;
}

/** A box, in pixels of the original image. */
export interface ImageBox {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/** What is asked; at least a point or a box. */
export interface Prompts {
  readonly points: readonly ImagePoint[];
  readonly box: ImageBox | null;
  /** Low-resolution logits of an earlier candidate, fed back as mask prompt; see {@link DecodedCandidate.lowRes}. */
  readonly previous: Float32Array | null;
}

/** One of SAM's masks for a prompt. */
export interface Candidate {
  /** [height, width] of the original image, row by row, 0 or 1. */
  readonly mask: Uint8Array<ArrayBuffer>;
  readonly predictedIou: number;
  /** Mask token, 0..3. */
  readonly token: number;
  /** Foreground pixels. */
  readonly area: number;
}

/** A candidate with what it was made from. */
export interface DecodedCandidate extends Candidate {
  /** Logits [4h, 4w]. */
  readonly lowRes: Float32Array;
}

/** The first answer to a prompt, as the decoder gave it. */
export interface LowResAnswer {
  /** [side, side] over the model's square, of which the image fills `transform.inputSize`. */
  readonly logits: Float32Array;
  readonly side: number;
  readonly predictedIou: number;
  /** The logit above which a cell belongs to the mask. */
  readonly threshold: number;
  /** Between the pixels of the region that the model saw and its own. */
  readonly transform: ImageTransform;
}

export interface Embedded {
  readonly milliseconds: number;
  /** One entry per block; null for the base model or where nothing is gated. */
  readonly gates: readonly GateLayer[] | null;
}

interface Encoded {
  readonly embeddings: Embeddings<Float32Array>;
  readonly gates: readonly GateLayer[] | null;
}

/** Tuned models that stay on the device at once, besides the base. */
const TUNED_SESSIONS = 2;
const EMBEDDING_BYTES = 192 * 2 ** 20;

/** What of an image the model sees: all that is needed of it once it is encoded. */
export interface ImageFrame {
  /** Names image and region; equal ids mean equal embeddings. */
  readonly id: string;
  /** What of the image the model sees; masks are empty outside of it. */
  readonly region: Box;
  /** Pixels of the whole image. */
  readonly size: { readonly width: number; readonly height: number };
}

/** An image to be asked about; scaled and normalised once for each way in which models want it. */
export class SegmentImage {
  private readonly inputs = new Map<string, ModelInput>();
  readonly frame: ImageFrame;

  /**
   * @param id names the image; equal ids mean equal images.
   * @param region pixels of the image, x1 and y1 outside; the whole image without one.
   */
  constructor(
    id: string,
    private readonly image: RgbImage,
    region?: Box,
  ) {
    const { width, height } = image;
    this.frame = {
      id: region ? `${id} ${region.join(' ')}` : id,
      region: region ?? [0, 0, width, height],
      size: { width, height },
    };
  }

  inputFor({ sam, preprocessing }: ModelSession): ModelInput {
    const record = { size: sam.config.imageSize, ...preprocessing };
    const key = JSON.stringify(record);
    const input =
      this.inputs.get(key) ?? preprocessView(this.image, regionView(this.frame.region), record, null);
    this.inputs.set(key, input);
    return input;
  }
}

/** The sessions and embeddings of one open model. */
export class Segmenter {
  private base: Promise<ModelSession> | null = null;
  private isReleased = false;
  private readonly tuned = new Lru<Promise<ModelSession>>(
    TUNED_SESSIONS,
    () => 1,
    (session) => {
      void session.then((open) => open.release()).catch(() => undefined);
    },
  );
  private readonly encoded = new Lru<Encoded>(EMBEDDING_BYTES, ({ embeddings }) => bytesOf(embeddings));
  /** Which image's embedding is loaded in a session. */
  private readonly loaded = new WeakMap<ModelSession, string>();

  constructor(
    private readonly gpu: Gpu,
    private readonly queue: GpuQueue,
    private readonly model: SamModel,
  ) {}

  /** Compiles what the first image and click will run, so that they need not wait for it; they may come meanwhile. */
  async prepare(weights: VariantWeights): Promise<void> {
    const { sam } = await this.use(() => this.session(weights));
    await sam.compile();
    await this.use(() => sam.warmUp());
  }

  /** Encodes an image, unless that was done and is remembered. Rejects with the signal's reason before it begins. */
  async embed(image: SegmentImage, weights: VariantWeights, signal?: AbortSignal): Promise<Embedded> {
    const start = performance.now();
    const gates = await this.use(async () => {
      signal?.throwIfAborted();
      const session = await this.session(weights);
      return (await this.ready(session, image, weights)).gates;
    });
    return { milliseconds: performance.now() - start, gates };
  }

  /** What tells an image from those of other datasets, see `nearestDataset`. */
  async feature(image: SegmentImage): Promise<Float32Array> {
    return this.use(async () => {
      const session = await this.session(BASE_WEIGHTS);
      return featureOf((await this.ready(session, image, BASE_WEIGHTS)).embeddings, session.sam.config);
    });
  }

  /** Answers prompts with candidate masks in the order of {@link answerTokens}. */
  async predict(image: SegmentImage, weights: VariantWeights, prompts: Prompts): Promise<DecodedCandidate[]> {
    if (prompts.points.length === 0 && !prompts.box) throw new RangeError('a prompt needs a point or a box');
    return this.use(async () => {
      const session = await this.session(weights);
      await this.ready(session, image, weights);
      const prompt = modelPrompt(prompts, image.frame, transformOf(image.frame, session));
      const { lowResMasks, iou } = await session.sam.decodeAll([prompt]);
      const [answered = { iou: [], masks: [] }] = splitObjects(lowResMasks, iou);
      const candidates: DecodedCandidate[] = [];
      for (const token of answerTokens(prompt, answered, session.sam.config)) {
        // A copy: what is kept of one mask does not keep the others.
        const lowRes = (answered.masks[token] as Float32Array).slice();
        const mask = await this.maskOf(session, image.frame, lowRes);
        let area = 0;
        for (const value of mask) area += value;
        candidates.push({ mask, predictedIou: iou[token] ?? 0, token, area, lowRes });
      }
      return candidates;
    });
  }

  /** The first answer to each of several prompts, as logits: for what no person waits for. */
  async answer(
    image: SegmentImage,
    weights: VariantWeights,
    prompts: readonly Prompts[],
  ): Promise<readonly LowResAnswer[]> {
    return this.use(async () => {
      const session = await this.session(weights);
      await this.ready(session, image, weights);
      const transform = transformOf(image.frame, session);
      const asked = prompts.map((prompt) => modelPrompt(prompt, image.frame, transform));
      const { side, lowResMasks, iou } = await session.sam.decodeAll(asked);
      return splitObjects(lowResMasks, iou).map((answered, i): LowResAnswer => {
        const token = answerToken(asked[i] as ObjectPrompt, answered, session.sam.config);
        return {
          logits: answered.masks[token] as Float32Array,
          side,
          predictedIou: answered.iou[token] ?? 0,
          threshold: session.maskThreshold,
          transform,
        };
      });
    }, 'background');
  }

  /** The mask of low-resolution logits at the image's size; equal logits give the mask of the prediction, bit for bit. */
  async upscale(
    frame: ImageFrame,
    weights: VariantWeights,
    lowRes: Float32Array,
  ): Promise<Uint8Array<ArrayBuffer>> {
    return this.use(async () => this.maskOf(await this.session(weights), frame, lowRes));
  }

  /**
   * Releases everything on the device when the uses that were asked for before are over; later ones are refused. After it
   * the model's weights may be released too.
   */
  async release(): Promise<void> {
    this.isReleased = true;
    await this.queue.run('urgent', async () => {
      this.tuned.clear();
      this.encoded.clear();
      const base = this.base;
      this.base = null;
      await (await base)?.release();
    });
  }

  /** @throws Failure `model/replaced` after {@link release}. */
  private async use<T>(work: () => Promise<T>, urgency: Urgency = 'urgent'): Promise<T> {
    // Asked in the same turn of the event loop as the work is queued, so that a release cannot come between them.
    if (this.isReleased) {
      throw new Failure({
        code: 'model/replaced',
        what: 'Another model was opened in the meantime.',
        cure: 'Ask again: the open model will answer.',
      });
    }
    return this.queue.run(urgency, work);
  }

  private session({ key, tuning }: VariantWeights): Promise<ModelSession> {
    if (!tuning) {
      this.base ??= ModelSession.open(this.gpu, this.model, null).catch((error) => {
        this.base = null;
        throw error;
      });
      return this.base;
    }
    const known = this.tuned.get(key);
    if (known) return known;
    const opened = tuning().then((read) => ModelSession.open(this.gpu, this.model, read));
    opened.catch(() => this.tuned.delete(key));
    this.tuned.set(key, opened);
    return opened;
  }

  /** Loads the image's embedding into a session. */
  private async ready(session: ModelSession, image: SegmentImage, { key }: VariantWeights): Promise<Encoded> {
    const name = `${key} ${image.frame.id}`;
    const known = this.encoded.get(name);
    if (known) {
      if (this.loaded.get(session) !== name) await session.sam.setEmbeddings(known.embeddings);
      this.loaded.set(session, name);
      return known;
    }
    this.loaded.delete(session);
    const gates = await session.encode(image.inputFor(session).data);
    const encoded = { gates: session.isGated ? gates : null, embeddings: await session.sam.embeddings() };
    this.loaded.set(session, name);
    this.encoded.set(name, encoded);
    return encoded;
  }

  private async maskOf(
    session: ModelSession,
    frame: ImageFrame,
    lowRes: Float32Array,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { inputSize, originalSize } = transformOf(frame, session);
    const logits = await session.sam.upscaleMasks(lowRes, inputSize, originalSize);
    const mask = new Uint8Array(logits.length);
    for (let i = 0; i < mask.length; i++) mask[i] = (logits[i] ?? 0) > session.maskThreshold ? 1 : 0;
    return placeMask(mask, frame.region, frame.size);
  }
}

function bytesOf(embeddings: Embeddings<Float32Array>): number {
  return Object.values(embeddings).reduce((sum, { byteLength }) => sum + byteLength, 0);
}

function transformOf({ region: [x0, y0, x1, y1] }: ImageFrame, session: ModelSession): ImageTransform {
  const { aspect } = session.preprocessing;
  return imageTransform(x1 - x0, y1 - y0, { size: session.sam.config.imageSize, aspect });
}

function modelPrompt(
  { points, box, previous }: Prompts,
  { region: [left, top] }: ImageFrame,
  transform: ImageTransform,
): ObjectPrompt {
  const scaled = points.map(({ x, y, positive }) => {
    const [modelX, modelY] = toModel(transform, x - left, y - top);
    return { x: modelX, y: modelY, positive };
  });
  return {
    points: scaled,
    ...(box && {
      box: [
        ...toModel(transform, box.x0 - left, box.y0 - top),
        ...toModel(transform, box.x1 - left, box.y1 - top),
      ] as const,
    }),
    ...(previous && { mask: previous }),
  };
}
