/**
 * What was found in whole datasets, kept with them until it is found anew, and what a person looked at of it. Of an image that
 * is under review, or was searched alone, what is left is kept beside it.
 */
import { Failure } from '../../config/failure.ts';
import { storeName } from '../../data/file-store.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import { type FindOrigin, FoundFile, type FoundImage } from '../../engine/find/found-file.ts';
import type { FoundObject } from '../../engine/find/select.ts';
import type { EngineState } from '../engine-state.ts';
import type { DatasetInfo, FoundDataset, SampleRef, WaitingObjects } from '../protocol.ts';
import { expectNotSearched } from './find-job.ts';

export class FoundResults {
  constructor(private readonly state: Pick<EngineState, 'store' | 'datasets'>) {}

  /** Null where nothing was looked for. */
  async of(datasetId: string): Promise<FoundDataset | null> {
    const read = await FoundFile.read(this.state.store, foundPath(datasetId));
    if (!read) return null;
    const { dataset } = await this.state.datasets.open(datasetId);
    const reviewed = await this.reviewedIn(datasetId);
    const samples = read.file.images.map(({ name, objects }) => ({
      sampleId: name,
      objectCount: objects.length,
      isReviewed: reviewed.has(name),
    }));
    const { settings, name: modelName = null } = read.origin;
    return { datasetId, settings, modelName, samples, imageCount: dataset.samples.length };
  }

  /** What of an image waits to be reviewed; null where no one looked for anything, or a person looked at all of it. */
  async waiting(ref: SampleRef): Promise<WaitingObjects | null> {
    const { datasetId, sampleId } = ref;
    const { store } = this.state;
    const left = await FoundFile.read(store, leftPath(ref));
    if (!left && (await this.reviewedIn(datasetId)).has(sampleId)) return null;
    const read = left ?? (await FoundFile.read(store, foundPath(datasetId)));
    const image = read?.file.get(sampleId);
    return read && image ? { objects: image.objects, modelName: read.origin.name ?? null } : null;
  }

  /**
   * Keeps what is left of an image, to be reviewed later.
   * @param origin what found it; null where that is what found it before.
   */
  async keepLeft(
    ref: SampleRef,
    objects: readonly FoundObject[],
    origin: FindOrigin | null = null,
  ): Promise<void> {
    const { datasetId, sampleId } = ref;
    const { store } = this.state;
    if (objects.length === 0) {
      await store.remove(leftPath(ref));
      return;
    }
    const before = async (): Promise<FindOrigin | undefined> =>
      ((await FoundFile.read(store, leftPath(ref))) ?? (await FoundFile.read(store, foundPath(datasetId))))
        ?.origin;
    const by = origin ?? (await before());
    const { stored } = await this.state.datasets.open(datasetId);
    const sample = stored.samples.find(({ name }) => name === sampleId);
    if (!by || !sample) return;
    const { name, width, height } = sample;
    await FoundFile.write(store, leftPath(ref), by, [{ name, width, height, objects }]);
  }

  /** Says that a person looked at all that was found of an image. @returns null where its dataset was not searched. */
  async review(ref: SampleRef): Promise<FoundDataset | null> {
    const { datasetId, sampleId } = ref;
    const { store } = this.state;
    await store.remove(leftPath(ref));
    if (!(await store.exists(foundPath(datasetId)))) return null;
    const names = [...(await this.reviewedIn(datasetId)).add(sampleId)];
    await store.write(reviewedPath(datasetId), new TextEncoder().encode(JSON.stringify(names)));
    return this.of(datasetId);
  }

  private forget(datasetId: string): Promise<void> {
    return this.state.store.remove(folderOf(datasetId));
  }

  /** What was found so far by the same; what another model or other settings found is forgotten. */
  async fileFor(datasetId: string, origin: FindOrigin): Promise<FoundFile> {
    const { store } = this.state;
    // All images are looked at again.
    if (!(await store.exists(foundPath(datasetId)))) await this.forget(datasetId);
    try {
      return await FoundFile.open(store, foundPath(datasetId), origin);
    } catch (error) {
      if (!(error instanceof Failure) || error.record.code !== 'find/other-origin') throw error;
      await this.forget(datasetId);
      return FoundFile.open(store, foundPath(datasetId), origin);
    }
  }

  /**
   * Keeps a `found.jsonl` that came from elsewhere, of the command line for instance, with the dataset whose images it is of,
   * in place of what was found there before.
   * @returns null where it is damaged, or no dataset has all of its images at the same size.
   * @throws Failure `data/in-use` while that dataset is searched, in any tab: the search goes on writing to the same file.
   */
  async bring(bytes: Uint8Array): Promise<FoundDataset | null> {
    const store = new MemoryStore();
    await store.write('found.jsonl', bytes);
    const read = await FoundFile.read(store, 'found.jsonl');
    const dataset = read && read.file.images.length > 0 && (await this.datasetWith(read.file.images));
    if (!read || !dataset) return null;
    await expectNotSearched(this.state, dataset.id, dataset.name);
    await this.forget(dataset.id);
    await this.state.store.write(foundPath(dataset.id), await store.read('found.jsonl'));
    return this.of(dataset.id);
  }

  private async datasetWith(images: readonly FoundImage[]): Promise<DatasetInfo | null> {
    for (const info of await this.state.datasets.list()) {
      const { stored } = await this.state.datasets.open(info.id);
      const sizes = new Map(stored.samples.map(({ name, width, height }) => [name, `${width} ${height}`]));
      if (images.every(({ name, width, height }) => sizes.get(name) === `${width} ${height}`)) return info;
    }
    return null;
  }

  private async reviewedIn(datasetId: string): Promise<Set<string>> {
    const path = reviewedPath(datasetId);
    if (!(await this.state.store.exists(path))) return new Set();
    try {
      const names: unknown = JSON.parse(new TextDecoder().decode(await this.state.store.read(path)));
      return new Set(Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []);
    } catch (error) {
      // Of a damaged list everything is to be looked at again.
      if (error instanceof SyntaxError) return new Set();
      throw error;
    }
  }
}

/** Within the dataset, so that it goes with it. */
const folderOf = (datasetId: string): string => `datasets/${storeName(datasetId)}/found`;
const foundPath = (datasetId: string): string => `${folderOf(datasetId)}/found.jsonl`;
const leftPath = ({ datasetId, sampleId }: SampleRef): string =>
  `${folderOf(datasetId)}/left/${storeName(sampleId)}.jsonl`;
const reviewedPath = (datasetId: string): string => `${folderOf(datasetId)}/reviewed.json`;
