/** Drops that are looked at before they are imported: how their masks would be read, and with what changes. */
import { Failure, type FailureRecord } from '../config/failure.ts';
import { type Dataset, isLabelled, type LoadedSample, loadSample } from '../data/dataset.ts';
import { statisticsOf } from '../data/inspect.ts';
import { ObjectSizeCounts } from '../data/object-sizes.ts';
import { type DatasetStatistics, inferDatasetReading } from '../data/reading/dataset-reading.ts';
import type { ValueShare } from '../data/reading/infer.ts';
import { type MaskReading, type RunOrder, settingText } from '../data/reading/reading.ts';
import { type DatasetSettings, withSettings } from '../data/reading/settings.ts';
import { commonChannels } from '../data/shown-channels.ts';
import type { DatasetRepository } from './dataset-repository.ts';
import type { ChannelInfo, DatasetPreview, ImportReport, Progress, ReadingInfo } from './protocol.ts';
import { failureOf } from './result.ts';
import { scaleInfo } from './scale-info.ts';

/** Images of a preview. */
const SAMPLES = 3;

interface Options {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** A preview whose images are not drawn yet. */
export interface UndrawnPreview extends Omit<DatasetPreview, 'samples'> {
  readonly samples: readonly LoadedSample[];
}

interface Drop {
  readonly id: string;
  readonly datasets: readonly Dataset[];
  /** Of each dataset, by how its runs are counted where it has any: other runs are other masks. */
  readonly statistics: readonly Map<RunOrder | undefined, DatasetStatistics>[];
  readonly refusals: readonly FailureRecord[];
}

/** Keeps the drop that was looked at last until it is imported or forgotten. */
export class DropPreviews {
  private drop: Drop | null = null;
  private count = 0;

  constructor(private readonly repository: Pick<DatasetRepository, 'add' | 'modelView'>) {}

  /** Looks at all masks. Rejects with the signal's reason. */
  async preview(
    datasets: readonly Dataset[],
    refusals: readonly FailureRecord[],
    { signal, onProgress }: Options,
  ): Promise<{ readonly dropId: string; readonly datasets: readonly UndrawnPreview[] }> {
    const statistics: Drop['statistics'][number][] = [];
    for (const dataset of datasets) {
      const own = await statisticsOf(dataset, {
        signal,
        onProgress: ({ done }) =>
          onProgress({ done, total: dataset.samples.length, label: `Looking at ${dataset.name}` }),
      });
      signal.throwIfAborted();
      statistics.push(new Map([[dataset.runs?.order, own]]));
    }
    const drop: Drop = { id: `drop-${++this.count}`, datasets, statistics, refusals };
    this.drop = drop;
    const previews: UndrawnPreview[] = [];
    for (const index of datasets.keys()) previews.push(await this.previewWith(drop.id, index, {}));
    return { dropId: drop.id, datasets: previews };
  }

  /** A dataset of the drop as settings would have it. @throws Failure `data/no-drop`. */
  async previewWith(dropId: string, index: number, settings: DatasetSettings): Promise<UndrawnPreview> {
    const drop = this.open(dropId);
    const found = drop.datasets[index];
    const known = drop.statistics[index];
    if (!found || !known) throw noDrop();
    const dataset = withSettings(found, settings);
    const order = dataset.runs?.order;
    const statistics = known.get(order) ?? (await statisticsOf(dataset, {}));
    known.set(order, statistics);
    const { reading, evidence, remarks, values } = inferDatasetReading(
      statistics,
      dataset.changes ?? {},
      dataset.samples,
      dataset.classTables,
    );
    const role = (['instances', 'labels', 'masks'] as const).find((each) => reading[each]);
    const masked = dataset.samples.filter(isLabelled);
    const samples: LoadedSample[] = [];
    const counts = new ObjectSizeCounts();
    const channels = dataset.changes?.channels;
    for (const sample of spread(masked.length > 0 ? masked : dataset.samples)) {
      const loaded = await loadSample({ ...sample, reading }, channels && { channels });
      if (!loaded.ok) continue;
      const { image, objects } = loaded.value;
      samples.push(loaded.value);
      counts.add(
        image,
        objects.regions.map(({ area }) => area),
      );
    }
    const view = this.repository.modelView();
    return {
      index,
      name: dataset.name,
      imageCount: dataset.samples.length,
      maskedCount: masked.length,
      reading: role ? readingInfo(reading[role], values[role]) : null,
      runs: order ?? null,
      evidence: [...(dataset.runs?.evidence ?? []), ...(dataset.runs?.rows ?? []), ...evidence],
      remarks: [...(dataset.runs?.remarks ?? []), ...remarks].map(failureOf),
      scale: masked.length > 0 ? scaleInfo(counts.sizes, dataset.scale ?? null, view) : null,
      channels: channelInfo(samples),
      samples,
    };
  }

  /** Imports the drop and forgets it. @throws Failure `data/no-drop`. */
  async import(
    dropId: string,
    settings: Readonly<Record<number, DatasetSettings>>,
    options: Options,
  ): Promise<ImportReport> {
    const { datasets, statistics, refusals } = this.open(dropId);
    this.drop = null;
    const known = new Map<Dataset, DatasetStatistics>();
    const settled = datasets.map((found, index) => {
      const dataset = withSettings(found, settings[index] ?? {});
      const own = statistics[index]?.get(dataset.runs?.order);
      if (own) known.set(dataset, own);
      return dataset;
    });
    return this.repository.add(settled, refusals, { ...options, statistics: known });
  }

  discard(dropId: string): void {
    if (this.drop?.id === dropId) this.drop = null;
  }

  private open(dropId: string): Drop {
    if (this.drop?.id !== dropId) throw noDrop();
    return this.drop;
  }
}

const noDrop = () =>
  new Failure({
    code: 'data/no-drop',
    what: 'These files are not at hand any more.',
    cure: 'Drop them again.',
  });

/** The first, the last, and those at equal steps between them. */
function spread<T>(all: readonly T[]): T[] {
  if (all.length <= SAMPLES) return [...all];
  return Array.from(
    { length: SAMPLES },
    (_, i) => all[Math.round((i * (all.length - 1)) / (SAMPLES - 1))],
  ).filter((one): one is T => one !== undefined);
}

/** What images of two or more than three channels show; null where they have not, or do not have equally many. */
function channelInfo(samples: readonly LoadedSample[]): ChannelInfo | null {
  const many = samples.flatMap(({ name, channels }) => (channels ? [{ file: name, channels }] : []));
  const shown = commonChannels(many);
  const of = many[0]?.channels.of;
  return shown && of !== undefined ? { of, shown } : null;
}

function readingInfo(
  reading: MaskReading | undefined,
  values: readonly ValueShare[] = [],
): ReadingInfo | null {
  if (!reading) return null;
  const { samples, meaning, background, ignored, threshold, levels } = reading;
  const text = (value: number | null) => settingText(value, samples);
  return {
    samples,
    meaning,
    background: text(background),
    ignored: ignored.map(text),
    threshold,
    levels: levels === null ? null : levels.map(text),
    values: values.map(({ value, share }) => ({ value: text(value), share })),
  };
}
