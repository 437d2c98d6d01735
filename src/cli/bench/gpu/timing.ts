import type { Dispatch } from '../../../gpu/dispatch.ts';
import type { Gpu } from '../../../gpu/gpu.ts';
import { PassTimer } from '../../../gpu/profile.ts';

/** Turns that are timed; the median counts. */
const TURNS = 5;
/** Of the same work in one pass, so that its start and end count little. */
const MOST_REPEATS = 200;
/** Microseconds that a pass aims at. */
const PASS_US = 20_000;

/** Times work on a device, by its timestamps where it has them. */
export class Stopwatch {
  readonly timer: PassTimer;

  constructor(readonly gpu: Gpu) {
    this.timer = new PassTimer(gpu.device);
  }

  /** Microseconds of one run of all dispatches, after one that does not count: the median of passes with many runs. */
  async microseconds(dispatches: readonly Dispatch[]): Promise<number> {
    const [once = 0] = await this.timer.time([dispatches]);
    const repeats = Math.max(1, Math.min(MOST_REPEATS, Math.round(PASS_US / Math.max(once, 1))));
    const work = Array.from({ length: repeats }, () => dispatches).flat();
    const times: number[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      const [us = 0] = await this.timer.time([work]);
      times.push(us / repeats);
    }
    // The device says here what it has refused.
    await this.gpu.idle();
    return median(times);
  }

  release(): void {
    this.timer.release();
  }
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
