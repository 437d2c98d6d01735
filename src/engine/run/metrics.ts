/**
 * The lines of a run's `metrics.jsonl`, one JSON object a line, written by training and read by screens and scripts.
 * `step` counts finished steps; an evaluation at step 0 is the model before training.
 */
import type { EvalEvent, GatesEvent, ModulesEvent, StepEvent } from '../../train/events.ts';

export type MetricsLine = StepEvent | EvalEvent | GatesEvent | ModulesEvent;

const TYPES: readonly unknown[] = [
  'step',
  'eval',
  'gates',
  'modules',
] satisfies readonly MetricsLine['type'][];

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

/**
 * What was recorded up to and including `step`; a resumed run writes later lines again, and those of its test, which comes at
 * its end, of whatever step the tested weights are.
 */
export function metricsUntil(lines: readonly MetricsLine[], step: number): MetricsLine[] {
  return lines.filter((line) => line.step <= step && !(line.type === 'eval' && line.split === 'test'));
}

/** The file of a run's metrics. */
export interface MetricsFile {
  readonly readMetrics: () => Promise<MetricsLine[]>;
  readonly writeMetrics: (lines: readonly MetricsLine[]) => Promise<void>;
  readonly appendMetrics: (lines: readonly MetricsLine[]) => Promise<void>;
}

/** Writes a run's metrics in order, a few lines at a time, without holding up who adds them. */
export class MetricsLog {
  private waiting: MetricsLine[] = [];
  private writing: Promise<void> = Promise.resolve();
  private failure: { readonly error: unknown } | null = null;

  constructor(private readonly file: MetricsFile) {}

  /** Forgets what was recorded after a checkpoint: those steps come again. @param step of the checkpoint; null: none. */
  async startAt(step: number | null): Promise<void> {
    const lines = await this.file.readMetrics();
    await this.file.writeMetrics(step === null ? [] : metricsUntil(lines, step));
  }

  add(line: MetricsLine): void {
    this.waiting.push(line);
    this.writing = this.writing.then(() => this.write());
  }

  /** Resolves when all that was added is on storage. @throws Failure `storage/…` when something could not be written. */
  async settled(): Promise<void> {
    await this.writing;
    if (this.failure) throw this.failure.error;
  }

  private async write(): Promise<void> {
    const lines = this.waiting;
    this.waiting = [];
    if (this.failure) return;
    try {
      await this.file.appendMetrics(lines);
    } catch (error) {
      this.failure = { error };
    }
  }
}

function isMetricsLine(value: unknown): value is MetricsLine {
  if (typeof value !== 'object' || value === null || !('type' in value) || !('step' in value)) return false;
  return TYPES.includes(value.type) && typeof value.step === 'number';
}
