/** Finds all objects: of the image that is open, and of whole datasets, whose results are kept on storage. */

import { Failure } from '../../config/failure.ts';
import { FIND_FIELDS, type FindSettings } from '../../config/find.ts';
import type { Dataset, LoadedSample } from '../../data/dataset.ts';
import { Lru } from '../../data/lru.ts';
import type { RgbImage, Scale } from '../../data/types.ts';
import {
  type Calibration,
  calibrated,
  learntLikeness,
  leastKnown,
  thresholdsOf,
} from '../../engine/find/calibrate.ts';
import { ClassMeans } from '../../engine/find/classes.ts';
import { findInDataset, findObjects, learnClasses } from '../../engine/find/find-dataset.ts';
import { Finder, previewFloors, withinImage } from '../../engine/find/finder.ts';
import { type FindOrigin, tuningHash } from '../../engine/find/found-file.ts';
import type { Likeness } from '../../engine/find/likeness.ts';
import { type FindComparison, type FindQuality, findQuality } from '../../engine/find/quality.ts';
import { type Proposal, selectObjects } from '../../engine/find/select.ts';
import { loosened } from '../../engine/find/thresholds.ts';
import { comparison } from '../../engine/find/truth.ts';
import { askingFor } from '../../engine/segmenter.ts';
import type { Tuning } from '../../engine/tuning.ts';
import type { EngineState } from '../engine-state.ts';
import type {
  AnswerOf,
  FindFolderRequest,
  FindJob,
  FoundDataset,
  Progress,
  RequestOf,
  SplitName,
  Variant,
} from '../protocol.ts';
import type { NamedWeights } from '../segmentation-service.ts';
import { searchLocks } from '../tab-locks.ts';
import { expectNotSearched, forgetJob, keepJob, SEARCH, waitingJob } from './find-job.ts';
import { FoundResults } from './found-results.ts';

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
  readonly origin: FindOrigin;
  readonly proposals: readonly Proposal[];
  readonly width: number;
  readonly height: number;
}

interface OpenedFinder {
  readonly finder: Finder;
  readonly tuning: Tuning | null;
  /** Null for the base model. */
  readonly runName: string | null;
}

/** Searches whose thresholds can still be moved. */
const SEARCHES = 4;
/** Labelled images by which thresholds are chosen, and from which classes are learnt, at most: a person waits for it. */
const CALIBRATED = 6;
const LEARNT = 12;

export class FindService {
  readonly results: FoundResults;
  private readonly searches = new Lru<Search>(SEARCHES, () => 1);
  private readonly running = new Map<AbortController, Promise<unknown>>();
  /** What tells classes, by dataset, labels and model. */
  private readonly learnt = new Lru<ClassMeans>(SEARCHES, () => 1);
  /** What tells likeness, by dataset and model: as it was when thresholds were chosen, whatever was labelled since. */
  private readonly taught = new Lru<Likeness>(SEARCHES, () => 1);
  /** Settles when the search that is under way is over, whichever tab has it; null where no one asked. */
  private over: Promise<void> | null = null;
  private serial = 0;

  constructor(
    private readonly state: EngineState,
    private readonly parts: FindParts,
  ) {
    this.results = new FoundResults(state);
    state.onRelease(async () => {
      for (const controller of this.running.keys()) controller.abort(replaced());
      await Promise.allSettled(this.running.values());
    });
  }

  async run(asking: RequestOf<'find.run'>, asked: Asked): Promise<AnswerOf<'find.run'>> {
    const { imageId, variant, settings, scale, datasetId } = asking;
    const start = performance.now();
    const image = this.parts.image(imageId);
    const { proposals, classes, origin } = await this.withFinder(
      variant,
      asked.signal,
      async (opened, signal) => {
        const known = datasetId === null ? null : await this.classes(datasetId, variant, opened, asked);
        const likeness = await this.likeness(asking, opened, asked, signal);
        const floors = previewFloors(settings);
        const request = { sampling: settings, scale, floors, classes: known, likeness };
        const found = await opened.finder.propose(image, request, {
          signal,
          onProgress: (done, total) => asked.progress({ done, total, label: 'Finding objects' }),
        });
        return {
          proposals: found,
          classes: known instanceof ClassMeans ? known.checked : null,
          origin: await this.origin(scale, opened, settings),
        };
      },
    );
    const searchId = `search-${++this.serial}`;
    const { width, height } = image;
    this.searches.set(searchId, { origin, proposals, width, height });
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

  /** Keeps what is left to review of an image. */
  async keep({ ref, searchId, objects }: RequestOf<'find.keep'>): Promise<void> {
    const search = searchId === null ? undefined : this.searches.get(searchId);
    await this.results.keepLeft(ref, objects, search?.origin);
  }

  /** @throws Failure `find/other-tab`, and whatever ends a search. */
  folder(request: FindFolderRequest, asked: Asked): Promise<FoundDataset[]> {
    return searchLocks.whileTaken(SEARCH, () => this.searchAll(request, asked));
  }

  private async searchAll(request: FindFolderRequest, asked: Asked): Promise<FoundDataset[]> {
    const { datasetIds, variant, settings } = request;
    await keepJob(this.state, request, this.state.needModel().open);
    const all = await this.withFinder(variant, asked.signal, async (opened, signal) => {
      const { finder } = opened;
      const found: FoundDataset[] = [];
      const datasets = await Promise.all(datasetIds.map((id) => this.dataset(id, variant)));
      const total = datasets.reduce((sum, { samples }) => sum + samples.length, 0);
      const likeness = await this.likeness(request, opened, asked, signal);
      let before = 0;
      for (const [i, dataset] of datasets.entries()) {
        const datasetId = datasetIds[i] as string;
        const file = await this.results.fileFor(
          datasetId,
          await this.origin(dataset.scale ?? 'whole', opened, settings),
        );
        const first = before;
        await findInDataset(finder, dataset, settings, file, {
          signal,
          classes: await this.classes(datasetId, variant, opened, asked),
          likeness,
          onProgress: (done) =>
            asked.progress({ done: first + done, total, label: `Finding objects of ${dataset.name}` }),
          onRefused: (name, message) =>
            this.state.emit({ type: 'log', level: 'warning', text: `${name}: ${message}` }),
        });
        before += dataset.samples.length;
        const own = await this.results.of(datasetId);
        if (own) found.push(own);
      }
      return found;
    });
    await forgetJob(this.state);
    return all;
  }

  /** @throws Failure `data/in-use` when all of a dataset is being searched, here or in another tab. */
  expectUnused(datasetId: string): Promise<void> {
    return expectNotSearched(this.state, datasetId);
  }

  async job(): Promise<FindJob | null> {
    const job = await waitingJob(this.state);
    if (job?.isUnderWay) this.tellWhenOver();
    return job;
  }

  /** Its tab may be closed, after which no one else tells. */
  private tellWhenOver(): void {
    this.over ??= searchLocks.whenReleased(SEARCH).then(() => {
      this.over = null;
      this.state.emit({ type: 'elsewhere', kind: 'searches' });
    });
  }

  async quality(request: RequestOf<'find.quality'>, asked: Asked): Promise<FindQuality> {
    const { datasetId, variant, settings, split } = request;
    const dataset = await this.dataset(datasetId, variant);
    const { scale = 'whole' } = dataset;
    const samples = (await this.state.datasets.samples(datasetId)).filter((sample) => sample.split === split);
    const { open } = this.state.needModel();
    return this.withFinder(variant, asked.signal, async (opened, signal) => {
      const { finder, tuning } = opened;
      const likeness = await this.likeness(request, opened, asked, signal);
      const compared: FindComparison[] = [];
      for (const [i, { id }] of samples.entries()) {
        const tell = (done: number, total: number) =>
          asked.progress({ done, total, label: `Finding known objects of ${dataset.name}` });
        tell(i, samples.length);
        const loaded: LoadedSample = await this.state.datasets.sample(datasetId, id);
        const onProgress = withinImage(i, samples.length, tell);
        const found = await findObjects(finder, loaded.image, settings, scale, {
          signal,
          likeness,
          onProgress,
        });
        compared.push(comparison(loaded, found, leastKnown(loaded, scale, open, tuning)));
      }
      return findQuality(compared);
    });
  }

  calibrate(
    { datasetId, variant, settings }: RequestOf<'find.calibrate'>,
    asked: Asked,
  ): Promise<Calibration | null> {
    return this.withFinder(variant, asked.signal, async (opened, signal) => {
      const lesson = await this.lesson({ datasetId, variant, settings }, opened, asked, signal);
      const found = await calibrated(...lesson);
      if (found?.likeness) this.taught.set(await this.taughtKey(datasetId, opened), found.likeness);
      return found?.calibration ?? null;
    });
  }

  /** What is asked to choose, or to learn, by the labelled images of a dataset. */
  private async lesson(
    { datasetId, variant, settings }: RequestOf<'find.calibrate'>,
    opened: OpenedFinder,
    asked: Asked,
    signal: AbortSignal,
  ): Promise<Parameters<typeof calibrated>> {
    const dataset = await this.dataset(datasetId, variant);
    const { scale = 'whole' } = dataset;
    const known = (await this.state.datasets.samples(datasetId)).filter(({ hasMask }) => hasMask);
    const bySplit = (name: SplitName) => known.filter(({ split }) => split === name);
    const validation = bySplit('validation');
    // A run was not trained on its validation images; but one alone shows too little.
    const suffices = variant.kind === 'run' && validation.length > 1;
    const learnable = [...validation, ...(suffices ? [] : bySplit('train'))];
    // Those of the test stay for measuring, as long as there are two others.
    const samples = (learnable.length > 1 ? learnable : known).slice(0, CALIBRATED);
    const { open } = this.state.needModel();
    return [
      opened.finder,
      samples.map(
        ({ id }) =>
          () =>
            this.state.datasets.sample(datasetId, id),
      ),
      { settings, scale },
      (sample) => leastKnown(sample, scale, open, opened.tuning),
      {
        signal,
        onProgress: (done, total) =>
          asked.progress({ done, total, label: `Finding known objects of ${dataset.name}` }),
      },
    ];
  }

  /**
   * What tells how much objects are like labelled ones, learnt once more after a reload; null where the settings ask for none.
   * @throws Failure `find/no-likeness`.
   */
  private async likeness(
    { settings, taughtBy, variant }: Pick<FindFolderRequest, 'settings' | 'taughtBy' | 'variant'>,
    opened: OpenedFinder,
    asked: Asked,
    signal: AbortSignal,
  ): Promise<Likeness | null> {
    if (settings.likeness === 0) return null;
    const isThere = (await this.state.datasets.list()).some(({ id }) => id === taughtBy);
    if (taughtBy === undefined || !isThere) throw noLikeness();
    const key = await this.taughtKey(taughtBy, opened);
    const kept = this.taught.get(key);
    if (kept) return kept;
    const lesson = await this.lesson({ datasetId: taughtBy, variant, settings }, opened, asked, signal);
    const likeness = await learntLikeness(...lesson);
    if (!likeness) throw noLikeness();
    this.taught.set(key, likeness);
    return likeness;
  }

  private async taughtKey(datasetId: string, { tuning }: OpenedFinder): Promise<string> {
    const { hash } = this.state.needModel().open;
    return JSON.stringify([datasetId, hash, tuning && (await tuningHash(tuning))]);
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
    const adapter = tuning && (await tuningHash(tuning));
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

  /** What decides what is found in a dataset. */
  private async origin(
    scale: Scale,
    { tuning, runName }: OpenedFinder,
    settings: FindSettings,
  ): Promise<FindOrigin> {
    const adapter = tuning && (await tuningHash(tuning));
    const { hash, name } = this.state.needModel().open;
    return { model: hash, adapter, settings, scale, name: runName === null ? name : `${name}, ${runName}` };
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
      const named = variant.kind === 'run' ? await this.parts.weights(variant.runId) : null;
      const weights = named && askingFor(named.weights, variant.kind === 'run' ? variant.dataset : undefined);
      const tuning = (await weights?.tuning?.()) ?? null;
      const finder = await Finder.open(gpu, this.state.queue, open, tuning);
      try {
        return await work({ finder, tuning, runName: named?.name ?? null }, either);
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

const noLikeness = (): Failure =>
  new Failure({
    code: 'find/no-likeness',
    what: 'No two labelled images show what is looked for.',
    where: FIND_FIELDS.likeness.label,
    cure: 'Open an image of a dataset with labelled images and choose thresholds by these, or set this threshold to 0.',
  });

const replaced = (): Failure =>
  new Failure({
    code: 'model/replaced',
    what: 'Another model was opened in the meantime.',
    cure: 'Find all objects again with the open model; what was found of a dataset is kept.',
  });
