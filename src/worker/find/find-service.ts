/** Finds all objects: of the image that is open, and of whole datasets, whose results are kept on storage. */

import * as v from 'valibot';
import { Failure } from '../../config/failure.ts';
import { type FindSettings, type FindThresholds, parseFindSettings } from '../../config/find.ts';
import { TRAIN_FIELDS } from '../../config/train.ts';
import { seenSize } from '../../data/crops.ts';
import type { Dataset, LoadedSample } from '../../data/dataset.ts';
import { storeName } from '../../data/file-store.ts';
import { Lru } from '../../data/lru.ts';
import { leastArea } from '../../data/object-sizes.ts';
import type { RgbImage, Scale } from '../../data/types.ts';
import { ClassMeans } from '../../engine/find/classes.ts';
import { findInDataset, findObjects, learnClasses } from '../../engine/find/find-dataset.ts';
import { Finder, previewFloors } from '../../engine/find/finder.ts';
import { FoundFile, tensorsHash } from '../../engine/find/found-file.ts';
import { type FindComparison, type FindQuality, findQuality } from '../../engine/find/quality.ts';
import { type FoundObject, type Proposal, selectObjects } from '../../engine/find/select.ts';
import { chosenThresholds, countFound, type KnownImage, loosened } from '../../engine/find/thresholds.ts';
import { comparison } from '../../engine/find/truth.ts';
import type { Tuning } from '../../engine/tuning.ts';
import type { EngineState } from '../engine-state.ts';
import type {
  AnswerOf,
  Calibration,
  FindFolderRequest,
  FindJob,
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

interface OpenedFinder {
  readonly finder: Finder;
  readonly tuning: Tuning | null;
}

/** Searches whose thresholds can still be moved. */
const SEARCHES = 4;
/** Labelled images by which thresholds are chosen, and from which classes are learnt, at most: a person waits for it. */
const CALIBRATED = 6;
const LEARNT = 12;

export class FindService {
  private readonly searches = new Lru<Search>(SEARCHES, () => 1);
  private readonly running = new Map<AbortController, Promise<unknown>>();
  /** What tells classes, by dataset, labels and model. */
  private readonly learnt = new Lru<ClassMeans>(SEARCHES, () => 1);
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
    { imageId, variant, settings, scale, datasetId }: RequestOf<'find.run'>,
    asked: Asked,
  ): Promise<AnswerOf<'find.run'>> {
    const start = performance.now();
    const image = this.parts.image(imageId);
    const { proposals, classes } = await this.withFinder(variant, asked.signal, async (opened, signal) => {
      const known = datasetId === null ? null : await this.classes(datasetId, variant, opened, asked);
      const request = { sampling: settings, scale, floors: previewFloors(settings), classes: known };
      const found = await opened.finder.propose(image, request, {
        signal,
        onProgress: (done, total) => asked.progress({ done, total, label: 'Finding objects' }),
      });
      return { proposals: found, classes: known instanceof ClassMeans ? known.checked : null };
    });
    const searchId = `search-${++this.serial}`;
    const { width, height } = image;
    this.searches.set(searchId, { proposals, width, height });
    const selection = this.select({ searchId, settings });
    return { searchId, ...selection, classes, milliseconds: performance.now() - start };
  }

  /** @throws Failure `find/forgotten`. */
  select({ searchId, settings }: RequestOf<'find.select'>): AnswerOf<'find.select'> {
    const search = this.searches.get(searchId);
    if (search) {
      const objects = selectObjects(search.proposals, search, settings);
      return {
        objects,
        looser: objects.length > 0 ? null : loosened(search.proposals, search, thresholdsOf(settings)),
      };
    }
    throw new Failure({
      code: 'find/forgotten',
      what: 'What was found of this image is not remembered any more.',
      cure: 'Find all objects again.',
    });
  }

  async folder(request: FindFolderRequest, asked: Asked): Promise<FoundDataset[]> {
    const { datasetIds, variant, settings } = request;
    const { store } = this.state;
    const { hash, name } = this.state.needModel().open;
    const job = { datasetIds, variant, settings, model: { hash, name } };
    await store.write(JOB_PATH, new TextEncoder().encode(JSON.stringify(job)));
    const all = await this.withFinder(variant, asked.signal, async (opened, signal) => {
      const { finder, tuning } = opened;
      const found: FoundDataset[] = [];
      const datasets = await Promise.all(datasetIds.map((id) => this.dataset(id, variant)));
      const total = datasets.reduce((sum, { samples }) => sum + samples.length, 0);
      let before = 0;
      for (const [i, dataset] of datasets.entries()) {
        const datasetId = datasetIds[i] as string;
        const file = await this.fileFor(datasetId, dataset, tuning, settings);
        const first = before;
        await findInDataset(finder, dataset, settings, file, {
          signal,
          classes: await this.classes(datasetId, variant, opened, asked),
          onProgress: (done) =>
            asked.progress({ done: first + done, total, label: `Finding objects of ${dataset.name}` }),
          onRefused: (name, message) =>
            this.state.emit({ type: 'log', level: 'warning', text: `${name}: ${message}` }),
        });
        before += dataset.samples.length;
        const own = await this.found(datasetId);
        if (own) found.push(own);
      }
      return found;
    });
    await store.remove(JOB_PATH);
    return all;
  }

  async job(): Promise<FindJob | null> {
    const { store, datasets } = this.state;
    if (!(await store.exists(JOB_PATH))) return null;
    const read = v.safeParse(JobSchema, parsedJson(await store.read(JOB_PATH)));
    if (!read.success) return null;
    const there = new Set((await datasets.list()).map(({ id }) => id));
    const datasetIds = read.output.datasetIds.filter((id) => there.has(id));
    if (datasetIds.length === 0) return null;
    const { variant, settings, model } = read.output;
    return {
      datasetIds,
      variant,
      settings,
      modelName: model.name,
      isModelOpen: this.state.openModelHash === model.hash,
    };
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
      const compared: FindComparison[] = [];
      for (const [i, { id }] of samples.entries()) {
        asked.progress({ done: i, total: samples.length, label: `Finding known objects of ${dataset.name}` });
        const loaded: LoadedSample = await this.state.datasets.sample(datasetId, id);
        const found = await findObjects(finder, loaded.image, settings, scale, { signal });
        compared.push(comparison(loaded, found, this.leastArea(loaded, scale, tuning)));
      }
      return findQuality(compared);
    });
  }

  async calibrate(
    { datasetId, variant, settings }: RequestOf<'find.calibrate'>,
    asked: Asked,
  ): Promise<Calibration | null> {
    const dataset = await this.dataset(datasetId, variant);
    const { scale = 'whole' } = dataset;
    const known = (await this.state.datasets.samples(datasetId)).filter(({ hasMask }) => hasMask);
    // A run was not trained on its validation images.
    const unseen = known.filter(({ split }) => split === 'validation');
    const samples = (unseen.length > 0 ? unseen : known).slice(0, CALIBRATED);
    return this.withFinder(variant, asked.signal, async ({ finder, tuning }, signal) => {
      const images: KnownImage[] = [];
      for (const [i, { id }] of samples.entries()) {
        asked.progress({ done: i, total: samples.length, label: `Finding known objects of ${dataset.name}` });
        const loaded = await this.state.datasets.sample(datasetId, id);
        const request = { sampling: settings, scale, floors: previewFloors(settings) };
        const proposals = await finder.propose(loaded.image, request, { signal });
        const { truth, ignored } = comparison(loaded, [], this.leastArea(loaded, scale, tuning));
        const { width, height } = loaded.image;
        images.push({ proposals, truth, ignored, width, height });
      }
      const thresholds = thresholdsOf(settings);
      const chosen = await chosenThresholds(images, thresholds, async () => {
        signal.throwIfAborted();
        await new Promise<void>((resume) => setTimeout(resume));
      });
      if (!chosen) return null;
      return {
        settings: { ...settings, ...chosen.thresholds },
        images: images.length,
        before: countFound(images, thresholds),
        after: chosen.counts,
      };
    });
  }

  /** Pixels under which an object is too small to be found, as for training. */
  private leastArea({ image }: LoadedSample, scale: Scale, tuning: Tuning | null): number {
    const { config } = this.state.needModel().open;
    const view = { size: config.imageSize, aspect: (tuning ?? config).preprocessing.aspect };
    return leastArea({ minSize: TRAIN_FIELDS.minSize.default, minArea: 0 }, seenSize(image, scale), view);
  }

  /** What tells the classes of a dataset's objects: its labelled ones; where they have one class, that; null without any. */
  private async classes(
    datasetId: string,
    variant: Variant,
    { finder, tuning }: OpenedFinder,
    asked: Asked,
  ): Promise<ClassMeans | number | null> {
    const { stored } = await this.state.datasets.open(datasetId);
    const values = stored.summary.labels;
    if (values.length < 2) return values[0] ?? null;
    const { hash } = this.state.needModel().open;
    const adapter = tuning && (await tensorsHash(tuning.tensors));
    const key = JSON.stringify([datasetId, stored.revisions, stored.statuses, hash, adapter]);
    const known = this.learnt.get(key);
    if (known) return known;
    const classes = await learnClasses(
      finder,
      await this.dataset(datasetId, variant),
      (done, total) => asked.progress({ done, total, label: 'Learning the classes of labelled objects' }),
      LEARNT,
    );
    if (classes) this.learnt.set(key, classes);
    return classes;
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
    // Of a damaged list everything is to be looked at again.
    const names = parsedJson(await this.state.store.read(path));
    return new Set(Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []);
  }

  /** Opens a finder for the work, which ends where the call is cancelled or another model is opened. */
  private async withFinder<T>(
    variant: Variant,
    signal: AbortSignal,
    work: (opened: OpenedFinder, signal: AbortSignal) => Promise<T>,
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

const thresholdsOf = ({ pointsPerSide: _, cropLayers: __, ...thresholds }: FindSettings): FindThresholds =>
  thresholds;

/** The search of datasets that was begun last and not finished. */
const JOB_PATH = 'find-job.json';

const JobSchema = v.object({
  model: v.object({ hash: v.string(), name: v.string() }),
  datasetIds: v.array(v.string()),
  variant: v.variant('kind', [
    v.object({ kind: v.literal('base') }),
    v.object({ kind: v.literal('run'), runId: v.string() }),
  ]),
  settings: v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      try {
        return parseFindSettings(dataset.value);
      } catch {
        addIssue({ message: 'no settings of this version' });
        return NEVER;
      }
    }),
  ),
});

/** @returns undefined where the bytes are none. */
function parsedJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
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
