/** Runs that wait for their turn, on storage: they go on after the page was closed, in whichever tab has the time. */
import { Failure, toFailureRecord } from '../../config/failure.ts';
import type { FileStore } from '../../data/file-store.ts';
import type { RunRecord } from '../../engine/run/run-types.ts';
import type { FailureRecord, RunQueue, RunStatus, TrainSettings } from '../protocol.ts';
import { queueLocks, runLocks } from '../tab-locks.ts';
import { EMPTY_QUEUE, type QueueContent, type QueueEntry, readQueue, writeQueue } from './queue-file.ts';
import { newRunId } from './run-repository.ts';

/** What the queue needs of the runs. */
export interface QueueParts {
  readonly store: FileStore;
  readonly model: () => { readonly name: string; readonly hash: string } | null;
  readonly find: (runId: string) => Promise<RunRecord | null>;
  /** The id of the run that is under way in this tab, if any. */
  readonly active: () => string | null;
  /** Resolve when the run is under way. */
  readonly start: (id: string, settings: TrainSettings) => Promise<unknown>;
  readonly resume: (id: string) => Promise<unknown>;
  /** What the steps of a run would take, seconds; null where that cannot be planned. */
  readonly seconds: (settings: TrainSettings) => Promise<number | null>;
  readonly emit: (queue: RunQueue) => void;
  readonly warn: (text: string) => void;
}

/**
 * Why the queue looks for its next run: one has come to its end here, the model was opened (a visit begins), runs were
 * added, or a person asked, who knows why it was held.
 */
type Occasion = 'over' | 'opened' | 'added' | 'asked';

export class QueuedRuns {
  /** Seconds by entry, of the model that is open. */
  private times = new Map<string, number | null>();
  /** Why the run that was interrupted could not go on. */
  private problem: FailureRecord | null = null;
  /** Settles when it has gone on as far as it can for now. */
  private moving: Promise<void> | null = null;
  /** What was asked for meanwhile. */
  private missed: Occasion | null = null;

  constructor(private readonly parts: QueueParts) {}

  async list(): Promise<RunQueue> {
    return this.described(await this.read());
  }

  async add(settings: readonly TrainSettings[]): Promise<RunQueue> {
    const model = this.parts.model();
    if (!model) {
      throw new Failure({
        code: 'model/none',
        what: 'No model is open.',
        cure: 'Open the model that the runs shall start from.',
      });
    }
    const now = Date.now();
    const added = settings.map((each, i) => ({
      // One after the other, as they are listed once they have started.
      id: newRunId(now + i),
      settings: each,
      modelName: model.name,
      modelHash: model.hash,
    }));
    const underWay = this.parts.active() ?? (await this.underWayElsewhere());
    const queue = await this.change(({ current, waiting }) => ({
      current: currentOf({ current, waiting }, underWay),
      waiting: [...waiting, ...added],
    }));
    void this.goOn('added');
    return queue;
  }

  async remove(ids: readonly string[]): Promise<RunQueue> {
    const queue = await this.change((content) => ({
      ...content,
      waiting: content.waiting.filter(({ id }) => !ids.includes(id)),
    }));
    // What could not start may have held the others.
    void this.goOn('added');
    return queue;
  }

  /** The name of a run that waits to be trained on a dataset; null where none does. */
  async waitingFor(datasetId: string): Promise<string | null> {
    const { waiting } = await this.read();
    return waiting.find(({ settings }) => settings.datasetIds.includes(datasetId))?.settings.name ?? null;
  }

  move(id: string, to: number): Promise<RunQueue> {
    return this.change((content) => {
      const moved = content.waiting.find((entry) => entry.id === id);
      if (!moved) return content;
      const others = content.waiting.filter((entry) => entry.id !== id);
      return { ...content, waiting: [...others.slice(0, to), moved, ...others.slice(to)] };
    });
  }

  /** A run is under way that did not come from the queue, or comes from it once more: what waits, waits for it. */
  async began(runId: string): Promise<void> {
    await this.changeQuietly((content) =>
      content.waiting.length === 0 || content.current?.id === runId
        ? content
        : { ...content, current: { id: runId, entry: null } },
    );
  }

  /** Must be called before a run is deleted: its entry would look as if it had not begun. */
  async forget(runId: string): Promise<void> {
    await this.changeQuietly((content) =>
      content.current?.id === runId ? { ...content, current: null } : content,
    );
  }

  /** Starts what comes next, or resumes what was interrupted, if nothing holds it. Never rejects. */
  goOn(occasion: Occasion): Promise<void> {
    if (!this.moving) {
      this.moving = this.advance(occasion).finally(() => {
        this.moving = null;
        void this.tell().catch(() => undefined);
      });
    } else if (this.missed !== 'asked') this.missed = occasion;
    return this.moving;
  }

  private async advance(occasion: Occasion): Promise<void> {
    try {
      for (let now: Occasion | null = occasion; now && this.parts.active() === null; now = this.missed) {
        this.missed = null;
        await this.next(now);
      }
    } catch (error) {
      this.problem = toFailureRecord(error);
    }
  }

  private async next(occasion: Occasion): Promise<void> {
    this.problem = null;
    let content = await this.read();
    const { current } = content;
    const record = current && (await this.parts.find(current.id));
    if ((await this.underWayElsewhere()) !== null) return;
    if (current?.entry && !record) {
      // The page was closed before it had begun.
      const { entry } = current;
      content = await this.write((now) => ({ current: null, waiting: [entry, ...now.waiting] }));
    } else if (record && !isOver(record)) {
      if (record.status === 'interrupted' && (occasion === 'opened' || occasion === 'asked')) {
        await this.parts.resume(record.id);
        return;
      }
      if (occasion !== 'asked') return;
    }
    const [entry] = content.waiting;
    if (!entry) {
      if (content.current) await this.write((now) => ({ ...now, current: null }));
      return;
    }
    if (entry.modelHash !== this.parts.model()?.hash) return;
    if (entry.failure && occasion !== 'asked') return;
    await this.start(entry);
  }

  private async start({ failure: _, ...entry }: QueueEntry): Promise<void> {
    const { id } = entry;
    // Before it begins, so that a page which is closed now finds it again.
    let isTaken = false;
    await this.write((content) => {
      const others = content.waiting.filter((other) => other.id !== id);
      isTaken = others.length < content.waiting.length;
      return isTaken ? { current: { id, entry }, waiting: others } : content;
    });
    // Another tab was faster, or it was removed.
    if (!isTaken) return;
    void this.tell().catch(() => undefined);
    try {
      await this.parts.start(id, entry.settings);
    } catch (error) {
      // One that failed after it had begun is among the runs.
      if (await this.parts.find(id)) return;
      const failure = toFailureRecord(error);
      const isBusy = failure.code === 'train/busy';
      await this.write(({ waiting }) => ({
        current: null,
        waiting: [{ ...entry, ...(!isBusy && { failure: kept(failure) }) }, ...waiting],
      }));
    }
  }

  /** The queue as the page shows it. */
  private async described({ current, waiting }: QueueContent): Promise<RunQueue> {
    const hash = this.parts.model()?.hash;
    return {
      waiting: waiting.map(({ id, settings, modelName, modelHash, failure }) => ({
        ...{ id, settings, modelName, failure: failure ?? null },
        seconds: modelHash === hash ? (this.times.get(id) ?? null) : null,
      })),
      held: await this.held({ current, waiting }),
    };
  }

  private async held({ current, waiting }: QueueContent): Promise<FailureRecord | null> {
    const [next] = waiting;
    if (this.moving || this.parts.active() !== null || (await this.underWayElsewhere()) !== null) return null;
    const record = current && (await this.parts.find(current.id));
    const isLeft = record !== null && !isOver(record);
    if (!next && record?.status !== 'interrupted') return null;
    if (this.problem) return this.problem;
    if (isLeft) {
      return {
        code: 'queue/held',
        what: `${record.name} ${LEFT[record.status] ?? 'is not over'}, and what waits in the queue waits for it.`,
        where: record.name,
        cure: 'Resume it, or go on without it.',
      };
    }
    if (!next) return null;
    if (next.failure) return next.failure;
    if (next.modelHash === this.parts.model()?.hash) return null;
    return {
      code: 'run/other-model',
      what: `The next run was set up for the model ${next.modelName}, which is not open.`,
      where: next.settings.name,
      cure: `Open ${next.modelName}, or remove the run from the queue.`,
    };
  }

  /** The id of a run that is under way in another tab, if any; one that is only renamed or noted there is not. */
  private async underWayElsewhere(): Promise<string | null> {
    for (const id of await runLocks.taken())
      if ((await this.parts.find(id))?.status === 'interrupted') return id;
    return null;
  }

  private async tell(): Promise<void> {
    const content = await this.read();
    this.parts.emit(await this.described(content));
    await this.time(content);
  }

  /** Plans what the runs would take, and tells it. */
  private async time({ waiting }: QueueContent): Promise<void> {
    const hash = this.parts.model()?.hash;
    const times = new Map<string, number | null>();
    for (const { id, settings, modelHash } of waiting)
      if (modelHash === hash) times.set(id, await this.parts.seconds(settings).catch(() => null));
    const isNew = [...times].some(([id, seconds]) => this.times.get(id) !== seconds);
    this.times = times;
    if (isNew) this.parts.emit(await this.described(await this.read()));
  }

  private async change(changed: (content: QueueContent) => QueueContent): Promise<RunQueue> {
    const content = await this.write(changed);
    void this.tell().catch(() => undefined);
    return this.described(content);
  }

  /** A change that no one asked for; that it cannot be written ends no run. */
  private async changeQuietly(changed: (content: QueueContent) => QueueContent): Promise<void> {
    try {
      await this.write(changed);
    } catch (error) {
      this.parts.warn(`The queue of runs could not be written: ${toFailureRecord(error).what}`);
    }
  }

  private write(changed: (content: QueueContent) => QueueContent): Promise<QueueContent> {
    return queueLocks.whenFree('all', async () => {
      const before = await this.read();
      const after = changed(before);
      if (after !== before) await writeQueue(this.parts.store, after);
      return after;
    });
  }

  private async read(): Promise<QueueContent> {
    const content = await readQueue(this.parts.store);
    if (content) return content;
    this.parts.warn('The runs that waited cannot be read by this version and are left out.');
    return EMPTY_QUEUE;
  }
}

/** What new runs wait for: the run under way, whoever started it; what an earlier queue ended with holds no new one. */
function currentOf({ current, waiting }: QueueContent, underWay: string | null): QueueContent['current'] {
  if (underWay !== null && current?.id !== underWay) return { id: underWay, entry: null };
  return waiting.length > 0 || underWay !== null ? current : null;
}

const LEFT: Partial<Record<RunStatus, string>> = {
  paused: 'is paused',
  interrupted: 'was interrupted',
  failed: 'has failed',
};

/** Whether nothing waits for it any more. One whose loss left all numbers says nothing of the others, as with another learning rate. */
function isOver({ status, failure }: RunRecord): boolean {
  const hasDiverged = status === 'failed' && failure?.code === 'train/not-finite';
  return hasDiverged || status === 'finished' || status === 'stopped' || status === 'imported';
}

/** The part of a failure that is stored. */
function kept({ code, what, where, cure }: FailureRecord): FailureRecord {
  return { code, what, cure, ...(where !== undefined && { where }) };
}
