/** A run's metrics as the page draws them. */
import type { Split } from '../../data/types.ts';
import type { MetricsLine } from '../../engine/run/metrics.ts';
import type {
  EngineEvent,
  EvalPoint,
  GatePoint,
  ModulesPoint,
  RunHistory,
  SplitName,
  StepPoint,
} from '../protocol.ts';

const SPLIT_NAMES: Readonly<Record<Split, SplitName>> = { train: 'train', val: 'validation', test: 'test' };

/** One line as the page's event. */
export function metricsEvent(runId: string, line: MetricsLine): EngineEvent {
  switch (line.type) {
    case 'step':
      return { type: 'step', runId, point: stepPoint(line) };
    case 'eval':
      return { type: 'eval', runId, point: evalPoint(line) };
    case 'gates':
      return { type: 'gates', runId, point: gatePoint(line) };
    case 'modules':
      return { type: 'modules', runId, point: modulesPoint(line) };
  }
}

/** All lines by kind, in their order. */
export function runHistory(lines: readonly MetricsLine[], looks: RunHistory['looks'] = []): RunHistory {
  const steps: StepPoint[] = [];
  const evals: EvalPoint[] = [];
  const gates: GatePoint[] = [];
  const modules: ModulesPoint[] = [];
  for (const line of lines) {
    if (line.type === 'step') steps.push(stepPoint(line));
    else if (line.type === 'eval') evals.push(evalPoint(line));
    else if (line.type === 'gates') gates.push(gatePoint(line));
    else modules.push(modulesPoint(line));
  }
  return { steps, evals, gates, modules, looks };
}

function stepPoint(line: Extract<MetricsLine, { type: 'step' }>): StepPoint {
  const { step, loss, focal, dice, iou, lr, ms, spans } = line;
  return { step, loss, focal, dice, iou, learningRate: lr, milliseconds: ms, ...(spans && { spans }) };
}

function evalPoint(line: Extract<MetricsLine, { type: 'eval' }>): EvalPoint {
  const { step, dataset, split, box_iou, click_iou, n, measured_at } = line;
  return {
    step,
    datasetId: dataset,
    split: SPLIT_NAMES[split],
    boxIou: box_iou,
    clickIou: click_iou,
    n,
    ...(measured_at !== undefined && { measuredAt: measured_at }),
  };
}

function modulesPoint({ step, left, parameters }: Extract<MetricsLine, { type: 'modules' }>): ModulesPoint {
  return { step, left, parameters };
}

function gatePoint({ step, dataset, layers }: Extract<MetricsLine, { type: 'gates' }>): GatePoint {
  return { step, datasetId: dataset, layers };
}
