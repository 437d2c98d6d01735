/**
 * Who may use the device now. Work runs one piece at a time, so a training step and a prediction never mix their
 * submits; what a person waits for goes first, and a long piece of background work lets it in at its own stops.
 */

/** `urgent`: a person waits for it (a click). `background`: it takes as long as it takes (a training step). */
export type Urgency = 'urgent' | 'background';

/** Called by background work at a point where others may use the device; resolves when none of them waits any more. */
export type YieldDevice = () => Promise<void>;

interface Waiting {
  readonly start: () => void;
}

/** One device, one piece of work at a time; urgent work before background work, each in the order of asking. */
export class GpuQueue {
  private readonly waiting: Record<Urgency, Waiting[]> = { urgent: [], background: [] };
  private busy = false;

  /**
   * Runs `work` when its turn has come and answers what it answers; what it throws reaches the caller alone.
   * Background work gets {@link YieldDevice}. It must leave shared buffers complete before it yields.
   */
  async run<T>(urgency: Urgency, work: (yieldDevice: YieldDevice) => Promise<T>): Promise<T> {
    await this.turn(urgency);
    try {
      return await work(() => this.yieldDevice());
    } finally {
      this.next();
    }
  }

  private turn(urgency: Urgency): Promise<void> {
    if (!this.busy) {
      this.busy = true;
      return Promise.resolve();
    }
    return new Promise((start) => {
      this.waiting[urgency].push({ start });
    });
  }

  private next(): void {
    const first = this.waiting.urgent.shift() ?? this.waiting.background.shift();
    if (first) first.start();
    else this.busy = false;
  }

  /** Puts the caller behind the urgent work that waits now, and before all background work. */
  private async yieldDevice(): Promise<void> {
    if (this.waiting.urgent.length === 0) return;
    const resumed = new Promise<void>((start) => {
      this.waiting.background.unshift({ start });
    });
    this.next();
    await resumed;
  }
}
