import type { RunHistory, RunInfo, Verdict, VerdictMeasure } from '../../../worker/protocol.ts';

/** A gain with half its 95 % interval, which is null where the images are too few to tell one. */
interface Gain {
  readonly mean: number;
  readonly error: number | null;
}

/** A run as a row of the table. */
export interface RunRow {
  readonly run: RunInfo;
  /** Gain on the test images, mean of box and click; null without a verdict. */
  readonly gain: Gain | null;
  /** Seconds of training so far; null before it is known. */
  readonly seconds: number | null;
}

export type SortBy = 'name' | 'gain' | 'parameters' | 'time' | 'created';

/**
 * @param gains against another run, by id; the gains over the base model where none is given.
 */
export function runRows(
  runs: readonly RunInfo[],
  by: SortBy,
  gains: ReadonlyMap<string, VerdictMeasure | null> | null = null,
): readonly RunRow[] {
  const rows = runs.map((run): RunRow => {
    const { secondsPerStep, step } = run;
    const other = gains?.get(run.id);
    return {
      run,
      gain: gains ? (other ? measured(other) : null) : run.verdict && gainOf(run.verdict),
      seconds: secondsPerStep === null ? null : secondsPerStep * step,
    };
  });
  return rows.sort((a, b) => compare(a, b, by));
}

function measured({ base, tuned, gainLow, gainHigh }: VerdictMeasure): Gain {
  const width = gainHigh - gainLow;
  return { mean: tuned - base, error: width < 2 ? width / 2 : null };
}

/**
 * In a verdict of an earlier version the two prompts stand alone; they are measured on the same objects, so the error of their
 * mean is at most the mean of their errors.
 */
function gainOf({ box, click, both }: Verdict): Gain {
  if (both) return measured(both);
  const mean = (box.tuned - box.base + click.tuned - click.base) / 2;
  return { mean, error: (box.gainHigh - box.gainLow + click.gainHigh - click.gainLow) / 4 };
}

/** The best gain, the fewest parameters and the shortest time come first; what is not known comes last. */
function compare(a: RunRow, b: RunRow, by: SortBy): number {
  const rising = (x: number | null | undefined, y: number | null | undefined): number => {
    const [first, second] = [x ?? Number.POSITIVE_INFINITY, y ?? Number.POSITIVE_INFINITY];
    return first === second ? b.run.created - a.run.created : first - second;
  };
  switch (by) {
    case 'name':
      return a.run.name.localeCompare(b.run.name, 'en', { numeric: true });
    case 'gain':
      return rising(a.gain && -a.gain.mean, b.gain && -b.gain.mean);
    case 'parameters':
      return rising(a.run.trainableCount, b.run.trainableCount);
    case 'time':
      return rising(a.seconds, b.seconds);
    case 'created':
      return b.run.created - a.run.created;
  }
}

/** Validation scores of several runs by step, under their ids: mean of box and click over datasets. */
export function scoreSeries(
  histories: ReadonlyMap<string, Pick<RunHistory, 'evals'>>,
): readonly ({ readonly step: number } & Readonly<Record<string, number>>)[] {
  const bySteps = new Map<number, Record<string, number>>();
  for (const [id, { evals }] of histories) {
    const sums = new Map<number, { sum: number; n: number }>();
    for (const { step, split, boxIou, clickIou } of evals) {
      if (split !== 'validation') continue;
      const { sum, n } = sums.get(step) ?? { sum: 0, n: 0 };
      sums.set(step, { sum: sum + (boxIou + clickIou) / 2, n: n + 1 });
    }
    for (const [step, { sum, n }] of sums) bySteps.set(step, { ...bySteps.get(step), [id]: sum / n });
  }
  return [...bySteps].sort(([a], [b]) => a - b).map(([step, scores]) => ({ ...scores, step }));
}
