/** The test at the end of a run: the base model and the run before on the same test images as the run's weights. */
import { evaluateSetsAt, type SetScores } from '../../train/evaluate.ts';
import type { EvalEvent } from '../../train/events.ts';
import type { TrainingData } from '../../train/training-data.ts';
import type { YieldDevice } from '../gpu-queue.ts';
import { SessionPredictor } from '../session-predictor.ts';
import type { Tuning } from '../tuning.ts';
import { nameOfDataset, RUN_FILES, type RunConfig } from './run-files.ts';
import type { RunParts, RunReached } from './run-types.ts';
import { writeTestIous } from './test-ious.ts';
import { compareRuns, computeVerdict, type DatasetPairs, pairScores } from './verdict.ts';
import { modulesLeftAt, validationOf } from './verdict-context.ts';
import type { Verdict } from './verdict-file.ts';

/** What the run gives to its test. */
export interface FinalTestParts {
  readonly run: RunParts;
  readonly config: RunConfig;
  readonly sets: TrainingData['sets'];
  readonly yieldDevice: YieldDevice;
  readonly isInterrupted: () => boolean;
  /** Waits for what goes on by itself; false where the test is interrupted before. */
  readonly mayGoOnAfter: (work: Promise<unknown>) => Promise<boolean>;
  /** Records what was measured. */
  readonly record: (event: EvalEvent) => void;
  /** Settles when everything recorded is on storage. */
  readonly recorded: () => Promise<void>;
}

export class FinalTest {
  /** Of opening a model and measuring it on the test images; null before. */
  secondsPerImage: number | null = null;

  constructor(private readonly parts: FinalTestParts) {}

  /** The base model; null when the test was interrupted before the last image. */
  async measureBase(): Promise<readonly SetScores[] | null> {
    const { sets } = this.parts;
    const start = performance.now();
    const base = await this.measureModel('the base model', null, sets);
    const images = sets.reduce((sum, { split }) => sum + split.test.length, 0);
    if (base && images > 0) this.secondsPerImage = (performance.now() - start) / 1000 / images;
    return base;
  }

  /** The run before on the test images of both; nothing without one and where its weights are gone; null as {@link measureBase}. */
  async measureEarlier(): Promise<readonly SetScores[] | null> {
    const { earlier } = this.parts.run;
    const tuning = await earlier?.tuning().catch(() => null);
    if (!earlier || !tuning) return [];
    const sets = this.parts.sets.map((set) => {
      const tested = new Set(earlier.tested.get(set.key));
      return { ...set, split: { ...set.split, test: set.split.test.filter((name) => tested.has(name)) } };
    });
    return this.measureModel(earlier.name, tuning, sets);
  }

  /** Records what was measured on the test images, and writes the verdict; null without a test image. */
  async conclude(
    tuned: readonly SetScores[],
    base: readonly SetScores[],
    earlier: readonly SetScores[],
    progress: RunReached,
  ): Promise<Verdict | null> {
    if (tuned.length === 0) return null;
    const { run, config, sets, record, recorded } = this.parts;
    const measuredStep = progress.bestStep ?? progress.step;
    for (const { key, summary } of tuned) {
      if (summary.n === 0) continue;
      record({
        type: 'eval',
        step: measuredStep,
        dataset: key,
        split: 'test',
        box_iou: summary.boxIou,
        click_iou: summary.clickIou,
        n: summary.n,
      });
    }
    const pairsWith = (others: readonly SetScores[]): DatasetPairs[] =>
      tuned.map(({ key, images }) => ({
        id: key,
        name: nameOfDataset(config, key),
        images: pairScores(others.find((set) => set.key === key)?.images ?? [], images),
      }));
    await recorded();
    const lines = await run.files.readMetrics();
    const modules = modulesLeftAt(lines, measuredStep);
    const measured = computeVerdict(pairsWith(base), {
      trainImages: sets.reduce((sum, { split }) => sum + split.train.length, 0),
      steps: progress.step,
      bestStep: progress.bestStep,
      validation: validationOf(lines, config),
      ...(modules && { modules }),
    });
    const before = earlier.length > 0 && compareRuns(run.earlier?.name ?? '', pairsWith(earlier));
    const verdict = { ...measured, ...(before && { before }) };
    await writeTestIous(run.files, tuned);
    await run.files.writeText(RUN_FILES.verdict, `${JSON.stringify(verdict, null, 2)}\n`);
    return verdict;
  }

  /** @param called in the words of "Measuring … on the test images". */
  private async measureModel(
    called: string,
    tuning: Tuning | null,
    sets: TrainingData['sets'],
  ): Promise<readonly SetScores[] | null> {
    const { config, yieldDevice, isInterrupted, mayGoOnAfter } = this.parts;
    const { gpu, model, observer } = this.parts.run;
    // A run before this one may have had other datasets.
    const own = tuning?.mopeft.datasets ?? [];
    const datasetOf = (index: number) =>
      Math.max(0, own.indexOf(nameOfDataset(config, sets[index]?.key ?? '')));
    observer?.onActivity?.(`Opening ${called} to compare with`, 0, 1);
    const predictor = await SessionPredictor.open(gpu, model, tuning, datasetOf);
    const onCompiled = (done: number, total: number) =>
      observer?.onActivity?.(`Compiling ${called} for this GPU`, done, total);
    try {
      if (!(await mayGoOnAfter(predictor.compile(onCompiled)))) return null;
      const options = { maxObjects: config.train.evalObjects, maxImages: 0 };
      const each = await evaluateSetsAt(
        predictor,
        sets,
        'test',
        [predictor.maskThreshold],
        options,
        ({ key }) => ({
          beforeImage: async (done, total) => {
            const label = `Measuring ${called} on the test images of ${nameOfDataset(config, key)}`;
            observer?.onActivity?.(label, done, total);
            await yieldDevice();
          },
          yieldDevice,
          isInterrupted,
        }),
      );
      return each && (each[0] ?? []);
    } finally {
      await predictor.release();
    }
  }
}
