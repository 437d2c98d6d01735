/** Recorded points as series for charts. */
import type { EvalPoint, GatePoint, ModulesPoint, StepPoint, StepProfile } from '../../worker/protocol.ts';

/** More points than this are averaged in groups; a chart is a few hundred pixels wide. */
const MAX_POINTS = 160;

export interface LossPoint {
  readonly step: number;
  readonly loss: number;
  /** Mean of the steps around it. */
  readonly smooth: number;
}

/** The loss over steps, averaged in groups, with a running mean beside it. */
export function lossSeries(steps: readonly StepPoint[]): readonly LossPoint[] {
  const size = Math.max(1, Math.ceil(steps.length / MAX_POINTS));
  const groups: { step: number; loss: number }[] = [];
  for (let start = 0; start < steps.length; start += size) {
    const group = steps.slice(start, start + size);
    const last = group.at(-1);
    if (last) groups.push({ step: last.step, loss: mean(group.map((point) => point.loss)) });
  }
  const reach = Math.max(1, Math.round(groups.length / 16));
  return groups.map((point, index) => ({
    ...point,
    smooth: mean(
      groups.slice(Math.max(0, index - reach), index + reach + 1).map((neighbour) => neighbour.loss),
    ),
  }));
}

/** Where the time of a step went, milliseconds, one after the other. */
export interface TimePoint {
  readonly step: number;
  readonly data: number;
  readonly encoding: number;
  readonly waiting: number;
  readonly other: number;
}

/** Steps whose times are drawn. */
const TIMED_STEPS = 30;

/** The last steps that say where their time went. */
export function timeSeries(steps: readonly StepPoint[]): readonly TimePoint[] {
  return steps.slice(-TIMED_STEPS).flatMap(({ step, milliseconds, spans }) => {
    if (!spans) return [];
    const { data, encoding, waiting } = spans;
    return [{ step, data, encoding, waiting, other: Math.max(0, milliseconds - data - encoding - waiting) }];
  });
}

/** The share of the last steps' time in which the GPU had work, 0..1; null where it is not known. */
export function busyShare(steps: readonly StepPoint[]): number | null {
  const timed = steps.slice(-TIMED_STEPS).filter(({ spans }) => spans);
  const all = timed.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  return all > 0 ? timed.reduce((sum, { spans }) => sum + (spans?.busy ?? 0), 0) / all : null;
}

/** Kinds of passes that are drawn on their own. */
const KINDS = 11;

/** Milliseconds by kind of pass, the longest first, the short ones together. */
export function kindSeries({
  kinds,
}: StepProfile): readonly { readonly kind: string; readonly ms: number }[] {
  const shown = kinds
    .slice(0, KINDS)
    .map(({ label, microseconds }) => ({ kind: label, ms: microseconds / 1000 }));
  const rest = kinds.slice(KINDS);
  if (rest.length === 0) return shown;
  const ms = rest.reduce((sum, { microseconds }) => sum + microseconds / 1000, 0);
  return [...shown, { kind: `${rest.length} others`, ms }];
}

export interface IouPoint {
  readonly step: number;
  readonly box: number;
  readonly click: number;
  /** Of the base model, the same at every step; absent where it was not measured. */
  readonly baseBox?: number;
  readonly baseClick?: number;
}

/** Validation IoU of one dataset. */
export function iouSeries(evals: readonly EvalPoint[], datasetId: string): readonly IouPoint[] {
  const own = evals.filter((point) => point.datasetId === datasetId && point.split === 'validation');
  const start = own.find(({ step }) => step === 0);
  const base = start && { baseBox: start.boxIou, baseClick: start.clickIou };
  return own.map((point) => ({ step: point.step, box: point.boxIou, click: point.clickIou, ...base }));
}

/** The longer side in pixels at which a dataset's validations measured larger images; null without one. */
export function measuredAt(evals: readonly EvalPoint[], datasetId: string): number | null {
  const last = evals.findLast((point) => point.datasetId === datasetId && point.split === 'validation');
  return last?.measuredAt ?? null;
}

/** The step and, by method id, the gate of one block, or its mean over the blocks that have the method. */
export type GateSeriesPoint = { readonly step: number } & Readonly<Record<string, number>>;

export function gateSeries(
  gates: readonly GatePoint[],
  datasetId: string,
  block: number | 'mean',
  methods: readonly string[],
): readonly GateSeriesPoint[] {
  return gates
    .filter((point) => point.datasetId === datasetId)
    .map((point) => ({
      step: point.step,
      ...Object.fromEntries(methods.flatMap((method) => gateOf(point, block, method))),
    }));
}

function gateOf(point: GatePoint, block: number | 'mean', method: string): [string, number][] {
  if (block !== 'mean') {
    const value = point.layers[block]?.[method];
    return value === undefined ? [] : [[method, value]];
  }
  const values = point.layers.flatMap((entry) => entry[method] ?? []);
  return values.length === 0 ? [] : [[method, mean(values)]];
}

/** A row of the heat map: a method's gate in each block; null where a block lacks the method. */
export interface GateRow {
  readonly method: string;
  readonly cells: readonly (GateCell | null)[];
  /** Means over the blocks that have the method: of its gates, and of how far they changed. */
  readonly meanNow: number;
  readonly meanChange: number;
}

export interface GateCell {
  readonly now: number;
  /** Since step 0. */
  readonly change: number;
}

/** The heat map of one dataset at its latest validation; null before the first. */
export function gateRows(
  gates: readonly GatePoint[],
  datasetId: string,
  methods: readonly string[],
): { readonly step: number; readonly rows: readonly GateRow[] } | null {
  const own = gates.filter((point) => point.datasetId === datasetId);
  const first = own[0];
  const last = own.at(-1);
  if (!first || !last) return null;
  const rows = methods.map((method) => {
    const cells = last.layers.map((entry, block): GateCell | null => {
      const now = entry[method];
      const start = first.layers[block]?.[method];
      return now === undefined || start === undefined ? null : { now, change: now - start };
    });
    const there = cells.filter((cell) => cell !== null);
    const meanOf = (of: keyof GateCell) => (there.length === 0 ? 0 : mean(there.map((cell) => cell[of])));
    return { method, cells, meanNow: meanOf('now'), meanChange: meanOf('change') };
  });
  return { step: last.step, rows };
}

/** A module: left, or the step after which it was taken out; null where it never was. */
export type ModuleCell = 'left' | number | null;

/** Each method's modules by block. */
export function moduleRows(
  modules: readonly ModulesPoint[],
  methods: readonly string[],
): readonly { readonly method: string; readonly cells: readonly ModuleCell[] }[] {
  const [first, last] = [modules[0], modules.at(-1)];
  if (!first || !last) return [];
  return methods.map((method) => {
    const isIn = ({ left }: ModulesPoint, block: number) => left[block]?.includes(method) === true;
    const cells = first.left.map((_, block): ModuleCell => {
      if (isIn(last, block)) return 'left';
      const lastIn = modules.findLastIndex((point) => isIn(point, block));
      return modules[lastIn + 1]?.step ?? null;
    });
    return { method, cells: cells.map((cell, block) => (isIn(first, block) ? cell : null)) };
  });
}

/** The share of the modules' parameters that is left, 0..1, with a step down where modules went. */
export function shareSeries(
  modules: readonly ModulesPoint[],
): readonly { readonly step: number; readonly share: number }[] {
  const all = modules[0]?.parameters ?? 1;
  return modules.flatMap(({ step, parameters }, i) => {
    const before = modules[i - 1];
    const now = { step, share: parameters / all };
    return before && before.step < step - 1
      ? [{ step: step - 1, share: before.parameters / all }, now]
      : [now];
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
