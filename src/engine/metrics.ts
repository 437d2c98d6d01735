/**
 * The lines of a run's `metrics.jsonl`, one JSON object a line, written by training and read by screens and scripts.
 * `step` counts finished steps; an evaluation at step 0 is the model before training.
 */
import type { Split } from '../data/types.ts';

/** One training step. Losses are means over the step's objects and rounds; `focal` is before its factor 20. */
export interface StepLine {
  readonly type: 'step';
  readonly step: number;
  readonly loss: number;
  readonly focal: number;
  readonly dice: number;
  readonly iou: number;
  /** Learning rate of the PEFT tensors (of the decoder, when it is trained alone). */
  readonly lr: number;
  /** Milliseconds of the step. */
  readonly ms: number;
}

/** IoU over a dataset's objects of one split, in original pixels, 0..1. */
export interface EvalLine {
  readonly type: 'eval';
  readonly step: number;
  readonly dataset: string;
  readonly split: Split;
  readonly box_iou: number;
  readonly click_iou: number;
  /** Objects. */
  readonly n: number;
}

/** Mean gates over a dataset's validation images; one entry per block, methods that are not in a block are absent. */
export interface GatesLine {
  readonly type: 'gates';
  readonly step: number;
  readonly dataset: string;
  readonly layers: readonly Readonly<Record<string, number>>[];
}

export type MetricsLine = StepLine | EvalLine | GatesLine;

/** The lines as text, each ended by a newline. */
export function formatMetrics(lines: readonly MetricsLine[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** Reads the text back. A last line that was cut off while it was written is left out; so is what is no line of ours. */
export function parseMetrics(text: string): MetricsLine[] {
  const lines: MetricsLine[] = [];
  for (const row of text.split('\n')) {
    if (row === '') continue;
    try {
      const line: unknown = JSON.parse(row);
      if (isMetricsLine(line)) lines.push(line);
    } catch {
      // Only the end of the file can be cut off; what was before it is kept.
    }
  }
  return lines;
}

/** What was recorded up to and with `step`: where a run goes on, later lines are written anew. */
export function metricsUntil(lines: readonly MetricsLine[], step: number): MetricsLine[] {
  return lines.filter((line) => line.step <= step);
}

function isMetricsLine(value: unknown): value is MetricsLine {
  if (typeof value !== 'object' || value === null || !('type' in value) || !('step' in value)) return false;
  return (
    (value.type === 'step' || value.type === 'eval' || value.type === 'gates') &&
    typeof value.step === 'number'
  );
}
