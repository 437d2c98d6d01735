/** What the modules of a run are worth on its validation images, by dataset: `worth.json` in its folder. */
import * as v from 'valibot';
import { Failure } from '../../config/failure.ts';
import type { MopeftConfig } from '../../config/mopeft.ts';
import type { Adapter } from '../../peft/adapter-file.ts';
import type { EvaluationOptions } from '../../train/evaluate.ts';
import { VALIDATION_SIDE } from '../../train/measured-size.ts';
import type { EvaluationSet } from '../../train/training-set.ts';
import { RUN_FILES, type RunFiles } from '../run/run-files.ts';
import { type Measuring, measureTuning } from './measure.ts';
import { expectedMeasurements, measureWorth, type WorthReport } from './worth.ts';

/** What was measured with the weights of one step of a run. */
export interface RunWorth {
  readonly format: 1;
  /** The step whose weights were measured. */
  readonly step: number;
  /** How long it took. */
  readonly seconds: number;
  /** Datasets with too few validation images to tell anything are left out. */
  readonly datasets: readonly DatasetWorth[];
}

export interface DatasetWorth extends WorthReport {
  readonly key: string;
}

/** How a run measures its validation images: as many as {@link EvaluationOptions.maxImages}, of each so many objects. */
export type WorthLimits = Pick<EvaluationOptions, 'maxImages' | 'maxObjects'>;

/** About how much there is to measure. */
export interface WorthCost {
  /** Models that are measured, each on all images of a dataset. */
  readonly measurements: number;
  /** Validation images. */
  readonly images: number;
  /** Images, each as often as it is measured. */
  readonly passes: number;
}

/** What measuring would take. @param sets with their validation images. */
export function worthCost(
  mopeft: MopeftConfig,
  sets: readonly Pick<EvaluationSet, 'split'>[],
  limits: Pick<WorthLimits, 'maxImages'>,
): WorthCost {
  const measurements = expectedMeasurements(mopeft);
  const images = sets.reduce((sum, { split }) => sum + limited(split.val, limits).length, 0);
  return { measurements: measurements * sets.length, images, passes: measurements * images };
}

/**
 * Measures what the modules of a run are worth on each of its datasets.
 * @param sets in the run's order.
 * @throws Failure `worth/no-module`, `worth/few-images` where no dataset has enough images; what the signal was aborted with.
 * @param onProgress called with image passes done, and about how many there are.
 */
export async function measureRunWorth(
  measuring: Measuring,
  adapter: Adapter,
  sets: readonly EvaluationSet[],
  limits: WorthLimits,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<Omit<RunWorth, 'step'>> {
  const start = performance.now();
  const expected = worthCost(adapter.mopeft, sets, limits).passes;
  const options = { ...limits, mostPixels: VALIDATION_SIDE };
  let passes = 0;
  const datasets: DatasetWorth[] = [];
  let few: Failure | null = null;
  for (const [asked, set] of sets.entries()) {
    const names = limited(set.split.val, limits);
    const measure = (mopeft: MopeftConfig) =>
      measureTuning(measuring, { ...adapter, mopeft }, { ...set, asked }, names, options, {
        beforeImage: async () => onProgress(passes++, Math.max(expected, passes)),
      });
    try {
      datasets.push({ key: set.key, ...(await measureWorth(adapter.mopeft, measure)) });
    } catch (error) {
      if (!(error instanceof Failure) || error.record.code !== 'worth/few-images') throw error;
      few = error;
    }
  }
  if (datasets.length === 0 && few) throw few;
  return { format: 1, seconds: (performance.now() - start) / 1000, datasets };
}

function limited(names: readonly string[], { maxImages }: Pick<WorthLimits, 'maxImages'>): readonly string[] {
  return maxImages > 0 ? names.slice(0, maxImages) : names;
}

const lost = { box: v.number(), boxError: v.number(), click: v.number(), clickError: v.number() };
const iou = { box: v.number(), click: v.number() };
const module = { method: v.string(), block: v.number() };
const Schema = v.object({
  format: v.literal(1),
  step: v.number(),
  seconds: v.number(),
  datasets: v.array(
    v.object({
      key: v.string(),
      images: v.number(),
      objects: v.number(),
      all: v.object(iou),
      none: v.object(iou),
      modules: v.array(v.object({ ...module, ...lost })),
      methods: v.array(v.object({ method: v.string(), ...lost })),
      blocks: v.array(v.object({ block: v.number(), ...lost })),
      greedy: v.array(v.object({ ...module, ...iou })),
    }),
  ),
});

/** What was measured with the run's best weights; null where that was not, or cannot be read: it can be measured again. */
export async function readRunWorth(files: RunFiles, bestStep: number | null): Promise<RunWorth | null> {
  if (!(await files.store.exists(files.path(RUN_FILES.worth)))) return null;
  const worth = await files.readJson(RUN_FILES.worth, Schema).catch(() => null);
  return worth?.step === bestStep ? worth : null;
}

export function writeRunWorth(files: RunFiles, worth: RunWorth): Promise<void> {
  return files.writeText(RUN_FILES.worth, `${JSON.stringify(worth, null, 1)}\n`);
}
