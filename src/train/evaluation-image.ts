import type { SamConfig } from '../config/sam.ts';
import { objectCrops } from '../data/crops.ts';
import type { LoadedSample } from '../data/dataset.ts';
import { clickPointOf } from '../data/distance-transform.ts';
import { type ImageTransform, imageTransform, type ModelInput, preprocess } from '../data/preprocess.ts';
import type { ObjectSet, RgbImage, Scale } from '../data/types.ts';
import type { ObjectPrompt } from '../sam/prompts.ts';
import { iousOnImage } from './mask-iou.ts';
import { type MeasuredObject, measuredAt } from './measured-size.ts';
import { boxPrompt, pointPrompt } from './prompts.ts';

/** What of an image is measured, and how. */
export interface MeasureOptions {
  /** Most objects of an image; the largest come first. */
  readonly maxObjects: number;
  /** Most pixels of the longer side at which masks are measured; without it they are in original pixels. */
  readonly mostPixels?: number;
}

/** What a model sees of an image at once, and what it is asked for there. Plain data, so that another thread can make it. */
export interface EvaluationView {
  /** Tells it from the image's other views. */
  readonly key: string;
  readonly input: ModelInput;
  /** Of each object its box, and the pixel that is deepest inside it. */
  readonly objects: readonly { readonly box: ObjectPrompt; readonly click: ObjectPrompt }[];
  /** Whether masks are measured at a smaller size than the view's. */
  readonly isReduced: boolean;
}

/** A mask to be compared with an object of a view. */
export interface MeasureRequest {
  readonly view: number;
  readonly object: number;
  /** Low-res logits, [side, side]. */
  readonly logits: Float32Array;
  readonly thresholds: readonly number[];
}

/** A decoded image to measure masks on; its objects stay in the thread that decoded it. */
export interface EvaluationImage {
  readonly name: string;
  /** How many; 0 without an object. Whole, or a crop for each group of objects that one can hold. */
  readonly views: number;
  /** @param giveTurn awaited between pieces of work where this thread does it. */
  readonly view: (index: number, giveTurn?: () => Promise<void>) => Promise<EvaluationView>;
  /** IoUs of a mask with an object: an entry for each threshold. */
  readonly measure: (request: MeasureRequest) => Promise<number[]>;
  /** Lets go of what is kept; nothing is asked for afterwards. */
  readonly release: () => void;
}

/** A decoded image in this thread. */
export function evaluationImage(
  sample: Pick<LoadedSample, 'name' | 'image' | 'objects'>,
  sam: SamConfig,
  scale: Scale,
  { maxObjects, mostPixels = Number.POSITIVE_INFINITY }: MeasureOptions,
): EvaluationImage {
  const views = viewsOf(sample, scale, maxObjects).map(
    ({ key, image, objects }) => new LocalView(key, image, objects, sam, maxObjects, mostPixels),
  );
  const at = (index: number): LocalView => {
    const view = views[index];
    if (!view) throw new RangeError(`${sample.name} has no view ${index}`);
    return view;
  };
  return {
    name: sample.name,
    views: views.length,
    view: (index, giveTurn) => at(index).make(giveTurn),
    measure: async ({ view, object, logits, thresholds }) => at(view).measure(object, logits, thresholds),
    release: () => undefined,
  };
}

function viewsOf(
  sample: Pick<LoadedSample, 'name' | 'image' | 'objects'>,
  scale: Scale,
  maxObjects: number,
): { readonly key: string; readonly image: RgbImage; readonly objects: ObjectSet }[] {
  const { image, objects } = sample;
  if (objects.regions.length === 0) return [];
  if (scale === 'whole') return [{ key: '', image, objects }];
  return objectCrops(sample, scale, maxObjects).map(({ window, sample: crop }) => ({
    key: window.join(' '),
    image: crop.image,
    objects: crop.objects,
  }));
}

class LocalView {
  private readonly transform: ImageTransform;
  private reduce: ReturnType<typeof measuredAt> | null = null;
  /** The object that was measured last: its masks come one after the other. */
  private last: { readonly object: number; readonly measured: MeasuredObject } | null = null;

  constructor(
    private readonly key: string,
    private readonly image: RgbImage,
    private readonly objects: ObjectSet,
    private readonly sam: SamConfig,
    private readonly maxObjects: number,
    private readonly mostPixels: number,
  ) {
    this.transform = imageTransform(image.width, image.height, this.record);
  }

  async make(giveTurn?: () => Promise<void>): Promise<EvaluationView> {
    const { key, image, objects, transform, maxObjects, mostPixels } = this;
    const { data } = preprocess(image, this.record);
    const prompts: { readonly box: ObjectPrompt; readonly click: ObjectPrompt }[] = [];
    for (const region of objects.regions.slice(0, maxObjects)) {
      const { x, y } = clickPointOf(objects, region);
      prompts.push({
        box: boxPrompt(transform, region.box),
        click: pointPrompt(transform, x + 0.5, y + 0.5),
      });
      await giveTurn?.();
    }
    const isReduced = Math.max(objects.width, objects.height) > mostPixels;
    return { key, input: { data, transform }, objects: prompts, isReduced };
  }

  measure(object: number, logits: Float32Array, thresholds: readonly number[]): number[] {
    const { objects, region } = this.measured(object);
    return iousOnImage(logits, this.sam, this.transform, objects, region, thresholds);
  }

  private measured(object: number): MeasuredObject {
    if (this.last?.object === object) return this.last.measured;
    const region = this.objects.regions[object];
    if (!region) throw new RangeError(`there is no object ${object}`);
    this.reduce ??= measuredAt(this.objects, this.mostPixels);
    const measured = this.reduce(region);
    this.last = { object, measured };
    return measured;
  }

  private get record() {
    return { size: this.sam.imageSize, ...this.sam.preprocessing };
  }
}
