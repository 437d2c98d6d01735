/** Which image to label next, and which labels to look at again. What was computed is kept beside the dataset. */
import * as v from 'valibot';
import { type FileStore, storeName } from '../data/file-store.ts';
import type { LabelStatus } from '../data/labels/types.ts';
import {
  type Answering,
  type Doubt,
  disagreement,
  reasonOf,
  scoreOf,
  uncertainty,
} from '../engine/label-doubt.ts';
import type { VariantWeights } from '../engine/segmenter.ts';
import type { DatasetRepository, OpenedDataset } from './dataset-repository.ts';
import type { Progress, QueueEntry } from './protocol.ts';

/** Models whose figures are kept. */
const MODELS = 4;

const number = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const DoubtSchema = v.variant('kind', [
  v.object({ kind: v.literal('unsure'), points: count, iou: number, stability: number }),
  v.object({ kind: v.literal('disagrees'), objects: count, worst: v.nullable(number), mean: number }),
]);

const FileSchema = v.object({
  version: v.literal(1),
  /** By model and weights, the last used last; then by the image's name. */
  models: v.array(
    v.object({
      key: v.string(),
      /** `of`: the labels that were compared. */
      images: v.record(v.string(), v.object({ of: v.string(), doubt: DoubtSchema })),
    }),
  ),
});
type Known = v.InferOutput<typeof FileSchema>['models'][number];

/** Who is asked. */
export interface QueueModel {
  /** Names model and weights: equal keys give equal answers. */
  readonly key: string;
  readonly segmenter: Answering;
  readonly weights: VariantWeights;
}

export interface QueueOptions {
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
}

export class LabelQueue {
  constructor(
    private readonly store: FileStore,
    private readonly datasets: DatasetRepository,
  ) {}

  /**
   * Images in the order in which to look at them.
   * @param model null where none can be asked: only how far images are labelled is known then.
   * @param compute null lists what is known. On its signal what was computed is kept and listed.
   */
  async list(
    datasetId: string,
    model: QueueModel | null,
    compute: QueueOptions | null,
  ): Promise<QueueEntry[]> {
    const opened = await this.datasets.open(datasetId);
    const models = await this.read(datasetId);
    const key = model?.key ?? '';
    const known = models.find((each) => each.key === key) ?? { key, images: {} };
    const images = imagesOf(opened);
    const open = images.filter(({ name, of }) => known.images[name]?.of !== of);
    if (model && compute && open.length > 0) {
      try {
        await this.compute(datasetId, opened, open, known, model, compute);
      } finally {
        await this.write(datasetId, [...models.filter((each) => each !== known), known]);
      }
    }
    // Where this model has not looked, what one before it made of the image says more than nothing.
    const before = models.filter((each) => each !== known).reverse();
    return images
      .map(({ name, of, status }) => {
        const own = known.images[name];
        if (own?.of === of) return entryOf(name, status, own.doubt, '');
        const earlier = before.find(({ images: figures }) => figures[name]?.of === of)?.images[name];
        return entryOf(name, status, earlier?.doubt ?? null, 'By a model before: ');
      })
      .sort((a, b) => Number(a.status === 'done') - Number(b.status === 'done') || rank(b) - rank(a));
  }

  private async compute(
    datasetId: string,
    { stored }: OpenedDataset,
    open: readonly QueueImage[],
    known: Known,
    { segmenter, weights }: Pick<QueueModel, 'segmenter' | 'weights'>,
    { signal, progress }: QueueOptions,
  ): Promise<void> {
    for (const [i, { name, of, status }] of open.entries()) {
      if (signal.aborted) return;
      progress({ done: i, total: open.length, label: 'Looking at images' });
      // One that cannot be read says why when it is opened.
      const sample = await this.datasets.sample(datasetId, name).catch(() => null);
      if (!sample) continue;
      const look = status === 'done' ? disagreement : uncertainty;
      const id = `queue ${datasetId}/${name}`;
      known.images[name] = { of, doubt: await look(segmenter, weights, { id, sample, scale: stored.scale }) };
    }
    progress({ done: open.length, total: open.length, label: 'Looking at images' });
  }

  /** A file that cannot be read costs what was computed. */
  private async read(datasetId: string): Promise<Known[]> {
    try {
      const text = new TextDecoder().decode(await this.store.read(pathOf(datasetId)));
      const parsed = v.safeParse(FileSchema, JSON.parse(text));
      return parsed.success ? parsed.output.models : [];
    } catch {
      return [];
    }
  }

  /** What is not kept is computed again. */
  private async write(datasetId: string, models: readonly Known[]): Promise<void> {
    const file = { version: 1, models: models.slice(-MODELS) };
    await this.datasets.keepBeside(datasetId, FILE, new TextEncoder().encode(JSON.stringify(file)));
  }
}

const FILE = 'queue.json';
const pathOf = (id: string): string => `datasets/${storeName(id)}/${FILE}`;

interface QueueImage {
  readonly name: string;
  readonly status: LabelStatus;
  /** Of the model's figures for the image: what they depend on besides the image. */
  readonly of: string;
}

function imagesOf({ stored }: OpenedDataset): QueueImage[] {
  return stored.samples.map(({ name }, i) => {
    const status = stored.statuses[i] ?? 'unlabelled';
    const labels = status === 'done' ? `labels ${stored.revisions[i] ?? 0}` : 'image';
    return { name, status, of: `${labels} ${stored.scale}` };
  });
}

/** @param by says whose figures they are. */
function entryOf(sampleId: string, status: LabelStatus, doubt: Doubt | null, by: string): QueueEntry {
  if (doubt) return { sampleId, status, score: scoreOf(doubt), reason: by + reasonOf(doubt) };
  const reason = {
    unlabelled: 'The model has not looked at it yet.',
    'in-work': 'Its labels were begun, and the model has not looked at it yet.',
    done: 'Its labels were not compared with the model yet.',
  }[status];
  return { sampleId, status, score: null, reason };
}

/** Images that the model has not looked at come last, those that were begun before the others. */
const rank = ({ score, status }: QueueEntry): number => score ?? (status === 'in-work' ? -1 : -2);
