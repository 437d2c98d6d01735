import { type FindSampling, PREVIEW_FLOOR } from '../../config/find.ts';
import { gridOf } from '../../config/sam.ts';
import type { Runs } from '../../data/labels/types.ts';
import { imageTransform, preprocessView, toModel } from '../../data/preprocess.ts';
import type { Box, RgbImage, Scale } from '../../data/types.ts';
import { regionView } from '../../data/view.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { packPrompts } from '../../sam/prompts.ts';
import type { SamModel } from '../../sam/weights.ts';
import type { GpuQueue, YieldDevice } from '../gpu-queue.ts';
import { ModelSession, type Tuning } from '../tuning.ts';
import { ClassMeans, type KnownObject } from './classes.ts';
import { cropsOf, type FindCrop, gridPoints, isCutOff } from './crops.ts';
import { type CropEmbedding, pooledFeature } from './feature.ts';
import type { Likeness } from './likeness.ts';
import type { Proposal } from './select.ts';
import { MaskUpscaler } from './upscale.ts';

/** The least that answers must have to be proposed; what is chosen by later is at or above. */
export type Floors = Readonly<Record<'iou' | 'stability', number>>;

/** What is kept so that thresholds can be moved later: all that is of any use. */
export const previewFloors = ({ iou, stability }: Floors): Floors => ({
  iou: Math.min(iou, PREVIEW_FLOOR),
  stability: Math.min(stability, PREVIEW_FLOOR),
});

export interface FindRequest {
  readonly sampling: FindSampling;
  /** How the model sees images of the dataset. */
  readonly scale: Scale;
  readonly floors: Floors;
  /** Tells the class of each object, or is the class of all; without it they have none. */
  readonly classes?: ClassMeans | number | null;
  /** Tells how much each object is like labelled ones. */
  readonly likeness?: Likeness | null;
  /** Whether answers keep what the encoder made of their pixels, so that likeness can be learnt from them. */
  readonly describes?: boolean;
}

export interface FindHooks {
  /** Clicks that were answered, of all. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Aborting rejects with its reason before the next clicks. */
  readonly signal?: AbortSignal;
}

/** Progress in images, of which the one that is searched now counts by the share of its clicks that are answered. */
export const withinImage =
  (
    images: number,
    total: number,
    onProgress: FindHooks['onProgress'],
  ): NonNullable<FindHooks['onProgress']> =>
  (done, clicks) => {
    // The last click is no end: what was found is still chosen from and kept.
    if (done < clicks) onProgress?.(images + done / clicks, total);
  };

/** Clicks between two looks at the signal. */
const BATCH = 64;
/** Milliseconds of work on masks after which others get the thread. */
const WORK_MS = 20;

/**
 * Asks a base or tuned model for all objects of an image. It has a session of its own, so that clicks and steps of training
 * can come between two of its slices.
 */
export class Finder {
  private constructor(
    private readonly gpu: Gpu,
    private readonly queue: GpuQueue,
    private readonly session: ModelSession,
  ) {}

  /** @param tuning null for the base model. */
  static async open(gpu: Gpu, queue: GpuQueue, model: SamModel, tuning: Tuning | null): Promise<Finder> {
    const session = await queue.run('urgent', () => ModelSession.open(gpu, model, tuning));
    return new Finder(gpu, queue, session);
  }

  /**
   * The model's answers to a grid of clicks on every crop, in the order of crops, points and tokens 1–3; none that is empty, cut
   * off by its crop, or under the floors.
   */
  async propose(image: RgbImage, request: FindRequest, hooks: FindHooks = {}): Promise<Proposal[]> {
    const { sampling, scale, floors, classes = null, likeness = null, describes = false } = request;
    const crops = cropsOf(image, scale, sampling);
    const perCrop = sampling.pointsPerSide ** 2;
    const isLookedAt = describes || likeness !== null || classes instanceof ClassMeans;
    const proposals: Proposal[] = [];
    for (const [index, crop] of crops.entries()) {
      // Others that wait for the device get it between crops, between slices, and between masks.
      await this.queue.run('urgent', async (yieldDevice) => {
        hooks.signal?.throwIfAborted();
        await this.withYields(yieldDevice, () => this.encode(image, crop));
        const embedding = isLookedAt ? await this.embedding(crop) : null;
        const told = (found: Proposal): Proposal => {
          const whole = typeof classes === 'number' ? { ...found, classValue: classes } : found;
          if (!embedding) return whole;
          const feature = pooledFeature(found.runs, image.width, embedding);
          return {
            ...whole,
            ...(classes instanceof ClassMeans && classes.classOf(feature)),
            ...(likeness && { likeness: likeness.of(found, feature) }),
            ...(describes && { feature }),
          };
        };
        const points = gridPoints(crop.box, sampling.pointsPerSide);
        for (let from = 0; from < points.length; from += BATCH) {
          await yieldDevice();
          hooks.signal?.throwIfAborted();
          const some = points.slice(from, from + BATCH);
          for (const found of await this.ask(image, crop, index, some, floors, yieldDevice))
            proposals.push(told(found));
          const done = index * perCrop + Math.min(from + BATCH, points.length);
          hooks.onProgress?.(done, crops.length * perCrop);
        }
      });
    }
    return proposals;
  }

  /** Known objects of an image as {@link ClassMeans} learns from them; each in the crop that shows most of it. */
  async describe(
    image: RgbImage,
    objects: readonly { readonly runs: Runs; readonly box: Box; readonly classValue: number }[],
    scale: Scale,
  ): Promise<KnownObject[]> {
    const crops = cropsOf(image, scale, { cropLayers: 0 });
    const cropOf = objects.map(({ box }) => {
      const shown = crops.map((crop) => sharedArea(crop.box, box));
      return shown.indexOf(Math.max(...shown));
    });
    const known: KnownObject[] = [];
    for (const [index, crop] of crops.entries()) {
      const own = objects.filter((_, i) => cropOf[i] === index);
      if (own.length === 0) continue;
      const embedding = await this.queue.run('urgent', async (yieldDevice) => {
        await this.withYields(yieldDevice, () => this.encode(image, crop));
        return this.embedding(crop);
      });
      for (const { runs, classValue } of own)
        known.push({ classValue, feature: pooledFeature(runs, image.width, embedding) });
    }
    return known;
  }

  /** Gives the session's memory back when what was asked for is done. */
  async release(): Promise<void> {
    await this.queue.run('urgent', () => this.session.release());
  }

  private async withYields<T>(yieldDevice: YieldDevice, work: () => Promise<T>): Promise<T> {
    const { slices } = this.gpu;
    const before = slices.between;
    slices.between = yieldDevice;
    try {
      return await work();
    } finally {
      slices.between = before;
    }
  }

  private async encode(image: RgbImage, { box }: FindCrop): Promise<void> {
    const { sam, preprocessing } = this.session;
    const record = { size: sam.config.imageSize, ...preprocessing };
    await this.session.encode(preprocessView(image, regionView(box), record, null).data);
  }

  private async embedding({ box: [left, top, right, bottom] }: FindCrop): Promise<CropEmbedding> {
    const { sam, preprocessing } = this.session;
    const { imageSize: size, outputChannels: channels } = sam.config;
    const { embedding: values } = await sam.embeddings();
    const transform = imageTransform(right - left, bottom - top, { size, aspect: preprocessing.aspect });
    return { values, grid: gridOf(sam.config), channels, transform, corner: [left, top] };
  }

  private async ask(
    image: RgbImage,
    crop: FindCrop,
    index: number,
    points: readonly (readonly [x: number, y: number])[],
    floors: Floors,
    yieldDevice: YieldDevice,
  ): Promise<Proposal[]> {
    const { sam, preprocessing, maskThreshold } = this.session;
    const [left, top, right, bottom] = crop.box;
    const size = sam.config.imageSize;
    const transform = imageTransform(right - left, bottom - top, { size, aspect: preprocessing.aspect });
    const prompts = points.map(([px, py]) => {
      const [x, y] = toModel(transform, px - left, py - top);
      return { points: [{ x, y, positive: true }] };
    });
    const answers = await this.withYields(yieldDevice, () =>
      sam.decodeChosen(packPrompts(prompts, sam.config), (iou) =>
        CANDIDATES.filter((token) => (iou[token] ?? 0) > floors.iou),
      ),
    );
    const upscaler = new MaskUpscaler(
      Math.sqrt(answers[0]?.lowRes.length ?? 0),
      transform,
      [left, top],
      image.width,
      maskThreshold,
    );
    const found: Proposal[] = [];
    let since = performance.now();
    for (const { object, predictedIou, lowRes } of answers) {
      if (performance.now() - since > WORK_MS) {
        await new Promise<void>((resume) => setTimeout(resume));
        await yieldDevice();
        since = performance.now();
      }
      const mask = upscaler.mask(lowRes);
      const point = points[object];
      if (!mask || !point || !(mask.stability >= floors.stability) || isCutOff(mask.box, crop, image))
        continue;
      const cropArea = (right - left) * (bottom - top);
      found.push({ ...mask, predictedIou, point, crop: index, cropArea });
    }
    return found;
  }
}

function sharedArea(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  return Math.max(0, width) * Math.max(0, height);
}

/** SAM's three masks for an ambiguous click. */
const CANDIDATES = [1, 2, 3] as const;

/** The settings' own thresholds as floors: nothing is kept that they leave out. */
export function floorsOf(thresholds: Readonly<Record<keyof Floors, number>>): Floors {
  return { iou: thresholds.iou, stability: thresholds.stability };
}
