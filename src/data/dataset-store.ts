import type { Failure } from '../config/failure.ts';
import type { Dataset, DatasetSample } from './dataset.ts';
import { nameParts } from './file-names.ts';
import { type FileStore, storeName } from './file-store.ts';
import type { InspectedDataset } from './inspect.ts';
import { type LazyFile, readBytes } from './lazy-file.ts';
import { encodeManifest, MANIFEST_VERSION, type Manifest, parseManifest } from './manifest.ts';
import { attempt, refuse, toRefusal, valueOrThrow } from './outcome.ts';
import type { Outcome, ReadProgress, Scale, StoredDataset, UnreadableDataset } from './types.ts';

const FOLDER = 'datasets';
const MANIFEST = 'dataset.json';
/** The files of a sample and the folders in which they are stored. */
const FILES = ['image', 'mask', 'instances', 'labels'] as const;
const FOLDERS = {
  image: 'images',
  mask: 'masks',
  instances: 'instances',
  labels: 'labels',
  objectMasks: 'objects',
} as const;

export interface SaveOptions {
  readonly onProgress?: (progress: ReadProgress) => void;
  /** Stops between two samples: `save` rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Of {@link newDatasetId}; a new one by default. */
  readonly id?: string;
  /** Milliseconds since 1970; the clock by default. */
  readonly now?: number;
}

/**
 * Datasets in a {@link FileStore}: `datasets/<id>/` holds the original files under `images/`, `masks/`, `instances/`,
 * `labels/` and `objects/`, and `dataset.json`, which is written last, so that a half saved dataset can be recognised.
 */
export class DatasetStore {
  constructor(private readonly store: FileStore) {}

  /**
   * Saves a dataset that was inspected. When it does not fit, or on the signal, everything written so far is removed.
   * @throws Failure `storage/*` when it cannot be written, or naming a file that can no longer be read.
   */
  async save(
    { dataset, samples, summary, sizes, reading, evidence }: InspectedDataset,
    options: SaveOptions = {},
  ): Promise<StoredDataset> {
    const id = options.id ?? newDatasetId(dataset.name);
    const files: Manifest['files'] = [];
    try {
      for (const [index, sample] of dataset.samples.entries()) {
        options.signal?.throwIfAborted();
        files.push(await this.copyFiles(id, sample));
        options.onProgress?.({ done: index + 1, total: dataset.samples.length, file: sample.image.path });
      }
      const created = options.now ?? Date.now();
      const manifest: Manifest = {
        version: MANIFEST_VERSION,
        id,
        name: dataset.name,
        created,
        files,
        reading,
        evidence: [...evidence],
        ...(dataset.classNames && { classNames: Object.fromEntries(dataset.classNames) }),
        scale: dataset.scale ?? 'whole',
        sizes: sizes.map(({ areas, ...size }) => ({
          ...size,
          areas: areas.map(([area, count]): [number, number] => [area, count]),
        })),
        samples: samples.map((sample) => ({ ...sample, labels: [...sample.labels] })),
        summary: {
          ...summary,
          labels: [...summary.labels],
          widths: [...summary.widths],
          heights: [...summary.heights],
          bytes: files.reduce((sum, file) => sum + bytesOf(file), 0),
        },
      };
      return await this.writeManifest(manifest);
    } catch (error) {
      await this.store.remove(pathOf(id)).catch(() => undefined);
      throw error;
    }
  }

  /**
   * All stored datasets, oldest first, and the folders that hold none that can be read. Sizes come from the
   * manifests; only the folders of broken datasets are walked.
   */
  async list(): Promise<{ datasets: StoredDataset[]; broken: UnreadableDataset[] }> {
    const datasets: StoredDataset[] = [];
    const broken: UnreadableDataset[] = [];
    for (const { name: id, kind } of await this.store.list(FOLDER)) {
      if (kind !== 'folder') continue;
      const read = await this.readManifest(id);
      if (read.ok) datasets.push(read.value.stored);
      else broken.push({ id, bytes: await this.store.size(pathOf(id)), refusal: read.refusal });
    }
    return { datasets: datasets.sort((a, b) => a.created - b.created || (a.id < b.id ? -1 : 1)), broken };
  }

  /** One stored dataset with its files read when they are needed. */
  async load(id: string): Promise<Outcome<{ dataset: Dataset; stored: StoredDataset }>> {
    const read = await this.readManifest(id);
    if (!read.ok) return read;
    const { manifest, stored } = read.value;
    const { name, files, samples, classNames } = manifest;
    const { reading, scale } = manifest;
    const dataset: Dataset = {
      name,
      reading,
      scale,
      ...(classNames && {
        classNames: new Map(Object.entries(classNames).map(([label, own]) => [Number(label), own])),
      }),
      samples: files.map((file, i) => ({
        ...this.storedSample(id, samples[i]?.name ?? file.image.path, file),
        reading,
      })),
    };
    return { ok: true, value: { dataset, stored } };
  }

  /** Gives a stored dataset another name (trimmed; an empty one changes nothing). */
  async rename(id: string, name: string): Promise<Outcome<StoredDataset>> {
    const read = await this.readManifest(id);
    if (!read.ok) return read;
    const { manifest } = read.value;
    const trimmed = name.trim() || manifest.name;
    const renamed = { ...manifest, name: trimmed, summary: { ...manifest.summary, name: trimmed } };
    return attempt(pathOf(id, MANIFEST), () => this.writeManifest(renamed));
  }

  /** Changes how a model sees the images of a stored dataset. */
  async setScale(id: string, scale: Scale): Promise<Outcome<StoredDataset>> {
    const read = await this.readManifest(id);
    if (!read.ok) return read;
    const { manifest } = read.value;
    return attempt(pathOf(id, MANIFEST), () => this.writeManifest({ ...manifest, scale }));
  }

  /** Deletes a dataset with its files, a broken one too; the manifest first, so that no half of it passes for whole. */
  async delete(id: string): Promise<void> {
    await this.store.remove(pathOf(id, MANIFEST));
    await this.store.remove(pathOf(id));
  }

  private async readManifest(id: string): Promise<Outcome<{ manifest: Manifest; stored: StoredDataset }>> {
    const path = pathOf(id, MANIFEST);
    try {
      if (!(await this.store.exists(path))) throw halfSaved(id);
      const bytes = await this.store.read(path);
      const manifest = { ...parseManifest(bytes, path), id };
      return { ok: true, value: { manifest, stored: toStored(manifest, bytes.length) } };
    } catch (error) {
      return { ok: false, refusal: toRefusal(error, path) };
    }
  }

  private async writeManifest(manifest: Manifest): Promise<StoredDataset> {
    const bytes = encodeManifest(manifest);
    await this.store.write(pathOf(manifest.id, MANIFEST), bytes);
    return toStored(manifest, bytes.length);
  }

  private async copyFiles(id: string, sample: DatasetSample): Promise<Manifest['files'][number]> {
    const copy = async (role: keyof typeof FOLDERS, from: LazyFile, number?: number) => {
      const bytes = valueOrThrow(await readBytes(from));
      const path = storedPath(role, sample.name, nameParts(from.path).extension, number);
      await this.store.write(pathOf(id, path), bytes);
      return { path, size: bytes.length };
    };
    const objectMasks: StoredFile[] = [];
    for (const [index, from] of (sample.objectMasks ?? []).entries())
      objectMasks.push(await copy('objectMasks', from, index + 1));
    return {
      image: await copy('image', sample.image),
      ...(sample.mask ? { mask: await copy('mask', sample.mask) } : {}),
      ...(sample.instances ? { instances: await copy('instances', sample.instances) } : {}),
      ...(sample.labels ? { labels: await copy('labels', sample.labels) } : {}),
      ...(objectMasks.length > 0 ? { objectMasks } : {}),
      ...(sample.split ? { split: sample.split } : {}),
      ...(sample.channels ? { channels: [...sample.channels] } : {}),
    };
  }

  private storedSample(id: string, name: string, files: Manifest['files'][number]): DatasetSample {
    const lazy = (file: StoredFile): LazyFile => ({
      path: file.path,
      size: file.size,
      bytes: () => this.store.read(pathOf(id, file.path)),
    });
    return {
      name,
      image: lazy(files.image),
      ...(files.mask ? { mask: lazy(files.mask) } : {}),
      ...(files.instances ? { instances: lazy(files.instances) } : {}),
      ...(files.labels ? { labels: lazy(files.labels) } : {}),
      ...(files.objectMasks ? { objectMasks: files.objectMasks.map(lazy) } : {}),
      ...(files.split ? { split: files.split } : {}),
      ...(files.channels ? { channels: files.channels } : {}),
    };
  }
}

const pathOf = (id: string, file?: string) =>
  `${FOLDER}/${storeName(id)}${file === undefined ? '' : `/${file}`}`;

type StoredFile = Manifest['files'][number]['image'];

const bytesOf = (files: Manifest['files'][number]): number =>
  [...FILES.map((role) => files[role]), ...(files.objectMasks ?? [])].reduce(
    (sum, file) => sum + (file?.size ?? 0),
    0,
  );

/**
 * The image keeps its name; masks take the image's with their own extension (stems are unique in a dataset), and
 * masks of one object each their number behind it.
 */
function storedPath(role: keyof typeof FOLDERS, name: string, extension: string, number?: number): string {
  const { folders, file, stem } = nameParts(name);
  const own = number === undefined ? stem : `${stem} ${number}`;
  const last = role === 'image' ? file : `${own}${extension && `.${extension}`}`;
  return [FOLDERS[role], ...folders, last].map(storeName).join('/');
}

/** An id that no other dataset has; it begins with the dataset's name. */
export function newDatasetId(name: string): string {
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  const random = [...crypto.getRandomValues(new Uint8Array(4))]
    .map((b) => b.toString(16).padStart(2, '0'))
    .join('');
  return `${slug || 'dataset'}-${random}`;
}

/** @param manifestBytes size of `dataset.json`, which the manifest itself cannot know. */
function toStored(
  { id, name, created, summary, files, samples, reading, evidence, classNames = {}, scale, sizes }: Manifest,
  manifestBytes: number,
): StoredDataset {
  const tidy = samples.map(({ maskKind, source, depth, ...rest }) => ({
    ...rest,
    ...(maskKind ? { maskKind } : {}),
    ...(source ? { source } : {}),
    ...(depth ? { depth } : {}),
  }));
  const bytes = summary.bytes + manifestBytes;
  const splits = files.map(({ split }) => split);
  return {
    id,
    name,
    created,
    bytes,
    summary,
    samples: tidy,
    splits,
    reading,
    evidence,
    classNames,
    scale,
    sizes: sizes ?? null,
  };
}

function halfSaved(id: string): Failure {
  return refuse(
    'data/half-saved',
    `${FOLDER}/${id}`,
    'This dataset was only saved in part, or it was deleted while it was opened.',
    'Delete it and import its files again.',
  );
}
