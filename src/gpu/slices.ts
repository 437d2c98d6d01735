/** One dispatch ready to encode. */
export interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly workgroups: readonly [x: number, y: number, z: number];
  /** Multiply and add counted as two. */
  readonly flops: number;
}

/**
 * Longest time that one submit should take: far below a watchdog's two seconds, and short enough for the compositor.
 */
const SLICE_MS = 60;
/** Added for every dispatch: small ones take the time of their launch, not of their arithmetic. */
const FLOPS_PER_DISPATCH = 2e5;
/** Slices in the queue at once, so that the device never waits for the page. */
const IN_FLIGHT = 2;

/** Cuts a list of dispatches into submits by the speed measured so far. */
export class SliceSubmitter {
  /** Counted operations per millisecond; starts low and follows what is measured. */
  private rate = 2e6;

  constructor(private readonly device: GPUDevice) {}

  /** Submits all; resolves when no more than the last slices are still running. */
  async submit(dispatches: readonly Dispatch[]): Promise<void> {
    const running: Promise<void>[] = [];
    let from = 0;
    while (from < dispatches.length) {
      const budget = this.rate * SLICE_MS;
      let cost = 0;
      let to = from;
      while (to < dispatches.length && (to === from || cost < budget)) {
        cost += (dispatches[to]?.flops ?? 0) + FLOPS_PER_DISPATCH;
        to += 1;
      }
      this.encode(dispatches.slice(from, to));
      const start = performance.now();
      const wasIdle = running.length === 0;
      // A lost device rejects here too; reading the results reports it.
      const done = this.device.queue.onSubmittedWorkDone().then(
        () => {
          if (wasIdle) this.learn(cost, performance.now() - start);
        },
        () => undefined,
      );
      running.push(done);
      if (running.length >= IN_FLIGHT) await running.shift();
      from = to;
    }
  }

  private encode(dispatches: readonly Dispatch[]): void {
    const encoder = this.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (const { pipeline, group, workgroups } of dispatches) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...workgroups);
    }
    pass.end();
    this.device.queue.submit([encoder.finish()]);
  }

  private learn(cost: number, ms: number): void {
    const measured = cost / Math.max(ms, 0.5);
    this.rate += (Math.min(measured, this.rate * 4) - this.rate) * 0.3;
  }
}
