import type { Failure } from '../config/failure.ts';
import type { Dataset } from './dataset.ts';
import { type FileStore, storeName } from './file-store.ts';
import type { InspectedDataset } from './inspect.ts';
import { decodeLabels } from './label-file.ts';
import type { LabelMaps } from './label-maps.ts';
import type { ImageLabels, LabelClass } from './labels/types.ts';
import { encodeManifest, MANIFEST_VERSION, type Manifest, parseManifest } from './manifest.ts';
import { counted, type LabelledMasks, type LabelUpdate, sizesJson, toStored } from './manifest-counts.ts';
import { attempt, refuse, toRefusal } from './outcome.ts';
import { bytesOf, type StoredFile, type StoredFiles, storedSample, storeSample } from './sample-files.ts';
import type { Outcome, ReadProgress, Scale, StoredDataset, UnreadableDataset } from './types.ts';

const FOLDER = 'datasets';
const MANIFEST = 'dataset.json';
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
 * `labels/` and `objects/`, the masks of images that were labelled in the studio under `labelled/`, and `dataset.json`,
 * which is written last, so that a half saved dataset can be recognised.
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
        files.push(await storeSample(this.store, pathOf(id), sample));
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
        sizes: sizesJson(sizes),
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
        reading,
        ...storedSample(this.store, pathOf(id), samples[i]?.name ?? file.image.path, file),
        ...(samples[i] && { objects: samples[i].objects }),
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

  /** Names and colours of classes by their label. */
  async setClasses(id: string, classes: readonly LabelClass[]): Promise<Outcome<StoredDataset>> {
    const read = await this.readManifest(id);
    if (!read.ok) return read;
    const classNames = Object.fromEntries(classes.map(({ value, name }) => [value, name]));
    const classColours = Object.fromEntries(classes.map(({ value, colour }) => [value, colour]));
    return attempt(pathOf(id, MANIFEST), () =>
      this.writeManifest({ ...read.value.manifest, classNames, classColours }),
    );
  }

  /**
   * Changes how far an image is labelled, with its masks and all counts. Earlier masks of the image that were made here
   * stay until {@link removeStaleMasks}.
   */
  async setLabels(id: string, name: string, update: LabelUpdate): Promise<Outcome<StoredDataset>> {
    const read = await this.readManifest(id);
    if (!read.ok) return read;
    const { manifest } = read.value;
    return attempt(pathOf(id, MANIFEST), async () => {
      const at = indexOf(manifest, name);
      const { status, revision, masks } = update;
      const labelled = { status, revision, ...(masks && { masks: masks.files }) };
      const files = manifest.files.with(at, { ...(manifest.files[at] as StoredFiles), labelled });
      return this.writeManifest(counted(manifest, files, at, update));
    });
  }

  /** Removes what was made here of an image's earlier labels. */
  async removeStaleMasks(id: string, name: string): Promise<void> {
    const read = await this.readManifest(id);
    if (!read.ok) return;
    const { manifest } = read.value;
    const revision = manifest.files[indexOf(manifest, name)]?.labelled?.revision;
    const folder = pathOf(id, `${LABELLED}/${storeName(name)}`);
    for (const { name: file } of await this.store.list(folder))
      if (!file.startsWith(`${revision} `)) await this.store.remove(`${folder}/${file}`);
  }

  /** Whether a dataset was stored to the end. */
  isWhole(id: string): Promise<boolean> {
    return this.store.exists(pathOf(id, MANIFEST));
  }

  /** Where the labels of an image are kept with their undo steps. */
  labelPath(id: string, name: string): string {
    return pathOf(id, `edits/${storeName(name)}`);
  }

  /** The labels of an image that were made here; null where there are none that can be read. */
  async labelsOf(id: string, name: string): Promise<ImageLabels | null> {
    const path = this.labelPath(id, name);
    if (!(await this.store.exists(path))) return null;
    const read = await attempt(path, async () => decodeLabels(await this.store.read(path), path));
    return read.ok ? read.value.labels : null;
  }

  /** Stores masks of an image beside those that it has, under names of their own: they count from {@link setLabels} on. */
  async writeMasks(id: string, name: string, revision: number, maps: LabelMaps): Promise<LabelledMasks> {
    const write = async (kind: string, bytes: Uint8Array): Promise<StoredFile> => {
      const path = labelledPath(name, revision, `${kind}.png`);
      await this.store.write(pathOf(id, path), bytes);
      return { path, size: bytes.length };
    };
    return {
      instances: await write('instances', maps.instances),
      classes: await write('classes', maps.classes),
      samples: maps.samples,
    };
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
}

const LABELLED = 'labelled';

/** Where something lies under a dataset's folder that follows from a revision of an image's labels. */
export const labelledPath = (name: string, revision: number, file: string): string =>
  `${LABELLED}/${storeName(name)}/${revision} ${file}`;

/** @throws Failure when the dataset has no such image. */
function indexOf({ id, samples }: Manifest, name: string): number {
  const at = samples.findIndex((sample) => sample.name === name);
  if (at >= 0) return at;
  throw refuse(
    'data/no-such-sample',
    `${id}/${name}`,
    'The dataset has no such image.',
    'Open the dataset again.',
  );
}

const pathOf = (id: string, file?: string) =>
  `${FOLDER}/${storeName(id)}${file === undefined ? '' : `/${file}`}`;

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

function halfSaved(id: string): Failure {
  return refuse(
    'data/half-saved',
    `${FOLDER}/${id}`,
    'This dataset was only saved in part, or it was deleted while it was opened.',
    'Delete it and import its files again.',
  );
}
