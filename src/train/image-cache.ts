import type { SamConfig } from '../config/sam.ts';
import type { TrainConfig } from '../config/train.ts';
import { seenSize } from '../data/crops.ts';
import { bytesOfRuns } from '../data/label-runs.ts';
import { Lru } from '../data/lru.ts';
import { reduceSample } from '../data/reduce.ts';
import type { Outcome } from '../data/types.ts';
import { hasObject, type TrainingSource, trainingSource } from './prepare.ts';
import type { TrainingSet } from './training-set.ts';

/**
 * The decoded images that a run draws from. Each is reduced to what the smallest crop needs, whether it is kept or
 * decoded again, so that memory decides how long a step takes and never what it learns.
 */
export class ImageCache {
  private readonly kept: Lru<TrainingSource | null>;

  /** @param bytes most that is kept; one image may have more. */
  constructor(
    private readonly sam: SamConfig,
    private readonly config: TrainConfig,
    bytes: number,
  ) {
    this.kept = new Lru(bytes, bytesOf);
  }

  /** Bytes of the images that are kept. */
  get bytes(): number {
    return this.kept.cost;
  }

  /** What an image is prepared from; null when it is not labelled. */
  async load(
    { key, load, scale = 'whole' }: TrainingSet,
    name: string,
  ): Promise<Outcome<TrainingSource | null>> {
    const id = `${key}\n${name}`;
    const known = this.kept.get(id);
    if (known !== undefined) return { ok: true, value: known };
    const loaded = await load(name);
    if (!loaded.ok) return loaded;
    const factor = reductionOf(seenSize(loaded.value.image, scale), this.sam, this.config);
    const { image, labelling } = reduceSample(loaded.value, factor);
    const side = scale === 'whole' ? null : Math.max(1, Math.round(scale / factor));
    const whole = labelling ? trainingSource(image, labelling, side) : null;
    // Of an image without an object only the size is used, so that it need not be decoded again.
    const source = whole && !hasObject(whole) ? withoutPixels(whole) : whole;
    this.kept.set(id, source);
    return { ok: true, value: source };
  }
}

function withoutPixels(source: TrainingSource): TrainingSource {
  return { ...source, image: { ...source.image, data: new Uint8Array() } };
}

/** By which whole number an image can be reduced so that the smallest crop still has the pixels of the model's input. */
export function reductionOf(
  { width, height }: { readonly width: number; readonly height: number },
  { imageSize }: Pick<SamConfig, 'imageSize'>,
  { minCrop }: Pick<TrainConfig, 'minCrop'>,
): number {
  return Math.max(1, Math.floor((Math.max(width, height) * minCrop) / imageSize));
}

function bytesOf(source: TrainingSource | null): number {
  if (!source) return 0;
  const { image, labels, classes } = source;
  const maps = classes === labels ? [labels] : [labels, classes];
  return maps.reduce((sum, map) => sum + bytesOfRuns(map), image.data.byteLength);
}
