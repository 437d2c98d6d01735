/** The labels of images on this device's storage, and what training sees of them. */
import { Failure } from '../config/failure.ts';
import { objectColourAt } from '../config/object-colours.ts';
import { objectClasses } from '../data/classes.ts';
import type { LoadedSample } from '../data/dataset.ts';
import type { FileStore } from '../data/file-store.ts';
import { decodeLabels, encodeLabels, type StoredLabels } from '../data/label-file.ts';
import { labelMaps } from '../data/label-maps.ts';
import { areRuns, runsOfBitmap, runsOfValues } from '../data/labels/runs.ts';
import {
  type ImageLabels,
  type LabelClass,
  type LabelHistory,
  type LabelObject,
  NO_HISTORY,
  NO_RUNS,
  type ObjectOrigin,
  type Runs,
} from '../data/labels/types.ts';
import { Lru } from '../data/lru.ts';
import type { CountedObjects, LabelUpdate } from '../data/manifest-counts.ts';
import { IGNORED } from '../data/objects.ts';
import { valueOrThrow } from '../data/outcome.ts';
import type { StoredDataset } from '../data/types.ts';
import { classNameOf, objectsByClass } from './dataset-card.ts';
import type { DatasetRepository, OpenedDataset } from './dataset-repository.ts';
import type { DatasetInfo, FailureRecord, OpenedLabels, SampleRef, SavedLabels } from './protocol.ts';
import { datasetLocks, runLocks } from './tab-locks.ts';

const KNOWN_IMAGES = 64;

/** The labels on storage; null where there are none, or where their file is damaged. */
interface Read {
  readonly stored: StoredLabels | null;
  readonly remark: FailureRecord | null;
}

export class LabelRepository {
  /** What datasets count of images whose masks were written here, so that they need not be decoded again. */
  private readonly written = new Lru<CountedObjects>(KNOWN_IMAGES, () => 1);

  constructor(
    private readonly store: FileStore,
    private readonly datasets: DatasetRepository,
  ) {}

  /** Labels of an image: those that were made here, else the objects that it was imported with. */
  async open(ref: SampleRef): Promise<OpenedLabels> {
    return datasetLocks.whenFree(ref.datasetId, async () => {
      this.datasets.forget(ref.datasetId);
      const read = await this.read(ref);
      const unpublished = read.stored && (await this.publishWhereItFailed(ref, read.stored.labels));
      const opened = await this.datasets.open(ref.datasetId);
      const { labels, history, remark } = read.stored
        ? { ...read.stored, remark: unpublished }
        : { ...(await this.imported(ref, opened)), history: NO_HISTORY };
      return {
        labels,
        history,
        classes: classesOf(opened.stored, labels),
        remark: remark ?? read.remark,
      };
    });
  }

  /**
   * Keeps an image's labels. They are written first, which takes little, so that a closed tab costs no step. The masks of one
   * that is done follow, then the manifest with all counts. What a crash leaves before that is made good by {@link open}.
   * @throws Failure `labels/…`, `data/…`, `storage/…`; labels, masks and counts are as before then.
   */
  async save(ref: SampleRef, { labels: given, history, baseRevision }: SaveRequest): Promise<SavedLabels> {
    return datasetLocks.whenFree(ref.datasetId, async () => {
      this.datasets.forget(ref.datasetId);
      const opened = await this.datasets.open(ref.datasetId);
      expectWhole(given, sampleOf(opened, ref));
      const { stored } = await this.read(ref);
      // Where the labels were lost, their masks still have their revision.
      const known = stored?.labels.revision ?? opened.stored.revisions[indexOf(opened, ref)] ?? 0;
      if (known !== baseRevision) throw otherRevision(ref, known);
      const labels = { ...given, revision: known + 1 };
      const hasChanged =
        labels.status === 'done' || opened.stored.statuses[indexOf(opened, ref)] !== labels.status;
      await this.store.write(this.pathOf(ref), encodeLabels({ labels, history }));
      if (!hasChanged) return { revision: labels.revision, dataset: null };
      try {
        const masks = await this.writeMasks(ref, labels);
        return { revision: labels.revision, dataset: await this.publish(ref, labels, masks) };
      } catch (error) {
        // Where even that fails, they are made good as after a crash, and what went wrong first is said.
        await (stored
          ? this.store.write(this.pathOf(ref), encodeLabels(stored))
          : this.store.remove(this.pathOf(ref))
        ).catch(() => undefined);
        throw error;
      }
    });
  }

  /** @throws Failure `labels/class-in-use`, `labels/class-wrong`. */
  async setClasses(datasetId: string, classes: readonly LabelClass[]): Promise<readonly LabelClass[]> {
    return datasetLocks.whenFree(datasetId, async () => {
      this.datasets.forget(datasetId);
      const opened = await this.datasets.open(datasetId);
      const { stored } = opened;
      expectClasses(classes, stored);
      const counts = await this.objectsOfClasses(datasetId, opened);
      const [left, count] =
        Object.entries(counts).find(([value]) => !classes.some((kept) => String(kept.value) === value)) ?? [];
      if (left !== undefined) {
        throw new Failure({
          code: 'labels/class-in-use',
          what: `The class ${classNameOf(Number(left), stored)} cannot be removed: ${count} ${count === 1 ? 'object has' : 'objects have'} it.`,
          where: stored.name,
          cure: 'Give these objects another class first.',
        });
      }
      const changed = valueOrThrow(await this.datasets.disk.setClasses(datasetId, classes));
      this.datasets.forget(datasetId);
      return classesOf(changed);
    });
  }

  /** Objects that have each class, in images that are done and in those in work, which the dataset does not count. */
  private async objectsOfClasses(
    datasetId: string,
    { stored, card }: OpenedDataset,
  ): Promise<Readonly<Record<string, number>>> {
    const counts: Record<string, number> = { ...objectsByClass(stored, card) };
    for (const value of stored.summary.labels) counts[value] ??= 0;
    const inWork = stored.samples.filter((_, i) => stored.statuses[i] === 'in-work');
    for (const { name } of inWork) {
      const read = await this.read({ datasetId, sampleId: name });
      for (const { classValue } of read.stored?.labels.objects ?? [])
        counts[classValue] = (counts[classValue] ?? 0) + 1;
    }
    return counts;
  }

  private async read(ref: SampleRef): Promise<Read> {
    const path = this.pathOf(ref);
    if (!(await this.store.exists(path))) return { stored: null, remark: null };
    const bytes = await this.store.read(path);
    try {
      return { stored: decodeLabels(bytes, path), remark: null };
    } catch (error) {
      if (error instanceof Failure && error.record.code === 'labels/damaged')
        return { stored: null, remark: { ...error.record, where: ref.sampleId } };
      throw error;
    }
  }

  private pathOf({ datasetId, sampleId }: SampleRef): string {
    return this.datasets.disk.labelPath(datasetId, sampleId);
  }

  /**
   * Where a crash came after the labels were written and before the manifest was.
   * @returns what hinders it still, a full disk for instance: the labels themselves are there all the same.
   */
  private async publishWhereItFailed(ref: SampleRef, labels: ImageLabels): Promise<FailureRecord | null> {
    const opened = await this.datasets.open(ref.datasetId);
    const at = indexOf(opened, ref);
    const isSame = opened.stored.statuses[at] === labels.status;
    if (isSame && (labels.status !== 'done' || opened.stored.revisions[at] === labels.revision)) return null;
    try {
      await this.publish(ref, labels, await this.writeMasks(ref, labels));
      return null;
    } catch (error) {
      if (error instanceof Failure) return notPublished(ref, error.record);
      throw error;
    }
  }

  /** The masks of an image that is done, which do not count yet; null of others. */
  private async writeMasks(ref: SampleRef, labels: ImageLabels): Promise<LabelUpdate['masks']> {
    if (labels.status !== 'done') return null;
    const { datasetId, sampleId } = ref;
    const maps = await labelMaps(labels, sampleId);
    const files = await this.datasets.disk.writeMasks(datasetId, sampleId, labels.revision, maps);
    return { files, objects: maps.objects };
  }

  private async publish(
    ref: SampleRef,
    { status, revision }: ImageLabels,
    masks: LabelUpdate['masks'],
  ): Promise<DatasetInfo> {
    const { datasetId, sampleId } = ref;
    const opened = await this.datasets.open(datasetId);
    const { stored, card } = opened;
    const before = { objects: await this.counted(ref, opened), byClass: objectsByClass(stored, card) };
    const update = { status, revision, masks, before };
    valueOrThrow(await this.datasets.disk.setLabels(datasetId, sampleId, update));
    if (masks) this.written.set(keyOf(ref, revision), masks.objects);
    this.datasets.forget(datasetId);
    // A run that was started before reads the masks of its start.
    if ((await runLocks.taken()).size === 0)
      await this.datasets.disk.removeStaleMasks(datasetId, sampleId).catch(() => undefined);
    return this.datasets.info(datasetId);
  }

  /** What the dataset counts of an image now. */
  private async counted(ref: SampleRef, opened: OpenedDataset): Promise<CountedObjects> {
    const { maskKind, objects } = sampleOf(opened, ref);
    if (maskKind === undefined || objects === 0) return [];
    const known = this.written.get(keyOf(ref, opened.stored.revisions[indexOf(opened, ref)] ?? 0));
    if (known) return known;
    const loaded = await this.datasets.sample(ref.datasetId, ref.sampleId);
    const classes = classesOfObjects(loaded);
    return loaded.objects.regions.map(({ area }, i) => ({ classValue: classes[i] ?? 0, area }));
  }

  /** What the files of an image's masks say; the remark names one that cannot be used. */
  private async imported(
    ref: SampleRef,
    opened: OpenedDataset,
  ): Promise<{ readonly labels: ImageLabels; readonly remark: FailureRecord | null }> {
    const at = indexOf(opened, ref);
    const { width, height } = sampleOf(opened, ref);
    const status = opened.stored.statuses[at] ?? 'unlabelled';
    const revision = opened.stored.revisions[at] ?? 0;
    const empty = { status, objects: [], revision, width, height, ignored: NO_RUNS };
    if (status !== 'done') return { labels: empty, remark: null };
    const loaded = await this.datasets.sample(ref.datasetId, ref.sampleId);
    const classes = classesOfObjects(loaded);
    const { map, regions } = loaded.objects;
    const sample = opened.dataset.samples[at];
    const madeBy = (runs: Runs): ObjectOrigin =>
      sample?.origins?.get(loaded.labelling?.labelMap.data[runs[0] ?? 0] ?? 0) ?? { kind: 'imported' };
    const objects = runsOfValues(map, regions.length).map(
      (runs, i): LabelObject => ({
        id: `imported-${i + 1}`,
        // Pixels to which the files give no class have the first.
        classValue: Math.max(1, classes[i] ?? 1),
        runs,
        origin: madeBy(runs),
        created: opened.stored.created,
        locked: false,
        hidden: false,
      }),
    );
    const hasIgnored = map.includes(IGNORED);
    const ignored = hasIgnored ? runsOfBitmap(map.map((id) => (id === IGNORED ? 1 : 0))) : NO_RUNS;
    const [unusable] = loaded.refusals;
    const remark = unusable ? masksUnusable(ref, unusable.reason) : null;
    return { labels: { ...empty, objects, ignored }, remark };
  }
}

const keyOf = ({ datasetId, sampleId }: SampleRef, revision: number): string =>
  [datasetId, sampleId, revision].join('\n');

interface SaveRequest {
  readonly labels: ImageLabels;
  readonly history: LabelHistory;
  readonly baseRevision: number;
}

const classesOfObjects = ({ objects, labelling }: LoadedSample): number[] =>
  labelling ? objectClasses(objects, labelling.classMap) : [];

/** @throws Failure when the dataset has no such image. */
function indexOf({ dataset, stored }: OpenedDataset, { sampleId }: SampleRef): number {
  const at = stored.samples.findIndex(({ name }) => name === sampleId);
  if (at >= 0) return at;
  throw new Failure({
    code: 'data/no-such-sample',
    what: `The dataset ${dataset.name} has no such image.`,
    where: sampleId,
    cure: 'Open the dataset again.',
  });
}

function sampleOf(opened: OpenedDataset, ref: SampleRef): StoredDataset['samples'][number] {
  return opened.stored.samples[indexOf(opened, ref)] as StoredDataset['samples'][number];
}

/** All classes that have a name or an object, by ascending values; one where there is none. */
function classesOf(stored: StoredDataset, labels?: ImageLabels): LabelClass[] {
  const named = Object.keys(stored.classNames).map(Number);
  const own = labels?.objects.map(({ classValue }) => classValue) ?? [];
  const values = [...new Set([...named, ...stored.summary.labels, ...own])].sort((a, b) => a - b);
  const shown = values.length > 0 ? values : [1];
  return shown.map((value, i) => ({
    value,
    name: classNameOf(value, stored, shown.length),
    colour: stored.classColours[value] ?? objectColourAt(i),
  }));
}

/** What the page sends is checked before it is kept. @throws RangeError. */
function expectWhole(labels: ImageLabels, { width, height }: { width: number; height: number }): void {
  if (labels.width !== width || labels.height !== height)
    throw new RangeError(
      `labels of ${labels.width} × ${labels.height} pixels for an image of ${width} × ${height}`,
    );
  const pixels = width * height;
  const isWhole = ({ runs, classValue }: LabelObject) =>
    areRuns(runs, pixels) && runs.length > 0 && Number.isInteger(classValue) && classValue >= 1;
  const ids = new Set(labels.objects.map(({ id }) => id));
  if (!areRuns(labels.ignored, pixels) || !labels.objects.every(isWhole) || ids.size < labels.objects.length)
    throw new RangeError('labels with runs that are none, or with two objects of one id');
}

function expectClasses(classes: readonly LabelClass[], stored: StoredDataset): void {
  const wrong = (what: string, cure: string) =>
    new Failure({ code: 'labels/class-wrong', what, where: stored.name, cure });
  const values = new Set<number>();
  for (const { value, name, colour } of classes) {
    if (!Number.isInteger(value) || value < 1 || values.has(value))
      throw wrong(
        `${value} is no value for a class, or two classes have it.`,
        'Give each class a whole number from 1.',
      );
    if (name.trim() === '') throw wrong(`The class ${value} has no name.`, 'Give it a name.');
    if (!/^#[0-9a-f]{6}$/.test(colour))
      throw wrong(`${colour} is no colour for the class ${name}.`, 'Give it a colour such as #e69f00.');
    values.add(value);
  }
}

const masksUnusable = ({ sampleId }: SampleRef, reason: string): FailureRecord => ({
  code: 'labels/masks-unusable',
  what: `The image is done, and its masks cannot be used. ${reason}`,
  where: sampleId,
  cure: 'Label it anew, or mark it as unlabelled, so that nothing is trained on it.',
});

const notPublished = ({ sampleId }: SampleRef, { what, cure }: FailureRecord): FailureRecord => ({
  code: 'labels/not-published',
  what: `These labels are kept, and the dataset does not count them yet. ${what}`,
  where: sampleId,
  cure: `${cure} Then open the image again.`,
});

function otherRevision({ sampleId }: SampleRef, known: number): Failure {
  return new Failure({
    code: 'labels/other-revision',
    what: `The labels of this image were changed elsewhere, probably in another tab (save ${known} is stored).`,
    where: sampleId,
    cure: 'Open the image again to go on from what is stored; what was changed here since is not kept.',
  });
}
