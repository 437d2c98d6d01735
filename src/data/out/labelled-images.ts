import { className, objectClasses } from '../classes.ts';
import { type Dataset, type DatasetSample, isLabelled, type LoadedSample, loadSample } from '../dataset.ts';
import { originText, scoreOf } from '../labels/origins.ts';
import { hasPixel, runsOfBitmap, runsOfValues } from '../labels/runs.ts';
import type { ImageLabels, ObjectOrigin, Runs } from '../labels/types.ts';
import { valueOrThrow } from '../outcome.ts';
import { classReading } from '../reading/reading.ts';
import type { LabelledImage, LabelSet, PixelSize } from './label-set.ts';

/** A dataset on its way out. */
export interface LabelledDataset {
  readonly dataset: Dataset;
  /** Class values that its masks have. */
  readonly labels: readonly number[];
  /** Colours of classes by their value, as `#rrggbb`. */
  readonly colours?: Readonly<Record<string, string>>;
  /** What was labelled of an image in the studio; null of others. */
  readonly labelsOf?: (name: string) => Promise<ImageLabels | null>;
}

/** What goes out of a dataset: its classes by name; none where it has one kind of object without a name. */
export function labelSetOf(
  { dataset, labels, colours = {} }: LabelledDataset,
  pixelSize?: PixelSize,
): LabelSet {
  const nameOf = classNamer({ dataset, labels });
  const values = classValues(dataset, labels);
  const classes = values.flatMap((label) => nameOf(label) ?? []);
  const chosen = values.flatMap((label) => {
    const [name, colour] = [nameOf(label), colours[label]];
    return name !== undefined && colour !== undefined ? [[name, colour] as const] : [];
  });
  return { name: dataset.name, classes, colours: new Map(chosen), ...(pixelSize ? { pixelSize } : {}) };
}

/**
 * The images of a dataset that have masks, decoded one after the other.
 * @param onImage called before each image with how many there are and how many were done.
 * @throws Failure naming an image that cannot be read.
 */
export async function* labelledImages(
  { dataset, labels, labelsOf = async () => null }: LabelledDataset,
  onImage: (done: number, total: number, name: string) => void = () => undefined,
): AsyncGenerator<LabelledImage> {
  const nameOf = classNamer({ dataset, labels });
  const samples = dataset.samples.filter(isLabelled);
  for (const [i, sample] of samples.entries()) {
    onImage(i, samples.length, sample.name);
    const loaded = valueOrThrow(await loadSample(sample));
    yield labelledImage(sample, loaded, nameOf, originFinder(sample, loaded, await labelsOf(sample.name)));
  }
}

/** Classes that have a name or an object, ascending: without those that no object has, the numbers of others would move. */
function classValues({ classNames, reading }: Dataset, labels: readonly number[]): number[] {
  const { background = 0, ignored = [] } = readingOfClasses(reading) ?? {};
  const isClass = (value: number) => value > 0 && value !== background && !ignored.includes(value);
  const named = [...(classNames?.keys() ?? [])].filter(isClass);
  return [...new Set([...named, ...labels])].sort((a, b) => a - b);
}

const readingOfClasses = (reading: Dataset['reading']) =>
  reading === undefined || reading === 'per-file' ? undefined : classReading(reading);

type ClassNamer = (label: number) => string | undefined;

/** What classes are called; nothing where there is one kind of object without a name. */
export function classNamer({
  dataset: { classNames: names, reading },
  labels,
}: Pick<LabelledDataset, 'dataset' | 'labels'>): ClassNamer {
  const naming = {
    count: labels.length,
    names,
    reading: readingOfClasses(reading),
  };
  return (label) => {
    if (label === 0 || (labels.length < 2 && !names?.has(label))) return undefined;
    return className(label, naming);
  };
}

type OriginFinder = (runs: Runs) => ObjectOrigin | undefined;

/** Who made the object that pixels belong to: of labels, which lie on each other, the uppermost at their first. */
function originFinder(
  sample: DatasetSample,
  { labelling }: LoadedSample,
  labels: ImageLabels | null,
): OriginFinder {
  return ([first = 0]) => {
    return labels
      ? labels.objects.findLast(({ runs }) => hasPixel(runs, first))?.origin
      : sample.origins?.get(labelling?.labelMap.data[first] ?? 0);
  };
}

function labelledImage(
  sample: DatasetSample,
  loaded: LoadedSample,
  nameOf: ClassNamer,
  originOf: OriginFinder,
): LabelledImage {
  const { objects, labelling } = loaded;
  const classes = labelling ? objectClasses(objects, labelling.classMap) : [];
  return {
    name: sample.name,
    width: objects.width,
    height: objects.height,
    objects: runsOfValues(objects.map, objects.regions.length).map((runs, i) => {
      const named = nameOf(classes[i] ?? 0);
      const origin = originOf(runs);
      const score = origin && scoreOf(origin);
      return {
        runs,
        ...(named === undefined ? {} : { className: named }),
        ...(score === undefined ? {} : { score }),
        ...(origin === undefined ? {} : { origin: originText(origin) }),
      };
    }),
    ignored: runsOfBitmap(objects.map.map((value) => (value < 0 ? 1 : 0))),
    ...(sample.split ? { split: sample.split } : {}),
    file: sample.image,
  };
}
