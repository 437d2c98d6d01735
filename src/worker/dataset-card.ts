/** What a dataset's card shows besides what storage keeps of every dataset. */
import * as v from 'valibot';
import { className, objectClasses } from '../data/classes.ts';
import { type Dataset, type DatasetSample, isLabelled, loadSample } from '../data/dataset.ts';
import { maskKindOf } from '../data/inspect.ts';
import type { LabelStatus } from '../data/labels/types.ts';
import type { ModelView } from '../data/object-sizes.ts';
import { classReading } from '../data/reading/reading.ts';
import {
  extendSplit,
  type SplitOrder,
  type SplitParts,
  type SplitSample,
  splitCountsOf,
} from '../data/split.ts';
import type { Split, StoredDataset } from '../data/types.ts';
import type {
  ClassInfo,
  DatasetInfo,
  FailureRecord,
  LabellingCounts,
  SampleInfo,
  ShownSample,
  SplitName,
} from './protocol.ts';
import { scaleInfo } from './scale-info.ts';
import { CARD_SAMPLES } from './thumbnails.ts';

/** The seed of a dataset's split in the studio: fixed, so that the test images of all runs are the same. */
const SPLIT_SEED = 0;

export const CardSchema = v.object({
  splitOrder: v.picklist(['shuffled', 'name']),
  /** The part that each image had in the last run; absent before the first. */
  split: v.exactOptional(v.record(v.string(), v.picklist(['train', 'val', 'test']))),
  /** Files that could not be used, as the import said. */
  refusals: v.array(
    v.object({
      code: v.string(),
      what: v.string(),
      where: v.optional(v.string()),
      cure: v.string(),
      isNotice: v.exactOptional(v.literal(true)),
    }),
  ),
  /** Objects by class label. */
  classObjects: v.record(v.string(), v.number()),
});

/** Kept beside a dataset. */
export interface Card {
  readonly splitOrder: SplitOrder;
  readonly split?: Readonly<Record<string, Split>> | undefined;
  readonly refusals: readonly FailureRecord[];
  readonly classObjects: Readonly<Record<string, number>>;
}

export const EMPTY_CARD: Card = { splitOrder: 'shuffled', refusals: [], classObjects: {} };

const SPLIT_NAMES = { train: 'train', val: 'validation', test: 'test' } as const;

/** @param view the open model's. */
export function datasetInfo(stored: StoredDataset, card: Card, view: ModelView): DatasetInfo {
  const { id, name, created, bytes, summary } = stored;
  const labelled = stored.samples.flatMap(({ name: own, maskKind }, i) => {
    const split = stored.splits[i];
    return maskKind === undefined ? [] : [{ name: own, ...(split ? { split } : {}) }];
  });
  const { train, val, test } = card.split ? partSizes(splitOfCard(labelled, card)) : splitCountsOf(labelled);
  return {
    id,
    name,
    created,
    imageCount: summary.images,
    maskedCount: summary.labelled,
    labelling: labellingCounts(stored),
    objectCount: summary.objects,
    maskKind: maskKindOf(summary.maskKinds),
    classes: summary.labels.map((label) => classInfo(label, stored, card)),
    split: { train, validation: val, test },
    splitOrder: card.splitOrder,
    bytes,
    refusals: card.refusals,
    evidence: stored.evidence,
    scale: scaleInfo(stored.sizes, stored.scale, view),
    shown: shownSamples(stored),
  };
}

/** The split of a dataset's labelled images: those that a run knew keep their part. */
export function splitOfCard(
  labelled: readonly SplitSample[],
  { split = {}, splitOrder }: Pick<Card, 'split' | 'splitOrder'>,
): SplitParts {
  return extendSplit(labelled, new Map(Object.entries(split)), SPLIT_SEED, splitOrder);
}

const partSizes = ({ train, val, test }: SplitParts) => ({
  train: train.length,
  val: val.length,
  test: test.length,
});

function labellingCounts({ statuses, revisions }: StoredDataset): LabellingCounts {
  const count = (wanted: LabelStatus): number => statuses.filter((status) => status === wanted).length;
  const madeHere = revisions.filter((revision) => revision > 0).length;
  return { unlabelled: count('unlabelled'), inWork: count('in-work'), done: count('done'), madeHere };
}

/** Those with a mask first. */
function shownSamples({ samples }: StoredDataset): ShownSample[] {
  const labelled = samples.filter(({ maskKind }) => maskKind !== undefined).slice(0, CARD_SAMPLES);
  const others = samples.filter(({ maskKind }) => maskKind === undefined);
  return [...labelled, ...others.slice(0, CARD_SAMPLES - labelled.length)].map(({ name, objects }) => ({
    id: name,
    name,
    objectCount: objects,
  }));
}

export function sampleInfos(dataset: Dataset, stored: StoredDataset, card: Card): SampleInfo[] {
  const split = splitOfCard(dataset.samples.filter(isLabelled), card);
  const splitOf = new Map<string, SplitName>();
  for (const part of ['train', 'val', 'test'] as const) {
    for (const name of split[part]) splitOf.set(name, SPLIT_NAMES[part]);
  }
  const hasMask = new Map(dataset.samples.map((sample) => [sample.name, isLabelled(sample)]));
  return stored.samples.map(({ name, width, height, objects }, i) => ({
    id: name,
    name,
    width,
    height,
    objectCount: objects,
    hasMask: hasMask.get(name) ?? false,
    status: stored.statuses[i] ?? 'unlabelled',
    split: splitOf.get(name) ?? null,
  }));
}

/** Counts objects by class; decodes again, so only for datasets with several classes. Rejects with the signal's reason. */
export async function countClassObjects(
  samples: readonly DatasetSample[],
  labels: readonly number[],
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  if (labels.length < 2) return counts;
  for (const sample of samples) {
    signal.throwIfAborted();
    const loaded = await loadSample(sample);
    if (!loaded.ok || !loaded.value.labelling) continue;
    const { objects, labelling } = loaded.value;
    for (const label of objectClasses(objects, labelling.classMap)) counts[label] = (counts[label] ?? 0) + 1;
  }
  return counts;
}

function classInfo(value: number, stored: StoredDataset, card: Card): ClassInfo {
  return { value, name: classNameOf(value, stored), objectCount: objectsByClass(stored, card)[value] ?? 0 };
}

/**
 * What a class of a stored dataset is called.
 * @param count how many classes there are.
 */
export function classNameOf(
  value: number,
  { summary, reading, classNames }: StoredDataset,
  count = summary.labels.length,
): string {
  return className(value, {
    count,
    names: new Map(Object.entries(classNames).map(([label, name]) => [Number(label), name])),
    reading: reading === 'per-file' ? undefined : classReading(reading),
  });
}

/** How many objects each class has. */
export function objectsByClass(
  { summary, classObjects }: StoredDataset,
  card: Card,
): Readonly<Record<string, number>> {
  if (classObjects) return classObjects;
  const [only] = summary.labels;
  return summary.labels.length === 1 && only !== undefined ? { [only]: summary.objects } : card.classObjects;
}
