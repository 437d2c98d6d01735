/** The datasets on this device as calls need them: with their cards, and their images decoded once. */
import * as v from 'valibot';
import { Failure, type FailureRecord, toFailureRecord } from '../config/failure.ts';
import type { Dataset, LoadedSample } from '../data/dataset.ts';
import { DatasetStore, labelledPath, newDatasetId } from '../data/dataset-store.ts';
import { type FileStore, storeName } from '../data/file-store.ts';
import { inspectDataset } from '../data/inspect.ts';
import { Lru } from '../data/lru.ts';
import { EMBEDDED_VIEW, type ModelView, suggestScale } from '../data/object-sizes.ts';
import { valueOrThrow, withoutRepeats } from '../data/outcome.ts';
import type { DatasetStatistics } from '../data/reading/dataset-reading.ts';
import type { SplitParts } from '../data/split.ts';
import type { Scale, Split, StoredDataset } from '../data/types.ts';
import { loadByName } from '../engine/datasets.ts';
import {
  type Card,
  CardSchema,
  countClassObjects,
  datasetInfo,
  EMPTY_CARD,
  sampleInfos,
} from './dataset-card.ts';
import { freeName } from './free-name.ts';
import type {
  BrokenDataset,
  DatasetInfo,
  ImportReport,
  Progress,
  SampleInfo,
  SampleRef,
  SplitOrder,
  ThumbnailKind,
} from './protocol.ts';
import { failureOf } from './result.ts';
import { datasetLocks } from './tab-locks.ts';
import { type EncodeThumbnail, THUMBNAIL_SIZE, Thumbnails, ThumbnailWriter } from './thumbnails.ts';

const CARD = 'card.json';
/** Decoded images that are remembered, bytes. */
const IMAGE_BYTES = 128 * 2 ** 20;

interface ImportOptions {
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
  /** Of the datasets whose masks were looked at before. */
  readonly statistics?: ReadonlyMap<Dataset, DatasetStatistics>;
}

/** A dataset on storage with its card. */
export interface OpenedDataset {
  readonly dataset: Dataset;
  readonly stored: StoredDataset;
  readonly card: Card;
}

/** All that is stored, and the ids that a tab was working on before it was read. */
type Listing = Awaited<ReturnType<DatasetStore['list']>> & { readonly locked: ReadonlySet<string> };

/** Whether what was read of a dataset is what is stored. */
const isSame = (
  a: Pick<OpenedDataset, 'stored' | 'card'>,
  b: Pick<OpenedDataset, 'stored' | 'card'>,
): boolean => JSON.stringify([a.stored, a.card]) === JSON.stringify([b.stored, b.card]);

export class DatasetRepository {
  readonly disk: DatasetStore;
  /** Datasets that were read from storage; a change here forgets them. */
  private readonly opened = new Map<string, Promise<OpenedDataset>>();
  private readonly images = new Lru<LoadedSample>(
    IMAGE_BYTES,
    ({ image, objects }) => image.data.byteLength + objects.map.byteLength,
  );

  private readonly thumbnails: Thumbnails;
  /** What is about to be read. */
  private listing: Promise<Listing> | null = null;

  /**
   * @param encodeThumbnail makes the thumbnails of what is imported; null makes none.
   * @param modelView how the model that is open sees images.
   */
  constructor(
    private readonly store: FileStore,
    private readonly encodeThumbnail: EncodeThumbnail | null = null,
    readonly modelView: () => ModelView = () => EMBEDDED_VIEW,
  ) {
    this.disk = new DatasetStore(store);
    this.thumbnails = new Thumbnails(store);
  }

  /**
   * Checks and stores datasets one after the other; each is on storage before the next is looked at. What fails is named
   * and the others go on; cancelling keeps the datasets that were finished and nothing of the one under way.
   * @param known what was refused before, while files were sorted into datasets.
   */
  async add(
    found: readonly Dataset[],
    known: readonly FailureRecord[],
    options: ImportOptions,
  ): Promise<ImportReport> {
    const datasets: DatasetInfo[] = [];
    const refusals: FailureRecord[] = [...known];
    for (const dataset of found) {
      if (options.signal.aborted) break;
      try {
        const own = found.length === 1 ? known : [];
        const added = await this.addOne(dataset, own, options);
        refusals.push(...added.refusals);
        if (added.info) datasets.push(added.info);
      } catch (error) {
        if (options.signal.aborted && !(error instanceof Failure)) break;
        refusals.push(named(toFailureRecord(error), dataset.name));
      }
    }
    return { datasets, refusals: withoutRepeats(refusals) };
  }

  /** All datasets as they are stored now; what was read before of those that another tab has changed since is forgotten. */
  async list(): Promise<DatasetInfo[]> {
    const { datasets } = await this.listed();
    return Promise.all(
      datasets.map(async (stored) => {
        const card = await this.card(stored.id);
        const known = await this.opened.get(stored.id)?.catch(() => null);
        if (known && !isSame({ stored, card }, known)) this.forget(stored.id);
        return this.infoOf(stored, card);
      }),
    );
  }

  /** What is stored of datasets that cannot be opened; one that is just being stored, here or in another tab, is none of them. */
  async broken(): Promise<BrokenDataset[]> {
    const { broken, locked } = await this.listed();
    return broken
      .filter(({ id }) => !locked.has(id))
      .map(({ id, bytes, refusal }) => ({ id, bytes, failure: failureOf(refusal) }));
  }

  /** @throws Failure `data/…` when it is gone or damaged. */
  open(id: string): Promise<OpenedDataset> {
    const known = this.opened.get(id);
    if (known) return known;
    const opening = this.read(id);
    this.opened.set(id, opening);
    opening.catch(() => this.opened.delete(id));
    return opening;
  }

  /** As {@link open}, with what is stored by now, which another tab may have changed. */
  openAnew(id: string): Promise<OpenedDataset> {
    this.forget(id);
    return this.open(id);
  }

  async info(id: string): Promise<DatasetInfo> {
    const { stored, card } = await this.open(id);
    return this.infoOf(stored, card);
  }

  async samples(id: string): Promise<SampleInfo[]> {
    const { dataset, stored, card } = await this.open(id);
    return sampleInfos(dataset, stored, card);
  }

  /** An image with its objects. */
  async sample(datasetId: string, sampleId: string): Promise<LoadedSample> {
    const { dataset, stored } = await this.open(datasetId);
    const key = [datasetId, sampleId, revisionOf(stored, sampleId)].join('\n');
    const known = this.images.get(key);
    if (known) return known;
    const loaded = await loadByName(dataset, sampleId);
    this.images.set(key, loaded);
    return loaded;
  }

  /** Forgets what was read of a dataset, which may have been changed elsewhere. */
  forget(id: string): void {
    this.opened.delete(id);
  }

  /**
   * Keeps beside a dataset what can be made again: nothing where the dataset is gone or the disk is full.
   * @param file under the dataset's folder.
   */
  async keepBeside(id: string, file: string, bytes: Uint8Array): Promise<void> {
    const keep = async (): Promise<void> => {
      if (await this.disk.isWhole(id)) await this.store.write(`datasets/${storeName(id)}/${file}`, bytes);
    };
    await datasetLocks.whenFree(id, keep).catch(() => undefined);
  }

  /** The thumbnail as a JPEG; null where none was made at the import. */
  async thumbnail({ datasetId, sampleId }: SampleRef, kind: ThumbnailKind): Promise<Uint8Array | null> {
    if (kind === 'card') {
      const { stored } = await this.open(datasetId);
      const revision = revisionOf(stored, sampleId);
      if (revision > 0) return this.labelledThumbnail({ datasetId, sampleId }, revision);
    }
    return this.thumbnails.find(datasetId, sampleId, kind);
  }

  /** With the objects that were labelled here: made when it is first asked for, and kept. */
  private async labelledThumbnail(ref: SampleRef, revision: number): Promise<Uint8Array | null> {
    if (!this.encodeThumbnail) return null;
    const { datasetId, sampleId } = ref;
    const file = labelledPath(sampleId, revision, 'card.jpg');
    const path = `datasets/${storeName(datasetId)}/${file}`;
    if (await this.store.exists(path)) return this.store.read(path);
    const { image, objects, labelling } = await this.sample(datasetId, sampleId);
    const jpeg = await this.encodeThumbnail(image, labelling ? objects : null, THUMBNAIL_SIZE.card);
    await this.keepBeside(datasetId, file, jpeg);
    return jpeg;
  }

  async rename(id: string, name: string): Promise<DatasetInfo> {
    // Not while another tab deletes it: that would leave a manifest without files.
    await datasetLocks.whenFree(id, async () => valueOrThrow(await this.disk.rename(id, name)));
    this.opened.delete(id);
    return this.info(id);
  }

  async setSplitOrder(id: string, splitOrder: SplitOrder): Promise<DatasetInfo> {
    await datasetLocks.whenFree(id, async () => {
      // Of a dataset that another tab deleted, nothing is written.
      valueOrThrow(await this.disk.load(id));
      // Another order is another split: what earlier runs knew is given up.
      const { split: _, ...card } = await this.card(id);
      await this.writeCard(id, { ...card, splitOrder });
    });
    return this.info(id);
  }

  /**
   * Keeps the parts that images have in a run, for the runs after it; those of images that took no part this time stay.
   * @throws Failure `data/…` when it is gone or damaged.
   */
  async keepSplit(id: string, parts: SplitParts): Promise<void> {
    const of = (part: Split) => parts[part].map((name) => [name, part] as const);
    const now = Object.fromEntries([...of('train'), ...of('val'), ...of('test')]);
    // Someone may be labelling it meanwhile.
    await datasetLocks.whenFree(id, async () => {
      // Of a dataset that another tab deleted, nothing is written.
      valueOrThrow(await this.disk.load(id));
      const card = await this.card(id);
      const split = { ...card.split, ...now };
      if (JSON.stringify(card.split) !== JSON.stringify(split)) await this.writeCard(id, { ...card, split });
    });
  }

  /** Runs that were started keep the scale of their start. */
  async setScale(id: string, scale: Scale): Promise<DatasetInfo> {
    await datasetLocks.whenFree(id, async () => valueOrThrow(await this.disk.setScale(id, scale)));
    this.opened.delete(id);
    return this.info(id);
  }

  /**
   * @param expectUnused throws where it is in use; while it is asked, no run can begin with this dataset.
   * @throws Failure `data/being-stored`, and what `expectUnused` throws.
   */
  async delete(id: string, expectUnused: () => Promise<void> = async () => undefined): Promise<void> {
    const remove = async (): Promise<void> => {
      await expectUnused();
      await this.disk.delete(id);
    };
    // A whole dataset is changed for moments only; without a manifest it may be one that is just being stored.
    if (await this.disk.isWhole(id)) await datasetLocks.whenFree(id, remove);
    else await datasetLocks.whileTaken(id, remove);
    this.opened.delete(id);
    this.thumbnails.forget(id);
    this.images.clear();
  }

  /** Reads what is stored; calls that come together share it, since it takes a while with many images. */
  private listed(): Promise<Listing> {
    this.listing ??= this.readListing();
    return this.listing;
  }

  private async readListing(): Promise<Listing> {
    // The locks first: a dataset that is finished in the meantime is then whole when it is read.
    const locked = await datasetLocks.taken().finally(() => {
      // Who comes later may know of a change that this does not see.
      this.listing = null;
    });
    return { locked, ...(await this.disk.list()) };
  }

  private async addOne(
    dataset: Dataset,
    known: readonly FailureRecord[],
    options: ImportOptions,
  ): Promise<{ readonly info: DatasetInfo | null; readonly refusals: readonly FailureRecord[] }> {
    const id = newDatasetId(dataset.name);
    return datasetLocks.whileTaken(id, async () => {
      try {
        const { isStored, found } = await this.checkAndStore(id, dataset, known, options);
        return { info: isStored ? await this.info(id) : null, refusals: found };
      } catch (error) {
        await this.store.remove(`datasets/${storeName(id)}`).catch(() => undefined);
        throw error;
      }
    });
  }

  /** Checks a dataset and stores what of it can be used; the manifest last, with which it is one. */
  private async checkAndStore(
    id: string,
    given: Dataset,
    known: readonly FailureRecord[],
    { onProgress, signal, statistics: all }: ImportOptions,
  ): Promise<{ readonly isStored: boolean; readonly found: readonly FailureRecord[] }> {
    const statistics = all?.get(given);
    const dataset = { ...given, name: freeName(given.name, (await this.disk.list()).datasets) };
    const thumbnails = this.encodeThumbnail && new ThumbnailWriter(this.store, id, this.encodeThumbnail);
    const inspected = await inspectDataset(dataset, {
      signal,
      ...(statistics && { statistics }),
      onProgress: ({ done, total }) => onProgress({ done, total, label: `Checking ${dataset.name}` }),
      ...(thumbnails && { onLoaded: (loaded: LoadedSample) => thumbnails.add(loaded) }),
    });
    signal.throwIfAborted();
    const found = inspected.refusals.map(failureOf);
    const { samples } = inspected.dataset;
    if (samples.length === 0) return { isStored: false, found };
    const classObjects = await countClassObjects(samples, inspected.summary.labels, signal);
    await thumbnails?.finish();
    await this.writeCard(id, { splitOrder: 'shuffled', refusals: [...known, ...found], classObjects });
    const scale = dataset.scale ?? suggestScale(inspected.sizes, this.modelView().size);
    const scaled = { ...inspected, dataset: { ...inspected.dataset, scale } };
    await this.disk.save(scaled, {
      id,
      signal,
      onProgress: ({ done, total }) => onProgress({ done, total, label: `Storing ${dataset.name}` }),
    });
    return { isStored: true, found };
  }

  private infoOf(stored: StoredDataset, card: Card): DatasetInfo {
    return datasetInfo(stored, card, this.modelView());
  }

  private async read(id: string): Promise<OpenedDataset> {
    const { dataset, stored } = valueOrThrow(await this.disk.load(id));
    return { dataset, stored, card: await this.card(id) };
  }

  private async card(id: string): Promise<Card> {
    const path = cardPath(id);
    if (!(await this.store.exists(path))) return EMPTY_CARD;
    try {
      const parsed = v.safeParse(
        CardSchema,
        JSON.parse(new TextDecoder().decode(await this.store.read(path))),
      );
      if (!parsed.success) return EMPTY_CARD;
      const refusals = parsed.output.refusals.map(({ code, what, where, cure, isNotice }) => ({
        code,
        what,
        cure,
        ...(where !== undefined && { where }),
        ...(isNotice && { isNotice }),
      }));
      return { ...parsed.output, refusals };
    } catch (error) {
      // A card that cannot be read loses the remarks of the import; the dataset itself is whole.
      if (error instanceof SyntaxError) return EMPTY_CARD;
      throw error;
    }
  }

  private async writeCard(id: string, card: Card): Promise<void> {
    await this.store.write(cardPath(id), new TextEncoder().encode(JSON.stringify(card)));
    this.opened.delete(id);
  }
}

/** Of the labels that an image's status and masks are of; 0 where none were made here. */
const revisionOf = ({ samples, revisions }: StoredDataset, sampleId: string): number =>
  revisions[samples.findIndex(({ name }) => name === sampleId)] ?? 0;

const cardPath = (id: string): string => `datasets/${storeName(id)}/${CARD}`;

function named(failure: FailureRecord, name: string): FailureRecord {
  return failure.where === undefined ? { ...failure, where: name } : failure;
}
