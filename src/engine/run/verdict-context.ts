/** What a verdict says of the run beside its test, read from the run's metrics. */
import { isSettled } from '../../train/budget.ts';
import type { MetricsLine } from './metrics.ts';
import type { RunConfig } from './run-files.ts';

/** What the suggestion looks at besides the numbers. */
export interface VerdictContext {
  readonly trainImages: number;
  /** Steps done. */
  readonly steps: number;
  readonly bestStep: number | null;
  /** Of the validation; null without an object. */
  readonly validation: {
    readonly objects: number;
    /** IoU of the base model, mean of box and click; null where it was not measured. */
    readonly base: number | null;
    /** The best that a check found, IoU; null where nothing was checked. */
    readonly bestGain: number | null;
  } | null;
  /** Modules and their parameters that are left of those it began with, where it kept a share; absent otherwise. */
  readonly modules?: {
    readonly left: number;
    readonly of: number;
    readonly parameters: number;
    readonly ofParameters: number;
  };
}

/** The validation objects, the base model's IoU, and the best gain over it that was seen on them; null where nothing was checked. */
export function validationOf(
  lines: readonly MetricsLine[],
  { mopeft, train }: Pick<RunConfig, 'mopeft' | 'train'>,
): VerdictContext['validation'] {
  const scores = new Map<number, { sum: number; sets: number; n: number }>();
  for (const line of lines) {
    if (line.type !== 'eval' || line.split !== 'val') continue;
    const { sum, sets, n } = scores.get(line.step) ?? { sum: 0, sets: 0, n: 0 };
    scores.set(line.step, {
      sum: sum + (line.box_iou + line.click_iou) / 2,
      sets: sets + 1,
      n: n + line.n,
    });
  }
  const [first] = scores.values();
  if (!first) return null;
  const start = scores.get(0);
  if (!start) return { objects: first.n, base: null, bestGain: null };
  // Of a run that keeps a share of its modules, what is measured before these are settled is not kept.
  const isKept = (step: number) => mopeft.budget === undefined || isSettled(step, train.steps);
  const later = [...scores].flatMap(([step, { sum, sets }]) =>
    step > 0 && isKept(step) ? [sum / sets] : [],
  );
  const base = start.sum / start.sets;
  return { objects: start.n, base, bestGain: later.length === 0 ? null : Math.max(...later) - base };
}

/** The modules that were left at a step, of those at the start; null where all are kept. */
export function modulesLeftAt(
  lines: readonly MetricsLine[],
  step: number,
): NonNullable<VerdictContext['modules']> | null {
  const told = lines.filter((line) => line.type === 'modules').filter((line) => line.step <= step);
  const [first, last] = [told[0], told.at(-1)];
  if (!first || !last) return null;
  return {
    left: last.left.flat().length,
    of: first.left.flat().length,
    parameters: last.parameters,
    ofParameters: first.parameters,
  };
}
