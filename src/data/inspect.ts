import { objectClasses } from './classes.ts';
import {
  type Dataset,
  type DatasetSample,
  isLabelled,
  type LoadedSample,
  loadSample,
  type MaskTurn,
} from './dataset.ts';
import { withRunOrder } from './dataset-runs.ts';
import { joinInFolders } from './join-alike.ts';
import type { LazyFile } from './lazy-file.ts';
import { ObjectSizeCounts } from './object-sizes.ts';
import { labelsOf } from './objects.ts';
import { notice } from './outcome.ts';
import { OutlineCounts } from './outline-objects.ts';
import { collectStatistics, type DatasetStatistics, inferDatasetReading } from './reading/dataset-reading.ts';
import { classReading, type DatasetReading, type ReadingChanges } from './reading/reading.ts';
import { channelRemarks, commonChannels, type ManyChannels } from './shown-channels.ts';
import type {
  DatasetMaskKind,
  DatasetSummary,
  MaskKind,
  ObjectFacts,
  ObjectSizes,
  ReadProgress,
  Refusal,
  Sample,
} from './types.ts';

export interface InspectOptions {
  readonly onProgress?: (progress: ReadProgress) => void;
  /** Stops between two samples; what was read so far is returned, the rest is left out. */
  readonly signal?: AbortSignal;
  /** Lists every object, which takes memory by their number. Default false. */
  readonly listObjects?: boolean;
  /** What a person chose of the reading; it counts before what the dataset's own settings say. */
  readonly changes?: ReadingChanges;
  /** Of this dataset, where they are known: masks are then not looked at again. */
  readonly statistics?: DatasetStatistics;
  /** Called with each sample that is kept, while it is decoded. */
  readonly onLoaded?: (loaded: LoadedSample) => Promise<void>;
}

export interface InspectedDataset {
  /** The dataset without what cannot be used. */
  readonly dataset: Dataset;
  /** One for each of its samples, in their order. */
  readonly samples: readonly Sample[];
  /** The objects of each sample, largest first; no lists unless {@link InspectOptions.listObjects} is set. */
  readonly objects: readonly (readonly ObjectFacts[])[];
  readonly sizes: ObjectSizes;
  readonly summary: DatasetSummary;
  /** How the masks are read. */
  readonly reading: DatasetReading;
  /** A sentence for each part of the reading. */
  readonly evidence: readonly string[];
  readonly refusals: readonly Refusal[];
}

/** Milliseconds of work after which other events of the worker or page get their turn. */
const TURN = 40;

/**
 * Looks at all masks for the dataset's reading, then decodes every sample with it: what cannot be used is left out
 * with its reason (a bad image with its masks, a bad mask alone: its image is kept for Segment), empty masks get a
 * notice and are kept, and the rest is counted.
 */
export async function inspectDataset(
  found: Dataset,
  options: InspectOptions = {},
): Promise<InspectedDataset> {
  const dataset = withRunOrder(found, options.changes?.runs);
  const { signal, onProgress, listObjects = false } = options;
  const total = 2 * dataset.samples.length;
  const turn = turns(signal);
  const step = (done: number, sample: DatasetSample) =>
    onProgress?.({ done, total, file: sample.image.path });
  const statistics = options.statistics ?? (await statisticsOf(dataset, options));
  const changes = { ...dataset.changes, ...options.changes };
  const { classTables, runs, ...kept } = dataset;
  const {
    reading,
    evidence,
    remarks,
    classNames: named,
  } = inferDatasetReading(statistics, changes, dataset.samples, classTables);
  const refusals: Refusal[] = [...(runs?.remarks ?? []), ...remarks];
  const turned: Record<MaskTurn, string[]> = { turned: [], unsure: [] };
  const manyChannels: ManyChannels[] = [];
  const empty: string[] = [];
  const checked: Checked[] = [];
  const counts = new ObjectSizeCounts();
  const outlines = new OutlineCounts();
  for (const [index, sample] of dataset.samples.entries()) {
    if (signal?.aborted) break;
    const readable: DatasetSample = {
      ...withoutRefused(sample, remarks),
      reading,
      ...(changes.channels && { channels: changes.channels }),
    };
    const loaded = await loadSample(readable);
    if (loaded.ok) {
      refusals.push(...loaded.value.refusals);
      if (loaded.value.channels)
        manyChannels.push({ file: sample.image.path, channels: loaded.value.channels });
      if (loaded.value.maskTurn) turned[loaded.value.maskTurn].push(sample.image.path);
      const usable = withoutRefused(readable, loaded.value.refusals);
      const seen = checkedOf(usable, loaded.value, listObjects);
      if (isLabelled(usable) && seen.sample.objects === 0) empty.push(maskOf(usable));
      checked.push(seen);
      counts.add(
        loaded.value.image,
        loaded.value.objects.regions.map(({ area }) => area),
      );
      outlines.add(loaded.value.objects, maskOf(usable));
      await options.onLoaded?.(loaded.value);
    } else {
      refusals.push(loaded.refusal);
    }
    step(dataset.samples.length + index + 1, sample);
    await turn();
  }
  refusals.push(...emptyMasks(empty), ...outlines.remarks(), ...turnRemarks(turned));
  if (!changes.channels) refusals.push(...channelRemarks(manyChannels));
  const channels = changes.channels ?? commonChannels(manyChannels);
  const many = new Set(manyChannels.map(({ file }) => file));
  const own = namesByLabel(dataset.classNames, reading);
  const classNames = named.size > 0 ? new Map([...named, ...(own ?? [])]) : own;
  const clean: Dataset = {
    ...kept,
    ...(classNames ? { classNames } : {}),
    reading,
    samples: checked.map(({ files }) =>
      channels && (changes.channels || many.has(files.image.path)) ? { ...files, channels } : files,
    ),
  };
  const samples = checked.map(({ sample }) => sample);
  const objects = listObjects ? checked.map((each) => each.objects) : [];
  return {
    dataset: clean,
    samples,
    objects,
    sizes: counts.sizes,
    reading,
    evidence: [...(runs?.evidence ?? []), ...(runs?.rows ?? []), ...evidence],
    summary: summarise(clean.name, samples, bytesOf(clean)),
    // What is wrong with a mask is often wrong with all of its folder.
    refusals: joinInFolders(refusals),
  };
}

/** Names of classes by label: 0 has another where it is no background. */
function namesByLabel(
  names: ReadonlyMap<number, string> | undefined,
  reading: DatasetReading,
): ReadonlyMap<number, string> | undefined {
  const zero = names?.get(0);
  const used = classReading(reading);
  if (!names || zero === undefined || !used || used.zeroLabel === 0) return names;
  return new Map([...names, [used.zeroLabel, zero]]);
}

/** Looks at all masks of a dataset; what {@link inspectDataset} does first. */
export function statisticsOf(
  { samples }: Dataset,
  { signal, onProgress }: Pick<InspectOptions, 'signal' | 'onProgress'>,
): Promise<DatasetStatistics> {
  const turn = turns(signal);
  return collectStatistics(samples, {
    ...(signal && { signal }),
    afterSample: async (index) => {
      onProgress?.({ done: index + 1, total: 2 * samples.length, file: samples[index]?.image.path ?? '' });
      await turn();
    },
  });
}

/** Gives other events their turn now and then. */
function turns(signal: AbortSignal | undefined): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (signal?.aborted || performance.now() - since <= TURN) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    since = performance.now();
  };
}

interface Checked {
  readonly files: DatasetSample;
  readonly sample: Sample;
  readonly objects: readonly ObjectFacts[];
}

function checkedOf(files: DatasetSample, loaded: LoadedSample, listObjects: boolean): Checked {
  const sample = sampleOf(loaded);
  return {
    files: { ...files, objects: sample.objects },
    sample,
    objects: listObjects ? objectFacts(loaded) : [],
  };
}

function objectFacts({ objects, labelling }: LoadedSample): ObjectFacts[] {
  if (!labelling) return [];
  const classes = objectClasses(objects, labelling.classMap);
  return objects.regions.map(({ area, box }, i) => ({ class: classes[i] ?? 0, area, box }));
}

function turnRemarks({ turned, unsure }: Readonly<Record<MaskTurn, readonly string[]>>): Refusal[] {
  const some = (files: readonly string[]) =>
    files.length === 1 ? 'This image is' : `${files.length} images, this one the first, are`;
  const remarks: Refusal[] = [];
  if (turned[0] !== undefined) {
    remarks.push(
      notice(
        'data/mask-turned',
        turned[0],
        `${some(turned)} turned upright by the EXIF orientation; the masks, which lie as the files are stored, were turned likewise.`,
        'Look at the masks on their images.',
      ),
    );
  }
  if (unsure[0] !== undefined) {
    remarks.push(
      notice(
        'data/mask-turn-unsure',
        unsure[0],
        `${some(unsure)} turned upright by the EXIF orientation; whether the masks lie like the upright image cannot be told by their sizes, and they were left as they are.`,
        'Look at the masks on their images; if they are upside down or mirrored, turn the images upright in an image program and save them without EXIF orientation.',
      ),
    );
  }
  return remarks;
}

/** A sample without the masks that were refused. */
function withoutRefused(sample: DatasetSample, refusals: readonly Refusal[]): DatasetSample {
  const bad = new Set(refusals.filter(({ severity }) => severity === 'refused').map(({ file }) => file));
  const isGood = (file: LazyFile | undefined) => file !== undefined && !bad.has(file.path);
  const { mask, instances, labels, objectMasks, ...others } = sample;
  const objects = objectMasks?.filter(isGood) ?? [];
  return {
    ...others,
    ...(mask && isGood(mask) ? { mask } : {}),
    ...(instances && isGood(instances) ? { instances } : {}),
    ...(labels && isGood(labels) ? { labels } : {}),
    ...(objects.length > 0 ? { objectMasks: objects } : {}),
  };
}

function sampleOf({ name, image, depth, objects, labelling }: LoadedSample): Sample {
  const area = objects.regions.reduce((sum, region) => sum + region.area, 0);
  return {
    name,
    width: image.width,
    height: image.height,
    ...(labelling ? { maskKind: labelling.kind, source: labelling.source } : {}),
    objects: objects.regions.length,
    labels: labelling ? labelsOf(labelling.classMap) : [],
    foreground: area / (image.width * image.height),
    ...(depth ? { depth } : {}),
  };
}

const maskOf = ({ instances, labels, mask, objectMasks, image }: DatasetSample): string =>
  (instances ?? labels ?? mask ?? objectMasks?.[0] ?? image).path;

/** Empty masks that are named one by one; a set in which many images show nothing is no fault. */
const SAID_ALONE = 4;

function emptyMasks(files: readonly string[]): Refusal[] {
  const [first] = files;
  if (first !== undefined && files.length > SAID_ALONE)
    return [
      notice(
        'data/empty-mask',
        first,
        `This mask and ${files.length - 1} others are empty: nothing in them is foreground.`,
        'The images are kept and counted, but nothing can be learned from them; check the masks if they should show something.',
      ),
    ];
  return files.map((file) =>
    notice(
      'data/empty-mask',
      file,
      'The mask is empty: nothing in it is foreground.',
      'The image is kept and counted, but nothing can be learned from it; check the mask if it should show something.',
    ),
  );
}

/**
 * Counts for the card of a dataset.
 * @param bytes of all files that are kept.
 */
export function summarise(name: string, samples: readonly Sample[], bytes: number): DatasetSummary {
  const maskKinds: Record<MaskKind, number> = { binary: 0, threshold: 0, labels: 0, instances: 0 };
  const labels = new Set<number>();
  let labelled = 0;
  let empty = 0;
  let objects = 0;
  for (const sample of samples) {
    for (const label of sample.labels) labels.add(label);
    objects += sample.objects;
    if (sample.maskKind === undefined) continue;
    maskKinds[sample.maskKind]++;
    labelled++;
    if (sample.objects === 0) empty++;
  }
  return {
    name,
    images: samples.length,
    labelled,
    unlabelled: samples.length - labelled,
    empty,
    objects,
    labels: [...labels].sort((a, b) => a - b),
    maskKinds,
    bytes,
    widths: spread(samples.map(({ width }) => width)),
    heights: spread(samples.map(({ height }) => height)),
  };
}

function bytesOf({ samples }: Dataset): number {
  return samples
    .flatMap(({ image, mask, instances, labels, objectMasks = [] }) => [
      image,
      mask,
      instances,
      labels,
      ...objectMasks,
    ])
    .reduce((sum, file) => sum + (file?.size ?? 0), 0);
}

function spread(values: readonly number[]): [min: number, max: number] {
  return values.length === 0
    ? [0, 0]
    : values.reduce<[number, number]>(
        ([low, high], v) => [Math.min(low, v), Math.max(high, v)],
        [Number.POSITIVE_INFINITY, 0],
      );
}

/** The kind of all masks of a dataset, by the counts of its summary. */
export function maskKindOf(counts: Readonly<Record<MaskKind, number>>): DatasetMaskKind {
  const kinds = (['binary', 'threshold', 'labels', 'instances'] as const).filter((kind) => counts[kind] > 0);
  const [kind] = kinds;
  if (!kind) return 'none';
  return kinds.length > 1 ? 'mixed' : kind;
}
