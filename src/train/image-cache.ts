import type { SamConfig } from '../config/sam.ts';
import type { TrainConfig } from '../config/train.ts';
import { Lru } from '../data/lru.ts';
import { reduceSample, type TrainingSample } from '../data/reduce.ts';
import type { LabelMap, Outcome } from '../data/types.ts';
import type { TrainingSet } from './training-set.ts';

/**
 * The decoded images that a run draws from. Each is reduced to what the smallest crop needs, whether it is kept or
 * decoded again, so that memory decides how long a step takes and never what it learns.
 */
export class ImageCache {
  private readonly kept: Lru<PackedSample>;

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

  async load({ key, load }: TrainingSet, name: string): Promise<Outcome<TrainingSample>> {
    const id = `${key}\n${name}`;
    const known = this.kept.get(id);
    if (known) return { ok: true, value: unpack(known) };
    const loaded = await load(name);
    if (!loaded.ok) return loaded;
    const { image, labelling } = loaded.value;
    const factor = reductionOf(image, this.sam, this.config);
    const sample = reduceSample({ name, image, ...(labelling && { labelling }) }, factor);
    this.kept.set(id, pack(sample));
    return { ok: true, value: sample };
  }
}

/** By which whole number an image can be reduced so that the smallest crop still has the pixels of the model's input. */
export function reductionOf(
  { width, height }: { readonly width: number; readonly height: number },
  { imageSize }: Pick<SamConfig, 'imageSize'>,
  { minCrop }: Pick<TrainConfig, 'minCrop'>,
): number {
  return Math.max(1, Math.floor((Math.max(width, height) * minCrop) / imageSize));
}

/** A map whose values take the fewest bytes that hold them. */
interface PackedMap extends Pick<LabelMap, 'width' | 'height'> {
  readonly data: Int8Array | Int16Array | Int32Array;
}

/** A {@link TrainingSample} as it is kept. */
interface PackedSample extends Pick<TrainingSample, 'name' | 'image'> {
  readonly labelling?: Omit<NonNullable<TrainingSample['labelling']>, 'labelMap' | 'classMap'> & {
    readonly labelMap: PackedMap;
    readonly classMap: PackedMap;
  };
}

function pack({ labelling, ...rest }: TrainingSample): PackedSample {
  if (!labelling) return rest;
  const labelMap = packMap(labelling.labelMap);
  const isShared = labelling.classMap.data === labelling.labelMap.data;
  return {
    ...rest,
    labelling: { ...labelling, labelMap, classMap: isShared ? labelMap : packMap(labelling.classMap) },
  };
}

function unpack({ labelling, ...rest }: PackedSample): TrainingSample {
  if (!labelling) return rest;
  const labelMap = unpackMap(labelling.labelMap);
  const isShared = labelling.classMap === labelling.labelMap;
  return {
    ...rest,
    labelling: { ...labelling, labelMap, classMap: isShared ? labelMap : unpackMap(labelling.classMap) },
  };
}

function packMap({ width, height, data }: LabelMap): PackedMap {
  let [least, most] = [0, 0];
  for (const value of data) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const fits = (bits: number) => least >= -(2 ** (bits - 1)) && most < 2 ** (bits - 1);
  if (fits(8)) return { width, height, data: Int8Array.from(data) };
  return { width, height, data: fits(16) ? Int16Array.from(data) : data };
}

function unpackMap({ width, height, data }: PackedMap): LabelMap {
  return { width, height, data: data instanceof Int32Array ? data : Int32Array.from(data) };
}

function bytesOf({ image, labelling }: PackedSample): number {
  const own = image.data.byteLength;
  if (!labelling) return own;
  const { labelMap, classMap } = labelling;
  return own + labelMap.data.byteLength + (classMap === labelMap ? 0 : classMap.data.byteLength);
}
