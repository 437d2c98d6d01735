import { toFailureRecord } from '../../config/failure.ts';
import type { RunRecord } from '../../engine/run/run-types.ts';
import type { EngineState } from '../engine-state.ts';
import type { RunInfo } from '../protocol.ts';
import { type RunRepository, runInfo } from './run-repository.ts';

/** Writes the records of runs and sends them to the page. */
export class RunReports {
  private writing: Promise<void> = Promise.resolve();

  constructor(
    readonly repository: RunRepository,
    private readonly state: Pick<EngineState, 'emit' | 'model'>,
  ) {}

  /** Writes a record, then sends it. @throws Failure `storage/…` when it cannot be written. */
  async save(record: RunRecord): Promise<RunInfo> {
    return this.notify(await this.repository.save(record));
  }

  /** Sends a record without writing it. */
  async notify(record: RunRecord): Promise<RunInfo> {
    const info = await this.infoOf(record);
    this.state.emit({ type: 'run', run: info });
    return info;
  }

  /** The last record of a run. It is sent even when it cannot be written: the run would seem under way for ever. */
  async conclude(last: RunRecord): Promise<void> {
    const record = { ...last, updated: Date.now() };
    try {
      await this.save(record);
    } catch (error) {
      this.reportFailure(error);
      await this.notify(
        this.repository.cache({ ...record, failure: record.failure ?? toFailureRecord(error) }),
      );
    }
  }

  /** Queues work on the records of runs under way; a failure is reported and ends nothing. */
  enqueue(work: () => Promise<unknown>): void {
    this.writing = this.writing.then(work).then(
      () => undefined,
      (error) => this.reportFailure(error),
    );
  }

  /** Resolves when all work that was queued is done. */
  async settled(): Promise<void> {
    await this.writing;
  }

  /** A record as the page sees it. */
  async infoOf(record: RunRecord): Promise<RunInfo> {
    // Storage that cannot say how much a run takes is no reason to hide the run.
    const bytes = await this.repository.bytesOf(record.id).catch(() => 0);
    return runInfo(record, bytes, this.state.model?.info.hash ?? null);
  }

  private reportFailure(error: unknown): void {
    const { what, cure } = toFailureRecord(error);
    const text = `The record of the run could not be written: ${what} ${cure}`;
    this.state.emit({ type: 'log', level: 'error', text });
  }
}
