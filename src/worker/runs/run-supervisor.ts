import { toFailureRecord } from '../../config/failure.ts';
import type { MetricsLine } from '../../engine/run/metrics.ts';
import type { Run, RunObserver, RunOutcome, RunProgress, RunRecord } from '../../engine/run/run-types.ts';
import { groupPasses } from '../../gpu/profile.ts';
import type { EngineState } from '../engine-state.ts';
import { runLocks, type TabLock } from '../tab-locks.ts';
import { metricsEvent } from './run-history.ts';
import type { RunReports } from './run-reports.ts';
import type { StepTimes } from './step-times.ts';

/** What a launch needs, once it is known that it may go on. */
export interface Launch {
  readonly record: RunRecord;
  /** Under which the time of a step is remembered. */
  readonly stepKey: string;
  /** Under which the time of measuring an image is remembered. */
  readonly imageKey: string;
  /** Of a step on its device, for the times of others; null where it is not known. */
  readonly work: { readonly device: string; readonly flops: number } | null;
  /** @param leaving aborted where the run shall leave off before it has begun. */
  readonly begin: (observer: RunObserver, leaving: AbortSignal) => Promise<Run>;
}

/** What the supervisor of a run writes to and sends messages by. */
export interface RunSupervisorParts {
  readonly state: Pick<EngineState, 'emit' | 'deviceWasLost'>;
  readonly reports: RunReports;
  readonly times: StepTimes;
}

interface Launched {
  readonly run: Run;
  readonly timing: Pick<Launch, 'stepKey' | 'imageKey' | 'work'>;
}

type StopRequest = 'pause' | 'stop';

/** Shortest time between two messages about a run's progress, milliseconds. */
const NOTIFY_EVERY = 400;
const MORE_REMARKS = "(Further remarks of this run go to the browser's console.)";

/** The run under way, from the moment its start is asked for until its record is written for the last time. */
export class RunSupervisor {
  /** Settles when the run has begun. @throws Failure `run/other-tab`, and whatever keeps it from beginning. */
  readonly begun: Promise<void>;
  /** Settles when the run is over and its record is written, or cannot be; never rejects. */
  readonly over: Promise<void>;
  private lock: TabLock | null = null;
  /** Null while it is launched: planned, in the queue for the device, its pipelines compiled. */
  private run: Run | null = null;
  /** What was asked of it before it had begun. */
  private stopRequest: StopRequest | null = null;
  /** Aborted with it. */
  private readonly leaving = new AbortController();
  private isProfileAsked = false;

  /** @param prepare is asked for the launch once no other tab can have the run. */
  constructor(
    readonly id: string,
    readonly datasetIds: readonly string[],
    private readonly parts: RunSupervisorParts,
    prepare: () => Promise<Launch>,
  ) {
    const launched = this.launch(prepare);
    this.over = this.follow(launched);
    this.begun = launched.then(
      () => undefined,
      (error) => {
        if (!this.isLeft(error)) throw error;
        return this.over;
      },
    );
  }

  /** Asks the run to pause; one that is still launched leaves that. Settles when it is over. */
  pause(): Promise<void> {
    return this.ask('pause');
  }

  /** As {@link pause}, but the run ends; a stop overrides a pause. */
  stop(): Promise<void> {
    return this.ask('stop');
  }

  /** Times the next step; of a run that is still launched, the first. */
  profileNextStep(): void {
    if (this.run) this.run.profileNextStep();
    else this.isProfileAsked = true;
  }

  private ask(stopRequest: StopRequest): Promise<void> {
    const { reports } = this.parts;
    if (this.stopRequest !== 'stop') this.stopRequest = stopRequest;
    const status = this.stopRequest === 'stop' ? 'stopping' : 'pausing';
    // Seen at once, however long it takes.
    reports.enqueue(async () => {
      const record = reports.repository.update(this.id, { status });
      if (record) await reports.save(record);
    });
    if (this.run) this.run[stopRequest]();
    else this.leaving.abort();
    return this.over;
  }

  private async launch(prepare: () => Promise<Launch>): Promise<Launched> {
    this.lock = await runLocks.take(this.id);
    const { record, begin, ...timing } = await prepare();
    await this.parts.reports.save(record);
    this.leaving.signal.throwIfAborted();
    const run = await begin(this.observer(), this.leaving.signal);
    this.run = run;
    if (this.isProfileAsked) run.profileNextStep();
    if (this.stopRequest) run[this.stopRequest]();
    return { run, timing };
  }

  /** From the launch to the end, whichever it is. */
  private async follow(launched: Promise<Launched>): Promise<void> {
    try {
      const { run, timing } = await launched;
      await this.finish(await run.done, timing);
    } catch (error) {
      if (this.isLeft(error)) await this.leave();
      else await this.fail(error);
    } finally {
      await this.lock?.release();
    }
  }

  private observer(): RunObserver {
    const { id, parts } = this;
    const { state, reports } = parts;
    let notified = 0;
    let isNoticed = false;
    let written: Pick<RunProgress, 'checkpointStep' | 'bestStep'> = { checkpointStep: null, bestStep: null };
    return {
      onMetrics: (lines: readonly MetricsLine[]) => {
        for (const line of lines) state.emit(metricsEvent(id, line));
      },
      onProfile: ({ step, clock, passes }) => {
        // Labels are op and shader.
        const kinds = groupPasses(passes, ({ label }) => label.replace(/:.*/, ''));
        state.emit({ type: 'profile', runId: id, profile: { step, clock, kinds } });
      },
      onLooks: (looks) => state.emit({ type: 'looks', runId: id, looks }),
      onActivity: (label, done, total) => state.emit({ type: 'activity', runId: id, label, done, total }),
      onProgress: (progress) => {
        const now = Date.now();
        if (!reports.repository.update(id, { ...progress, updated: now })) return;
        const isMilestone =
          progress.checkpointStep !== written.checkpointStep || progress.bestStep !== written.bestStep;
        if (!isMilestone && now - notified < NOTIFY_EVERY) return;
        notified = now;
        written = progress;
        reports.enqueue(async () => {
          // By then the run may be over.
          const record = reports.repository.underWay(id);
          if (record) await (isMilestone ? reports.save(record) : reports.notify(record));
        });
      },
      onNotice: (remark) => {
        // It may be read on any page, and after the next run of the queue has begun.
        const text = `${reports.repository.underWay(id)?.name ?? id}: ${remark}`;
        // There may be one for every image: the first is for the person.
        if (isNoticed) state.emit({ type: 'log', level: 'info', text });
        else state.emit({ type: 'log', level: 'warning', text: `${text} ${MORE_REMARKS}` });
        isNoticed = true;
      },
    };
  }

  private async finish(
    { secondsPerImage, ...outcome }: RunOutcome,
    { stepKey, imageKey, work }: Launched['timing'],
  ): Promise<void> {
    const { reports, times } = this.parts;
    const { secondsPerStep } = outcome;
    // Before the run is seen to be over, since what is asked then says how long it takes. Only forecasts use them.
    if (secondsPerStep !== null) await times.update(stepKey, secondsPerStep, work).catch(() => undefined);
    if (secondsPerImage !== undefined) await times.update(imageKey, secondsPerImage).catch(() => undefined);
    await reports.settled();
    const record = reports.repository.underWay(this.id);
    if (record) await reports.conclude({ ...record, ...outcome, failure: null });
  }

  /** Whether a launch ended because it should. */
  private isLeft(error: unknown): boolean {
    return this.leaving.signal.aborted && error === this.leaving.signal.reason;
  }

  /** A launch that was left changes nothing but the status. */
  private async leave(): Promise<void> {
    const { reports } = this.parts;
    await reports.settled();
    const record = reports.repository.underWay(this.id);
    const status = this.stopRequest === 'stop' ? 'stopped' : 'paused';
    if (record) await reports.conclude({ ...record, status, failure: null });
  }

  private async fail(error: unknown): Promise<void> {
    const { state, reports } = this.parts;
    await reports.settled();
    // A launch that was refused before its record was written changes nothing.
    const record = reports.repository.underWay(this.id);
    if (!record) return;
    const failure = toFailureRecord(error);
    // Whatever failed on a lost device failed because of that.
    const lost = await state.deviceWasLost();
    if (!lost && failure.code === 'internal') console.error(error);
    await reports.conclude({
      ...record,
      status: lost ? 'interrupted' : 'failed',
      step: record.checkpointStep ?? 0,
      failure: lost ?? failure,
    });
  }
}
