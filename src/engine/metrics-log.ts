import { type MetricsLine, metricsUntil } from './metrics.ts';
import type { RunFiles } from './run-files.ts';

/** Writes a run's metrics in order, a few lines at a time, without holding up who adds them. */
export class MetricsLog {
  private waiting: MetricsLine[] = [];
  private writing: Promise<void> = Promise.resolve();
  private failure: { readonly error: unknown } | null = null;

  constructor(private readonly files: RunFiles) {}

  /** Forgets what was recorded after a checkpoint: those steps come again. @param step of the checkpoint; null: none. */
  async startAt(step: number | null): Promise<void> {
    const lines = await this.files.readMetrics();
    await this.files.writeMetrics(step === null ? [] : metricsUntil(lines, step));
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
      await this.files.appendMetrics(lines);
    } catch (error) {
      this.failure = { error };
    }
  }
}
