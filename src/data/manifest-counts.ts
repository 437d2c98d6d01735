/** What a manifest counts of its samples: as the rest of the program knows it, and after an image was labelled. */
import { summarise } from './inspect.ts';
import type { LabelStatus } from './labels/types.ts';
import type { Manifest } from './manifest.ts';
import { ObjectSizeCounts } from './object-sizes.ts';
import { bytesOf } from './sample-files.ts';
import type { ObjectSizes, Sample, StoredDataset } from './types.ts';

/** An image's objects as its dataset counts them. */
export type CountedObjects = readonly { readonly classValue: number; readonly area: number }[];

/** Masks of an image that were made here, as its dataset stores them. */
export type LabelledMasks = NonNullable<NonNullable<Manifest['files'][number]['labelled']>['masks']>;

/** What becomes of an image's masks in its dataset. */
export interface LabelUpdate {
  readonly status: LabelStatus;
  /** Of the labels. */
  readonly revision: number;
  /** Of an image that is done: its masks as `DatasetStore.writeMasks` stored them, and its objects; null of others. */
  readonly masks: { readonly files: LabelledMasks; readonly objects: CountedObjects } | null;
  /** What the dataset counted of this image so far, and all its objects by class. */
  readonly before: { readonly objects: CountedObjects; readonly byClass: Readonly<Record<string, number>> };
}

/** A manifest whose counts follow the new masks of one image. */
export function counted(
  manifest: Manifest,
  files: Manifest['files'],
  at: number,
  { masks, before }: LabelUpdate,
): Manifest {
  const old = manifest.samples[at] as Manifest['samples'][number];
  const { name, width, height, depth } = old;
  const objects = masks?.objects ?? [];
  const area = objects.reduce((sum, object) => sum + object.area, 0);
  const sample = {
    name,
    width,
    height,
    ...(masks && { maskKind: 'instances' as const, source: 'instances' as const }),
    objects: objects.length,
    labels: [...new Set(objects.map(({ classValue }) => classValue))].sort((a, b) => a - b),
    foreground: area / (width * height),
    ...(depth && { depth }),
  };
  const samples = manifest.samples.with(at, sample);
  const bytes = files.reduce((sum, file) => sum + bytesOf(file), 0);
  const { labels, widths, heights, ...summary } = summarise(manifest.name, samples.map(tidy), bytes);
  const areas = (list: CountedObjects) => list.map((object) => object.area);
  const sizes = manifest.sizes && ObjectSizeCounts.of(manifest.sizes);
  sizes?.remove(sample, areas(before.objects));
  sizes?.add(sample, areas(objects));
  const classObjects: Record<string, number> = { ...before.byClass };
  for (const { classValue } of before.objects)
    classObjects[classValue] = Math.max(0, (classObjects[classValue] ?? 0) - 1);
  for (const { classValue } of objects) classObjects[classValue] = (classObjects[classValue] ?? 0) + 1;
  return {
    ...manifest,
    files,
    samples,
    ...(sizes && { sizes: sizesJson(sizes.sizes) }),
    // 0 is what pixels without a class have: it is no class.
    classObjects: Object.fromEntries(
      Object.entries(classObjects).filter(([label, n]) => n > 0 && label !== '0'),
    ),
    summary: { ...summary, labels: [...labels], widths: [...widths], heights: [...heights] },
  };
}

export const sizesJson = (sizes: ObjectSizes): NonNullable<Manifest['sizes']> =>
  sizes.map(({ areas, ...size }) => ({
    ...size,
    areas: areas.map(([area, count]): [number, number] => [area, count]),
  }));

/** A dataset as it is stored. @param manifestBytes size of `dataset.json`, which the manifest itself cannot know. */
export function toStored(manifest: Manifest, manifestBytes: number): StoredDataset {
  const { id, name, created, summary, files, reading, evidence, scale } = manifest;
  const samples = manifest.samples.map(tidy);
  return {
    id,
    name,
    created,
    bytes: summary.bytes + manifestBytes,
    summary,
    samples,
    splits: files.map(({ split }) => split),
    statuses: files.map(
      ({ labelled }, i) => labelled?.status ?? (samples[i]?.maskKind ? 'done' : 'unlabelled'),
    ),
    revisions: files.map(({ labelled }) => labelled?.revision ?? 0),
    reading,
    evidence,
    classNames: manifest.classNames ?? {},
    classColours: manifest.classColours ?? {},
    classObjects: manifest.classObjects ?? null,
    scale,
    sizes: manifest.sizes ?? null,
  };
}

function tidy({ maskKind, source, depth, ...rest }: Manifest['samples'][number]): Sample {
  return {
    ...rest,
    ...(maskKind ? { maskKind } : {}),
    ...(source ? { source } : {}),
    ...(depth ? { depth } : {}),
  };
}
