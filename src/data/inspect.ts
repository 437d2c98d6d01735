import { objectClasses } from './classes.ts';
import { type Dataset, type DatasetSample, isLabelled, type LoadedSample, loadSample } from './dataset.ts';
import { labelsOf } from './objects.ts';
import { notice } from './outcome.ts';
import type {
  DatasetMaskKind,
  DatasetSummary,
  MaskKind,
  ObjectFacts,
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
}

export interface InspectedDataset {
  /** The dataset without what cannot be used. */
  readonly dataset: Dataset;
  /** One for each of its samples, in their order. */
  readonly samples: readonly Sample[];
  /** The objects of each sample, largest first; no lists unless {@link InspectOptions.listObjects} is set. */
  readonly objects: readonly (readonly ObjectFacts[])[];
  readonly summary: DatasetSummary;
  readonly refusals: readonly Refusal[];
}

/** Milliseconds of work after which other events of the worker or page get their turn. */
const TURN = 40;

/**
 * Decodes every sample once: what cannot be used is left out with its reason (a bad image with its masks, a bad mask
 * alone: its image is kept for Segment), empty masks get a notice and are kept, and the rest is counted. Where masks
 * hold classes, they are taken as files of `labels/`.
 */
export async function inspectDataset(
  dataset: Dataset,
  options: InspectOptions = {},
): Promise<InspectedDataset> {
  const { signal, listObjects = false } = options;
  const checked: Checked[] = [];
  const refusals: Refusal[] = [];
  let since = performance.now();
  for (const [index, sample] of dataset.samples.entries()) {
    if (signal?.aborted) break;
    const loaded = await loadSample(sample);
    if (loaded.ok) {
      refusals.push(...loaded.value.refusals);
      const usable = withoutRefused(sample, loaded.value.refusals);
      const seen = checkedOf(usable, loaded.value, listObjects);
      if (isLabelled(usable) && seen.sample.objects === 0) refusals.push(emptyMask(usable));
      checked.push(seen);
    } else {
      refusals.push(loaded.refusal);
    }
    options.onProgress?.({ done: index + 1, total: dataset.samples.length, file: sample.image.path });
    if (performance.now() - since > TURN) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      since = performance.now();
    }
  }
  const kept = await withClasses(checked, options);
  const { name, classNames } = dataset;
  const clean = { name, ...(classNames ? { classNames } : {}), samples: kept.map(({ files }) => files) };
  const samples = kept.map(({ sample }) => sample);
  const objects = listObjects ? kept.map((each) => each.objects) : [];
  return { dataset: clean, samples, objects, summary: summarise(clean, samples), refusals };
}

interface Checked {
  readonly files: DatasetSample;
  readonly sample: Sample;
  readonly objects: readonly ObjectFacts[];
  readonly classKind: MaskKind | undefined;
}

function checkedOf(files: DatasetSample, loaded: LoadedSample, listObjects: boolean): Checked {
  return {
    files,
    sample: sampleOf(loaded),
    objects: listObjects ? objectFacts(loaded) : [],
    classKind: loaded.labelling?.classKind,
  };
}

function objectFacts({ objects, labelling }: LoadedSample): ObjectFacts[] {
  if (!labelling) return [];
  const classes = objectClasses(objects, labelling.classMap);
  return objects.regions.map(({ area, box }, i) => ({ class: classes[i] ?? 0, area, box }));
}

/**
 * Two values alone do not tell one object from a class: of a dataset with the classes 0 … 5 an image may hold 0 and 4
 * only. So where a file of `masks/` holds classes, all of them become files of `labels/`, whose values are kept
 * wherever they are read from then on. Lossy and antialiased masks have no classes and stay.
 */
async function withClasses(
  checked: readonly Checked[],
  { signal, listObjects = false }: InspectOptions,
): Promise<readonly Checked[]> {
  const isClasses = ({ files, classKind }: Checked) =>
    files.mask !== undefined && files.labels === undefined && classKind === 'labels';
  if (!checked.some(isClasses)) return checked;
  const out: Checked[] = [];
  for (const each of checked) {
    const { mask, ...others } = each.files;
    const isTwoValued = each.classKind === 'binary' && others.labels === undefined;
    if (!mask || signal?.aborted || !(isClasses(each) || isTwoValued)) {
      out.push(each);
      continue;
    }
    const files = { ...others, labels: mask };
    const loaded = await loadSample(files);
    const isRead = loaded.ok && loaded.value.refusals.length === 0;
    out.push(isRead ? checkedOf(files, loaded.value, listObjects) : each);
  }
  return out;
}

function withoutRefused(sample: DatasetSample, refusals: readonly Refusal[]): DatasetSample {
  const bad = new Set(refusals.map(({ file }) => file));
  const { name, image, mask, instances, labels } = sample;
  return {
    name,
    image,
    ...(mask && !bad.has(mask.path) ? { mask } : {}),
    ...(instances && !bad.has(instances.path) ? { instances } : {}),
    ...(labels && !bad.has(labels.path) ? { labels } : {}),
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

function emptyMask(sample: DatasetSample): Refusal {
  const file = sample.instances ?? sample.labels ?? sample.mask ?? sample.image;
  return notice(
    'data/empty-mask',
    file.path,
    'The mask is empty: nothing in it is foreground.',
    'The image is kept and counted, but nothing can be learned from it; check the mask if it should show something.',
  );
}

/** Counts for the card of a dataset. */
function summarise(dataset: Dataset, samples: readonly Sample[]): DatasetSummary {
  const maskKinds: Record<MaskKind, number> = { binary: 0, threshold128: 0, labels: 0, instances: 0 };
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
  const sizes = dataset.samples.flatMap(({ image, mask, instances, labels: map }) =>
    [image, mask, instances, map].map((file) => file?.size ?? 0),
  );
  return {
    name: dataset.name,
    images: samples.length,
    labelled,
    unlabelled: samples.length - labelled,
    empty,
    objects,
    labels: [...labels].sort((a, b) => a - b),
    maskKinds,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    widths: spread(samples.map(({ width }) => width)),
    heights: spread(samples.map(({ height }) => height)),
  };
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
  const kinds = (['binary', 'threshold128', 'labels', 'instances'] as const).filter(
    (kind) => counts[kind] > 0,
  );
  const [kind] = kinds;
  if (!kind) return 'none';
  return kinds.length > 1 ? 'mixed' : kind;
}
