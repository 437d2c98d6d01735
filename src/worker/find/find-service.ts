/** Finds all objects: of the image that is open, and of whole datasets, whose results are kept on storage. */
import { Failure } from '../../config/failure.ts';
import type { FindSettings } from '../../config/find.ts';
import { TRAIN_FIELDS } from '../../config/train.ts';
import { seenSize } from '../../data/crops.ts';
import type { Dataset, LoadedSample } from '../../data/dataset.ts';
import { storeName } from '../../data/file-store.ts';
import { Lru } from '../../data/lru.ts';
import { leastArea } from '../../data/object-sizes.ts';
import type { RgbImage, Scale } from '../../data/types.ts';
import { findInDataset, findObjects } from '../../engine/find/find-dataset.ts';
import { Finder, previewFloors } from '../../engine/find/finder.ts';
import { FoundFile, tensorsHash } from '../../engine/find/found-file.ts';
import { type FindComparison, type FindQuality, findQuality } from '../../engine/find/quality.ts';
import { type FoundObject, type Proposal, selectObjects } from '../../engine/find/select.ts';
import { comparison } from '../../engine/find/truth.ts';
import type { Tuning } from '../../engine/tuning.ts';
import type { EngineState } from '../engine-state.ts';
import type {
  AnswerOf,
  FindFolderRequest,
  FoundDataset,
  Progress,
  RequestOf,
  SampleRef,
  Variant,
} from '../protocol.ts';
import type { NamedWeights } from '../segmentation-service.ts';

/** What finding needs of the other services. */
export interface FindParts {
  /** The pixels of an open image. */
  readonly image: (imageId: string) => RgbImage;
  readonly weights: (runId: string) => Promise<NamedWeights>;
  /** How a run saw its images; null where they differ. */
  readonly runScale: (runId: string) => Promise<Scale | null>;
}

/** What a call hands over besides its request. */
interface Asked {
  readonly signal: AbortSignal;
  progress(progress: Progress): void;
}

interface Search {
  readonly proposals: readonly Proposal[];
  readonly width: number;
  readonly height: number;
}

/** Searches whose thresholds can still be moved. */
const SEARCHES = 4;

export class FindService {
  private readonly searches = new Lru<Search>(SEARCHES, () => 1);
  private readonly running = new Map<AbortController, Promise<unknown>>();
  private serial = 0;

  constructor(
    private readonly state: EngineState,
    private readonly parts: FindParts,
  ) {
    state.onRelease(async () => {
      for (const controller of this.running.keys()) controller.abort(replaced());
      await Promise.allSettled(this.running.values());
    });
  }

  async run(
    { imageId, variant, settings, scale }: RequestOf<'find.run'>,
    asked: Asked,
  ): Promise<AnswerOf<'find.run'>> {
    const start = performance.now();
    const image = this.parts.image(imageId);
    const request = { sampling: settings, scale, floors: previewFloors(settings) };
    const proposals = await this.withFinder(variant, asked.signal, ({ finder }, signal) =>
      finder.propose(image, request, {
        signal,
        onProgress: (done, total) => asked.progress({ done, total, label: 'Finding objects' }),
      }),
    );
    const searchId = `search-${++this.serial}`;
    const { width, height } = image;
    this.searches.set(searchId, { proposals, width, height });
    const objects = selectObjects(proposals, image, settings);
    return { searchId, objects, milliseconds: performance.now() - start };
  }

  /** @throws Failure `find/forgotten`. */
  select({ searchId, settings }: RequestOf<'find.select'>): readonly FoundObject[] {
    const search = this.searches.get(searchId);
    if (search) return selectObjects(search.proposals, search, settings);
    throw new Failure({
      code: 'find/forgotten',
      what: 'What was found of this image is not remembered any more.',
      cure: 'Find all objects again.',
    });
  }

  async folder({ datasetIds, variant, settings }: FindFolderRequest, asked: Asked): Promise<FoundDataset[]> {
    return this.withFinder(variant, asked.signal, async ({ finder, tuning }, signal) => {
      const all: FoundDataset[] = [];
      for (const datasetId of datasetIds) {
        const dataset = await this.dataset(datasetId, variant);
        const file = await this.fileFor(datasetId, dataset, tuning, settings);
        await findInDataset(finder, dataset, settings, file, {
          signal,
          onProgress: (done, total) =>
            asked.progress({ done, total, label: `Finding objects of ${dataset.name}` }),
          onRefused: (name, message) =>
            this.state.emit({ type: 'log', level: 'warning', text: `${name}: ${message}` }),
        });
        const found = await this.found(datasetId);
        if (found) all.push(found);
      }
      return all;
    });
  }

  async found(datasetId: string): Promise<FoundDataset | null> {
    const read = await FoundFile.read(this.state.store, foundPath(datasetId));
    if (!read) return null;
    const { dataset } = await this.state.datasets.open(datasetId);
    const reviewed = await this.reviewedIn(datasetId);
    const samples = read.file.images.map(({ name, objects }) => ({
      sampleId: name,
      objectCount: objects.length,
      isReviewed: reviewed.has(name),
    }));
    return { datasetId, settings: read.origin.settings, samples, imageCount: dataset.samples.length };
  }

  async image({ datasetId, sampleId }: SampleRef): Promise<readonly FoundObject[]> {
    const read = await FoundFile.read(this.state.store, foundPath(datasetId));
    return read?.file.get(sampleId)?.objects ?? [];
  }

  async review({ datasetId, sampleId }: SampleRef): Promise<FoundDataset> {
    const names = [...(await this.reviewedIn(datasetId)).add(sampleId)];
    await this.state.store.write(reviewedPath(datasetId), new TextEncoder().encode(JSON.stringify(names)));
    const found = await this.found(datasetId);
    if (found) return found;
    throw new Failure({
      code: 'find/nothing',
      what: 'Nothing was looked for in this dataset.',
      where: datasetId,
      cure: 'Find all objects of the dataset first.',
    });
  }

  forget(datasetId: string): Promise<void> {
    return this.state.store.remove(folderOf(datasetId));
  }

  async quality(
    { datasetId, variant, settings, split }: RequestOf<'find.quality'>,
    asked: Asked,
  ): Promise<FindQuality> {
    const dataset = await this.dataset(datasetId, variant);
    const { scale = 'whole' } = dataset;
    const samples = (await this.state.datasets.samples(datasetId)).filter((sample) => sample.split === split);
    return this.withFinder(variant, asked.signal, async ({ finder, tuning }, signal) => {
      const { config } = this.state.needModel().open;
      const view = { size: config.imageSize, aspect: (tuning ?? config).preprocessing.aspect };
      const limit = { minSize: TRAIN_FIELDS.minSize.default, minArea: 0 };
      const compared: FindComparison[] = [];
      for (const [i, { id }] of samples.entries()) {
        asked.progress({ done: i, total: samples.length, label: `Finding known objects of ${dataset.name}` });
        const loaded: LoadedSample = await this.state.datasets.sample(datasetId, id);
        const found = await findObjects(finder, loaded.image, settings, scale, { signal });
        compared.push(comparison(loaded, found, leastArea(limit, seenSize(loaded.image, scale), view)));
      }
      return findQuality(compared);
    });
  }

  /** A dataset as a variant sees it: a run as in its training. */
  private async dataset(datasetId: string, variant: Variant): Promise<Dataset> {
    const { dataset } = await this.state.datasets.open(datasetId);
    const scale = variant.kind === 'run' ? await this.parts.runScale(variant.runId) : null;
    return scale === null ? dataset : { ...dataset, scale };
  }

  /** What was found so far by the same; what another model or other settings found is forgotten. */
  private async fileFor(
    datasetId: string,
    { scale = 'whole' }: Dataset,
    tuning: Tuning | null,
    settings: FindSettings,
  ): Promise<FoundFile> {
    const { store } = this.state;
    const origin = {
      model: this.state.needModel().open.hash,
      adapter: tuning && (await tensorsHash(tuning.tensors)),
      settings,
      scale,
    };
    try {
      return await FoundFile.open(store, foundPath(datasetId), origin);
    } catch (error) {
      if (!(error instanceof Failure) || error.record.code !== 'find/other-origin') throw error;
      await this.forget(datasetId);
      return FoundFile.open(store, foundPath(datasetId), origin);
    }
  }

  private async reviewedIn(datasetId: string): Promise<Set<string>> {
    const path = reviewedPath(datasetId);
    if (!(await this.state.store.exists(path))) return new Set();
    try {
      const names: unknown = JSON.parse(new TextDecoder().decode(await this.state.store.read(path)));
      return new Set(Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []);
    } catch (error) {
      // A damaged list: everything is to be looked at again.
      if (error instanceof SyntaxError) return new Set();
      throw error;
    }
  }

  /** Opens a finder for the work, which ends where the call is cancelled or another model is opened. */
  private async withFinder<T>(
    variant: Variant,
    signal: AbortSignal,
    work: (
      opened: { readonly finder: Finder; readonly tuning: Tuning | null },
      signal: AbortSignal,
    ) => Promise<T>,
  ): Promise<T> {
    const { open } = this.state.needModel();
    const gpu = this.state.needGpu();
    const controller = new AbortController();
    const either = AbortSignal.any([signal, controller.signal]);
    const doing = (async () => {
      const weights = variant.kind === 'run' ? (await this.parts.weights(variant.runId)).weights : null;
      const tuning = (await weights?.tuning?.()) ?? null;
      const finder = await Finder.open(gpu, this.state.queue, open, tuning);
      try {
        return await work({ finder, tuning }, either);
      } finally {
        await finder.release();
      }
    })();
    this.running.set(controller, doing);
    try {
      return await doing;
    } finally {
      this.running.delete(controller);
    }
  }
}

/** Within the dataset, so that it goes with it. */
const folderOf = (datasetId: string): string => `datasets/${storeName(datasetId)}/found`;
const foundPath = (datasetId: string): string => `${folderOf(datasetId)}/found.jsonl`;
const reviewedPath = (datasetId: string): string => `${folderOf(datasetId)}/reviewed.json`;

const replaced = (): Failure =>
  new Failure({
    code: 'model/replaced',
    what: 'Another model was opened in the meantime.',
    cure: 'Find all objects again with the open model; what was found of a dataset is kept.',
  });
