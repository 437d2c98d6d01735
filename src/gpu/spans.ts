/** Where time went between two calls of {@link SpanClock.take}, milliseconds as this thread sees it. */
export interface GpuSpans {
  /** Recording and submitting commands. */
  readonly encoding: number;
  /** Waiting for the device while nothing was recorded. */
  readonly waiting: number;
  /** The device had passes to run: from a submit until the device was done with all of them. */
  readonly busy: number;
}

/** Time during which at least one of several things is under way. */
class Span {
  private total = 0;
  private open = 0;
  private since = 0;

  get isOpen(): boolean {
    return this.open > 0;
  }

  begin(): void {
    if (this.open === 0) this.since = performance.now();
    this.open += 1;
  }

  end(): void {
    this.open -= 1;
    if (this.open === 0) this.total += performance.now() - this.since;
  }

  /** The time so far; begins again from zero. */
  take(): number {
    const now = performance.now();
    const total = this.total + (this.isOpen ? now - this.since : 0);
    this.total = 0;
    this.since = now;
    return total;
  }
}

/** Adds up what a thread spends on its device: a few readings of the clock for each submit and each wait. */
export class SpanClock {
  private encoding = 0;
  /** Of {@link encoding}, what fell into a wait. */
  private encodingInWaits = 0;
  private readonly waits = new Span();
  private readonly work = new Span();

  /** Runs what records and submits commands. */
  encode(work: () => void): void {
    const start = performance.now();
    work();
    const ms = performance.now() - start;
    this.encoding += ms;
    if (this.waits.isOpen) this.encodingInWaits += ms;
  }

  /** Counts a wait for the device until it ends, well or not. */
  async wait<T>(waiting: Promise<T>): Promise<T> {
    this.waits.begin();
    try {
      return await waiting;
    } finally {
      this.waits.end();
    }
  }

  /** Counts passes that were submitted now. @param done never rejects. */
  follow(done: Promise<void>): void {
    this.work.begin();
    void done.then(() => this.work.end());
  }

  /** What was spent since the last call. */
  take(): GpuSpans {
    const { encoding } = this;
    const waiting = Math.max(0, this.waits.take() - this.encodingInWaits);
    this.encoding = 0;
    this.encodingInWaits = 0;
    return { encoding, waiting, busy: this.work.take() };
  }
}
