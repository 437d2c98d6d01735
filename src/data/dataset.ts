import type { Failure } from '../config/failure.ts';
import type { RunMasks } from './annotations/mask-files.ts';
import type { ShownChannels } from './decode/channels.ts';
import { type DecodedImage, decodeImage, type ImageReading } from './decode/image.ts';
import { upright } from './decode/orientation.ts';
import type { Raster } from './decode/raster.ts';
import { readRaster } from './decode/read-raster.ts';
import type { ObjectOrigin } from './labels/types.ts';
import { type LazyFile, readBytes } from './lazy-file.ts';
import { findObjects, type ObjectRule } from './objects.ts';
import { attempt, refuse } from './outcome.ts';
import { applyReading } from './reading/apply.ts';
import type { ClassTable } from './reading/class-table.ts';
import { classOfCode } from './reading/coded-ids.ts';
import { collectStatistics, inferDatasetReading } from './reading/dataset-reading.ts';
import { earlierReading } from './reading/earlier.ts';
import type {
  ChannelChoice,
  DatasetReading,
  MaskReading,
  MaskRole,
  ReadingChanges,
  RunOrder,
} from './reading/reading.ts';
import type {
  DepthMapping,
  LabelMap,
  MaskKind,
  ObjectSet,
  ObjectSource,
  Outcome,
  Refusal,
  RgbImage,
  Scale,
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
  /**
   * How its masks are read, the same for all samples of a dataset. `per-file` is how datasets were read that were
   * stored before they had a reading. Without one it is inferred from the sample's own masks.
   */
  readonly reading?: DatasetReading | 'per-file';
  /** Who made its objects, by their number in `instances`, where annotations say it. */
  readonly origins?: ReadonlyMap<number, ObjectOrigin>;
  /** Channels that its image shows, where they are not as decoding finds them. */
  readonly channels?: ChannelChoice;
  /** Objects of any size, of a sample that was inspected. */
  readonly objects?: number;
}

/** How the runs of a dataset are counted, and its masks in either order. */
export interface DatasetRuns {
  readonly order: RunOrder;
  /** How that is known, and what rows of their files are. */
  readonly evidence: readonly string[];
  readonly rows: readonly string[];
  readonly remarks: readonly Refusal[];
  /** By the path of the image. */
  readonly masks: ReadonlyMap<string, RunMasks>;
}

/** Samples in natural order of their names. */
export interface Dataset {
  readonly name: string;
  /** Names of classes by their label, where the files give names. */
  readonly classNames?: ReadonlyMap<number, string>;
  /** Tables of which one may name them, by what its masks turn out to hold. */
  readonly classTables?: readonly ClassTable[];
  /** What a `dataset.json` beside the images says of the reading. */
  readonly changes?: ReadingChanges;
  /** Set where its masks come from runs that may be counted in two ways. */
  readonly runs?: DatasetRuns;
  /** How a model sees its images; whole without one. */
  readonly scale?: Scale;
  /** Set when the dataset was inspected. */
  readonly reading?: DatasetReading | 'per-file';
  readonly samples: readonly DatasetSample[];
}

/** Whether a sample has any file that says where its objects are. */
export function isLabelled(sample: DatasetSample): boolean {
  return Boolean(sample.mask ?? sample.instances ?? sample.labels ?? sample.objectMasks?.[0]);
}

/** Names of the labelled samples, in natural order: what is split into training, validation and test. */
export function labelledNames(dataset: Dataset): string[] {
  return dataset.samples.filter(isLabelled).map(({ name }) => name);
}

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
  /** Set when EXIF turns the image and no mask of it. */
  readonly maskTurn?: MaskTurn;
}

/**
 * Of an image that EXIF turns: `turned` when its masks were turned likewise, because their sizes agree only then,
 * `unsure` when the sizes agree either way and the masks were left as they are.
 */
export type MaskTurn = 'turned' | 'unsure';

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
  const shown = options.channels ?? sample.channels;
  const imageReading = { ...options, ...(shown && { channels: shown }) };
  const decoded = await readAnd(sample.image, (bytes, file) => decodeImage(bytes, file, imageReading));
  if (!decoded.ok) return decoded;
  const { image, depth, channels } = decoded.value;
  const masks = new SampleMasks(sample, decoded.value, await readingOf(sample));
  const labelling = await masks.labelling();
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
      refusals: masks.refusals,
      ...(masks.turn ? { maskTurn: masks.turn } : {}),
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

async function readingOf(sample: DatasetSample): Promise<DatasetReading | 'per-file'> {
  return sample.reading ?? inferDatasetReading(await collectStatistics([sample]), {}, [sample]).reading;
}

/** A mask and how it was read. */
interface ReadMask {
  readonly labelMap: LabelMap;
  readonly reading: MaskReading;
}

/** The masks of one sample, read; what cannot be is kept as refusals. */
class SampleMasks {
  readonly refusals: Refusal[] = [];
  turn: MaskTurn | undefined;

  constructor(
    private readonly sample: DatasetSample,
    private readonly decoded: DecodedImage,
    private readonly reading: DatasetReading | 'per-file',
  ) {}

  /** What objects are found in: ids of instances/ or of files of one object, else labels/, else the mask. */
  async labelling(): Promise<Labelling | undefined> {
    const { sample } = this;
    const instances =
      (sample.instances && (await this.read(sample.instances, 'instances'))) ?? (await this.combined());
    const labels = sample.labels && (await this.read(sample.labels, 'labels'));
    const mask = sample.mask && (await this.read(sample.mask, 'masks'));
    const chosen = instances ?? labels ?? mask;
    if (!chosen) return undefined;
    const classes = labels ?? mask;
    const source = instances ? 'instances' : labels ? 'labels' : 'masks';
    return {
      source,
      kind: kindOf(chosen.reading),
      rule: chosen.reading.meaning === 'objects' ? 'ids' : 'components',
      labelMap: chosen.labelMap,
      classMap: classes && classes.reading.meaning !== 'objects' ? classes.labelMap : classesOfIds(chosen),
    };
  }

  /** Files of one object each as ids, the later on top. */
  private async combined(): Promise<ReadMask | undefined> {
    const { objectMasks = [] } = this.sample;
    let all: ReadMask | undefined;
    for (const [index, file] of objectMasks.entries()) {
      const one = await this.read(file, 'masks');
      if (!one) continue;
      const { labelMap, reading } = one;
      all ??= {
        labelMap: { ...labelMap, data: new Int32Array(labelMap.data.length) },
        reading: { ...reading, meaning: 'objects' },
      };
      const { data } = all.labelMap;
      for (let i = 0; i < data.length; i++) {
        const value = labelMap.data[i] as number;
        if (value > 0) data[i] = index + 1;
        else if (value < 0 && data[i] === 0) data[i] = value;
      }
    }
    return all;
  }

  private async read(file: LazyFile, role: MaskRole): Promise<ReadMask | undefined> {
    const bytes = await readBytes(file);
    const mask = bytes.ok
      ? await attempt(file.path, async () =>
          this.apply(await readRaster(bytes.value, file.path), file.path, role),
        )
      : bytes;
    if (mask.ok) return mask.value;
    this.refusals.push(mask.refusal);
    return undefined;
  }

  private apply(stored: Raster, file: string, role: MaskRole): ReadMask {
    const raster = this.fitted(stored, file);
    if (this.reading === 'per-file') {
      const earlier = earlierReading(raster, role);
      return { labelMap: applyReading(earlier.raster, earlier.reading, file), reading: earlier.reading };
    }
    const reading = this.reading[role];
    if (!reading) throw unread(file);
    return { labelMap: applyReading(raster, reading, file), reading };
  }

  /** The mask at the size of its image; as the image is turned by EXIF, where the sizes agree only then. */
  private fitted(raster: Raster, file: string): Raster {
    const { image, turnedFrom = 1 } = this.decoded;
    const fits = ({ width, height }: Raster) => width === image.width && height === image.height;
    const isUnturned = turnedFrom > 1 && (raster.turnedFrom ?? 1) === 1;
    if (fits(raster)) {
      if (isUnturned && (turnedFrom < 5 || image.width === image.height)) this.turn ??= 'unsure';
      return raster;
    }
    if (isUnturned) {
      const turned = upright({ ...raster, orientation: turnedFrom });
      if (fits(turned)) {
        this.turn = 'turned';
        return turned;
      }
    }
    throw wrongSize(raster, file, image, this.sample.name);
  }
}

/** How a mask was understood, in a word. */
function kindOf({ meaning, threshold, levels }: MaskReading): MaskKind {
  switch (meaning) {
    case 'objects':
      return 'instances';
    case 'classes':
      return 'labels';
    case 'foreground':
      return threshold === null && levels === null ? 'binary' : 'threshold';
  }
}

/** The classes that numbers of objects say, or foreground. */
function classesOfIds({ labelMap, reading: { classStep } }: ReadMask): LabelMap {
  const classOf = (id: number) =>
    classStep === undefined || id <= 0 ? Math.min(id, 1) : classOfCode(id, classStep);
  return { ...labelMap, data: labelMap.data.map(classOf) };
}

function wrongSize(mask: Raster, file: string, image: RgbImage, imageName: string): Failure {
  const isTurned = mask.width === image.height && mask.height === image.width;
  return refuse(
    'data/mask-size',
    file,
    `The mask is ${mask.width} × ${mask.height} pixels and its image ${imageName} is ${image.width} × ${image.height}.`,
    isTurned
      ? 'One of them was turned: turn it in an image program so that both lie alike, and save it.'
      : 'Export the mask at the size of its image.',
  );
}

const unread = (file: string) =>
  refuse(
    'data/mask-unread',
    file,
    'This mask was not read, because it could not be decoded when the dataset was inspected.',
    'Import the dataset again.',
  );

const noObjects = ({ width, height }: RgbImage): ObjectSet => ({
  width,
  height,
  map: new Int32Array(width * height),
  regions: [],
});
