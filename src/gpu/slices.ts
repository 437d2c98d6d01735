import { type Dispatch, encodePass } from './dispatch.ts';
import { PASSES_AT_ONCE, type PassTime, type PassTimer } from './profile.ts';
import { SpanClock } from './spans.ts';

/** Where the times of passes go while a profile is taken. */
export interface PassRecorder {
  readonly timer: PassTimer;
  readonly passes: PassTime[];
}

/**
 * Longest time that one submit should take: far below a watchdog's two seconds, and short enough for the compositor.
 */
const SLICE_MS = 60;
/** Added for every dispatch: small ones take the time of their launch, not of their arithmetic. */
const FLOPS_PER_DISPATCH = 2e5;
/** Work is timed that takes so long, and many times as long as its end takes to become known. */
const [LEAST_MS, LEAST_NOTICES] = [10, 5];
/** Slices in the queue at once, so that the device never waits for the page; more where ends become known late. */
const IN_FLIGHT = 2;
/** By how much slices grow whose end was known as soon as any is. */
const GROWTH = 1.5;

/** Cuts a list of dispatches into submits by the speed measured so far. */
export class SliceSubmitter {
  /** While it is there, every dispatch is a pass of its own, timed and awaited with few others. */
  recorder: PassRecorder | null = null;
  /** Awaited before each slice while background work is under way; what is submitted meanwhile does not await it. */
  between: (() => Promise<void>) | null = null;
  /** Slices in the queue, of all calls together. */
  private running: Promise<void>[] = [];
  /** Counted operations per millisecond; starts low and follows what is measured. */
  private rate = 2e6;
  private best: number | null = null;
  /** Since when there is work without a pause, and the cost of what of it has ended. */
  private busy = { since: 0, cost: 0 };

  constructor(
    private readonly device: GPUDevice,
    private readonly spans = new SpanClock(),
    /** Milliseconds in which the end of work becomes known, see {@link noticeLatency}. */
    private readonly latency = 0,
  ) {}

  /** Counted operations a second in the fastest work without a pause so far; null before any that took long enough to be timed. */
  get bestRate(): number | null {
    return this.best;
  }

  /** Submits all; resolves when no more than the last slice is still running. */
  async submit(dispatches: readonly Dispatch[]): Promise<void> {
    if (this.recorder) return this.record(dispatches, this.recorder);
    for (let from = 0; from < dispatches.length; ) {
      if (this.between) await this.giveWay();
      const { to, cost, isFull } = this.nextSlice(dispatches, from);
      const slice = dispatches.slice(from, to);
      this.spans.encode(() => this.encode(slice));
      const start = performance.now();
      const wasIdle = this.running.length === 0;
      if (wasIdle) this.busy = { since: start, cost: 0 };
      // A lost device rejects here too; reading the results reports it.
      const done: Promise<void> = this.device.queue
        .onSubmittedWorkDone()
        .then(
          () => {
            const ms = performance.now() - start;
            this.busy.cost += cost;
            // Behind another slice, the time is an upper bound.
            if (wasIdle || cost > ms * this.rate) this.learn(cost, ms, isFull);
          },
          () => undefined,
        )
        .then(() => {
          this.running = this.running.filter((other) => other !== done);
          if (this.running.length === 0) this.noteRate();
        });
      this.spans.follow(done);
      this.running.push(done);
      const most = IN_FLIGHT + Math.floor(this.latency / SLICE_MS);
      const first = this.running.length >= most ? this.running[0] : null;
      if (first) await this.spans.wait(first);
      from = to;
    }
  }

  private async giveWay(): Promise<void> {
    const { between } = this;
    if (!between) return;
    this.between = null;
    try {
      await between();
    } finally {
      this.between = between;
    }
  }

  /** Where the slice ends that begins at `from`, and what it is thought to cost. */
  private nextSlice(dispatches: readonly Dispatch[], from: number, most = Number.POSITIVE_INFINITY) {
    const budget = this.rate * SLICE_MS;
    let cost = 0;
    let to = from;
    while (to < dispatches.length && to - from < most && (to === from || cost < budget)) {
      cost += (dispatches[to]?.flops ?? 0) + FLOPS_PER_DISPATCH;
      to += 1;
    }
    return { to, cost, isFull: cost >= budget };
  }

  private async record(dispatches: readonly Dispatch[], { timer, passes }: PassRecorder): Promise<void> {
    for (let from = 0; from < dispatches.length; ) {
      const { to } = this.nextSlice(dispatches, from, PASSES_AT_ONCE);
      const slice = dispatches.slice(from, to);
      const times = await this.spans.wait(timer.time(slice.map((dispatch) => [dispatch])));
      slice.forEach(({ label, phase, workgroups, flops, bytes }, i) => {
        passes.push({ label, phase, microseconds: times[i] ?? 0, workgroups, flops, bytes });
      });
      from = to;
    }
  }

  private encode(dispatches: readonly Dispatch[]): void {
    const encoder = this.device.createCommandEncoder();
    encodePass(encoder, dispatches);
    this.device.queue.submit([encoder.finish()]);
  }

  private noteRate(): void {
    const ms = performance.now() - this.busy.since;
    if (ms < LEAST_MS + LEAST_NOTICES * this.latency) return;
    this.best = Math.max(this.best ?? 0, (1000 * this.busy.cost) / (ms - this.latency / 2));
  }

  private learn(cost: number, ms: number, isFull: boolean): void {
    // No end is known sooner, so that nothing was measured: only a full slice tells that there was room for more.
    if (ms < 1.5 * this.latency) {
      if (isFull) this.rate *= GROWTH;
      return;
    }
    const measured = cost / Math.max(ms - this.latency / 2, 0.5);
    this.rate += (Math.min(measured, this.rate * 4) - this.rate) * 0.3;
  }
}

/**
 * Milliseconds from the end of a device's work to its notice: Chromium's comes at once, Firefox looks for ended work ten times a
 * second. To be measured while the device is idle.
 */
export async function noticeLatency(device: GPUDevice): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    device.queue.submit([device.createCommandEncoder().finish()]);
    await device.queue.onSubmittedWorkDone();
    times.push(performance.now() - start);
  }
  // The first wait is cut short by wherever the clock of the notices stands; one of the others may have met something else.
  return Math.min(...times.slice(1));
}
