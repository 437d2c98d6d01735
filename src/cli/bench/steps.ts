import { csv } from '../../config/csv.ts';
import type { SamConfig } from '../../config/sam.ts';
import type { RunSettings } from '../../engine/settings.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { groupPasses, type PassTime, type ProfileClock } from '../../gpu/profile.ts';
import type { RunStorage } from '../../train/checkpoint.ts';
import { threadData } from '../../train/data-port.ts';
import type { ProfileEvent, StepEvent } from '../../train/events.ts';
import { Trainer } from '../../train/loop.ts';
import type { FrozenModel } from '../../train/step.ts';
import { CACHE_BYTES } from '../../train/training-data.ts';
import { openDataThread } from '../open-data-thread.ts';
import { drawImage, encodeAll, samplesOf } from './data-images.ts';
import { median } from './gpu/timing.ts';

/** Of the drawn images that are trained on. */
const MEGAPIXELS = 0.3;
const IMAGES = 4;
/** Of discs, at least: large enough for the smallest model. */
const COLUMNS = 4;
const NOT_BETWEEN = 1_000_000;
/** Kept nowhere. */
const STORAGE: RunStorage = {
  readCheckpoint: async () => null,
  writeCheckpoint: async () => undefined,
  readBest: async () => null,
  writeBest: async () => undefined,
};

/** Steps of a run, timed. */
export interface TimedSteps {
  /** The first, which also compiles. */
  readonly first: StepEvent;
  /** Those after it. */
  readonly steps: readonly StepEvent[];
  /** Of a further step; null when none was asked for. */
  readonly profile: ProfileEvent | null;
}

export interface StepBench {
  readonly gpu: Gpu;
  readonly model: FrozenModel;
  readonly settings: RunSettings;
  /** Steps that are timed. */
  readonly steps: number;
  readonly isProfiled: boolean;
  /** Called after every step, the first with 1. */
  readonly onStep?: (event: StepEvent) => void;
}

/** Trains on drawn images as a run does, without validation: a step that compiles, steps that are timed, and one that is profiled. */
export async function timeSteps({
  gpu,
  model,
  settings: { mopeft, train },
  steps,
  isProfiled,
  onStep,
}: StepBench): Promise<TimedSteps> {
  const total = 1 + steps + (isProfiled ? 1 : 0);
  const never = { evalEvery: NOT_BETWEEN, checkpointEvery: NOT_BETWEEN };
  const config = { ...train, ...never, steps: total, minArea: 0, minSize: 0 };
  const data = await drawnData(model.config, config);
  const events: StepEvent[] = [];
  let profile: ProfileEvent | null = null;
  try {
    const trainer = await Trainer.open({
      gpu,
      model,
      mopeft,
      config,
      data,
      storage: STORAGE,
      emit: (event) => {
        if (event.type === 'profile') profile = event;
        if (event.type !== 'step') return;
        events.push(event);
        onStep?.(event);
        // A step is reported while the next one runs, so this asks for the last.
        if (isProfiled && event.step === total - 2) trainer.profileNextStep();
      },
    });
    try {
      await trainer.run();
    } finally {
      trainer.release();
    }
  } finally {
    data.close();
  }
  const [first, ...others] = events;
  if (!first) throw new RangeError('no step was taken');
  return { first, steps: others.slice(0, steps), profile };
}

async function drawnData(sam: SamConfig, config: RunSettings['train']) {
  // Three quarters as many rows; a disc for each object of a step.
  const columns = Math.max(COLUMNS, Math.ceil(Math.sqrt((4 / 3) * config.objectsPerImage)) + 1);
  const files = await encodeAll(drawImage(MEGAPIXELS, columns));
  const samples = samplesOf(files.jpg, 'jpg', files.mask, IMAGES);
  const split = { train: samples.map(({ name }) => name), val: [], test: [] };
  const sets = [{ key: 'drawn', split, dataset: { name: 'drawn', samples } }];
  return threadData(openDataThread(), { sam, config, sets, cacheBytes: CACHE_BYTES });
}

/** Medians of steps, milliseconds. */
export interface StepSummary {
  readonly step: number;
  readonly data: number;
  readonly encoding: number;
  readonly waiting: number;
  /** What is left of the step. */
  readonly other: number;
  readonly busy: number;
}

export function summarise(steps: readonly StepEvent[]): StepSummary {
  const of = (value: (step: StepEvent) => number) => median(steps.map(value));
  const left = ({ ms, spans }: StepEvent) =>
    ms - (spans?.data ?? 0) - (spans?.encoding ?? 0) - (spans?.waiting ?? 0);
  return {
    step: of(({ ms }) => ms),
    data: of(({ spans }) => spans?.data ?? 0),
    encoding: of(({ spans }) => spans?.encoding ?? 0),
    waiting: of(({ spans }) => spans?.waiting ?? 0),
    other: of(left),
    busy: of(({ spans }) => spans?.busy ?? 0),
  };
}

/** The summary as a line of text. */
export function describeSummary({ step, data, encoding, waiting, other, busy }: StepSummary): string {
  const ms = (value: number) => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
  return (
    `a step ${ms(step)}: waiting for data ${ms(data)}, recording commands ${ms(encoding)}, waiting for the GPU ` +
    `${ms(waiting)}, other ${ms(other)}; the GPU had work for ${ms(busy)}`
  );
}

const CLOCKS: Readonly<Record<ProfileClock, string>> = {
  timestamps: "by the GPU's timestamps",
  fences:
    'by the clock of the host, as the GPU adapter has no timestamps: each pass with a submit and a wait',
};

/** A profile as a table by kind of pass, the longest first. */
export function describeProfile({ clock, passes }: ProfileEvent): string {
  const total = sum(passes, ({ microseconds }) => microseconds);
  const row = (label: string, count: number, us: number, flops: number, bytes: number) =>
    [
      label.padEnd(48),
      String(count).padStart(6),
      (us / 1000).toFixed(2).padStart(10),
      `${((100 * us) / total).toFixed(1)} %`.padStart(8),
      rate(flops / us / 1e3).padStart(9),
      rate(bytes / us / 1e3).padStart(9),
    ].join(' ');
  const groups = groupPasses(passes);
  return [
    `${passes.length} passes, each timed alone ${CLOCKS[clock]}`,
    `${'kind'.padEnd(48)} passes         ms    share   GFLOP/s      GB/s`,
    ...groups.map(({ label, count, microseconds, flops, bytes }) =>
      row(label, count, microseconds, flops, bytes),
    ),
    row(
      'all',
      passes.length,
      total,
      sum(passes, ({ flops }) => flops),
      sum(passes, ({ bytes }) => bytes),
    ),
  ].join('\n');
}

/** Three digits: of a pass of nothing or of a large product. */
export function rate(perSecond: number): string {
  return perSecond >= 100 ? perSecond.toFixed(0) : Number(perSecond.toPrecision(3)).toString();
}

function sum(passes: readonly PassTime[], value: (pass: PassTime) => number): number {
  return passes.reduce((total, pass) => total + value(pass), 0);
}

/** Every pass as a row. */
export function passesCsv(passes: readonly PassTime[]): string {
  const header = ['pass', 'phase', 'label', 'us', 'x', 'y', 'z', 'workgroups', 'flop', 'bytes'];
  const rows = passes.map(({ label, phase, microseconds, workgroups, flops, bytes }, i) => {
    const [x, y, z] = workgroups;
    return [i, phase, label, microseconds, x, y, z, x * y * z, flops, bytes];
  });
  return csv(header, rows);
}
