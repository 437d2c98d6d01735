import type { ShownChannels } from './decode/channels.ts';
import { decodeImage, type ImageReading } from './decode/image.ts';
import { type DecodedMask, decodeMask, type MaskRole } from './decode/mask.ts';
import { type LazyFile, readBytes } from './lazy-file.ts';
import { findObjects, type ObjectRule } from './objects.ts';
import { refusal } from './outcome.ts';
import type {
  DepthMapping,
  LabelMap,
  MaskKind,
  ObjectSet,
  ObjectSource,
  Outcome,
  Refusal,
  RgbImage,
  Split,
} from './types.ts';

/** The files of one sample, each read when it is needed. `name` sorts and splits the samples. */
export interface DatasetSample {
  readonly name: string;
  readonly image: LazyFile;
  readonly mask?: LazyFile;
  readonly instances?: LazyFile;
  readonly labels?: LazyFile;
  /** Masks that hold one object each. */
  readonly objectMasks?: readonly LazyFile[];
  /** The split that its folders name. */
  readonly split?: Split;
}

/** Samples in natural order of their names. */
export interface Dataset {
  readonly name: string;
  /** Names of classes by their label, where the files give names. */
  readonly classNames?: ReadonlyMap<number, string>;
  readonly samples: readonly DatasetSample[];
}

/** Whether a sample has any file that says where its objects are. */
export function isLabelled(sample: DatasetSample): boolean {
  return Boolean(sample.mask ?? sample.instances ?? sample.labels);
}

/** Names of the labelled samples, in natural order: what is split into training, validation and test. */
export function labelledNames(dataset: Dataset): string[] {
  return dataset.samples.filter(isLabelled).map(({ name }) => name);
}

/** The files of a sample by the order in which its objects are looked for. */
const SOURCES = ['instances', 'labels', 'masks'] as const satisfies readonly ObjectSource[];

const fileOf = (sample: DatasetSample, source: ObjectSource) =>
  source === 'masks' ? sample.mask : sample[source];

/** A sample decoded. */
export interface LoadedSample {
  readonly name: string;
  readonly image: RgbImage;
  readonly depth?: DepthMapping;
  /** Set when the image file has two or more than three channels: which of them are shown. */
  readonly channels?: ShownChannels;
  /** Objects largest first; none when there is no usable mask or it is empty. */
  readonly objects: ObjectSet;
  /** What the objects were found in; absent when there is no usable mask. */
  readonly labelling?: Labelling;
  /** Files of this sample that could not be used, and why. */
  readonly refusals: readonly Refusal[];
}

export interface Labelling {
  readonly source: ObjectSource;
  readonly kind: MaskKind;
  /** How objects are told apart in `labelMap`; by the same rule they are found again after augmentation. */
  readonly rule: ObjectRule;
  readonly labelMap: LabelMap;
  /**
   * Class of every pixel, for masks of a whole class: labels/, else masks/, else 1 wherever instances/ has an object.
   */
  readonly classMap: LabelMap;
  /** How the file was understood that `classMap` is of. */
  readonly classKind: MaskKind;
}

export interface LoadOptions extends ImageReading {
  /** Pixels under which an object of an image of that size is left out. Default 0. */
  readonly leastArea?: (image: Pick<RgbImage, 'width' | 'height'>) => number;
}

/**
 * Decodes a sample. An object is an id of instances/, else an 8-connected component of a label of labels/, else of
 * the mask. A mask that cannot be used (damaged, of another size) is left out and named in `refusals`; an image that
 * cannot is the refusal itself.
 */
export async function loadSample(
  sample: DatasetSample,
  options: LoadOptions = {},
): Promise<Outcome<LoadedSample>> {
  const decoded = await readAnd(sample.image, (bytes, file) => decodeImage(bytes, file, options));
  if (!decoded.ok) return decoded;
  const { image, depth, channels } = decoded.value;
  const refusals: Refusal[] = [];
  const masks: Partial<Record<ObjectSource, DecodedMask>> = {};
  for (const source of SOURCES) {
    const file = fileOf(sample, source);
    if (!file) continue;
    const mask = await loadMask(file, source, image, sample.name);
    if (mask.ok) masks[source] = mask.value;
    else refusals.push(mask.refusal);
  }
  const labelling = chooseLabelling(masks);
  return {
    ok: true,
    value: {
      name: sample.name,
      image,
      ...(depth ? { depth } : {}),
      ...(channels ? { channels } : {}),
      objects: labelling
        ? findObjects(labelling.labelMap, labelling.rule, options.leastArea?.(image))
        : noObjects(image),
      ...(labelling ? { labelling } : {}),
      refusals,
    },
  };
}

async function readAnd<T>(
  file: LazyFile,
  decode: (bytes: Uint8Array, name: string) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const bytes = await readBytes(file);
  return bytes.ok ? decode(bytes.value, file.path) : bytes;
}

async function loadMask(
  file: LazyFile,
  role: MaskRole,
  image: RgbImage,
  imageName: string,
): Promise<Outcome<DecodedMask>> {
  const mask = await readAnd(file, (bytes, name) => decodeMask(bytes, name, role));
  if (!mask.ok) return mask;
  const { width, height } = mask.value.labelMap;
  if (width === image.width && height === image.height) return mask;
  const isTurned = width === image.height && height === image.width;
  const cure = isTurned
    ? 'The image was taken on its side: turn it upright in an image program and save it, or turn the mask.'
    : 'Export the mask at the size of its image.';
  const reason = `The mask is ${width} × ${height} pixels and its image ${imageName} is ${image.width} × ${image.height}.`;
  return { ok: false, refusal: refusal('data/mask-size', file.path, reason, cure) };
}

function chooseLabelling(masks: Partial<Record<ObjectSource, DecodedMask>>): Labelling | undefined {
  const source = SOURCES.find((name) => masks[name]);
  const chosen = source && masks[source];
  if (!source || !chosen) return undefined;
  const classes = masks.labels ?? masks.masks;
  return {
    source,
    kind: chosen.kind,
    rule: source === 'instances' ? 'ids' : 'components',
    labelMap: chosen.labelMap,
    classMap: classes?.labelMap ?? {
      ...chosen.labelMap,
      data: chosen.labelMap.data.map((v) => Math.min(v, 1)),
    },
    classKind: (classes ?? chosen).kind,
  };
}

const noObjects = ({ width, height }: RgbImage): ObjectSet => ({
  width,
  height,
  map: new Int32Array(width * height),
  regions: [],
});
